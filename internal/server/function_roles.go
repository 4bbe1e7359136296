package server

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"flyball/internal/permission"
	"flyball/internal/service/iam"
	"flyball/internal/service/lambda"
)

// functionRoles are the execution roles of a cell's functions.
type functionRoles struct {
	server *Server
	of     *services
}

// role finds a role that Lambda may assume for a function.
func (f functionRoles) role(ctx context.Context, name, function string) (account *global, role iam.Role, err error) {
	c := f.of.cell
	if account, err = f.server.globals.of(c.Account, c.Partition()); err != nil {
		return nil, role, err
	}
	role, ok := account.iam.RoleAt(ctx, name)
	if !ok {
		return account, role, lambda.ErrNoRole
	}
	trusted, err := trusts(&f.server.judge, c, role, []string{lambda.Principal}, function)
	if err == nil && !trusted {
		err = lambda.ErrNoTrust
	}
	return account, role, err
}

// Assumable implements lambda.Roles. A role that does not exist is taken as long as any
// access key is let in.
func (f functionRoles) Assumable(ctx context.Context, role, function string) error {
	_, _, err := f.role(ctx, role, function)
	if err == lambda.ErrNoRole && f.server.cfg.Administrator == nil {
		return nil
	}
	return err
}

// Assume implements lambda.Roles. Where any access key is let in, a function whose role
// does not exist is lent credentials.
func (f functionRoles) Assume(ctx context.Context, name, function, session string, lasts time.Duration) (c lambda.Credentials, err error) {
	account, role, err := f.role(ctx, name, function)
	if err == lambda.ErrNoRole && f.server.cfg.Administrator == nil {
		return functionCredentials(account.sts.Lend(sessionRole(name), session, lentPolicy, lasts)), nil
	}
	if err != nil {
		return c, err
	}
	return functionCredentials(account.sts.Session(role, session, lasts)), nil
}

func functionCredentials(given *types.Credentials) lambda.Credentials {
	return lambda.Credentials{
		AccessKeyID: *given.AccessKeyId, SecretAccessKey: *given.SecretAccessKey, SessionToken: *given.SessionToken, Expires: *given.Expiration,
	}
}

// MayLog implements lambda.Roles. A role that does not exist may, as long as any access
// key is let in.
func (f functionRoles) MayLog(ctx context.Context, name, group, stream string) error {
	return f.server.roleMay(ctx, f.of, name, "logs", "PutLogEvents", &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream})
}

// mayPoll tells which operation of SQS that takes messages from a queue a role may not
// call. A role that does not exist may, as long as any access key is let in.
func (s *Server) mayPoll(ctx context.Context, v *services, role, queue string) (denied string, err error) {
	from, err := arn.Parse(queue)
	if err != nil {
		return "", err
	}
	url := s.taskEndpoint + "/" + from.AccountID + "/" + from.Resource
	for _, call := range []struct {
		operation string
		input     any
	}{
		{"ReceiveMessage", &sqs.ReceiveMessageInput{QueueUrl: &url}},
		{"DeleteMessage", &sqs.DeleteMessageInput{QueueUrl: &url}},
		{"GetQueueAttributes", &sqs.GetQueueAttributesInput{QueueUrl: &url}},
	} {
		if err := s.roleMay(ctx, v, role, "sqs", call.operation, call.input); err != nil {
			return call.operation, nil // whatever it is that keeps the role from it
		}
	}
	return "", nil
}

// roleMay says why a role of a cell's account may not make a call.
func (s *Server) roleMay(ctx context.Context, v *services, name, service, operation string, input any) error {
	account, err := s.globals.of(v.cell.Account, v.cell.Partition())
	if err != nil {
		return err
	}
	role, ok := account.iam.RoleAt(ctx, name)
	if !ok && s.cfg.Administrator == nil {
		return nil
	}
	if !ok {
		return lambda.ErrNoRole
	}
	session := account.iam.Session(role, "lambda", nil)
	policies, _ := account.iam.Policies(ctx, session) // without the role none, which allow nothing
	call := v.call(ctx, service, operation, input)
	call.Caller, call.Holder = session, role.ARN
	for _, r := range permission.Requests(call) {
		if err := s.judge.AllowOn(r, policies, s.policyOf(ctx, r.Resource)); err != nil {
			return err
		}
	}
	return nil
}
