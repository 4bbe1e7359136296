package server

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"flyball/internal/service/ecs"
	"flyball/internal/service/iam"
)

// taskRoles are the roles of tasks of a cell.
type taskRoles struct {
	server *Server
	of     *services
}

// tasksPrincipal is the service that assumes the roles of tasks.
const tasksPrincipal = "ecs-tasks.amazonaws.com"

// roleNamed is a role by its ARN or its name.
func roleNamed(ctx context.Context, roles *iam.API, name string) (iam.Role, bool) {
	if strings.HasPrefix(name, "arn:") {
		return roles.RoleAt(ctx, name)
	}
	return roles.Role(ctx, name)
}

// Assume implements ecs.TaskRoles. A task whose role does not exist is lent credentials, as
// long as any access key is let in.
func (t taskRoles) Assume(ctx context.Context, name, taskARN, taskID string, lasts time.Duration) (ecs.Credentials, error) {
	c := t.of.cell
	account, err := t.server.globals.of(c.Account, c.Partition())
	if err != nil {
		return ecs.Credentials{}, err
	}
	role, ok := roleNamed(ctx, account.iam, name)
	if !ok && t.server.cfg.Administrator != nil {
		return ecs.Credentials{}, ecs.ErrNoRole
	}
	if !ok {
		return taskCredentials(name, account.sts.Lend(sessionRole(name), taskID, lentPolicy, lasts)), nil
	}
	trusted, err := trusts(&t.server.judge, c, role, []string{tasksPrincipal}, taskARN)
	switch {
	case err != nil:
		return ecs.Credentials{}, err
	case !trusted:
		return ecs.Credentials{}, ecs.ErrNoTrust
	}
	return taskCredentials(role.ARN, account.sts.Session(role, taskID, lasts)), nil
}

func taskCredentials(role string, given *types.Credentials) ecs.Credentials {
	return ecs.Credentials{
		RoleArn: role, AccessKeyID: *given.AccessKeyId, SecretAccessKey: *given.SecretAccessKey, Token: *given.SessionToken, Expiration: *given.Expiration,
	}
}

// Release implements ecs.TaskRoles.
func (t taskRoles) Release(accessKey string) {
	if account := t.server.globals.find(t.of.cell.Account, t.of.cell.Partition()); account != nil {
		account.sts.Forget(accessKey)
	}
}
