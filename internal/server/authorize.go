package server

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/smithy-go"

	"flyball/internal/accesskey"
	"flyball/internal/cell"
	"flyball/internal/permission"
	"flyball/internal/principal"
	"flyball/internal/service/sts"
	"flyball/internal/signature"
	"flyball/internal/wire"
)

// credential is what stands behind an access key of this server's. One that is not
// there any more is told as not active: it must not become an administrator's.
func (s *Server) credential(ctx context.Context, accessKey string) (signature.Credential, bool) {
	if s.cfg.Administrator.has(accessKey) {
		return s.cfg.Administrator.credential(s.cfg), true
	}
	account, ok := accesskey.Account(accessKey)
	if !ok {
		return signature.Credential{}, false
	}
	for _, partition := range cell.Partitions() {
		if v := s.globals.find(account, partition); v != nil {
			if c, ok := v.sts.Credential(ctx, accessKey); ok {
				return c.Credential, true
			}
		}
	}
	return signature.Credential{Principal: principal.Principal{Account: account}}, accesskey.Ours(accessKey)
}

// accountOf names the account of an access key that the server does not know, or of
// one that it does.
func (s *Server) accountOf(accessKey string) string {
	if c, ok := s.credential(context.Background(), accessKey); ok {
		return c.Principal.Account
	}
	return wire.KeyAccount(s.cfg.Account)(accessKey)
}

// authorize judges a call by the policies of its caller. Whoever has a key that the
// server does not know is an administrator, as the server's own are.
func (s *Server) authorize(ctx context.Context, call wire.Call) error {
	if call.Principal == nil || s.cfg.Administrator.has(call.Scope.AccessKey) {
		return nil
	}
	partition := cell.Partition(call.Scope.Region)
	v := s.globals.find(call.Scope.Account, partition)
	if v == nil {
		return unknownKey() // it is one of another partition
	}
	c, ok := v.sts.Credential(ctx, call.Scope.AccessKey)
	if !ok {
		return unknownKey()
	}
	v.iam.Used(ctx, c.Principal, call.Scope.AccessKey, call.Service, call.Scope.Region)
	policies, ok := v.sts.Policies(ctx, c)
	if !ok {
		return unknownKey()
	}
	from := sourceOf(ctx)
	requests := permission.Requests(permission.Call{
		Service: call.Service, Operation: call.Operation, Input: call.Input,
		Account: call.Scope.Account, Region: call.Scope.Region, Partition: partition,
		Source: from.address, Secure: from.secure, Time: time.Now(), Caller: c.Principal, Holder: policies.Holder,
		Find: func(service, resource string) (permission.Resource, bool) {
			return s.resource(ctx, call.Scope, service, resource)
		},
	})
	for _, r := range requests {
		if c.Principal.Kind == principal.Root && ownerOf(r.Resource, c.Principal.Account) == c.Principal.Account {
			continue
		}
		if err := s.judge.AllowOn(r, policies, s.policyOf(ctx, r.Resource)); err != nil {
			return err
		}
	}
	return nil
}

// ownerOf is the account of a resource, or another one where its ARN has none.
func ownerOf(resource, otherwise string) string {
	if a, err := arn.Parse(resource); err == nil && a.AccountID != "" {
		return a.AccountID
	}
	return otherwise
}

// unknownKey is the refusal of a key that went away while its signature was
// verified, or that is of another partition.
func unknownKey() error {
	return &smithy.GenericAPIError{Code: "UnrecognizedClientException", Message: signature.ErrInvalidToken.Message, Fault: smithy.FaultClient}
}

// trust judges who may assume a role.
type trust struct{ judge *permission.Judge }

// Assume asks the policies of the caller and the trust policy of the role.
func (t trust) Assume(ctx context.Context, a sts.Assumption) error {
	from := sourceOf(ctx)
	requests := permission.Assumption{
		Caller: a.Caller, Holder: a.Policies.Holder, Role: permission.Resource{ARN: a.Role.ARN, Tags: a.Role.Tags},
		Region: a.Region, Source: from.address, Secure: from.secure, SessionName: a.SessionName, ExternalID: a.ExternalID, SourceIdentity: a.SourceIdentity,
		Tags: a.Tags, TransitiveTags: a.TransitiveTags, Time: time.Now(),
	}.Requests()
	for _, r := range requests {
		if err := t.judge.Allow(r, a.Policies, &a.Role.Trust); err != nil {
			return err
		}
	}
	return nil
}

// A source is where a call comes from. The zero value is known of nothing.
type source struct {
	address string // IP address
	secure  bool   // over TLS
}

type sourceKey struct{}

// withSource notes in the context of a connection's calls where its other end is.
func withSource(ctx context.Context, c net.Conn) context.Context {
	host, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err != nil {
		return ctx
	}
	_, secure := c.(*tls.Conn)
	return context.WithValue(ctx, sourceKey{}, source{host, secure})
}

// sourceOf is where a call comes from.
func sourceOf(ctx context.Context) source {
	from, _ := ctx.Value(sourceKey{}).(source)
	return from
}
