package ecs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	runtime "flyball/internal/task"
)

// Whatever a service is about when it is deleted, it is inactive as soon as its connections have drained, and the next
// one of its name begins anew.
func TestADeletedServiceEndsInTheMiddleOfAnything(t *testing.T) {
	canary := shifting(types.DeploymentStrategyCanary, func(c *types.DeploymentConfiguration) {
		c.CanaryConfiguration = &types.CanaryConfiguration{CanaryBakeTimeInMinutes: aws.Int32(3)}
	})
	plain := func(*ecs.CreateServiceInput) {}
	fails := func(context.Context, runtime.Spec) error { return errors.New("no such image") }
	about := map[string]func(w *world){
		"nothing":                func(*world) {},
		"a deployment":           func(w *world) { w.deploy() },
		"a deployment that runs": func(w *world) { w.deploy(); w.pass(time.Second) },
		"a canary":               func(w *world) { w.deploy(); w.pass(time.Minute) },
		"a scale-out":            func(w *world) { w.scale(5) },
		"starts that fail":       func(w *world) { w.runtime.set(fails, nil); w.deploy(); w.pass(20 * time.Second) },
	}
	for kind, create := range map[string]func(*ecs.CreateServiceInput){"plain": plain, "balanced": behind(blue), "canary": canary} {
		for name, begin := range about {
			t.Run(kind+" in "+name, func(t *testing.T) {
				routed(t, create, func(w *world, lb *fakeBalancing) {
					begin(w)
					must(w.api.DeleteService(w.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("prod"), Service: aws.String("web"), Force: aws.Bool(true)}))(w)
					w.pass(10 * time.Second)
					if got := *w.service().Status; kind != "plain" && got != draining {
						t.Errorf("it is %s while connections drain", got)
					}
					w.pass(time.Minute)
					if got := *w.service().Status; got != inactive || w.runtime.alive() > 0 || lb.shown(blue)+lb.shown(green) != "" {
						t.Errorf("it is %s, %d tasks are alive, targets %q and %q", got, w.runtime.alive(), lb.shown(blue), lb.shown(green))
					}
					w.runtime.set(nil, w.addressed)
					must(w.api.CreateService(w.Context(), webService(1, plain)))(w)
					w.pass(10 * time.Second)
					if got := w.service(); *got.Status != active || got.RunningCount != 1 {
						t.Errorf("the next one is %s with %d tasks", *got.Status, got.RunningCount)
					}
				})
			})
		}
	}
}
