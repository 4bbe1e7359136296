package status

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"golang.org/x/sync/errgroup"

	"flyball/internal/client"
	"flyball/scaling"
	"flyball/schedule"
)

// A Policy is a scaling policy with its alarms.
type Policy struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Rule string `json:"rule"` // in words, such as "ECSServiceAverageCPUUtilization at 50"
	// Goal is the target value of target tracking, and Value what the metric has been
	// last; nil if there is none.
	Goal     *float64  `json:"goal,omitempty"`
	Value    *float64  `json:"value,omitempty"`
	At       time.Time `json:"at,omitzero"` // the beginning of the value's period
	Alarms   []Alarm   `json:"alarms"`
	Forecast *Forecast `json:"forecast,omitempty"` // of predictive scaling
	// Watched is the metric of which Value is the newest, as CloudWatch is asked for it; nil
	// where Goal is, or an alarm is gone.
	Watched []cwtypes.MetricDataQuery `json:"-"`
}

// A Forecast is what predictive scaling expects of the hours to come.
type Forecast struct {
	Hours []Hour `json:"hours"`
	Lacks string `json:"lacks,omitempty"` // why there is none
}

// An Hour is the capacity that is forecast for one.
type Hour struct {
	At       time.Time `json:"at"`
	Capacity float64   `json:"capacity"`
}

// A Schedule is a scheduled action.
type Schedule struct {
	Name string    `json:"name"`
	Rule string    `json:"rule"`          // such as "cron(0 9 * * ? *) Europe/Berlin"
	Next time.Time `json:"next,omitzero"` // zero: it has no run left
	Min  *int32    `json:"min,omitempty"` // nil: the minimum stays
	Max  *int32    `json:"max,omitempty"` // nil: the maximum stays
}

// readTargets reads all scalable targets.
func readTargets(ctx context.Context, c *client.Client) (map[scaling.ResourceID]*Target, error) {
	targets := map[scaling.ResourceID]*Target{}
	for _, kind := range scaling.Kinds() {
		pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(c.AutoScaling, &applicationautoscaling.DescribeScalableTargetsInput{
			ServiceNamespace: types.ServiceNamespace(kind.Namespace()),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("read the scalable targets: %w", err)
			}
			for _, t := range page.ScalableTargets {
				id := scaling.ResourceID(aws.ToString(t.ResourceId))
				targets[id] = &Target{
					ResourceID: id, Min: aws.ToInt32(t.MinCapacity), Max: aws.ToInt32(t.MaxCapacity),
					Suspended: suspended(t.SuspendedState), Policies: []Policy{},
				}
			}
		}
	}
	return targets, nil
}

func suspended(state *types.SuspendedState) (names []string) {
	if state == nil {
		return nil
	}
	for _, s := range []struct {
		is   *bool
		name string
	}{
		{state.DynamicScalingInSuspended, "scale-in"},
		{state.DynamicScalingOutSuspended, "scale-out"},
		{state.ScheduledScalingSuspended, "scheduled"},
	} {
		if aws.ToBool(s.is) {
			names = append(names, s.name)
		}
	}
	return names
}

// readScaling reads policies, schedules, alarms, metrics and forecasts.
func (s *Status) readScaling(ctx context.Context, c *client.Client, whole bool) error {
	targets := s.byTarget()
	for _, kind := range scaling.Kinds() {
		if err := readPolicies(ctx, c, kind, targets); err != nil {
			return fmt.Errorf("read the scaling policies: %w", err)
		}
		if err := readSchedules(ctx, c, kind, targets, s.Now); err != nil {
			return fmt.Errorf("read the scheduled actions: %w", err)
		}
	}
	alarms := alarmNames(targets) // before both write what they find into the policies
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.readForecasts(ctx, c, targets) })
	group.Go(func() error { return s.readAlarms(ctx, c, targets, alarms, whole) })
	return group.Wait()
}

func readPolicies(ctx context.Context, c *client.Client, kind scaling.Kind, targets map[scaling.ResourceID]*Target) error {
	pages := applicationautoscaling.NewDescribeScalingPoliciesPaginator(c.AutoScaling, &applicationautoscaling.DescribeScalingPoliciesInput{
		ServiceNamespace: types.ServiceNamespace(kind.Namespace()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, p := range page.ScalingPolicies {
			if target := targets[scaling.ResourceID(aws.ToString(p.ResourceId))]; target != nil {
				target.Policies = append(target.Policies, newPolicy(p))
			}
		}
	}
	return nil
}

func newPolicy(p types.ScalingPolicy) Policy {
	policy := Policy{Name: aws.ToString(p.PolicyName), Type: string(p.PolicyType), Rule: rule(p), Alarms: []Alarm{}}
	if t := p.TargetTrackingScalingPolicyConfiguration; t != nil {
		policy.Goal = t.TargetValue
	}
	for _, a := range p.Alarms {
		policy.Alarms = append(policy.Alarms, Alarm{Name: aws.ToString(a.AlarmName)})
	}
	return policy
}

func readSchedules(ctx context.Context, c *client.Client, kind scaling.Kind, targets map[scaling.ResourceID]*Target, now time.Time) error {
	pages := applicationautoscaling.NewDescribeScheduledActionsPaginator(c.AutoScaling, &applicationautoscaling.DescribeScheduledActionsInput{
		ServiceNamespace: types.ServiceNamespace(kind.Namespace()),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, a := range page.ScheduledActions {
			if target := targets[scaling.ResourceID(aws.ToString(a.ResourceId))]; target != nil {
				target.Schedules = append(target.Schedules, newSchedule(a, now))
			}
		}
	}
	return nil
}

func newSchedule(a types.ScheduledAction, now time.Time) Schedule {
	s := Schedule{Name: aws.ToString(a.ScheduledActionName), Rule: aws.ToString(a.Schedule), Next: nextRun(a, now)}
	if zone := aws.ToString(a.Timezone); zone != "" {
		s.Rule += " " + zone
	}
	if to := a.ScalableTargetAction; to != nil {
		s.Min, s.Max = to.MinCapacity, to.MaxCapacity
	}
	return s
}

// nextRun is when an action runs next. Start and end bound a recurring schedule, and a rate
// counts from its start, or from the action's creation ("PutScheduledAction").
func nextRun(a types.ScheduledAction, now time.Time) time.Time {
	zone, err := time.UTC, error(nil)
	if name := aws.ToString(a.Timezone); name != "" {
		if zone, err = schedule.Zone(name); err != nil {
			return time.Time{}
		}
	}
	s, err := schedule.Parse(aws.ToString(a.Schedule), zone)
	if err != nil {
		return time.Time{}
	}
	if !s.Once() {
		start := aws.ToTime(a.StartTime)
		if start.IsZero() {
			start = aws.ToTime(a.CreationTime)
		}
		s = s.Between(start, aws.ToTime(a.EndTime))
	}
	next, _ := s.Next(now)
	return next
}

// shownHours is how many hours of a forecast are read: this one and those to come.
const shownHours = 4

// readForecasts reads what each predictive policy forecasts.
func (s *Status) readForecasts(ctx context.Context, c *client.Client, targets map[scaling.ResourceID]*Target) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callsAtOnce)
	begin := s.Now.UTC().Truncate(time.Hour)
	for id, target := range targets {
		for i := range target.Policies {
			p := &target.Policies[i]
			if p.Type != string(types.PolicyTypePredictiveScaling) {
				continue
			}
			group.Go(func() (err error) {
				p.Forecast, err = readForecast(ctx, c, id, p.Name, begin)
				return err
			})
		}
	}
	return group.Wait()
}

// readForecast reads a forecast from an hour on. That there is too little data for one is
// part of what it tells.
func readForecast(ctx context.Context, c *client.Client, id scaling.ResourceID, policy string, begin time.Time) (*Forecast, error) {
	out, err := c.AutoScaling.GetPredictiveScalingForecast(ctx, &applicationautoscaling.GetPredictiveScalingForecastInput{
		ServiceNamespace: types.ServiceNamespace(id.Kind().Namespace()), ScalableDimension: types.ScalableDimension(id.Kind().Dimension()),
		ResourceId: aws.String(string(id)), PolicyName: &policy, StartTime: &begin, EndTime: aws.Time(begin.Add(shownHours * time.Hour)),
	})
	if reason, refused := refusal(err); refused {
		return &Forecast{Hours: []Hour{}, Lacks: reason}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the forecast of policy %s: %w", policy, err)
	}
	f := &Forecast{Hours: []Hour{}}
	if out.CapacityForecast != nil {
		for i, at := range out.CapacityForecast.Timestamps {
			f.Hours = append(f.Hours, Hour{At: at, Capacity: out.CapacityForecast.Values[i]})
		}
	}
	return f, nil
}

// rule says in words what a policy does.
func rule(p types.ScalingPolicy) string {
	if t := p.TargetTrackingScalingPolicyConfiguration; t != nil {
		return fmt.Sprintf("%s at %.15g", metricName(t), aws.ToFloat64(t.TargetValue))
	}
	if s := p.StepScalingPolicyConfiguration; s != nil {
		if n := len(s.StepAdjustments); n != 1 {
			return fmt.Sprintf("%s, %d steps", s.AdjustmentType, n)
		}
		return fmt.Sprintf("%s, 1 step", s.AdjustmentType)
	}
	if f := p.PredictiveScalingPolicyConfiguration; f != nil && len(f.MetricSpecifications) > 0 {
		m := f.MetricSpecifications[0]
		return fmt.Sprintf("%s of %s at %.15g", f.Mode, loadName(m), aws.ToFloat64(m.TargetValue))
	}
	return ""
}

// loadName is the load that a predictive policy forecasts.
func loadName(m types.PredictiveScalingMetricSpecification) string {
	if pair := m.PredefinedMetricPairSpecification; pair != nil {
		return aws.ToString(pair.PredefinedMetricType)
	}
	if load := m.PredefinedLoadMetricSpecification; load != nil {
		return aws.ToString(load.PredefinedMetricType)
	}
	return "customized metric"
}

func metricName(t *types.TargetTrackingScalingPolicyConfiguration) string {
	if m := t.PredefinedMetricSpecification; m != nil {
		return string(m.PredefinedMetricType)
	}
	m := t.CustomizedMetricSpecification
	if m != nil && m.MetricName != nil {
		return aws.ToString(m.Namespace) + " " + aws.ToString(m.MetricName)
	}
	if m != nil {
		for _, q := range m.Metrics {
			if q.Expression != nil && (q.ReturnData == nil || *q.ReturnData) {
				return *q.Expression
			}
		}
	}
	return "customized metric"
}
