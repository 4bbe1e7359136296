package console

import (
	"testing"
	"time"
)

func TestRefusalsThatAreAlikeAreOneRow(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 3, 1, 14, minute, 0, 0, time.UTC) }
	held := func(minute int, resource, why string) activityRow {
		return activityRow{At: at(minute), Resource: resource, Why: []string{why}}
	}
	rows := folded([]activityRow{ // newest first
		held(14, "c", "max"), held(13, "c", "min"), held(12, "c", "max"), held(11, "c", "min"), held(10, "c", "min"),
		held(9, "a", "max"), held(8, "b", "max"), held(8, "a", "max"), held(7, "a", "min"), held(6, "a", "min"),
		{At: at(5), Resource: "a", What: "scaled"}, held(4, "a", "min"), held(3, "b", "max"),
	})
	var got []int
	for _, r := range rows {
		got = append(got, r.Times)
	}
	want := []int{2, 3, 2, 2, 2, 1, 1} // c by turns at its maximum and its minimum, a at its maximum, b, a at its minimum, what was scaled, a before that
	if len(got) != len(want) {
		t.Fatalf("%d rows %v, want %v", len(got), got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("row %d stands for %d refusals, want %d", i, got[i], want[i])
		}
	}
	if !rows[3].First.Equal(at(3)) {
		t.Errorf("b is refused since %v", rows[3].First)
	}
}
