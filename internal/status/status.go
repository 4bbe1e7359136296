// Package status is the state of a server at a glance: its scalable targets,
// their policies and alarms, and the capacity of the services behind them, read
// through the AWS APIs.
package status

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/capacity"
	"flyball/internal/client"
	"flyball/scaling"
)

// A Status is the state of a server at one moment of its clock.
type Status struct {
	Endpoint string    `json:"endpoint"`
	Now      time.Time `json:"now"`
	Speed    float64   `json:"speed"`
	Targets  []Target  `json:"targets"`
}

// A Target is a scalable target with the capacity of its service, or of its function.
type Target struct {
	ResourceID string `json:"resourceId"`
	Min        int32  `json:"minCapacity"`
	Max        int32  `json:"maxCapacity"`
	Desired    int32  `json:"desiredCount"`
	Running    int32  `json:"runningCount"`
	Pending    int32  `json:"pendingCount"`
	// Healthy is how many tasks are healthy targets, in the target group with the
	// fewest; nil for a service in no target group.
	Healthy *int `json:"healthyTargets,omitempty"`
	// Service is ACTIVE, DRAINING, INACTIVE or MISSING; of a function READY, IN_PROGRESS
	// or MISSING.
	Service   string   `json:"serviceStatus"`
	Suspended []string `json:"suspended,omitempty"`
	Policies  []Policy `json:"policies"`
}

// A Policy is a scaling policy with its alarms.
type Policy struct {
	Name   string  `json:"name"`
	Type   string  `json:"type"`
	Rule   string  `json:"rule"` // in words, such as "ECSServiceAverageCPUUtilization at 50"
	Alarms []Alarm `json:"alarms"`
}

// An Alarm is a CloudWatch alarm that triggers a policy.
type Alarm struct {
	Name   string    `json:"name"`
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
	Rule   string    `json:"rule"` // in words, such as "Average > 50 for 3 of 3 x 60 s"
}

// Read collects the state. With resource ids it is about these targets only.
func Read(ctx context.Context, c *client.Client, resourceIDs ...string) (*Status, error) {
	clock, err := c.Clock(ctx)
	if err != nil {
		return nil, err
	}
	s := &Status{Endpoint: c.Endpoint, Now: clock.Now, Speed: clock.Speed, Targets: []Target{}}
	for _, kind := range scaling.Kinds() {
		if err := s.readTargets(ctx, c, kind, resourceIDs); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(s.Targets, func(a, b Target) int { return strings.Compare(a.ResourceID, b.ResourceID) })
	for _, id := range resourceIDs {
		if !slices.ContainsFunc(s.Targets, func(t Target) bool { return t.ResourceID == id }) {
			return nil, fmt.Errorf("no scalable target %s", id)
		}
	}
	if err := s.readPolicies(ctx, c); err != nil {
		return nil, err
	}
	if err := s.readFunctions(ctx, c); err != nil {
		return nil, err
	}
	return s, s.readServices(ctx, c)
}

// readTargets adds the targets of a kind: those with some resource ids, or without any
// all of them.
func (s *Status) readTargets(ctx context.Context, c *client.Client, kind scaling.Kind, ids []string) error {
	of := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return scaling.ResourceID(id).Kind() != kind })
	if len(ids) > 0 && len(of) == 0 {
		return nil
	}
	pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(c.AutoScaling,
		&applicationautoscaling.DescribeScalableTargetsInput{
			ServiceNamespace: aastypes.ServiceNamespace(kind.Namespace()), ResourceIds: of,
		})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the scalable targets: %w", err)
		}
		for _, t := range page.ScalableTargets {
			s.Targets = append(s.Targets, Target{
				ResourceID: aws.ToString(t.ResourceId),
				Min:        aws.ToInt32(t.MinCapacity),
				Max:        aws.ToInt32(t.MaxCapacity),
				Suspended:  suspended(t.SuspendedState),
				Policies:   []Policy{},
			})
		}
	}
	return nil
}

func suspended(state *aastypes.SuspendedState) []string {
	if state == nil {
		return nil
	}
	var names []string
	if aws.ToBool(state.DynamicScalingInSuspended) {
		names = append(names, "scale-in")
	}
	if aws.ToBool(state.DynamicScalingOutSuspended) {
		names = append(names, "scale-out")
	}
	if aws.ToBool(state.ScheduledScalingSuspended) {
		names = append(names, "scheduled")
	}
	return names
}

// readPolicies adds every target's policies, and to them their alarms, with as
// few calls as there are pages.
func (s *Status) readPolicies(ctx context.Context, c *client.Client) error {
	alarms := map[string]*Alarm{} // by name; every policy that names one shares it
	byID := map[string]*Target{}
	for i := range s.Targets {
		byID[s.Targets[i].ResourceID] = &s.Targets[i]
	}
	for _, kind := range scaling.Kinds() {
		pages := applicationautoscaling.NewDescribeScalingPoliciesPaginator(c.AutoScaling,
			&applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: aastypes.ServiceNamespace(kind.Namespace())})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("read the scaling policies: %w", err)
			}
			for _, p := range page.ScalingPolicies {
				if target := byID[aws.ToString(p.ResourceId)]; target != nil {
					target.addPolicy(p, alarms)
				}
			}
		}
	}
	if err := readAlarms(ctx, c, alarms); err != nil {
		return err
	}
	for _, t := range s.Targets {
		for _, p := range t.Policies {
			for i := range p.Alarms {
				p.Alarms[i] = *alarms[p.Alarms[i].Name]
			}
		}
	}
	return nil
}

// addPolicy adds a policy, and its alarms to those that are to be read.
func (t *Target) addPolicy(p aastypes.ScalingPolicy, alarms map[string]*Alarm) {
	policy := Policy{Name: aws.ToString(p.PolicyName), Type: string(p.PolicyType), Rule: rule(p), Alarms: []Alarm{}}
	for _, a := range p.Alarms {
		name := aws.ToString(a.AlarmName)
		alarms[name] = &Alarm{Name: name}
		policy.Alarms = append(policy.Alarms, Alarm{Name: name})
	}
	t.Policies = append(t.Policies, policy)
}

func readAlarms(ctx context.Context, c *client.Client, alarms map[string]*Alarm) error {
	names := make([]string, 0, len(alarms))
	for name := range alarms {
		names = append(names, name)
	}
	for batch := range slices.Chunk(names, 100) {
		out, err := c.CloudWatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
			AlarmNames: batch, MaxRecords: aws.Int32(100),
		})
		if err != nil {
			return fmt.Errorf("read the alarms: %w", err)
		}
		for _, a := range out.MetricAlarms {
			*alarms[aws.ToString(a.AlarmName)] = Alarm{
				Name:   aws.ToString(a.AlarmName),
				State:  string(a.StateValue),
				Since:  aws.ToTime(a.StateUpdatedTimestamp),
				Reason: aws.ToString(a.StateReason),
				Rule:   alarmRule(a),
			}
		}
	}
	return nil
}

// readFunctions reads the provisioned concurrency of the targets that are functions.
func (s *Status) readFunctions(ctx context.Context, c *client.Client) error {
	for i := range s.Targets {
		t := &s.Targets[i]
		id := scaling.ResourceID(t.ResourceID)
		if id.Kind() != scaling.Functions {
			continue
		}
		seen, err := capacity.Functions{Lambda: c.Lambda}.Look(ctx, []scaling.ResourceID{id})
		if err != nil {
			return err
		}
		now := seen[0]
		t.Desired, t.Running, t.Service = int32(now.Desired), int32(now.Running), "READY"
		switch {
		case now.Gone:
			t.Service = "MISSING"
		case now.Running < now.Desired:
			t.Pending, t.Service = t.Desired-t.Running, "IN_PROGRESS"
		}
	}
	return nil
}

func (s *Status) readServices(ctx context.Context, c *client.Client) error {
	byCluster := map[string][]*Target{}
	for i := range s.Targets {
		if scaling.ResourceID(s.Targets[i].ResourceID).Kind() != scaling.Services {
			continue
		}
		s.Targets[i].Service = "MISSING"
		if id, err := scaling.ParseServiceID(s.Targets[i].ResourceID); err == nil {
			cluster, _ := id.Service()
			byCluster[cluster] = append(byCluster[cluster], &s.Targets[i])
		}
	}
	for cluster, targets := range byCluster {
		for batch := range slices.Chunk(targets, 10) {
			if err := readServices(ctx, c, cluster, batch); err != nil {
				return err
			}
		}
	}
	return nil
}

func readServices(ctx context.Context, c *client.Client, cluster string, targets []*Target) error {
	byName := map[string]*Target{}
	in := &ecs.DescribeServicesInput{Cluster: &cluster}
	for _, t := range targets {
		_, name := scaling.ResourceID(t.ResourceID).Service()
		byName[name] = t
		in.Services = append(in.Services, name)
	}
	out, err := c.ECS.DescribeServices(ctx, in)
	if err != nil {
		return fmt.Errorf("read the services of cluster %s: %w", cluster, err)
	}
	for _, svc := range out.Services {
		t := byName[aws.ToString(svc.ServiceName)]
		t.Service = aws.ToString(svc.Status)
		t.Desired, t.Running, t.Pending = svc.DesiredCount, svc.RunningCount, svc.PendingCount
		if t.Healthy, err = healthyTargets(ctx, c.LoadBalancing, svc.LoadBalancers); err != nil {
			return fmt.Errorf("read the target health of %s: %w", t.ResourceID, err)
		}
	}
	return nil
}

// rule says in words what a policy does.
func rule(p aastypes.ScalingPolicy) string {
	if t := p.TargetTrackingScalingPolicyConfiguration; t != nil {
		return fmt.Sprintf("%s at %v", metricName(t), aws.ToFloat64(t.TargetValue))
	}
	if s := p.StepScalingPolicyConfiguration; s != nil {
		return fmt.Sprintf("%s, %d steps", s.AdjustmentType, len(s.StepAdjustments))
	}
	if f := p.PredictiveScalingPolicyConfiguration; f != nil && len(f.MetricSpecifications) > 0 {
		m := f.MetricSpecifications[0]
		return fmt.Sprintf("%s of %s at %v", f.Mode, loadName(m), aws.ToFloat64(m.TargetValue))
	}
	return ""
}

// loadName is the load that a predictive policy forecasts.
func loadName(m aastypes.PredictiveScalingMetricSpecification) string {
	if pair := m.PredefinedMetricPairSpecification; pair != nil {
		return aws.ToString(pair.PredefinedMetricType)
	}
	if load := m.PredefinedLoadMetricSpecification; load != nil {
		return aws.ToString(load.PredefinedMetricType)
	}
	return "customized metric"
}

func metricName(t *aastypes.TargetTrackingScalingPolicyConfiguration) string {
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

var operators = map[cwtypes.ComparisonOperator]string{
	cwtypes.ComparisonOperatorGreaterThanThreshold:          ">",
	cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold: ">=",
	cwtypes.ComparisonOperatorLessThanThreshold:             "<",
	cwtypes.ComparisonOperatorLessThanOrEqualToThreshold:    "<=",
}

// alarmRule says in words when an alarm fires.
func alarmRule(a cwtypes.MetricAlarm) string {
	n := aws.ToInt32(a.EvaluationPeriods)
	m := n
	if a.DatapointsToAlarm != nil {
		m = *a.DatapointsToAlarm
	}
	value, period := watched(a)
	return fmt.Sprintf("%s %s %v for %d of %d x %d s", value, operators[a.ComparisonOperator],
		aws.ToFloat64(a.Threshold), m, n, period)
}

// watched is what an alarm compares with its threshold, a statistic or an
// expression, and the seconds of its period.
func watched(a cwtypes.MetricAlarm) (value string, period int32) {
	value, period = string(a.Statistic), aws.ToInt32(a.Period)
	if a.ExtendedStatistic != nil {
		value = *a.ExtendedStatistic
	}
	for _, q := range a.Metrics {
		period = max(period, aws.ToInt32(q.Period))
		if q.MetricStat != nil {
			period = max(period, aws.ToInt32(q.MetricStat.Period))
		}
		switch returns := q.ReturnData == nil || *q.ReturnData; {
		case returns && q.Expression != nil:
			value = *q.Expression
		case returns && q.MetricStat != nil:
			value = aws.ToString(q.MetricStat.Stat)
		}
	}
	return value, period
}
