package autoscaling

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"flyball/internal/state"
)

// Mend completes what a release left half-written that wrote a policy and its
// alarms, or a service's end and its target's, one after the other: targets without
// a service go, policies get the alarms that they lack, and alarms whose policy is
// gone go with it.
func (a *API) Mend(ctx context.Context) error {
	var targets []*target
	a.state.View(ctx, func() { targets = a.rows.selected() })
	for _, t := range targets {
		if err := a.mendTarget(ctx, t); err != nil {
			return err
		}
	}
	return a.deleteStrayAlarms(ctx)
}

func (a *API) mendTarget(ctx context.Context, t *target) error {
	seen, err := a.look(ctx, t.ResourceID)
	if err != nil {
		return err
	}
	if seen.Gone {
		a.log.Warn("mended: a scalable target whose service is gone was forgotten", "target", t.ResourceID)
		return a.ServiceDeleted(ctx, t.ResourceID)
	}
	return a.state.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		for _, old := range t.policies {
			lacking, err := a.lacksAlarms(ctx, old)
			if err != nil {
				return err
			}
			if !lacking {
				continue
			}
			a.log.Warn("mended: a scaling policy got its alarms", "target", t.ResourceID, "policy", old.Name)
			p := *old
			if err := a.putAlarms(ctx, t, &p, old); err != nil {
				return err
			}
			t = &target{t.row, with(t.policies, &p, (*policy).named), t.actions}
		}
		a.rows.put(tx, t)
		return nil
	})
}

// lacksAlarms reports whether alarms of a policy are not there.
func (a *API) lacksAlarms(ctx context.Context, p *policy) (bool, error) {
	if p.Tracking == nil {
		return false, nil
	}
	out, err := a.cfg.Alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: p.Alarms})
	if err != nil {
		return false, alarmsFailed(err)
	}
	return len(p.Alarms) == 0 || len(out.MetricAlarms) < len(p.Alarms), nil
}

// deleteStrayAlarms deletes the alarms of target tracking policies that are gone.
func (a *API) deleteStrayAlarms(ctx context.Context) error {
	pages := cloudwatch.NewDescribeAlarmsPaginator(a.cfg.Alarms, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String("TargetTracking-"), MaxRecords: aws.Int32(100),
	})
	var strays []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return alarmsFailed(err)
		}
		for _, m := range page.MetricAlarms {
			if len(m.AlarmActions) == 1 && !a.owns(ctx, m.AlarmActions[0], aws.ToString(m.AlarmName)) {
				strays = append(strays, aws.ToString(m.AlarmName))
			}
		}
	}
	if len(strays) > 0 {
		a.log.Warn("mended: alarms whose scaling policy is gone were deleted", "alarms", strays)
	}
	return a.deleteAlarms(ctx, strays)
}

// owns reports whether an alarm that calls a scaling policy of this cell belongs to
// one that there is. Those of others stay as they are.
func (a *API) owns(ctx context.Context, policyARN, alarm string) (owned bool) {
	resource, ours := a.cell.Parse("autoscaling", policyARN)
	if !ours || !strings.HasPrefix(resource, "scalingPolicy:") {
		return true
	}
	a.state.View(ctx, func() {
		id, known := a.rows.policies[policyARN]
		if t := a.rows.targets[id.target]; known && t != nil {
			owned = slices.Contains(t.policy(id.name).Alarms, alarm)
		}
	})
	return owned
}
