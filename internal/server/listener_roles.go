package server

import (
	"context"
	"errors"
	"fmt"

	"flyball/internal/service/autoscaling"
	"flyball/internal/service/ecs"
)

// listenerRoles are the roles in which services of a cell shift traffic.
type listenerRoles struct {
	server *Server
	roles  func() (roles, error)
}

// listenerSession is the name of the sessions in which listeners are changed.
const listenerSession = "ecs-service-scheduler"

// Allow implements ecs.ListenerRoles. A role that does not exist is taken as long as
// any access key is let in.
func (l listenerRoles) Allow(ctx context.Context, role, serviceARN string, calls []ecs.BalancingCall) error {
	roles, err := l.roles()
	if err != nil {
		return err
	}
	use := autoscaling.RoleUse{Role: role, As: []string{"ecs.amazonaws.com"}, Target: serviceARN}
	for _, c := range calls {
		use.Calls = append(use.Calls, autoscaling.RoleCall{Service: "elasticloadbalancing", Operation: c.Operation, Input: c.Input})
	}
	lack, err := roles.Lacks(ctx, use)
	switch {
	case err != nil:
		return err
	case lack.Absent && l.server.cfg.Administrator == nil:
		return nil
	case lack.Absent || len(lack.Trust) > 0:
		return fmt.Errorf("ECS was unable to assume the role '%s' that was provided for this service. Please verify that the role being passed "+
			"has the proper trust relationship and permissions and that your IAM user has permissions to pass this role", role)
	case len(lack.Denied) > 0:
		d := lack.Denied[0]
		return errors.New("the role " + role + " is not authorized to perform: " + d.Action + " on resource: " + d.Resource + " " + d.Why)
	}
	return nil
}
