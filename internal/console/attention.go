package console

import (
	"fmt"
	"strings"

	"flyball/internal/status"
)

// A Need is something about a resource that somebody should look at.
type Need struct {
	Urgent bool // it fails, or cannot scale; else it is worth knowing
	Text   string
}

// needsOf is what a resource needs, the urgent first.
func needsOf(r status.Resource) []Need {
	var urgent, other []Need
	switch {
	case r.State == status.Missing:
		urgent = append(urgent, Need{true, "What this target scaled is gone: deregister the target, or create the service again."})
	case len(r.Why) > 0:
		urgent = append(urgent, Need{true, "Failing: " + r.Why[0]})
	}
	if r.Healthy != nil && r.Running > 0 && *r.Healthy < int(r.Running) {
		need := Need{Text: fmt.Sprintf("%d of %d running tasks are healthy targets.", *r.Healthy, r.Running)}
		if need.Urgent = r.State == status.Steady; need.Urgent { // else some are on their way
			urgent = append(urgent, need)
		} else {
			other = append(other, need)
		}
	}
	if t := r.Target; t != nil && r.State != status.Missing {
		if len(t.Suspended) > 0 {
			other = append(other, Need{Text: "Suspended: " + strings.Join(t.Suspended, ", ") + "."})
		}
		for _, p := range t.Policies {
			for _, need := range needsOfPolicy(p, r) {
				if need.Urgent {
					urgent = append(urgent, need)
				} else {
					other = append(other, need)
				}
			}
		}
	}
	return append(urgent, other...)
}

// needsOfPolicy is what keeps a policy of a resource from acting.
func needsOfPolicy(p status.Policy, r status.Resource) (needs []Need) {
	need := func(format string, args ...any) { needs = append(needs, Need{true, fmt.Sprintf(format, args...)}) }
	if p.Goal != nil && p.Value != nil && *p.Value > *p.Goal && r.Desired >= r.Target.Max {
		need("At its maximum of %d, and the metric of policy %s is %s, above its target of %s: raise the maximum, or give tasks more.",
			r.Target.Max, p.Name, number(*p.Value), number(*p.Goal))
	}
	var blind, waiting, gone []string
	for _, a := range p.Alarms {
		switch a.State {
		case "":
			gone = append(gone, a.Name)
		case "INSUFFICIENT_DATA":
			if a.New {
				waiting = append(waiting, a.Name)
			} else {
				blind = append(blind, a.Name)
			}
		}
	}
	switch {
	case len(gone) > 0:
		need("Policy %s cannot act: its alarm %s is gone. Put the policy again.", p.Name, gone[0])
	case len(blind) > 0 && r.Desired > 0:
		need("Policy %s does not act: there is no data for its alarms.", p.Name)
	case len(waiting) > 0 && r.Desired > 0:
		needs = append(needs, Need{Text: fmt.Sprintf("Policy %s is new: its alarms wait for their first data.", p.Name)})
	}
	if p.Forecast != nil && p.Forecast.Lacks != "" {
		need("Policy %s has no forecast: %s", p.Name, p.Forecast.Lacks)
	}
	return needs
}
