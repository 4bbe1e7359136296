package ecs

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// fakeAlarms are alarms of three periods of a minute, by their names.
type fakeAlarms struct {
	mu     sync.Mutex
	states map[string]cwtypes.StateValue
}

func (f *fakeAlarms) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &cloudwatch.DescribeAlarmsOutput{}
	for _, name := range in.AlarmNames {
		if state, ok := f.states[name]; ok {
			out.MetricAlarms = append(out.MetricAlarms, cwtypes.MetricAlarm{
				AlarmName: &name, StateValue: state, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(3),
			})
		}
	}
	return out, nil
}

func (f *fakeAlarms) set(name string, state cwtypes.StateValue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.states[name] = state
}

// guarded runs a test in a world with the alarms errors, which is OK, and slow, which is
// in ALARM, and a service of two tasks that both of them and one more guard.
func guarded(t *testing.T, rollback bool, test func(w *world, alarms *fakeAlarms)) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.end()
		alarms := &fakeAlarms{states: map[string]cwtypes.StateValue{"errors": cwtypes.StateValueOk, "slow": cwtypes.StateValueAlarm}}
		w.config.Alarms = alarms
		w.boot()
		w.serve(2)
		w.pass(time.Minute)
		w.define()
		w.update(&ecs.UpdateServiceInput{TaskDefinition: aws.String("web:2"), DeploymentConfiguration: &types.DeploymentConfiguration{
			Alarms: &types.DeploymentAlarms{AlarmNames: []string{"errors", "slow", "unknown"}, Enable: true, Rollback: rollback},
		}})
		w.pass(30 * time.Second)
		test(w, alarms)
	})
}

func TestARollingDeploymentBakesAsLongAsItsAlarmsNeed(t *testing.T) {
	guarded(t, true, func(w *world, alarms *fakeAlarms) {
		if s := w.service(); s.RunningCount != 2 || s.Deployments[0].RolloutState != types.DeploymentRolloutStateInProgress {
			t.Errorf("%d tasks, %s", s.RunningCount, s.Deployments[0].RolloutState)
		}
		d := w.rollouts()[0]
		if d.Alarms.Status != types.ServiceDeploymentRollbackMonitorsStatusMonitoring || d.LifecycleStage != "" {
			t.Errorf("alarms are %s at %s", d.Alarms.Status, d.LifecycleStage)
		}
		w.pass(3 * time.Minute)
		d = w.rollouts()[0]
		if d.Status != types.ServiceDeploymentStatusSuccessful || d.Alarms.Status != types.ServiceDeploymentRollbackMonitorsStatusMonitoringComplete {
			t.Errorf("deployment %s, alarms %s", d.Status, d.Alarms.Status)
		}
	})
}

func TestAnAlarmSendsADeploymentBack(t *testing.T) {
	guarded(t, true, func(w *world, alarms *fakeAlarms) {
		alarms.set("errors", cwtypes.StateValueAlarm)
		w.pass(10 * time.Second)
		d := w.rollouts()[0]
		if d.Alarms.Status != types.ServiceDeploymentRollbackMonitorsStatusTriggered || !slices.Equal(d.Alarms.TriggeredAlarmNames, []string{"errors"}) {
			t.Errorf("deployment %s, alarms %s: %v", d.Status, d.Alarms.Status, d.Alarms.TriggeredAlarmNames)
		}
		w.pass(time.Minute)
		if s, d := w.service(), w.rollouts()[0]; d.Status != types.ServiceDeploymentStatusRollbackSuccessful || *s.TaskDefinition != "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1" || s.RunningCount != 2 {
			t.Errorf("deployment %s, %d tasks of %s", d.Status, s.RunningCount, *s.TaskDefinition)
		}
	})
}

func TestAnAlarmFailsADeploymentThatIsNotToBeRolledBack(t *testing.T) {
	guarded(t, false, func(w *world, alarms *fakeAlarms) {
		alarms.set("errors", cwtypes.StateValueAlarm)
		w.pass(time.Minute)
		if s, d := w.service(), w.rollouts()[0]; d.Status != types.ServiceDeploymentStatusStopped || s.Deployments[0].RolloutState != types.DeploymentRolloutStateFailed {
			t.Errorf("deployment %s, %s", d.Status, s.Deployments[0].RolloutState)
		}
	})
}

func TestAnAlarmSendsABlueGreenDeploymentBackInItsBakeTime(t *testing.T) {
	alarms := &fakeAlarms{states: map[string]cwtypes.StateValue{"errors": cwtypes.StateValueOk}}
	create := shifting(types.DeploymentStrategyBlueGreen, func(c *types.DeploymentConfiguration) {
		c.Alarms = &types.DeploymentAlarms{AlarmNames: []string{"errors"}, Enable: true, Rollback: true}
	})
	routed(t, create, func(w *world, lb *fakeBalancing) {
		w.api.cfg.Alarms = alarms
		w.deploy()
		w.pass(20 * time.Second)
		w.wantWeights(lb, "blue 0, green 100", "blue 0, green 100")
		alarms.set("errors", cwtypes.StateValueAlarm)
		w.pass(6 * time.Second)
		w.wantWeights(lb, "blue 100, green 0", "blue 100, green 0")
		w.pass(time.Minute)
		w.wantStage(types.ServiceDeploymentStatusRollbackSuccessful, types.ServiceDeploymentLifecycleStageCleanUp, 0)
	})
}

func TestEarlySuccessIsEnoughForADeployment(t *testing.T) {
	for _, cleanup := range []types.ServiceRevisionCleanup{types.ServiceRevisionCleanupDeferred, types.ServiceRevisionCleanupBlocking} {
		inWorld(t, func(w *world) {
			w.runtime.set(nil, func(t *fakeTask) { t.stopAfter = 10 * time.Second })
			w.serve(4, func(in *ecs.CreateServiceInput) {
				in.DeploymentConfiguration = &types.DeploymentConfiguration{
					MinimumHealthyPercent: aws.Int32(50), MaximumPercent: aws.Int32(150),
					EarlySuccessCriteria: &types.DeploymentEarlySuccessCriteria{Enable: true, HealthyPercent: aws.Int32(50), SourceServiceRevisionCleanup: cleanup},
				}
			})
			w.deploy()
			w.pass(4 * time.Second) // the new tasks are ready, and old ones stop
			early := w.rollouts()[0].Status == types.ServiceDeploymentStatusSuccessful
			if want := cleanup == types.ServiceRevisionCleanupDeferred; early != want {
				t.Errorf("%s: successful before the others are gone is %v", cleanup, early)
			}
			w.pass(time.Minute)
			if s := w.service(); w.rollouts()[0].Status != types.ServiceDeploymentStatusSuccessful || s.RunningCount != 4 || len(s.Deployments) != 1 {
				t.Errorf("%s: %s, %d tasks in %d deployments", cleanup, w.rollouts()[0].Status, s.RunningCount, len(s.Deployments))
			}
		})
	}
}
