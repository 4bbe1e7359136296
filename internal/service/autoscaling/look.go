package autoscaling

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/alarm"
	"flyball/metric"
	"flyball/scaling"
)

// service is what an ECS service looks like now: everything but the policies.
// A service that does not exist or is no longer active is refused in AWS's
// words.
func (a *API) service(ctx context.Context, resourceID string) (scaling.Seen, error) {
	cluster, name := split(resourceID)
	out, err := a.cfg.Services.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{name}})
	var noCluster *ecstypes.ClusterNotFoundException
	switch {
	case errors.As(err, &noCluster):
		return scaling.Seen{}, serviceGone(resourceID)
	case err != nil:
		return scaling.Seen{}, internal(fmt.Errorf("describe service %s: %w", resourceID, err))
	case len(out.Services) == 0 || !alive(out.Services[0]):
		return scaling.Seen{}, serviceGone(resourceID)
	}
	return seenService(out.Services[0]), nil
}

// A goneError says that the target's service is no more.
type goneError struct{ error }

func (e goneError) Unwrap() error { return e.error }

func serviceGone(resourceID string) error {
	return goneError{invalid("ECS service doesn't exist: %s", resourceID)}
}

// unwrapGone is the error that a client sees.
func unwrapGone(err error) error {
	var gone goneError
	if errors.As(err, &gone) {
		return gone.error
	}
	return err
}

func alive(s ecstypes.Service) bool { return aws.ToString(s.Status) == "ACTIVE" }

func seenService(s ecstypes.Service) scaling.Seen {
	return scaling.Seen{Desired: capacity(s.DesiredCount), Running: capacity(s.RunningCount), Deploying: deploying(s)}
}

func capacity(count int32) scaling.Capacity { return scaling.Capacity(max(count, 0)) }

// deploying reports whether a deployment is under way: an old one still has
// tasks, or the new one is not steady yet.
func deploying(s ecstypes.Service) bool {
	return len(s.Deployments) > 1 || slices.ContainsFunc(s.Deployments, func(d ecstypes.Deployment) bool {
		return d.RolloutState == ecstypes.DeploymentRolloutStateInProgress
	})
}

// A subject is a policy that is looked at: its reading, and the names of its
// alarms.
type subject struct {
	reading scaling.Reading
	arn     string
	alarms  []string
	step    bool
}

// look gathers what a decision needs: the service, and for every policy its
// alarms with their newest datapoints. The alarm that called, if any, brings its
// own. With everything, datapoints that no decision needs are gathered, too.
func (a *API) look(ctx context.Context, t *target, n *Notification, everything bool) (scaling.Seen, error) {
	seen, err := a.service(ctx, t.ResourceID)
	if err != nil {
		return seen, err
	}
	subjects := a.subjects(t, n)
	if everything {
		if err := a.hear(ctx, subjects); err != nil {
			return seen, err
		}
	}
	var names []string
	for _, s := range subjects {
		names = append(names, s.alarms...)
	}
	alarms, err := a.describeAlarms(ctx, names)
	if err != nil {
		return seen, err
	}
	var w watches
	for i := range subjects {
		s := &subjects[i]
		if err := s.read(alarms, n); err != nil {
			return seen, err
		}
		s.watch(&w, alarms, everything)
	}
	if err := a.fetch(ctx, &w, &seen); err != nil {
		return seen, err
	}
	for _, s := range subjects {
		seen.Policies = append(seen.Policies, s.reading)
	}
	a.forgetOldTasks(t, &seen)
	return seen, nil
}

// subjects are the target's policies. Which alarms name a step policy is learned
// from their calls: one that has not called is not in ALARM.
func (a *API) subjects(t *target, n *Notification) []subject {
	a.mu.Lock()
	defer a.mu.Unlock()
	subjects := make([]subject, 0, len(t.policies))
	for _, p := range t.policies {
		if p.Predictive != nil {
			continue // it has no alarm
		}
		if n != nil && p.ARN == n.Action && p.Step != nil && !slices.Contains(p.heard, n.Alarm) {
			p.heard = append(slices.Clip(p.heard), n.Alarm)
		}
		s := subject{
			reading: scaling.Reading{Name: p.Name, Policy: p.rule, Cooldown: p.Cooldown},
			arn:     p.ARN,
			alarms:  p.Alarms,
		}
		if p.Step != nil {
			s.alarms, s.step = p.heard, true
		}
		subjects = append(subjects, s)
	}
	return subjects
}

// hear asks which alarms name the step policies.
func (a *API) hear(ctx context.Context, subjects []subject) error {
	for i, s := range subjects {
		if !s.step {
			continue
		}
		found, err := a.stepAlarms(ctx, s.arn)
		if err != nil {
			return err
		}
		subjects[i].alarms = nil
		for _, f := range found {
			subjects[i].alarms = append(subjects[i].alarms, aws.ToString(f.AlarmName))
		}
	}
	return nil
}

// read takes over the states of the policy's alarms. One that was deleted by
// hand is left out.
func (s *subject) read(alarms map[string]cwtypes.MetricAlarm, n *Notification) error {
	for _, name := range s.alarms {
		m, ok := alarms[name]
		if !ok {
			continue
		}
		called := n != nil && name == n.Alarm
		seen, err := readAlarm(m)
		if err != nil && called {
			return err
		}
		if err != nil {
			continue // a user's alarm that cannot drive steps keeps nobody from scaling
		}
		if called {
			seen.State, seen.Datapoints = alarm.Alarm, n.Datapoints
		}
		s.reading.Alarms = append(s.reading.Alarms, seen)
	}
	return nil
}

// watch asks for the datapoints that a decision needs: the newest of a target
// tracking policy, whose two alarms watch one metric, and those of a step
// policy's alarms that are in ALARM.
func (s *subject) watch(w *watches, alarms map[string]cwtypes.MetricAlarm, everything bool) {
	called := slices.ContainsFunc(s.reading.Alarms, func(m scaling.Alarm) bool { return len(m.Datapoints) > 0 })
	for i, m := range s.reading.Alarms {
		if everything || s.step && m.State == alarm.Alarm || !s.step && !called {
			w.add(alarms[m.Name], &s.reading, i)
		}
	}
}

func (a *API) describeAlarms(ctx context.Context, names []string) (map[string]cwtypes.MetricAlarm, error) {
	alarms := make(map[string]cwtypes.MetricAlarm, len(names))
	for batch := range slices.Chunk(names, 100) { // a call takes no more
		out, err := a.cfg.Alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
			AlarmNames: batch, MaxRecords: aws.Int32(100), AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm},
		})
		if err != nil {
			return nil, alarmsFailed(err)
		}
		for _, m := range out.MetricAlarms {
			alarms[aws.ToString(m.AlarmName)] = m
		}
	}
	return alarms, nil
}

// readAlarm is an alarm as package scaling sees it, without its datapoints.
func readAlarm(m cwtypes.MetricAlarm) (scaling.Alarm, error) {
	state, err := alarm.ParseState(string(m.StateValue))
	if err != nil {
		return scaling.Alarm{}, internal(fmt.Errorf("alarm %s: %w", aws.ToString(m.AlarmName), err))
	}
	comparison, err := alarm.ParseComparison(string(m.ComparisonOperator))
	if err != nil {
		return scaling.Alarm{}, invalid("Alarm %s: %v", aws.ToString(m.AlarmName), err)
	}
	of := int(aws.ToInt32(m.EvaluationPeriods))
	return scaling.Alarm{
		Name:       aws.ToString(m.AlarmName),
		State:      state,
		Comparison: comparison,
		Threshold:  aws.ToFloat64(m.Threshold),
		Period:     alarmPeriod(m),
		Needed:     cmp.Or(int(aws.ToInt32(m.DatapointsToAlarm)), of),
		Of:         of,
	}, nil
}

func alarmPeriod(m cwtypes.MetricAlarm) time.Duration {
	seconds := aws.ToInt32(m.Period)
	for _, q := range m.Metrics { // an alarm on metric math has its period there
		if q.MetricStat != nil {
			seconds = max(seconds, aws.ToInt32(q.MetricStat.Period))
		}
		seconds = max(seconds, aws.ToInt32(q.Period))
	}
	return time.Duration(cmp.Or(seconds, 60)) * time.Second
}

// watches are the calls that fetch datapoints: one for all alarms on a metric, and
// one for each metric math, for its expressions know its metrics by their ids.
type watches struct {
	metrics  fetch
	formulas []fetch
}

// A fetch is a call for datapoints.
type fetch struct {
	formula bool // the queries are metric math, of one alarm or two
	queries []cwtypes.MetricDataQuery
	wanted  map[string][]wanted // by the id of a query
	longest time.Duration
}

// wanted is an alarm that wants datapoints.
type wanted struct {
	reading *scaling.Reading
	alarm   int
}

// add asks for an alarm's datapoints, unless it has them.
func (w *watches) add(m cwtypes.MetricAlarm, r *scaling.Reading, i int) {
	seen := r.Alarms[i]
	switch {
	case len(seen.Datapoints) > 0:
	case len(m.Metrics) > 0:
		id := returnedID(m.Metrics)
		if n := len(w.formulas); n > 0 && w.formulas[n-1].shares(r) {
			w.formulas[n-1].add(id, wanted{r, i})
			return
		}
		w.formulas = append(w.formulas, fetch{formula: true, queries: m.Metrics})
		w.formulas[len(w.formulas)-1].add(id, wanted{r, i})
	case m.MetricName != nil:
		if n := len(w.metrics.queries); n > 0 && w.metrics.shares(r) {
			w.metrics.add(*w.metrics.queries[n-1].Id, wanted{r, i})
			return
		}
		id := "m" + strconv.Itoa(len(w.metrics.queries))
		w.metrics.queries = append(w.metrics.queries, cwtypes.MetricDataQuery{
			Id: aws.String(id),
			MetricStat: &cwtypes.MetricStat{
				Metric: &cwtypes.Metric{Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: m.Dimensions},
				Period: aws.Int32(int32(seen.Period / time.Second)),
				Stat:   aws.String(cmp.Or(string(m.Statistic), aws.ToString(m.ExtendedStatistic))),
				Unit:   m.Unit,
			},
		})
		w.metrics.add(id, wanted{r, i})
	}
}

func (f *fetch) add(id string, who wanted) {
	if f.wanted == nil {
		f.wanted = map[string][]wanted{}
	}
	f.wanted[id] = append(f.wanted[id], who)
	seen := who.reading.Alarms[who.alarm]
	f.longest = max(f.longest, time.Duration(seen.Of+1)*seen.Period)
}

// shares tells whether the newest query of the call is for the other alarm of a
// target tracking policy: its two alarms watch one metric.
func (f *fetch) shares(r *scaling.Reading) bool {
	_, tracking := r.Policy.(scaling.TargetTracking)
	if !tracking {
		return false
	}
	for _, all := range f.wanted {
		if all[0].reading == r {
			return true
		}
	}
	return false
}

// fetch gets the datapoints.
func (a *API) fetch(ctx context.Context, w *watches, seen *scaling.Seen) error {
	nothingRuns := seen.Desired == 0 && seen.Running == 0
	for _, f := range append(w.formulas, w.metrics) {
		if len(f.queries) == 0 {
			continue
		}
		now := a.now()
		results, err := a.get(ctx, f, now)
		if err != nil {
			return err
		}
		for _, result := range results {
			for _, want := range f.wanted[aws.ToString(result.Id)] {
				alarm := &want.reading.Alarms[want.alarm]
				if f.formula {
					alarm.Datapoints = computed(f.queries, results, *alarm, now, nothingRuns)
				} else {
					alarm.Datapoints = newest(result, *alarm, now)
				}
			}
		}
	}
	return nil
}

// get makes a call for datapoints, the oldest first.
func (a *API) get(ctx context.Context, f fetch, now time.Time) ([]cwtypes.MetricDataResult, error) {
	queries := f.queries
	if f.formula {
		queries = answering(queries)
	}
	out, err := a.cfg.Alarms.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		MetricDataQueries: queries,
		StartTime:         aws.Time(now.Add(-f.longest)),
		EndTime:           aws.Time(now),
		ScanBy:            cwtypes.ScanByTimestampAscending,
	})
	if err != nil {
		return nil, alarmsFailed(err)
	}
	return out.MetricDataResults, nil
}

// newest are the datapoints of the newest closed periods that an alarm
// evaluates.
func newest(r cwtypes.MetricDataResult, seen scaling.Alarm, now time.Time) []metric.Datapoint {
	end := now.Truncate(seen.Period)
	start := end.Add(-time.Duration(seen.Of) * seen.Period)
	var points []metric.Datapoint
	for i, at := range r.Timestamps {
		if i < len(r.Values) && !at.Before(start) && at.Before(end) {
			points = append(points, metric.Datapoint{Time: at, Value: r.Values[i]})
		}
	}
	return points
}

// forgetOldTasks keeps a target that has lost its tasks from scaling because of
// what they did: only datapoints since then tell of demand, and once there is a
// task again, of its idleness.
func (a *API) forgetOldTasks(t *target, seen *scaling.Seen) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if seen.Desired > 0 || seen.Running > 0 {
		delete(a.zero, t)
	} else {
		a.watchZero(t)
	}
	for _, r := range seen.Policies {
		for i, m := range r.Alarms {
			r.Alarms[i].Datapoints = slices.DeleteFunc(slices.Clone(m.Datapoints), func(d metric.Datapoint) bool { return d.Time.Before(t.emptied) })
		}
	}
}

// watchZero remembers that a target has no task. With none there may be no
// alarm that calls, so Run looks for demand itself.
func (a *API) watchZero(t *target) {
	if _, watched := a.zero[t]; !watched || t.emptied.IsZero() {
		t.emptied = a.now()
	}
	a.zero[t] = struct{}{}
}
