package autoscaling

import (
	"context"
	"maps"
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
	names := map[string][]string{}
	for _, p := range r.target.policies {
		if p.Predictive != nil {
			continue // it has no alarm
		}
		var err error
		if names[p.Name], err = r.names(ctx, p); err != nil {
			return nil, err
		}
	}
	described, err := r.alarms.described(ctx, slices.Concat(slices.Collect(maps.Values(names))...))
	if err != nil {
		return nil, err
	}
	alarms := map[string][]*watched{}
	calls := dataCalls{client: r.alarms.client, now: r.now, nothingRuns: r.nothingRuns}
	for _, p := range r.target.policies {
		all, err := r.watch(p, names[p.Name], described)
		if err != nil {
			return nil, err
		}
		alarms[p.Name] = all
		r.want(&calls, p, all)
	}
	if err := calls.fetch(ctx); err != nil {
		return nil, err
	}
	seen := map[string][]scaling.Alarm{}
	for name, all := range alarms {
		for _, w := range all {
			seen[name] = append(seen[name], w.seen)
		}
	}
	return seen, nil
}

// names are the alarms of a policy: its own, or those that have called a step
// policy. One that has not called is not in ALARM.
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
func (r alarmReader) watch(p *policy, names []string, described map[string]cwtypes.MetricAlarm) ([]*watched, error) {
	var all []*watched
	for i, name := range names {
		m, exists := described[name]
		called := r.call != nil && name == r.call.Alarm
		if !exists {
			if p.Tracking != nil {
				all = append(all, &watched{seen: deleted(name, i)})
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
		all = append(all, &watched{m, seen})
	}
	return all, nil
}

// want asks for the datapoints that a decision needs: the newest of a target
// tracking policy, whose two alarms watch one metric, and those of a step policy's
// alarms that are in ALARM.
func (r alarmReader) want(calls *dataCalls, p *policy, all []*watched) {
	var wanted []*watched
	called := slices.ContainsFunc(all, func(w *watched) bool { return len(w.seen.Datapoints) > 0 })
	for _, w := range all {
		needed := r.thorough || p.Step != nil && w.seen.State == alarm.Alarm || p.Tracking != nil && !called
		if needed && w.described.AlarmName != nil && len(w.seen.Datapoints) == 0 {
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
