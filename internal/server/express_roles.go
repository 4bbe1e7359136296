package server

import (
	"context"

	"flyball/internal/service/autoscaling"
	"flyball/internal/service/express"
)

// expressRoles are the roles in which what Express services need is made.
type expressRoles struct {
	roles
	absentToo bool // one that is not there is taken, too
}

// expressSession is the name of the sessions in which it is made.
const expressSession = "ECSExpressGatewayService"

// Refuses implements express.Roles.
func (r expressRoles) Refuses(ctx context.Context, role, service string, call express.RoleCall) (why string, err error) {
	lack, err := r.Lacks(ctx, autoscaling.RoleUse{
		Role: role, As: []string{"ecs.amazonaws.com"}, Target: service, Calls: []autoscaling.RoleCall{autoscaling.RoleCall(call)},
	})
	switch {
	case err != nil || lack.Absent && r.absentToo:
		return "", err
	case lack.Absent || len(lack.Trust) > 0:
		return "Cannot assume role " + role + ". Verify that the role exists and that it trusts ecs.amazonaws.com.", nil
	case len(lack.Denied) > 0:
		d := lack.Denied[0]
		return "The role " + role + " is not authorized to perform: " + d.Action + " on resource: " + d.Resource + " " + d.Why, nil
	}
	return "", nil
}
