package console

import (
	"strings"
	"testing"

	"flyball/internal/status"
)

// A policy whose alarms have no data needs somebody, unless it is so new that there cannot be any.
func TestAlarmsWithoutDataNeedSomebodyOnceTheyCouldHaveSome(t *testing.T) {
	const none = "INSUFFICIENT_DATA"
	for _, tt := range []struct {
		name   string
		alarms []status.Alarm
		urgent bool
		says   string // empty: nothing
	}{
		{"with data", []status.Alarm{{State: "OK", New: true}, {State: "ALARM"}}, false, ""},
		{"just put", []status.Alarm{{State: none, New: true}, {State: none, New: true}}, false, "wait for their first data"},
		{"the shorter of its alarms had its time", []status.Alarm{{State: none}, {State: none, New: true}}, true, "no data for its alarms"},
		{"both had their time", []status.Alarm{{State: none}, {State: none}}, true, "no data for its alarms"},
		{"one is gone", []status.Alarm{{Name: "high"}, {State: none, New: true}}, true, "its alarm high is gone"},
	} {
		r := status.Resource{State: status.Steady, Desired: 1, Target: &status.Target{Max: 4, Policies: []status.Policy{{Name: "cpu", Alarms: tt.alarms}}}}
		needs := needsOf(r)
		if tt.says == "" {
			if len(needs) > 0 {
				t.Errorf("%s: it needs %v", tt.name, needs)
			}
			continue
		}
		if len(needs) != 1 || needs[0].Urgent != tt.urgent || !strings.Contains(needs[0].Text, tt.says) {
			t.Errorf("%s: it needs %v, want %q, urgent %v", tt.name, needs, tt.says, tt.urgent)
		}
	}
}
