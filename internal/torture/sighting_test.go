package main

import (
	"testing"
	"time"

	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

func TestDirtyReadOfACall(t *testing.T) {
	known := facts{targetKey: "0 to 1 tasks"}
	raise := change{call: "RegisterScalableTarget for tree-1", set: facts{targetKey: "0 to 2 tasks"}, began: noon}
	deletion := change{call: "DeregisterScalableTarget for tree-1", set: facts{targetKey: ""}, began: noon}
	for _, c := range []struct {
		rule        string
		call        change
		began       time.Time
		kind        string // that was shown
		seen, shown string
		want        kind
	}{
		{"the new value was shown and has gone", raise, noon, "target", "0 to 2 tasks", "0 to 1 tasks", dirtyRead},
		{"the new value was shown and stayed", raise, noon, "target", "0 to 2 tasks", "0 to 2 tasks", ""},
		{"the old value was shown", raise, noon, "target", "0 to 1 tasks", "0 to 1 tasks", ""},
		{"the thing was shown to be gone and is there", deletion, noon, "target", "", "0 to 1 tasks", dirtyRead},
		{"the thing was gone before the call, since it was made later", deletion, noon.Add(-1), "target", "", "0 to 1 tasks", ""},
		{"things of this kind were not shown", deletion, noon, "policy", "", "0 to 1 tasks", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			before, after := newWorld(), newWorld()
			before.began = c.began
			before.facts.apply(facts{targetKey: c.seen})
			after.facts.apply(facts{targetKey: c.shown})
			expect(t, sighting{world: before, kinds: []string{c.kind}}.dirty(known, []change{c.call}, after), c.want)
		})
	}
}

func TestAReaderOfARegionSeesNothingOfAnother(t *testing.T) {
	deletion := change{call: "DeregisterScalableTarget for tree-1", set: facts{targetKey: ""}, began: noon}
	after := newWorld()
	after.facts[targetKey] = "0 to 1 tasks"
	seen := sighting{world: newWorld(), kinds: []string{"target"}, in: &region{prefix: west}}
	expect(t, seen.dirty(facts{targetKey: "0 to 1 tasks"}, []change{deletion}, after), "")
	seen.in = &region{}
	expect(t, seen.dirty(facts{targetKey: "0 to 1 tasks"}, []change{deletion}, after), dirtyRead)
}

func TestDirtyReadOfAState(t *testing.T) {
	for rule, plant := range map[string]func(*world){
		"a task that is not known any more":      func(w *world) { clear(w.tasks) },
		"a task that is only starting again":     func(w *world) { w.tasks["a"] = task{id: "a", status: "PENDING", desired: "RUNNING"} },
		"an activity that is not known any more": func(w *world) { w.activities = nil },
		"an activity that is under way again":    func(w *world) { w.activities[0].status = aastypes.ScalingActivityStatusCodeInProgress },
		"an alarm with a state of an older time": func(w *world) { w.updated["tree-1_one"] = noon.Add(-time.Millisecond) },
	} {
		t.Run(rule, func(t *testing.T) {
			seen, after := sighting{world: sound()}, sound()
			expect(t, seen.dirty(nil, nil, after), "")
			plant(after)
			expect(t, seen.dirty(nil, nil, after), dirtyRead)
		})
	}
}

func TestAStateMayGoOn(t *testing.T) {
	seen, after := sighting{world: sound()}, sound()
	seen.activities[0].status = aastypes.ScalingActivityStatusCodePending
	seen.tasks["b"] = task{id: "b", status: "STOPPED", desired: "STOPPED"} // and forgotten since
	after.tasks["a"] = task{id: "a", status: "RUNNING", desired: "STOPPED"}
	delete(after.updated, "tree-1_one")
	expect(t, seen.dirty(nil, nil, after), "")
}
