package sim_test

import (
	"testing"

	"flyball/governor"
	"flyball/scaling"
	"flyball/sim"
)

// A run explains a time as it decides then, with what its alarms see, and goes on as if nobody had
// asked.
func TestARunExplainsWhatItDecides(t *testing.T) {
	s := web(t)
	var set []scaling.Activity
	s.Observer = sim.Observer{Activity: func(a scaling.Activity) {
		if a.Status == scaling.Pending {
			set = append(set, a)
		}
	}}
	silent := run(t, s, steady(1000, 30))
	if len(set) == 0 {
		t.Fatal("nothing is scaled")
	}
	decided := set[0]
	var told []governor.Explanation
	s.Explain, s.Observer = decided.Start, sim.Observer{Explained: func(e governor.Explanation) { told = append(told, e) }}
	asked := run(t, s, steady(1000, 30))
	if len(told) != 1 || !told[0].At.Equal(decided.Start) || told[0].Desired != decided.From || told[0].Decision.To != decided.To {
		t.Errorf("%+v is explained as %+v", decided, told)
	}
	if asked.TaskHours != silent.TaskHours || asked.Requests != silent.Requests {
		t.Errorf("%v task-hours where somebody asks, %v otherwise", asked.TaskHours, silent.TaskHours)
	}
}
