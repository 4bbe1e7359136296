package main

import (
	"testing"
	"time"

	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// sound is a world with something of each kind in which nothing is wrong.
func sound() *world {
	w := newWorld()
	w.desired["tree-1"] = 0
	w.desired["churn-0"], w.running["churn-0"] = 1, 1
	w.facts = facts{targetKey: "0 to 1 tasks", policyKey: "tracks 10", highKey: "threshold 10", actionKey: "at most 3"}
	w.policies["arn"] = policy{tree: "tree-1", name: "cpu", tracks: true, alarms: []string{trackingPrefix + "tree-1-AlarmHigh-1"}}
	w.tracking[trackingPrefix+"tree-1-AlarmHigh-1"] = "arn"
	w.updated["tree-1_one"] = noon
	w.tasks["a"] = task{id: "a", service: "churn-0", status: "RUNNING", desired: "RUNNING"}
	w.activities = []activity{{id: "1", policy: outPolicy, to: 2, status: aastypes.ScalingActivityStatusCodeSuccessful, start: noon, end: noon}}
	return w
}

func TestInconsistent(t *testing.T) {
	for rule, plant := range map[string]func(*world){
		"a policy without its target": func(w *world) {
			delete(w.facts, targetKey)
			delete(w.facts, actionKey)
		},
		"a scheduled action without its target": func(w *world) {
			delete(w.facts, targetKey)
			clear(w.policies)
			clear(w.tracking)
		},
		"a target tracking policy without alarms": func(w *world) {
			w.policies["arn"] = policy{tree: "tree-1", name: "cpu", tracks: true}
			clear(w.tracking)
		},
		"a policy whose alarm is gone":             func(w *world) { clear(w.tracking) },
		"an alarm whose policy is gone":            func(w *world) { clear(w.policies) },
		"an alarm that its policy does not name":   func(w *world) { w.tracking[trackingPrefix+"tree-1-AlarmHigh-2"] = "arn" },
		"a target without its service":             func(w *world) { delete(w.desired, "tree-1") },
		"a task to run for a service that is gone": func(w *world) { delete(w.desired, "churn-0") },
	} {
		t.Run(rule, func(t *testing.T) {
			w := sound()
			expect(t, w.inconsistent(), "")
			plant(w)
			expect(t, w.inconsistent(), halfWritten)
		})
	}
}
