package lambda

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/service/lambda/fault"
)

// Roles are the roles of an account, as functions run with them.
type Roles interface {
	// Assumable says why Lambda cannot assume a role for a function: ErrNoRole or
	// ErrNoTrust, or what went wrong.
	Assumable(ctx context.Context, role, function string) error
	// Assume makes credentials of a role for a function, in a session with a name.
	Assume(ctx context.Context, role, function, session string, lasts time.Duration) (Credentials, error)
	// MayLog says why a function with a role may not write into a stream of a log group.
	MayLog(ctx context.Context, role, group, stream string) error
}

// Why a role cannot be assumed.
var (
	ErrNoRole  = errors.New("there is no such role")
	ErrNoTrust = errors.New("the role's trust policy does not let lambda.amazonaws.com assume it")
)

// Credentials are those that a function's environment has.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time // on the wall clock
}

// mayAssume checks that Lambda can run a version with its role.
func (a *API) mayAssume(ctx context.Context, v version) error {
	if role, err := arn.Parse(v.Settings.Role); err == nil && role.AccountID != a.cell.Account {
		return fault.CrossAccountRole()
	}
	if a.cfg.Roles == nil {
		return nil
	}
	err := a.cfg.Roles.Assumable(ctx, v.Settings.Role, a.arn(v.Function))
	if errors.Is(err, ErrNoRole) || errors.Is(err, ErrNoTrust) {
		return fault.Parameter("The role defined for the function cannot be assumed by Lambda.")
	}
	return err
}
