package rules_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/rules"
)

func TestTheMemoryOfAnOverrideIsNoneOrEnough(t *testing.T) {
	def := &types.TaskDefinition{ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("web")}}}
	for memory, refused := range map[int32]bool{0: false, 6: false, 5: true, -1: true} {
		err := rules.CheckOverrides(def, &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{
			{Name: aws.String("web"), Memory: &memory, MemoryReservation: aws.Int32(0)},
		}})
		if (err != nil) != refused {
			t.Errorf("%d MiB: %v", memory, err)
		}
	}
}
