package autoscaling

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"pgregory.net/rapid"
)

// remembered is everything about web that has to survive a restart.
func (w *world) remembered() string {
	w.t.Helper()
	synctest.Wait()
	var t *target
	var followed bool
	w.state.View(w.ctx, func() {
		t = w.rows.targets[web]
		_, followed = w.rows.following[web]
	})
	text, err := json.Marshal(struct {
		Target   *row
		Policies []*policy
		Followed bool
	}{t.row, t.policies, followed})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// Whatever happens in whatever order, scaling keeps to the bounds, and a restart
// in the middle changes nothing.
func TestAnyHistoryKeepsToTheBoundsAndSurvivesARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		rapid.Check(t, func(rt *rapid.T) {
			w.ecs.add(web, 10, 10)
			arn, high, low := w.tracked()
			step := *w.put(add2("step")).PolicyARN
			w.userAlarm("busy", step)
			rt.Repeat(map[string]func(*rapid.T){
				"high alarm":  func(rt *rapid.T) { w.call(rt, high, arn, rapid.Float64Range(50, 200).Draw(rt, "cpu")) },
				"low alarm":   func(rt *rapid.T) { w.call(rt, low, arn, rapid.Float64Range(0, 45).Draw(rt, "cpu")) },
				"user alarm":  func(rt *rapid.T) { w.call(rt, "busy", step, rapid.Float64Range(50, 90).Draw(rt, "load")) },
				"tasks start": func(*rapid.T) { w.reached() },
				"time passes": func(rt *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(1, 400).Draw(rt, "s")) * time.Second) },
				"someone else": func(rt *rapid.T) {
					n := rapid.Int32Range(0, 30).Draw(rt, "desired")
					w.ecs.change(web, func(s *ecstypes.Service) { s.DesiredCount = n })
				},
				"restart": func(rt *rapid.T) {
					before := w.remembered()
					w.restart()
					if after := w.remembered(); after != before {
						rt.Errorf("before\n%s\nafter\n%s", before, after)
					}
				},
			})
			if _, err := w.DeregisterScalableTarget(w.ctx, &applicationautoscaling.DeregisterScalableTargetInput{
				ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
			}); err != nil {
				rt.Fatal(err)
			}
			for _, a := range w.activities(true) {
				if a.StatusCode == types.ScalingActivityStatusCodeInProgress {
					rt.Errorf("never ends: %s", *a.Description)
				}
			}
		})
	})
}

// call lets an alarm call, and checks what comes of it.
func (w *world) call(rt *rapid.T, alarm, policyARN string, value float64) {
	before := w.ecs.desired(web)
	if err := w.alarm(alarm, policyARN, value); err != nil {
		rt.Fatal(err)
	}
	if after := w.ecs.desired(web); after != before && (after < 1 || after > 20) {
		rt.Errorf("%s at %v takes %d to %d, outside 1..20", alarm, value, before, after)
	}
}
