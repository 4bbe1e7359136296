package policydoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/preset"
)

// Choose keeps of several autoscalers that are not AWS's the one of a name, with its bounds as
// those of a target and its notes.
func (d Documents) Choose(name string) (Documents, error) {
	if len(d.Autoscalers) == 0 {
		return d, nil
	}
	if len(d.Policies) > 0 {
		return d, fmt.Errorf("there are policies of AWS and another autoscaler, and one of the two decides: give one with --policies, and the other with --against")
	}
	if len(d.Autoscalers) > 1 {
		i := slices.IndexFunc(d.Autoscalers, func(p preset.Preset) bool { return p.Name == name })
		if i < 0 {
			var names []string
			for _, p := range d.Autoscalers {
				names = append(names, p.Name)
			}
			return d, fmt.Errorf("there are several autoscalers: name one of them with --service: %s", strings.Join(names, ", "))
		}
		d.Autoscalers = d.Autoscalers[i : i+1]
	}
	p := d.Autoscalers[0]
	d.Notes = append(d.Notes, p.Notes...)
	if p.Min != nil || p.Max != nil {
		d.Targets = []types.ScalableTarget{{MinCapacity: p.Min, MaxCapacity: p.Max}}
	}
	return d, nil
}
