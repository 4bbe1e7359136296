package ecs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/rules"
)

// ExecuteCommand always fails, as it does on AWS for a task whose execute command
// agent is not running: there is none here. Who asks learns whether the call
// would have been right otherwise.
func (a *API) ExecuteCommand(ctx context.Context, in *ecs.ExecuteCommandInput, _ ...func(*ecs.Options)) (*ecs.ExecuteCommandOutput, error) {
	if !in.Interactive {
		return nil, fault.InvalidParameter("Interactive is the only mode supported currently.")
	}
	return read(ctx, a, func() (*ecs.ExecuteCommandOutput, error) {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return nil, err
		}
		t, ok := a.findTask(c, aws.ToString(in.Task))
		container := aws.ToString(in.Container)
		switch {
		case !ok:
			return nil, fault.InvalidParameter("The referenced task was not found.")
		case container != "" && !rules.HasContainer(&t.definition.api, container):
			return nil, fault.InvalidParameter("The container %s does not exist in the task.", container)
		case container == "" && len(t.api.Containers) > 1:
			return nil, fault.InvalidParameter("The container must be specified for a task with several containers.")
		case !t.api.EnableExecuteCommand:
			return nil, fault.InvalidParameter("The execute command failed because execute command was not enabled when the task was run or the execute command agent isn\u2019t running. Wait and try again or run a new task with execute command enabled and try again.")
		}
		return nil, &types.TargetNotConnectedException{Message: aws.String("The execute command failed due to an internal error. Try again later.")}
	})
}
