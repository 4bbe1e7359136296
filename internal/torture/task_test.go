package main

import (
	"testing"

	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func TestLostTasks(t *testing.T) {
	before := sound().tasks
	stopped := func(code ecstypes.TaskStopCode) map[string]task {
		return map[string]task{"a": {id: "a", status: "STOPPED", desired: "STOPPED", stopCode: code}}
	}
	for _, c := range []struct {
		rule  string
		alive map[string]bool
		after map[string]task
		want  kind
	}{
		{"the task runs on", map[string]bool{"a": true}, before, ""},
		{"the task is not known", map[string]bool{"a": true}, nil, taskLost},
		{"the task is given up", map[string]bool{"a": true}, stopped(ecstypes.TaskStopCodeTerminationNotice), taskLost},
		{"the task is stopped by a call", map[string]bool{"a": true}, stopped(ecstypes.TaskStopCodeUserInitiated), ""},
		{"the task is stopped by its service", map[string]bool{"a": true}, stopped(ecstypes.TaskStopCodeServiceSchedulerInitiated), ""},
		{"its process has ended, too", nil, stopped(ecstypes.TaskStopCodeTerminationNotice), ""},
	} {
		t.Run(c.rule, func(t *testing.T) { expect(t, lostTasks(before, c.alive, c.after), c.want) })
	}
}

func TestATaskThatEndsByItselfIsLost(t *testing.T) {
	w := sound()
	expect(t, w.failures(), "")
	w.tasks["a"] = task{id: "a", status: "STOPPED", desired: "STOPPED", stopCode: ecstypes.TaskStopCodeEssentialContainerExited}
	expect(t, w.failures(), taskLost)
}

func TestAnAcknowledgedStopIsKept(t *testing.T) {
	s := newChurn("churn-0", nil)
	s.stopped["a"] = true
	w := sound()
	expect(t, s.unstopped(w.tasks), lost)
	w.tasks["a"] = task{id: "a", status: "RUNNING", desired: "STOPPED"}
	expect(t, s.unstopped(w.tasks), "")
}

func TestAnAcknowledgedRunIsKept(t *testing.T) {
	s := newChurn("churn-0", nil)
	s.ran["a"], s.ran["b"] = true, true
	w := sound()
	expect(t, s.unknown(w.tasks), lost)
	w.tasks["b"] = task{id: "b", status: "STOPPED", desired: "STOPPED"}
	expect(t, s.unknown(w.tasks), "")
}

func TestUnsettled(t *testing.T) {
	for rule, c := range map[string]struct {
		plant func(*world)
		want  kind
	}{
		"a service short of a task":         {func(w *world) { w.running["churn-0"] = 0 }, taskLost},
		"a task that is never stopped":      {func(w *world) { w.tasks["b"] = task{id: "b", status: "STOPPING", desired: "STOPPED"} }, taskLost},
		"a running task without a process":  {func(w *world) { w.tasks["b"] = task{id: "b", status: "RUNNING", desired: "RUNNING"} }, taskLost},
		"an activity that is never decided": {func(w *world) { w.activities[0].status = aastypes.ScalingActivityStatusCodePending }, scaledTwice},
	} {
		t.Run(rule, func(t *testing.T) {
			w := sound()
			expect(t, w.unsettled(map[string]bool{"a": true}), "")
			c.plant(w)
			expect(t, w.unsettled(map[string]bool{"a": true}), c.want)
		})
	}
}
