package main

import (
	"maps"
	"strings"
	"testing"
)

var (
	policyKey = key{"tree-1", "policy", "cpu"}
	highKey   = key{"tree-1", "tracking alarm", "cpu High"}
	targetKey = key{"tree-1", "target", ""}
	actionKey = key{"tree-1", "action", "yearly"}
)

func TestAudit(t *testing.T) {
	known := facts{targetKey: "0 to 1 tasks"}
	put := change{call: "PutScalingPolicy for tree-1", set: facts{policyKey: "tracks 10", highKey: "threshold 10"}}
	raise := change{call: "RegisterScalableTarget for tree-1", set: facts{targetKey: "0 to 2 tasks"}}
	for _, c := range []struct {
		rule   string
		cutOff []change
		shown  facts
		want   kind
	}{
		{"what was acknowledged is there", nil, facts{targetKey: "0 to 1 tasks"}, ""},
		{"what was acknowledged is gone", nil, facts{}, lost},
		{"what was acknowledged has another value", nil, facts{targetKey: "0 to 9 tasks"}, lost},
		{"what was deleted is there again", nil, facts{targetKey: "0 to 1 tasks", policyKey: "tracks 10"}, lost},
		{"a call that was cut off has not happened", []change{put}, facts{targetKey: "0 to 1 tasks"}, ""},
		{"a call that was cut off has happened", []change{put}, facts{targetKey: "0 to 1 tasks", policyKey: "tracks 10", highKey: "threshold 10"}, ""},
		{"a call that was cut off has made the alarm only", []change{put}, facts{targetKey: "0 to 1 tasks", highKey: "threshold 10"}, halfWritten},
		{"a call that was cut off has made something else", []change{put}, facts{targetKey: "0 to 1 tasks", policyKey: "tracks 9", highKey: "threshold 10"}, lost},
		{"a call that was cut off takes nothing else away", []change{put}, facts{}, lost},
		{"what a cut off call changes may be as before", []change{raise}, facts{targetKey: "0 to 1 tasks"}, ""},
		{"what a cut off call changes may not be gone", []change{raise}, facts{}, lost},
	} {
		t.Run(c.rule, func(t *testing.T) {
			expect(t, audit(maps.Clone(known), c.cutOff, c.shown), c.want)
		})
	}
}

func TestADeletionInPartIsHalfWritten(t *testing.T) {
	known := facts{targetKey: "0 to 1 tasks", policyKey: "tracks 10", highKey: "threshold 10"}
	gone := change{call: "DeregisterScalableTarget for tree-1", set: facts{targetKey: "", policyKey: "", highKey: ""}}
	faults := audit(known, []change{gone}, facts{targetKey: "0 to 1 tasks", policyKey: "tracks 10"})
	expect(t, faults, halfWritten)
	for _, words := range []string{"DeregisterScalableTarget", `tracking alarm cpu High of tree-1 is "absent"`, `policy cpu of tree-1 is still "tracks 10"`} {
		if !strings.Contains(faults[0].text, words) {
			t.Errorf("%q does not say %q", faults[0].text, words)
		}
	}
	if faults[0].subject != "tree-1" {
		t.Errorf("the subject is %q", faults[0].subject)
	}
}

// expect wants one fault of a kind, or none.
func expect(t *testing.T, faults []fault, want kind) {
	t.Helper()
	switch {
	case want == "" && len(faults) > 0:
		t.Errorf("found %v, want nothing", faults)
	case want != "" && (len(faults) != 1 || faults[0].kind != want):
		t.Errorf("found %v, want one of kind %q", faults, want)
	}
}
