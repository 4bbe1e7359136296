package main

import (
	"fmt"
	"slices"

	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// A task is one that the server tells of.
type task struct {
	id, service     string // the service's tree; "" is none
	status, desired string
	stopCode        ecstypes.TaskStopCode
	reason          string // with the exit code, where it is known
	startedBy       string
}

// taskStates are in the order of a task's life.
var taskStates = []string{"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"}

// rank grows in a task's life.
func (t task) rank() int {
	rank := slices.Index(taskStates, t.status)
	if t.desired == "STOPPED" {
		rank += len(taskStates)
	}
	return rank
}

// runs reports whether the task is running and to go on.
func (t task) runs() bool { return t.status == "RUNNING" && t.desired == "RUNNING" }

// asked reports whether a call or the scheduler has stopped the task.
func (t task) asked() bool {
	return t.stopCode == ecstypes.TaskStopCodeUserInitiated || t.stopCode == ecstypes.TaskStopCodeServiceSchedulerInitiated
}

// lostTasks finds tasks that ran when the server was killed, whose processes ran
// on, and that the next life has given up without being asked to.
func lostTasks(before map[string]task, alive map[string]bool, after map[string]task) []fault {
	var faults []fault
	for id, t := range before {
		if !t.runs() || !alive[id] {
			continue
		}
		switch now, ok := after[id]; {
		case !ok:
			faults = append(faults, fault{taskLost, "task " + id, "task " + id + " ran, and is not known afterwards"})
		case now.desired == "STOPPED" && !now.asked():
			faults = append(faults, fault{taskLost, "task " + id, fmt.Sprintf("task %s ran on, and was given up: %s, %s", id, now.stopCode, now.reason)})
		}
	}
	return faults
}

// failures finds tasks that have ended by themselves, which the built-in web
// server never does.
func (w *world) failures() []fault {
	var faults []fault
	for id, t := range w.tasks {
		if t.stopCode == ecstypes.TaskStopCodeEssentialContainerExited || t.stopCode == ecstypes.TaskStopCodeTaskFailedToStart {
			faults = append(faults, fault{taskLost, "task " + id, fmt.Sprintf("task %s of %s: %s, %s", id, t.service, t.stopCode, t.reason)})
		}
	}
	return faults
}

// unsettled is what must come to an end when nothing is called any more.
func (w *world) unsettled(alive map[string]bool) []fault {
	var faults []fault
	for tree, desired := range w.desired {
		if running := w.running[tree]; running != desired {
			faults = append(faults, fault{taskLost, "service " + tree, fmt.Sprintf("%s has %d running tasks of %d", tree, running, desired)})
		}
	}
	for id, t := range w.tasks {
		switch {
		case t.status == "STOPPED":
		case t.desired == "STOPPED":
			faults = append(faults, fault{taskLost, "task " + id, fmt.Sprintf("task %s is to be stopped, and stays %s", id, t.status)})
		case t.status == "RUNNING" && !alive[id]:
			faults = append(faults, fault{taskLost, "task " + id, fmt.Sprintf("task %s is RUNNING, and has no process", id)})
		}
	}
	for _, a := range w.activities {
		if !a.ended() {
			faults = append(faults, fault{scaledTwice, "activity " + a.id, fmt.Sprintf("activity %s stays %s; %s", a.id, a.status, around(w.activities, a.id))})
		}
	}
	return faults
}
