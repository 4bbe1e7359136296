package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/cell"
	"flyball/internal/deliver"
	"flyball/internal/permission"
	"flyball/internal/service/iam"
	"flyball/policy"
)

// mayInvoke refuses what a rule, a schedule, a function or a deployment must not do to a
// target. With a role its policies decide, and its trust policy, on behalf of the sender.
// Without one the policy of the target decides, which names the service; that is asked for
// where callers have to be known: else whoever calls is an administrator. So is a role that
// does not exist.
func (s *Server) mayInvoke(ctx context.Context, v *services, in deliver.Invocation, service, operation string, input any) error {
	enforced := s.cfg.Administrator != nil
	if s.cfg.Roles == RolesTaken && !enforced {
		return nil
	}
	from, err := arn.Parse(in.Source)
	if err != nil {
		return refusedAs("INVALID_PARAMETER", fmt.Errorf("%q is not an ARN", in.Source))
	}
	call := v.call(ctx, service, operation, input)
	var policies iam.Policies
	if in.Role != "" {
		var found bool
		if policies, found, err = s.sendersRole(ctx, from, in, &call); err != nil || !found && !enforced {
			return err
		}
		if !found {
			return refusedAs("NO_PERMISSIONS", fmt.Errorf("the role %s does not exist", in.Role))
		}
	} else if !enforced {
		return nil
	}
	for _, r := range permission.Requests(call) {
		if in.Role == "" {
			r.Principal = policy.Principal{Kind: policy.Service, Service: in.Principal}
			r.Context["aws:SourceArn"], r.Context["aws:SourceAccount"] = []string{in.Source}, []string{from.AccountID}
		}
		if err := s.judge.AllowOn(r, policies, s.policyFor(ctx, v, service, r.Resource)); err != nil {
			return refusedAs("NO_PERMISSIONS", err)
		}
	}
	return nil
}

// policyFor is the policy that a target has of its own. Log groups have those of their
// account.
func (s *Server) policyFor(ctx context.Context, v *services, service, resource string) *iam.Document {
	if service != "logs" {
		return s.policyOf(ctx, resource)
	}
	if text := v.logs.ServicePolicy(ctx); text != "" {
		return &iam.Document{Name: resource, Text: text}
	}
	return nil
}

// sendersRole has a call be that of a session of the sender's role, and finds the policies
// of the session. Without such a role found is false.
func (s *Server) sendersRole(ctx context.Context, from arn.ARN, in deliver.Invocation, call *permission.Call) (policies iam.Policies, found bool, err error) {
	name, err := arn.Parse(in.Role)
	if err != nil || name.AccountID != from.AccountID {
		return policies, false, refusedAs("FAILED_TO_ASSUME_ROLE", fmt.Errorf("%s is no role of account %s", in.Role, from.AccountID))
	}
	account, err := s.globals.of(from.AccountID, from.Partition)
	if err != nil {
		return policies, false, err
	}
	role, found := account.iam.RoleAt(ctx, in.Role)
	if !found {
		return policies, false, nil
	}
	of := &cell.Cell{Account: from.AccountID, Region: from.Region, Clock: s.clock}
	trusted, err := trusts(&s.judge, of, role, []string{in.Principal}, in.Source)
	switch {
	case err != nil:
		return policies, false, err
	case !trusted:
		return policies, false, refusedAs("FAILED_TO_ASSUME_ROLE", fmt.Errorf("the role %s does not trust %s", in.Role, in.Principal))
	}
	// The session is named after the service, such as events.
	session := strings.TrimSuffix(in.Principal, ".amazonaws.com")
	call.Caller, call.Holder = account.iam.Session(role, session, nil), role.ARN
	policies, _ = account.iam.Policies(ctx, call.Caller)
	return policies, true, nil
}
