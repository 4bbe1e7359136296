package autoscaling

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/state"
)

// Mend completes what a release left half-written that wrote a policy and its
// alarms, or a service's end and its target's, one after the other: targets without
// a service go, policies get the alarms that they lack, and alarms whose policy is
// gone go with it.
func (h *host) Mend(ctx context.Context) error {
	var targets []*target
	h.state.View(ctx, func() { targets = h.rows.selected() })
	for _, t := range targets {
		if err := h.mendTarget(ctx, t); err != nil {
			return err
		}
	}
	return h.deleteStrayAlarms(ctx)
}

func (h *host) mendTarget(ctx context.Context, t *target) error {
	seen, err := h.look(ctx, t.ResourceID)
	if err != nil {
		return err
	}
	if seen.Gone {
		h.log.Warn("mended: a scalable target whose resource is gone was forgotten", "target", t.ResourceID)
		return h.ResourceDeleted(ctx, t.ResourceID)
	}
	return h.state.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		for _, old := range t.policies {
			lacking, err := h.alarms.lacking(ctx, old)
			if err != nil {
				return err
			}
			if !lacking {
				continue
			}
			h.log.Warn("mended: a scaling policy got its alarms", "target", t.ResourceID, "policy", old.Name)
			p := *old
			if err := h.alarms.put(ctx, t.pace(), &p, old); err != nil {
				return err
			}
			t = t.withPolicy(&p)
		}
		h.rows.put(tx, t)
		return nil
	})
}

// deleteStrayAlarms deletes the alarms of target tracking policies that are gone.
func (h *host) deleteStrayAlarms(ctx context.Context) error {
	pages := cloudwatch.NewDescribeAlarmsPaginator(h.alarms.client, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String(alarmPrefix), MaxRecords: aws.Int32(alarmsAtOnce),
	})
	var strays []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fault.Alarms(err)
		}
		for _, m := range page.MetricAlarms {
			if len(m.AlarmActions) == 1 && !h.owns(ctx, m.AlarmActions[0], aws.ToString(m.AlarmName)) {
				strays = append(strays, aws.ToString(m.AlarmName))
			}
		}
	}
	if len(strays) > 0 {
		h.log.Warn("mended: alarms whose scaling policy is gone were deleted", "alarms", strays)
	}
	return h.alarms.delete(ctx, strays)
}

// owns reports whether an alarm that calls a scaling policy of this cell belongs to
// one that there is. Those of others stay as they are.
func (h *host) owns(ctx context.Context, policyARN, alarm string) (owned bool) {
	resource, ours := h.cell.Parse("autoscaling", policyARN)
	if !ours || !strings.HasPrefix(resource, "scalingPolicy:") {
		return true
	}
	h.state.View(ctx, func() {
		if p := h.rows.policies[policyARN]; p != nil {
			owned = slices.Contains(p.Alarms, alarm)
		}
	})
	return owned
}
