package ecs

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestTasksOfAServiceAreSpreadOverItsProviders(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define()
		strategy := []types.CapacityProviderStrategyItem{
			{CapacityProvider: aws.String("FARGATE"), Base: 1, Weight: 1},
			{CapacityProvider: aws.String("FARGATE_SPOT"), Weight: 4},
		}
		must(w.api.PutClusterCapacityProviders(w.Context(), &ecs.PutClusterCapacityProvidersInput{
			Cluster: aws.String("prod"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, DefaultCapacityProviderStrategy: strategy,
		}))(w)
		must(w.api.CreateService(w.Context(), webService(3, func(in *ecs.CreateServiceInput) { in.LaunchType = "" })))(w)
		w.pass(5 * time.Second)
		w.scale(6)
		w.pass(5 * time.Second)
		counts := map[string]int{}
		for _, task := range w.tasks(types.DesiredStatusRunning) {
			counts[aws.ToString(task.CapacityProviderName)]++
		}
		if counts["FARGATE"] != 2 || counts["FARGATE_SPOT"] != 4 {
			t.Errorf("tasks by provider: %v", counts)
		}
	})
}
