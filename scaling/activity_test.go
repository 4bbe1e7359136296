package scaling_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"flyball/scaling"
)

func decided(t *testing.T, desired scaling.Capacity, max int32) scaling.Decision {
	p := tracking(t, scaling.TrackingConfig{Target: 100})
	return scaling.Decide(now, bounds(t, 1, max), scaling.Seen{
		Desired: desired, Running: desired,
		Policies: []scaling.Reading{tracked("cpu", p, repeat(110, 3)...)},
	})
}

func TestActivityTexts(t *testing.T) {
	end := now.Add(time.Minute)
	pending := decided(t, 10, 20).Activity("id")
	started := pending.Requested()
	tests := []struct {
		name    string
		got     scaling.Activity
		status  scaling.Status
		message string
	}{
		{"pending", pending, scaling.Pending, ""},
		{"in progress", started, scaling.InProgress, "Successfully set desired count to 11. Waiting for change to be fulfilled by ecs."},
		{"fulfilled", started.Fulfilled(end), scaling.Successful, "Successfully set desired count to 11. Change successfully fulfilled by ecs."},
		{"overridden", started.Overridden(end, 14), scaling.Overridden, "Successfully set desired count to 11. Found it was later changed to 14."},
		{"unfulfilled", started.Unfulfilled(end, 10), scaling.Unfulfilled, "Successfully set desired count to 11. Change was not fulfilled by ecs: 10 tasks are running."},
		{"failed", pending.Failed(end, errors.New("no such service")), scaling.Failed, "Failed to set desired count to 11. Reason: no such service"},
		{"what has ended stays", started.Fulfilled(end).Overridden(end, 3), scaling.Successful, "Successfully set desired count to 11. Change successfully fulfilled by ecs."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.got
			if a.Description != "Setting desired count to 11." {
				t.Errorf("description is %q", a.Description)
			}
			if a.Cause != "monitor alarm cpu-High in state ALARM triggered policy cpu" {
				t.Errorf("cause is %q", a.Cause)
			}
			if a.Status != tt.status || a.Message != tt.message {
				t.Errorf("got %s %q, want %s %q", a.Status, a.Message, tt.status, tt.message)
			}
			if a.Status.Ended() == a.End.IsZero() {
				t.Errorf("%s ends at %v", a.Status, a.End)
			}
		})
	}
}

func TestNotScaledActivity(t *testing.T) {
	a := decided(t, 10, 10).Activity("id")
	if a.Description != "Attempting to scale due to alarm triggered" || a.Status != scaling.Failed {
		t.Errorf("got %s %q", a.Status, a.Description)
	}
	if len(a.NotScaled) != 1 || a.NotScaled[0].Code != scaling.AlreadyAtMaxCapacity || a.NotScaled[0].Capacity != 10 {
		t.Errorf("reasons are %v", a.NotScaled)
	}
}

func TestBoundsActivity(t *testing.T) {
	target := bounds(t, 2, 8)
	for _, tt := range []struct {
		desired, to scaling.Capacity
		cause       string
	}{
		{1, 2, "minimum capacity was set to 2"},
		{9, 8, "maximum capacity was set to 8"},
	} {
		a, ok := scaling.BoundsActivity("id", now, target, tt.desired)
		if !ok || a.To != tt.to || a.Cause != tt.cause {
			t.Errorf("from %d: got %v to %d because %q", tt.desired, ok, a.To, a.Cause)
		}
	}
	if _, ok := scaling.BoundsActivity("id", now, target, 5); ok {
		t.Error("a capacity inside the bounds is moved")
	}
}

func TestActivitiesOfFunctionsInAWSWords(t *testing.T) {
	target := bounds(t, 5, 8)
	target.Kind = scaling.Functions
	pending, _ := scaling.BoundsActivity("id", now, target, 1)
	if want := "Setting desired concurrency to 5."; pending.Description != want {
		t.Errorf("description is %q, want %q", pending.Description, want)
	}
	started := pending.Requested()
	for got, want := range map[string]string{
		started.Message:                                          "Successfully set desired concurrency to 5. Waiting for change to be fulfilled by lambda.",
		started.Fulfilled(now).Message:                           "Successfully set desired concurrency to 5. Change successfully fulfilled by lambda.",
		started.Unfulfilled(now, 3).Message:                      "Successfully set desired concurrency to 5. Change was not fulfilled by lambda: 3 are allocated.",
		pending.Failed(now, errors.New("no such alias")).Message: "Failed to set desired concurrency to 5. Reason: no such alias",
	} {
		if got != want {
			t.Errorf("message is %q, want %q", got, want)
		}
	}
}

func TestActivitiesSurviveJSON(t *testing.T) {
	want := decided(t, 10, 10).Activity("id")
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got scaling.Activity
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != want.ID || got.Status != want.Status || !got.Start.Equal(want.Start) || len(got.NotScaled) != 1 || got.NotScaled[0] != want.NotScaled[0] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
