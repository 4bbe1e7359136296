package policydoc

import (
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/preset"
)

// OfAutoscaler are documents of an autoscaler that is not AWS's: with its bounds, where it has
// some, a target between them.
func OfAutoscaler(p preset.Preset) Documents {
	d := Documents{Autoscaler: &p, Notes: p.Notes}
	if p.Min != nil || p.Max != nil {
		d.Targets = []types.ScalableTarget{{MinCapacity: p.Min, MaxCapacity: p.Max}}
	}
	return d
}
