package server

import (
	"context"

	"flyball/internal/service/autoscaling"
)

// schedulerRoles are the roles that the schedules of a cell have.
type schedulerRoles struct {
	roles
	open bool // any access key is let in
}

// schedulerSession is the name of the sessions in which schedules invoke their targets.
const schedulerSession = "EventBridgeScheduler"

// Trusts implements scheduler.Roles. A role that does not exist is taken as long as any
// access key is let in.
func (r schedulerRoles) Trusts(ctx context.Context, role, group string) (bool, error) {
	lack, err := r.Lacks(ctx, autoscaling.RoleUse{Role: role, As: []string{"scheduler.amazonaws.com"}, Target: group})
	return err == nil && len(lack.Trust) == 0 && (!lack.Absent || r.open), err
}
