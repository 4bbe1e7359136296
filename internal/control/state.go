package control

import (
	"context"
	"time"

	"flyball/alarm"
	"flyball/governor"
	"flyball/scaling"
)

// State keeps what is remembered of targets: in a folder, or in the status of a resource. Its
// methods are not called concurrently.
type State interface {
	// Load returns what was saved of targets last, with none of those of which nothing was. It says
	// of each that could not be read why.
	Load(ctx context.Context, ids []scaling.ResourceID) (map[scaling.ResourceID]*Memory, map[scaling.ResourceID]error)
	// Save keeps what targets have become, and returns when that is durable: nothing is set
	// before. It says of each that could not be kept why; those are left alone until they can
	// be. What is given is not changed afterwards.
	Save(ctx context.Context, changed map[scaling.ResourceID]Change) map[scaling.ResourceID]error
	// Forget drops what is remembered of a target that is not governed any more.
	Forget(ctx context.Context, id scaling.ResourceID) error
}

// A Change is what is to be remembered of a target from now on, with what is told once it is kept. A State that
// people read may show that together.
type Change struct {
	*Memory
	Records []Record
}

// A Memory is what is remembered of a target. It encodes as JSON.
type Memory struct {
	// Declared are the bounds that the target had when it was put last, and Bounds those that
	// scheduled actions have made of them.
	Declared Range `json:"declared"`
	Bounds   Range `json:"bounds"`

	Governor  governor.State            `json:"governor"`
	Policies  map[string]PolicyMemory   `json:"policies,omitempty"`
	Schedules map[string]ScheduleMemory `json:"schedules,omitempty"`
	Alarms    map[string]AlarmMemory    `json:"alarms,omitempty"`
	// Last is the newest activity that was more than a reason to leave the capacity as it is; nil: there was none.
	Last *scaling.Activity `json:"last,omitempty"`
	// Shadow is the capacity that a dry run would have set last; nil: it has set none.
	Shadow *scaling.Capacity `json:"shadow,omitempty"`
}

// A Range is bounds as they are written.
type Range struct {
	Min int32 `json:"min"`
	Max int32 `json:"max"`
}

// A PolicyMemory is what is remembered of a policy.
type PolicyMemory struct {
	Cooldown scaling.Cooldown `json:"cooldown,omitzero"`
	Called   []string         `json:"called,omitempty"` // alarms that have called a step policy
	// Forecast is the newest of a predictive policy, and Acted the last hour whose capacity was set.
	Forecast *Forecast `json:"forecast,omitempty"`
	Acted    time.Time `json:"acted,omitzero"`
}

// A ScheduleMemory is what is remembered of a scheduled action.
type ScheduleMemory struct {
	Created time.Time `json:"created"` // when it was seen first
	Done    time.Time `json:"done"`    // runs up to here have been, or were skipped
}

// An AlarmMemory is what is remembered of an alarm.
type AlarmMemory struct {
	State  string    `json:"state"` // as CloudWatch spells it
	Since  time.Time `json:"since,omitzero"`
	Called time.Time `json:"called,omitzero"`
}

func remembered(w alarm.Watch) AlarmMemory {
	m := AlarmMemory{State: w.State.String()}
	if w.Since != 0 {
		m.Since, m.Called = w.Since.Time(), w.Called.Time()
	}
	return m
}
