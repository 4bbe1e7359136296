package capacity

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/governor"
	"flyball/scaling"
)

// Lambda is what Functions needs of AWS Lambda.
type Lambda interface {
	GetProvisionedConcurrencyConfig(context.Context, *lambda.GetProvisionedConcurrencyConfigInput, ...func(*lambda.Options)) (*lambda.GetProvisionedConcurrencyConfigOutput, error)
	PutProvisionedConcurrencyConfig(context.Context, *lambda.PutProvisionedConcurrencyConfigInput, ...func(*lambda.Options)) (*lambda.PutProvisionedConcurrencyConfigOutput, error)
	DeleteProvisionedConcurrencyConfig(context.Context, *lambda.DeleteProvisionedConcurrencyConfigInput, ...func(*lambda.Options)) (*lambda.DeleteProvisionedConcurrencyConfigOutput, error)
}

var _ Lambda = (*lambda.Client)(nil)

// Functions are versions and aliases of Lambda functions, the server's own or those
// of AWS, by their provisioned concurrency.
type Functions struct{ Lambda Lambda }

var _ Capacity = Functions{}

// Look implements Capacity. A version or an alias without provisioned concurrency has
// a capacity of 0; one that does not exist is gone.
func (f Functions) Look(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	seen := make([]governor.Capacity, len(ids))
	for i, id := range ids {
		name, qualifier := id.Function()
		out, err := f.Lambda.GetProvisionedConcurrencyConfig(ctx, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &qualifier})
		switch {
		case errors.As(err, new(*types.ProvisionedConcurrencyConfigNotFoundException)):
		case errors.As(err, new(*types.ResourceNotFoundException)):
			seen[i].Gone = true
		case err != nil:
			return nil, fmt.Errorf("read the provisioned concurrency of %s: %w", id, err)
		default:
			seen[i].Desired = count(aws.ToInt32(out.RequestedProvisionedConcurrentExecutions))
			seen[i].Running = count(aws.ToInt32(out.AllocatedProvisionedConcurrentExecutions))
		}
	}
	return seen, nil
}

// Set implements Capacity. Without any there is no configuration.
func (f Functions) Set(ctx context.Context, id scaling.ResourceID, to scaling.Capacity) error {
	name, qualifier := id.Function()
	if to == 0 {
		_, err := f.Lambda.DeleteProvisionedConcurrencyConfig(ctx, &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &qualifier})
		return err
	}
	_, err := f.Lambda.PutProvisionedConcurrencyConfig(ctx, &lambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: &name, Qualifier: &qualifier, ProvisionedConcurrentExecutions: aws.Int32(int32(to)),
	})
	return err
}
