package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// fakeFunctions answer with what they were given, one after the other, and with the last
// from then on.
type fakeFunctions struct {
	mu      sync.Mutex
	answers []string // one that begins with ! is an error
	asked   []map[string]any
	at      []time.Time
}

func (f *fakeFunctions) Ask(_ context.Context, _, role, function string, payload []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	event := map[string]any{"role": role, "function": function}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	f.asked, f.at = append(f.asked, event), append(f.at, time.Now())
	answer := f.answers[min(len(f.asked), len(f.answers))-1]
	if answer[0] == '!' {
		return nil, errors.New(answer[1:])
	}
	return []byte(answer), nil
}

// seen are the events that were asked with, and when.
func (f *fakeFunctions) seen() ([]map[string]any, []time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked), slices.Clone(f.at)
}

const (
	hookFunction = "arn:aws:lambda:us-east-1:123456789012:function:hook"
	hookRole     = "arn:aws:iam::123456789012:role/hooks"
)

// asked runs a test with a blue/green service whose next deployment asks a function at a
// stage.
func asked(t *testing.T, stage types.DeploymentLifecycleHookStage, answers []string, test func(w *world, f *fakeFunctions)) {
	t.Helper()
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, _ *fakeBalancing) {
		f := &fakeFunctions{answers: answers}
		w.api.cfg.Functions = f
		w.update(&ecs.UpdateServiceInput{ForceNewDeployment: true, DeploymentConfiguration: &types.DeploymentConfiguration{
			LifecycleHooks: []types.DeploymentLifecycleHook{{
				HookTargetArn: aws.String(hookFunction), RoleArn: aws.String(hookRole), LifecycleStages: []types.DeploymentLifecycleHookStage{stage},
			}},
		}})
		test(w, f)
	})
}

func TestAFunctionLetsADeploymentGoOn(t *testing.T) {
	answers := []string{`{"hookStatus": "IN_PROGRESS", "callBackDelay": 90, "hookDetails": {"seen": 1}}`, `{"hookStatus": "IN_PROGRESS"}`, `{"hookStatus": "SUCCEEDED"}`}
	asked(t, types.DeploymentLifecycleHookStagePostTestTrafficShift, answers, func(w *world, f *fakeFunctions) {
		w.pass(80 * time.Second)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStagePostTestTrafficShift, 0)
		hook := w.rollouts()[0].LifecycleHookDetails[0]
		if hook.Status != types.DeploymentLifecycleHookStatusInProgress || hook.TargetType != types.DeploymentLifecycleHookTargetTypeAwsLambda || *hook.TargetArn != hookFunction {
			t.Errorf("hook %+v", hook)
		}
		if err := w.answer(""); err == nil {
			t.Error("a hook that asks a function is continued by hand")
		}
		w.pass(3 * time.Minute)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageBakeTime, 100)
		events, at := f.seen()
		if len(events) != 3 || at[1].Sub(at[0]) != 90*time.Second || at[2].Sub(at[1]) != 30*time.Second {
			t.Fatalf("asked at %v", at)
		}
		d := w.rollouts()[0]
		target := *d.TargetServiceRevision.Arn
		source := *d.SourceServiceRevisions[0].Arn
		first := events[0]
		details, _ := first["executionDetails"].(map[string]any)
		for name, want := range map[string]any{
			"serviceArn": *w.service().ServiceArn, "targetServiceRevisionArn": target,
			"testTrafficWeights": map[string]any{target: 100.0}, "productionTrafficWeights": map[string]any{source: 100.0},
		} {
			if !reflect.DeepEqual(first[name], want) || !reflect.DeepEqual(details[name], want) {
				t.Errorf("%s is %v and %v, not %v", name, first[name], details[name], want)
			}
		}
		if first["lifecycleStage"] != "POST_TEST_TRAFFIC_SHIFT" || first["resourceArn"] != *d.ServiceDeploymentArn || first["role"] != hookRole {
			t.Errorf("asked %v", first)
		}
		if first["hookDetails"] != nil || !reflect.DeepEqual(events[1]["hookDetails"], map[string]any{"seen": 1.0}) || events[1]["executionId"] != first["executionId"] {
			t.Errorf("asked first %v, then %v", first, events[1])
		}
	})
}

func TestAFunctionSendsADeploymentBack(t *testing.T) {
	for name, answer := range map[string]string{
		"it says so":              `{"hookStatus": "FAILED"}`,
		"it says something else":  `{"hookStatus": "MAYBE"}`,
		"it does not say":         `{}`,
		"it answers with no JSON": `yes`,
		"it answers with null":    `null`,
		"it fails":                `!out of luck`,
	} {
		t.Run(name, func(t *testing.T) {
			asked(t, types.DeploymentLifecycleHookStageTestTrafficShift, []string{answer}, func(w *world, f *fakeFunctions) {
				w.pass(20 * time.Minute)
				w.wantStage(types.ServiceDeploymentStatusRollbackSuccessful, types.ServiceDeploymentLifecycleStageCleanUp, 0)
				events, _ := f.seen()
				if hook := w.rollouts()[0].LifecycleHookDetails[0]; hook.Status != types.DeploymentLifecycleHookStatusFailed || len(events) != 1 {
					t.Errorf("asked %d times, hook %+v", len(events), hook)
				}
			})
		})
	}
}

func TestAFunctionIsAskedAgainAfterARestart(t *testing.T) {
	answers := []string{`{"hookStatus": "IN_PROGRESS", "callBackDelay": 600, "hookDetails": "kept"}`, `{"hookStatus": "SUCCEEDED"}`}
	asked(t, types.DeploymentLifecycleHookStagePreScaleUp, answers, func(w *world, f *fakeFunctions) {
		w.pass(time.Minute)
		w.config.Functions = f
		w.restart()
		w.pass(5 * time.Minute)
		if events, _ := f.seen(); len(events) != 1 {
			t.Fatalf("asked %d times", len(events))
		}
		w.pass(10 * time.Minute)
		if events, _ := f.seen(); len(events) != 2 || events[1]["hookDetails"] != "kept" {
			t.Fatalf("asked %v", events)
		}
		w.wantStage(types.ServiceDeploymentStatusSuccessful, types.ServiceDeploymentLifecycleStageCleanUp, 100)
	})
}
