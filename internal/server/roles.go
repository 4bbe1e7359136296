package server

import (
	"context"
	"sync/atomic"

	"flyball/internal/cell"
	"flyball/internal/permission"
	"flyball/internal/service/autoscaling"
	"flyball/internal/service/iam"
)

// roles are an account's roles as the services of one of its cells use them. They are
// asked under the state's lock, and so look for nothing outside the account.
type roles struct {
	*iam.API
	of      *services
	judge   *permission.Judge
	session string // the name of the sessions in which they act
	taken   bool   // every role is taken as it is
}

// rolesOf finds the roles of the account of a cell, for sessions of a name. What has been found once is found
// without a lock: whoever asks for it first in a change would wait for the lock that the
// change holds.
func (s *Server) rolesOf(v *services, session string) func() (roles, error) {
	var known atomic.Pointer[roles]
	return func() (roles, error) {
		if found := known.Load(); found != nil {
			return *found, nil
		}
		account, err := s.globals.of(v.cell.Account, v.cell.Partition())
		if err != nil {
			return roles{}, err
		}
		found := roles{account.iam, v, &s.judge, session, s.cfg.Roles == RolesTaken}
		known.Store(&found)
		return found, nil
	}
}

// scalingSession is the name of the sessions in which scalable targets are scaled.
const scalingSession = "application-autoscaling"

// Lacks implements autoscaling.Roles.
func (r roles) Lacks(ctx context.Context, u autoscaling.RoleUse) (lack autoscaling.Lack, err error) {
	if r.taken {
		return lack, nil
	}
	role, ok := r.RoleAt(ctx, u.Role)
	if !ok {
		return autoscaling.Lack{Absent: true}, nil
	}
	trusted, err := trusts(r.judge, r.of.cell, role, u.As, u.Target)
	if err != nil {
		return lack, err
	}
	if !trusted {
		lack.Trust = u.As
	}
	lack.Denied, err = r.denied(ctx, role, u.Calls)
	return lack, err
}

// denied are the actions of calls that a session of a role may not perform.
func (r roles) denied(ctx context.Context, role iam.Role, calls []autoscaling.RoleCall) (denied []autoscaling.Denied, err error) {
	session := r.Session(role, r.session, nil)
	policies, _ := r.Policies(ctx, session) // without the role none, which allow nothing
	for _, call := range calls {
		made := r.of.call(ctx, call.Service, call.Operation, call.Input)
		made.Caller, made.Holder = session, role.ARN
		for _, request := range permission.Requests(made) {
			d, err := r.judge.Decide(request, policies, nil)
			if err != nil {
				return nil, err
			}
			if !d.Allowed() {
				denied = append(denied, autoscaling.Denied{Action: request.Action, Resource: request.Resource, Why: d.Why(request)})
			}
		}
	}
	return denied, nil
}

// call is a call that a service makes in the cell on behalf of a role, which is to be filled
// in, or of itself.
func (v *services) call(ctx context.Context, service, operation string, input any) permission.Call {
	return permission.Call{
		Service: service, Operation: operation, Input: input,
		Account: v.cell.Account, Region: v.cell.Region, Partition: v.cell.Partition(), Secure: true, Time: v.cell.Clock.Wall(),
		Find: func(service, name string) (permission.Resource, bool) { return v.resource(ctx, service, name) },
	}
}

// trusts reports whether a role may be assumed by one of some services, on behalf of
// a resource of the cell.
func trusts(judge *permission.Judge, c *cell.Cell, role iam.Role, services []string, source string) (bool, error) {
	for _, service := range services {
		request := permission.ServiceAssumption{
			Service: service, Role: role.ARN, Source: source, Account: c.Account, Region: c.Region, Time: c.Clock.Wall(),
		}.Request()
		d, err := judge.Decide(request, iam.Policies{}, &role.Trust)
		if err != nil || d.Allowed() {
			return err == nil, err
		}
	}
	return false, nil
}
