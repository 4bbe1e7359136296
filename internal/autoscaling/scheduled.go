package autoscaling

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// PutScheduledAction is refused: nothing would run the action.
func (a *API) PutScheduledAction(_ context.Context, in *applicationautoscaling.PutScheduledActionInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.PutScheduledActionOutput, error) {
	resourceID, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if a.lookup(resourceID) == nil {
		return nil, targetNotRegistered(resourceID)
	}
	return nil, invalid("Scheduled actions are not supported yet")
}

// DescribeScheduledActions lists none: there can be none.
func (a *API) DescribeScheduledActions(_ context.Context, in *applicationautoscaling.DescribeScheduledActionsInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DescribeScheduledActionsOutput, error) {
	if _, err := checkListing(in.ScalableDimension, in.ResourceId != nil, in.MaxResults, 50); err != nil {
		return nil, err
	}
	if aws.ToString(in.NextToken) != "" {
		return nil, invalidToken(in.NextToken)
	}
	return &applicationautoscaling.DescribeScheduledActionsOutput{ScheduledActions: []types.ScheduledAction{}}, nil
}

// DeleteScheduledAction finds no action to delete.
func (a *API) DeleteScheduledAction(_ context.Context, in *applicationautoscaling.DeleteScheduledActionInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.DeleteScheduledActionOutput, error) {
	resourceID, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	return nil, scheduledActionNotFound(resourceID, aws.ToString(in.ScheduledActionName))
}

// GetPredictiveScalingForecast finds no policy to forecast for.
func (a *API) GetPredictiveScalingForecast(_ context.Context, in *applicationautoscaling.GetPredictiveScalingForecastInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.GetPredictiveScalingForecastOutput, error) {
	if _, err := checkKey(in.ServiceNamespace, in.ResourceId, in.ScalableDimension); err != nil {
		return nil, err
	}
	return nil, invalid("Predictive scaling policies are not supported yet")
}
