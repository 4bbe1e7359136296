package scaling_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"flyball/scaling"
)

func end(n int32) *int32 { return &n }

func TestABoundsChangeSetsTheEndsThatItGives(t *testing.T) {
	tests := []struct {
		name     string
		change   scaling.BoundsChange
		text     string
		min, max scaling.Capacity // of 5 to 10 after the change
	}{
		{"both", scaling.BoundsChange{Min: end(15), Max: end(20)}, "min capacity to 15 and max capacity to 20", 15, 20},
		{"the minimum", scaling.BoundsChange{Min: end(0)}, "min capacity to 0", 0, 10},
		{"the maximum", scaling.BoundsChange{Max: end(7)}, "max capacity to 7", 5, 7},
		{"neither", scaling.BoundsChange{}, "", 5, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, err := scaling.NewBounds(5, 10)
			if err != nil {
				t.Fatal(err)
			}
			after, err := tt.change.Apply(before)
			if err != nil || after.Min() != tt.min || after.Max() != tt.max {
				t.Errorf("%d to %d, %v; want %d to %d", after.Min(), after.Max(), err, tt.min, tt.max)
			}
			if got := tt.change.String(); got != tt.text {
				t.Errorf("%q, want %q", got, tt.text)
			}
		})
	}
}

func TestABoundsChangeThatDoesNotFitIsAnError(t *testing.T) {
	before, err := scaling.NewBounds(5, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []scaling.BoundsChange{{Min: end(11)}, {Max: end(4)}, {Min: end(-1)}, {Min: end(3), Max: end(2)}} {
		if after, err := c.Apply(before); err == nil {
			t.Errorf("%v is taken for %v", c, after)
		}
	}
}

func TestScheduledActivityInAWSWords(t *testing.T) {
	now := time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC)
	change := scaling.BoundsChange{Min: end(5), Max: end(10)}
	target := bounds(t, 8, 10)
	got := scaling.ScheduledActivity("id", now, target, "my-action", change, nil)
	if want := (scaling.Activity{
		ID: "id", Start: now, Status: scaling.Successful, To: 8,
		Description: "Setting min capacity to 5 and max capacity to 10",
		Cause:       "scheduled action name my-action was triggered",
		Message:     "Successfully set min capacity to 5 and max capacity to 10",
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	got = scaling.ScheduledActivity("id", now, target, "my-action", change, errors.New("why"))
	if want := "Failed to set min capacity to 5 and max capacity to 10. Reason: why"; got.Message != want || got.Status != scaling.Failed || !got.End.Equal(now) {
		t.Errorf("got %+v, want %q", got, want)
	}
}
