package server

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/deliver"
	"flyball/internal/service/scheduler/rules"
	"flyball/internal/wire"
)

// callOperation calls the operation that a universal target of EventBridge Scheduler is,
// in the region and account of the schedule, as a session of its role.
func (s *Server) callOperation(ctx context.Context, to arn.ARN, message any) error {
	in, ok := message.(deliver.Invocation)
	if !ok {
		return fmt.Errorf("%s takes no %T", to, message)
	}
	service, operation, err := rules.Action(to.String())
	if err != nil {
		return refusedAs("INVALID_PARAMETER", err)
	}
	from, err := arn.Parse(in.Source)
	if err != nil {
		return refusedAs("INVALID_PARAMETER", err)
	}
	v, err := s.servicesAt(from)
	if err != nil {
		return err
	}
	input, err := s.operations.Input(service, operation, in.Body)
	if err != nil {
		return verdictOf(err)
	}
	if err := s.mayInvoke(ctx, v, in, service, operation, input); err != nil {
		return err
	}
	scope := wire.Scope{Account: from.AccountID, Region: from.Region, Service: service}
	return verdictOf(s.operations.Call(ctx, scope, service, operation, input))
}
