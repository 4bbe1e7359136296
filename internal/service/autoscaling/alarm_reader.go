package autoscaling

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/scaling"
)

// notified is an alarm's call for a policy.
type notified struct {
	policy string
	alarm.Notification
}

// An alarmReader reads the alarms of a target, for one step or explanation.
type alarmReader struct {
	alarms      policyAlarms
	now         time.Time
	target      *target
	call        *notified // brings the datapoints of its alarm; nil: none does
	nothingRuns bool
	// thorough reads what no decision needs, too: the datapoints of all alarms, and
	// the alarms that could call a step policy and have not.
	thorough bool
}

// read returns the alarms of each policy that has some, by policy, with the
// datapoints that a decision needs.
func (r alarmReader) read(ctx context.Context) (map[string][]scaling.Alarm, error) {
	policies := r.target.policies
	names := make([][]string, len(policies)) // of each policy's alarms
	for i, p := range policies {
		var err error
		if names[i], err = r.names(ctx, p); err != nil {
			return nil, err
		}
	}
	described, err := r.alarms.described(ctx, slices.Concat(names...))
	if err != nil {
		return nil, err
	}
	alarms := make([][]watched, len(policies))
	calls := dataCalls{client: r.alarms.client, now: r.now, nothingRuns: r.nothingRuns}
	for i, p := range policies {
		if alarms[i], err = r.watch(p, names[i], described); err != nil {
			return nil, err
		}
		r.want(&calls, p, alarms[i])
	}
	if err := calls.fetch(ctx); err != nil {
		return nil, err
	}
	seen := make(map[string][]scaling.Alarm, len(policies))
	for i, p := range policies {
		of := make([]scaling.Alarm, len(alarms[i]))
		for k, w := range alarms[i] {
			of[k] = w.seen
		}
		seen[p.Name] = of
	}
	return seen, nil
}

// names are the alarms of a policy: its own, or those that have called a step
// policy. One that has not called is not in ALARM. A predictive policy has none.
func (r alarmReader) names(ctx context.Context, p *policy) ([]string, error) {
	names := p.Alarms
	if p.Step == nil {
		return names, nil
	}
	names = slices.Clone(p.Called)
	if r.call != nil && r.call.policy == p.Name && !slices.Contains(names, r.call.Alarm) {
		names = append(names, r.call.Alarm)
	}
	if !r.thorough {
		return names, nil
	}
	could, err := r.alarms.calling(ctx, p.ARN)
	for _, m := range could {
		if name := aws.ToString(m.AlarmName); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, err
}

// watch is the state of a policy's alarms. Of a target tracking policy those that
// were deleted are there, too, to be told of.
func (r alarmReader) watch(p *policy, names []string, described map[string]*cwtypes.MetricAlarm) ([]watched, error) {
	all := make([]watched, 0, len(names))
	for i, name := range names {
		m, exists := described[name]
		called := r.call != nil && name == r.call.Alarm
		if !exists {
			if p.Tracking != nil {
				all = append(all, watched{seen: deleted(name, i)})
			}
			continue
		}
		seen, err := readAlarm(m)
		if err != nil && called {
			return nil, err
		}
		if err != nil {
			continue // a user's alarm that cannot drive steps keeps nobody from scaling
		}
		seen.Silent = silence(m, p.ARN)
		if p.Step != nil && seen.Silent == scaling.ActionRemoved {
			continue // it is another's alarm now
		}
		if called {
			seen.State, seen.Datapoints = alarm.Alarm, r.call.Datapoints
		}
		all = append(all, watched{m, seen})
	}
	return all, nil
}

// want asks for the datapoints that a decision needs: the newest of a target
// tracking policy, whose two alarms watch one metric, and those of a step policy's
// alarms that are in ALARM, or that activities of other policies tell of.
func (r alarmReader) want(calls *dataCalls, p *policy, all []watched) {
	var wanted []*watched
	called := slices.ContainsFunc(all, func(w watched) bool { return len(w.seen.Datapoints) > 0 })
	for i := range all {
		w := &all[i]
		counts := w.seen.State == alarm.Alarm || len(r.target.policies) > 1
		needed := r.thorough || p.Step != nil && counts || p.Tracking != nil && !called
		if needed && w.described != nil && len(w.seen.Datapoints) == 0 {
			wanted = append(wanted, w)
		}
	}
	if p.Tracking != nil && len(wanted) > 0 {
		calls.add(wanted...)
		return
	}
	for _, w := range wanted {
		calls.add(w)
	}
}
