// Package sts is AWS Security Token Service of one account: who a caller is, and
// temporary credentials.
//
// It also knows what stands behind an access key, for those who verify signatures,
// and what has a voice when its holder acts, for those who judge:
//
//	c, ok := a.Credential(ctx, accessKey) // secret, session token, expiry, principal
//	p, ok := a.Policies(ctx, c)           // identity policies, boundary, session policies
package sts

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"flyball/internal/accesskey"
	"flyball/internal/cell"
	"flyball/internal/principal"
	"flyball/internal/service/iam"
	"flyball/internal/signature"
	"flyball/internal/state"
)

// Config is what the service needs of its surroundings.
type Config struct {
	Cell *cell.Cell
	IAM  *iam.API // of the same account
	// Account finds the service of another account, whose roles may be assumed from
	// this one. Nil finds none.
	Account func(account string) (*API, bool)
	// Trust judges trust policies. Nil lets everybody assume every role.
	Trust Trust
	// AccountOf names the account of an access key that this one does not know. Nil
	// says that it is this one.
	AccountOf func(accessKey string) string
}

// Trust judges whether a role may be assumed.
type Trust interface {
	// Assume returns an error with AWS's code if it may not.
	Assume(context.Context, Assumption) error
}

// An Assumption is a call of AssumeRole as a trust policy sees it.
type Assumption struct {
	Caller         principal.Principal
	Policies       iam.Policies // of the caller, for its own right to assume the role
	Role           iam.Role
	Region         string // that the call was signed for
	SessionName    string
	ExternalID     string
	SourceIdentity string
	Tags           map[string]string
	TransitiveTags []string
}

// An API serves the operations of STS in one account, for the holder of one access
// key. Its methods may be called concurrently.
type API struct {
	Config
	*sessions
	key, region string // the caller's access key, and what the call was signed for
}

// sessions are the temporary credentials that are valid, and some that were.
type sessions struct {
	rows  *state.Table[session]
	swept time.Time // when those that have expired were removed last
}

// New returns the service with what the cell's state has of it.
func New(cfg Config) (*API, error) {
	rows, err := state.NewTable[session](cfg.Cell.State, kindSession)
	return &API{Config: cfg, sessions: &sessions{rows: rows}}, err
}

// For returns the service as it serves the holder of an access key.
func (a *API) For(accessKey string) *API {
	own := *a
	own.key = accessKey
	return &own
}

// In returns the service as it serves calls for a region.
func (a *API) In(region string) *API {
	own := *a
	own.region = region
	return &own
}

// A Credential is what stands behind an access key.
type Credential struct {
	signature.Credential
	Issued  time.Time // on the wall clock; zero for keys of users
	session *session
}

// Credential is what stands behind an access key of this account. One that has
// expired is still known for a while.
func (a *API) Credential(ctx context.Context, accessKey string) (Credential, bool) {
	if c, ok := a.IAM.Credential(ctx, accessKey); ok {
		return Credential{Credential: c}, true
	}
	var s session
	var ok bool
	a.Cell.State.View(ctx, func() { s, ok = a.rows.Get(accessKey) })
	if !ok {
		return Credential{}, false
	}
	return Credential{
		signature.Credential{Secret: s.Secret, SessionToken: s.Token, Expires: s.Expires, Active: true, Principal: s.Principal},
		s.Issued, &s,
	}, true
}

// Policies are what has a voice when the holder of a credential acts. It is not ok
// if whoever it was given to is gone. Those of the root user are none: it may do
// everything.
func (a *API) Policies(ctx context.Context, c Credential) (iam.Policies, bool) {
	if c.Principal.Kind == principal.Root {
		return iam.Policies{}, true
	}
	if c.session != nil && c.session.Lent != "" {
		return iam.Policies{Holder: c.Principal.ARN, Identity: []iam.Document{{Name: "lent", Text: c.session.Lent}}}, true
	}
	found, ok := a.IAM.Policies(ctx, c.Principal)
	if !ok || c.session == nil {
		return found, ok
	}
	found.Session, ok = a.IAM.ManagedPolicies(ctx, c.session.PolicyARNs)
	if c.session.Policy != "" {
		found.Session = append(found.Session, iam.Document{Text: c.session.Policy})
	}
	return found, ok
}

// caller is what stands behind the caller's access key. A key that nobody has
// stands for the root user: whether such a key is let in at all is for those to say
// who verify signatures.
func (a *API) caller(ctx context.Context) Credential {
	if c, ok := a.Credential(ctx, a.key); ok {
		return c
	}
	return Credential{Credential: signature.Credential{Principal: iam.Root(a.Cell)}}
}

// GetCallerIdentity says who the caller is. Everybody may ask.
func (a *API) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput, _ ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	p := a.caller(ctx).Principal
	return &sts.GetCallerIdentityOutput{Account: &p.Account, Arn: &p.ARN, UserId: &p.ID}, nil
}

// GetAccessKeyInfo names the account of an access key. AWS reads it from the key,
// too; of keys that have none in them it is the account that they would be served
// as.
func (a *API) GetAccessKeyInfo(_ context.Context, in *sts.GetAccessKeyInfoInput, _ ...func(*sts.Options)) (*sts.GetAccessKeyInfoOutput, error) {
	account, ok := accesskey.Account(*in.AccessKeyId)
	switch {
	case ok:
	case a.AccountOf != nil:
		account = a.AccountOf(*in.AccessKeyId)
	default:
		account = a.Cell.Account
	}
	return &sts.GetAccessKeyInfoOutput{Account: &account}, nil
}
