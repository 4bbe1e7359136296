package express

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/state"
)

// DeleteExpressGatewayService drains a service. When its last task has stopped, what was
// made for it goes.
func (s *Services) DeleteExpressGatewayService(ctx context.Context, in *ecs.DeleteExpressGatewayServiceInput, _ ...func(*ecs.Options)) (*ecs.DeleteExpressGatewayServiceOutput, error) {
	row, err := s.changeable(ctx, aws.ToString(in.ServiceArn))
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, func(ctx context.Context, tx *state.Tx) error {
		if row, err = s.changeable(ctx, row.ARN); err != nil {
			return err
		}
		row.UpdatedAt = s.now()
		s.rows.Put(tx, row.key(), row)
		_, err := s.cfg.ECS.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: &row.Cluster, Service: &row.Name, Force: aws.Bool(true)})
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.describe(ctx, row, true)
	return &ecs.DeleteExpressGatewayServiceOutput{Service: shown}, err
}

// changeable is a service that is neither being deleted nor has ended.
func (s *Services) changeable(ctx context.Context, arn string) (service, error) {
	row, err := s.there(ctx, arn)
	if err != nil {
		return row, err
	}
	there, err := s.inECS(ctx, row.Cluster, row.Name)
	switch {
	case err != nil:
		return row, err
	case there == nil:
		return row, notFound(arn)
	case *there.Status == draining:
		return row, &types.ServiceNotActiveException{Message: aws.String("Service is in DRAINING status")}
	case *there.Status == inactive:
		return row, &types.ServiceNotActiveException{Message: aws.String("Cannot perform this operation on a service in INACTIVE status")}
	case row.Role == "":
		return row, fault.InvalidParameter("The service %s is not an Express service.", arn)
	}
	return row, nil
}
