package whatif

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/policydoc"
	"flyball/sim"
)

// A metric that a policy has specified itself is not part of the model. It is taken to be what target
// tracking takes it to be, in proportion to the capacity: 120 with two running tasks are 60 with four
// ("TargetTrackingScalingPolicyConfiguration", Application Auto Scaling API reference).

// OwnKey is the key of a metric among the values of a past; "" without one.
func OwnKey(m *types.CustomizedMetricSpecification) string {
	if m == nil {
		return ""
	}
	text, _ := json.Marshal(m) // of texts and numbers
	return string(text)
}

// keys are those of the metrics of which values are known, in order.
func (m Model) keys() []string { return slices.Sorted(maps.Keys(m.Own)) }

// total is the load of a minute of which a metric was each running task's share.
func (m Model) total(key string, minute int) float64 {
	return m.Own[key][minute] * max(known(m.Minutes[minute].Running), 1)
}

// Given are the loads of each minute of which the known metrics were each running task's share, as
// scenarios read them; nil where none is known.
func (m Model) Given() (all [][]float64) {
	keys := m.keys()
	if len(keys) == 0 {
		return nil
	}
	for i := range m.Minutes {
		given := make([]float64, len(keys))
		for k, key := range keys {
			given[k] = m.total(key, i)
		}
		all = append(all, given)
	}
	return all
}

// metrics are those that policies have specified themselves, as a run has them.
func (m Model) metrics(d policydoc.Documents) map[string]sim.Metric {
	all, keys := map[string]sim.Metric{}, m.keys()
	for _, p := range d.Policies {
		c := p.TargetTrackingScalingPolicyConfiguration
		if c == nil {
			continue
		}
		if i, known := slices.BinarySearch(keys, OwnKey(c.CustomizedMetricSpecification)); known {
			all[aws.ToString(p.PolicyName)] = sim.Metric{Quantity: sim.Computed, Formula: &sim.Formula{
				Of:    []sim.Metric{{Quantity: sim.Given, Index: i}, {Quantity: sim.RunningTasks}},
				Value: func(of []float64, _ bool) float64 { return of[0] / max(of[1], 1) },
			}}
		}
	}
	return all
}
