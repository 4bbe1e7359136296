package express

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"flyball/internal/service/ecs/fault"
)

// A maker asks other services for what an Express service needs, in the role that the
// service has for that.
type maker struct {
	*Services
	network Network
	roles   Roles
	role    string
	service string // ARN
}

// maker finds what has to be found before a change: that may be to load it.
func (s *Services) maker(ctx context.Context, role, service string) (*maker, error) {
	network, err := s.cfg.Network(ctx)
	if err != nil {
		return nil, err
	}
	roles, err := s.roles()
	return &maker{s, network, roles, role, service}, err
}

// The services that a role is used with, as credential scopes name them.
const (
	elbName     = "elasticloadbalancing"
	ec2Name     = "ec2"
	scalingName = "application-autoscaling"
	alarmsName  = "monitoring"
	logsName    = "logs"
)

// ask makes a call, if the role may.
func ask[I, O, Options any](ctx context.Context, m *maker, service, operation string, do func(context.Context, *I, ...func(*Options)) (*O, error), in *I) (*O, error) {
	if err := m.judge(ctx, RoleCall{service, operation, in}); err != nil {
		return nil, err
	}
	out, err := do(ctx, in)
	return out, inWordsOfECS(err)
}

// judge refuses a call that the role may not make.
func (m *maker) judge(ctx context.Context, call RoleCall) error {
	if m.roles == nil {
		return nil
	}
	why, err := m.roles.Refuses(ctx, m.role, m.service, call)
	if why != "" {
		return &types.AccessDeniedException{Message: &why}
	}
	return err
}

// inWordsOfECS is the error of another service as ECS tells it. Errors of ECS itself are
// left as they are.
func inWordsOfECS(err error) error {
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorFault() == smithy.FaultServer {
		return err
	}
	return fault.InvalidParameter("%s (%s)", e.ErrorMessage(), e.ErrorCode())
}
