package deploy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/flyballtest"
	"flyball/internal/client"
	"flyball/internal/deploy"
)

// A service that was deleted is made anew, once its last tasks have ended.
func TestAServiceThatDrainsIsWaitedFor(t *testing.T) {
	s := flyballtest.Start(t)
	s.Deploy("shop/web", 2)
	s.WaitRunning("shop/web", 2, 10*time.Minute)
	c := client.New(client.Config{Endpoint: s.URL(), Region: s.Config().Region})
	out, err := c.ECS.DeleteService(t.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("shop"), Service: aws.String("web"), Force: aws.Bool(true)})
	if err != nil || aws.ToString(out.Service.Status) != "DRAINING" {
		t.Fatal(out, err)
	}
	told := ""
	made, err := deploy.Apply(t.Context(), c, deploy.Plan{
		Cluster: "shop", Name: "web", Image: "flyball/web", CPU: 256, Memory: 512, Least: 1, Most: 3, TargetCPU: 50,
	}, func(command string) {
		told += command + "\n"
		if strings.HasPrefix(command, "#") || strings.Contains(command, "put-scaling-policy") {
			s.Advance(5 * time.Minute) // tasks end, and start
		}
	})
	if err != nil || made.Running != 1 {
		t.Errorf("%d tasks run: %v", made.Running, err)
	}
	if strings.Count(told, "# shop/web was deleted") != 1 || strings.Index(told, "create-service") < strings.Index(told, "# shop/web") {
		t.Errorf("told:\n%s", told)
	}
}
