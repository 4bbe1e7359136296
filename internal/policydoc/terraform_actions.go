package policydoc

import (
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

func (p *plan) action(d *Documents, r *resource) error {
	var a types.ScheduledAction
	id, err := p.resourceID(r)
	if err != nil {
		return err
	}
	rename(r.Values, "name", "scheduled_action_name")
	for _, at := range []string{"start_time", "end_time"} {
		if s, ok := r.Values[at].(string); !ok || s == "" {
			delete(r.Values, at)
		}
	}
	if err := into(r.Values, &a); err != nil {
		return err
	}
	a.ResourceId = &id
	d.Actions = append(d.Actions, a)
	return nil
}
