package console

import (
	"testing"

	"flyball/internal/report"
)

func TestAReasonOfSeveralPoliciesIsSaidOnce(t *testing.T) {
	a := report.Activity{Why: []string{"AlreadyAtMinCapacity", "SomethingNew", "AlreadyAtMinCapacity"}}
	if got, want := headline(a), "Not scaled: "+held["AlreadyAtMinCapacity"]+"; SomethingNew"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
