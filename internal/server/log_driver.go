package server

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"flyball/internal/awslogs"
	"flyball/internal/permission"
	"flyball/internal/service/ecs"
)

// openLogDriver opens the log driver of the tasks of a cell, whose logs may go to other
// regions of the account.
func (s *Server) openLogDriver(v *services) (*awslogs.Driver, error) {
	return awslogs.New(awslogs.Config{
		Cell: v.cell,
		Logs: func(region string) (awslogs.Logs, error) {
			of, err := s.region(v, region)
			if err != nil {
				return nil, err
			}
			return of.logs, nil
		},
		Allow: taskRoles{s, v}.mayCreateLogGroup,
	})
}

// region are the services of a region of a cell's account.
func (s *Server) region(v *services, region string) (*services, error) {
	if region == v.cell.Region {
		return v, nil
	}
	if !madeOf(region, digits+"abcdefghijklmnopqrstuvwxyz-") {
		return nil, fmt.Errorf("there is no region %q", region)
	}
	return s.cells.of(v.cell.Account, region)
}

// mayCreateLogGroup says why the execution role of a task may not create a log group. A
// role that does not exist is none as long as any key is let in.
func (t taskRoles) mayCreateLogGroup(ctx context.Context, name, region, group string) error {
	if name == "" || t.server.cfg.Roles == RolesTaken {
		return nil
	}
	c := t.of.cell
	account, err := t.server.globals.of(c.Account, c.Partition())
	if err != nil {
		return err
	}
	role, ok := roleNamed(ctx, account.iam, name)
	if !ok && t.server.cfg.Administrator == nil {
		return nil
	}
	if !ok {
		return ecs.ErrNoRole
	}
	trusted, err := trusts(&t.server.judge, c, role, []string{tasksPrincipal}, "")
	if err != nil {
		return err
	}
	if !trusted {
		return ecs.ErrNoTrust
	}
	session := account.iam.Session(role, "ecs-execution", nil)
	policies, _ := account.iam.Policies(ctx, session) // without the role none, which allow nothing
	for _, r := range permission.Requests(permission.Call{
		Service: "logs", Operation: "CreateLogGroup", Input: &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group},
		Account: c.Account, Region: region, Partition: c.Partition(), Secure: true, Time: t.server.clock.Wall(),
		Caller: session, Holder: role.ARN,
		Find: func(string, string) (permission.Resource, bool) { return permission.Resource{}, false },
	}) {
		if err := t.server.judge.Allow(r, policies, nil); err != nil {
			return err
		}
	}
	return nil
}
