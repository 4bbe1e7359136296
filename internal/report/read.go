package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"flyball/internal/load"
	"flyball/scaling"
)

// A Source is where a run is read from. The SDK's clients meet it, and so do
// Flyball's services.
type Source struct {
	AutoScaling   AutoScaling
	CloudWatch    CloudWatch
	ECS           ECS
	LoadBalancing LoadBalancing
}

// AutoScaling has the policies and the activities.
type AutoScaling interface {
	aas.DescribeScalingPoliciesAPIClient
	aas.DescribeScalingActivitiesAPIClient
}

// CloudWatch has the metrics and what became of the alarms.
type CloudWatch interface {
	cloudwatch.GetMetricDataAPIClient
	cloudwatch.DescribeAlarmHistoryAPIClient
}

// ECS has the service and its deployments.
type ECS interface {
	ecs.DescribeServicesAPIClient
	ListServiceDeployments(context.Context, *ecs.ListServiceDeploymentsInput, ...func(*ecs.Options)) (*ecs.ListServiceDeploymentsOutput, error)
}

// LoadBalancing knows which load balancer is in front of a target group.
type LoadBalancing = elb.DescribeTargetGroupsAPIClient

var (
	_ AutoScaling   = (*aas.Client)(nil)
	_ CloudWatch    = (*cloudwatch.Client)(nil)
	_ ECS           = (*ecs.Client)(nil)
	_ LoadBalancing = (*elb.Client)(nil)
)

// Read reads what became of a service between two times.
func Read(ctx context.Context, s Source, id scaling.ResourceID, record []load.Line, from, to time.Time) (Run, error) {
	r := reader{Source: s, Run: Run{Service: id, From: from, To: to, Speed: 1, Load: record}}
	r.cluster, r.name = id.Service()
	for _, step := range []func(context.Context) error{
		r.readService, r.readPolicies, r.readActivities, r.readMetrics, r.readBalancer, r.readAlarms, r.readDeployments,
	} {
		if err := step(ctx); err != nil {
			return Run{}, err
		}
	}
	r.Cooldowns = r.cooldowns()
	r.Desired = r.desired()
	return r.Run, nil
}

// A reader has a run that is being read.
type reader struct {
	Source
	Run
	cluster, name string
	now           int    // the desired count now
	group         string // ARN of its target group, if it has one
}

func (r *reader) readService(ctx context.Context) error {
	out, err := r.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &r.cluster, Services: []string{r.name}})
	if err != nil {
		return err
	}
	if len(out.Services) == 0 {
		return fmt.Errorf("there is no service %s in cluster %s", r.name, r.cluster)
	}
	service := out.Services[0]
	r.now = int(service.DesiredCount)
	if len(service.LoadBalancers) > 0 {
		r.group = aws.ToString(service.LoadBalancers[0].TargetGroupArn)
	}
	for _, e := range service.Events {
		if at := aws.ToTime(e.CreatedAt); r.within(at) {
			r.Events = append(r.Events, Event{at, aws.ToString(e.Message)})
		}
	}
	slices.SortStableFunc(r.Events, func(a, b Event) int { return a.At.Compare(b.At) })
	return nil
}

func (r *reader) within(t time.Time) bool { return !t.Before(r.From) && !t.After(r.To) }

func (r *reader) readPolicies(ctx context.Context) error {
	pages := aas.NewDescribeScalingPoliciesPaginator(r.AutoScaling, &aas.DescribeScalingPoliciesInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ResourceId: aws.String(string(r.Service)),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, p := range page.ScalingPolicies {
			r.Policies = append(r.Policies, policyOf(p))
		}
	}
	return nil
}

func policyOf(p aastypes.ScalingPolicy) Policy {
	policy := Policy{Name: aws.ToString(p.PolicyName)}
	for _, a := range p.Alarms {
		name := aws.ToString(a.AlarmName)
		policy.Alarms = append(policy.Alarms, Alarm{Name: name, Low: strings.Contains(name, "-AlarmLow-")})
	}
	seconds := func(n *int32, otherwise int32) time.Duration {
		if n != nil {
			otherwise = *n
		}
		return time.Duration(otherwise) * time.Second
	}
	if t := p.TargetTrackingScalingPolicyConfiguration; t != nil {
		const usual = 300 // for services of ECS
		policy.ScaleOut, policy.ScaleIn = seconds(t.ScaleOutCooldown, usual), seconds(t.ScaleInCooldown, usual)
		if m := t.PredefinedMetricSpecification; m != nil && strings.HasPrefix(string(m.PredefinedMetricType), "ECSServiceAverageCPUUtilization") {
			policy.CPUTarget = aws.ToFloat64(t.TargetValue)
		}
	}
	if s := p.StepScalingPolicyConfiguration; s != nil {
		policy.ScaleOut = seconds(s.Cooldown, 300)
		policy.ScaleIn = policy.ScaleOut
	}
	return policy
}

// readActivities reads those that began before the end, oldest first. One that began
// before the run tells the desired count at its start.
func (r *reader) readActivities(ctx context.Context) error {
	pages := aas.NewDescribeScalingActivitiesPaginator(r.AutoScaling, &aas.DescribeScalingActivitiesInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ResourceId: aws.String(string(r.Service)), IncludeNotScaledActivities: aws.Bool(true),
	})
	for done := false; pages.HasMorePages() && !done; {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, found := range page.ScalingActivities {
			a := activityOf(found)
			if a.At.After(r.To) {
				continue
			}
			r.Activities = append(r.Activities, a)
			if done = a.Scaled && a.At.Before(r.From); done {
				break
			}
		}
	}
	slices.Reverse(r.Activities)
	return nil
}

func activityOf(a aastypes.ScalingActivity) Activity {
	activity := Activity{
		ID: aws.ToString(a.ActivityId), At: aws.ToTime(a.StartTime), End: aws.ToTime(a.EndTime), Status: string(a.StatusCode),
		Failed: a.StatusCode == aastypes.ScalingActivityStatusCodeFailed && len(a.NotScaledReasons) == 0,
		What:   aws.ToString(a.Description), Cause: aws.ToString(a.Cause), Details: aws.ToString(a.Details),
	}
	for _, reason := range a.NotScaledReasons {
		activity.Why = append(activity.Why, aws.ToString(reason.Code))
	}
	if _, err := fmt.Sscanf(activity.What, "Setting desired count to %d.", &activity.To); err == nil {
		activity.Scaled = !activity.Failed
	}
	return activity
}

// readAlarms makes spans of ALARM from the changes of state.
func (r *reader) readAlarms(ctx context.Context) error {
	for _, p := range r.Policies {
		for _, alarm := range p.Alarms {
			changes, err := r.stateChanges(ctx, alarm.Name)
			if err != nil {
				return err
			}
			r.Alarms = append(r.Alarms, r.inAlarm(alarm, changes)...)
		}
	}
	return nil
}

// A stateChange is one of an alarm.
type stateChange struct {
	at       time.Time
	from, to string
	reason   string
}

func (r *reader) stateChanges(ctx context.Context, alarm string) ([]stateChange, error) {
	pages := cloudwatch.NewDescribeAlarmHistoryPaginator(r.CloudWatch, &cloudwatch.DescribeAlarmHistoryInput{
		AlarmName: &alarm, HistoryItemType: cwtypes.HistoryItemTypeStateUpdate,
		StartDate: &r.From, EndDate: &r.To, ScanBy: cwtypes.ScanByTimestampAscending,
	})
	var changes []stateChange
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, item := range page.AlarmHistoryItems {
			var data struct {
				OldState, NewState struct{ StateValue, StateReason string }
			}
			if err := json.Unmarshal([]byte(aws.ToString(item.HistoryData)), &data); err != nil {
				return nil, fmt.Errorf("read the history of alarm %s: %w", alarm, err)
			}
			changes = append(changes, stateChange{aws.ToTime(item.Timestamp), data.OldState.StateValue, data.NewState.StateValue, data.NewState.StateReason})
		}
	}
	return changes, nil
}

func (r *reader) inAlarm(alarm Alarm, changes []stateChange) []Span {
	span := Span{Kind: Outward, Label: "high"}
	if alarm.Low {
		span.Kind, span.Label = Inward, "low"
	}
	var spans []Span
	var begun *stateChange
	if len(changes) > 0 && changes[0].from == string(cwtypes.StateValueAlarm) {
		begun = &stateChange{at: r.From, reason: "It was in ALARM before."}
	}
	end := func(at time.Time) {
		if begun != nil {
			span.From, span.To = begun.at, at
			span.Title = fmt.Sprintf("%s in ALARM\n%s", alarm.Name, begun.reason)
			spans = append(spans, span)
			begun = nil
		}
	}
	for _, c := range changes {
		end(c.at)
		if c.to == string(cwtypes.StateValueAlarm) {
			begun = &c
		}
	}
	end(r.To)
	return spans
}

func (r *reader) readDeployments(ctx context.Context) error {
	in := &ecs.ListServiceDeploymentsInput{Cluster: &r.cluster, Service: &r.name}
	for {
		out, err := r.ECS.ListServiceDeployments(ctx, in)
		if missing := (*ecstypes.ServiceNotFoundException)(nil); errors.As(err, &missing) {
			return nil // it has been deleted since, and its deployments with it
		}
		if err != nil {
			return err
		}
		for _, d := range out.ServiceDeployments {
			if span := r.deployment(d); !span.To.Before(r.From) && !span.From.After(r.To) {
				r.Deployments = append(r.Deployments, span)
			}
		}
		if out.NextToken == nil {
			return nil
		}
		in.NextToken = out.NextToken
	}
}

func (r *reader) deployment(d ecstypes.ServiceDeploymentBrief) Span {
	status := strings.ToLower(strings.ReplaceAll(string(d.Status), "_", " "))
	span := Span{From: aws.ToTime(d.CreatedAt), To: r.To, Kind: Good, Label: status, Title: "Deployment " + status}
	if d.FinishedAt != nil {
		span.To = *d.FinishedAt
	}
	if strings.Contains(status, "rollback") || strings.Contains(status, "stop") {
		span.Kind = Bad
	}
	if reason := aws.ToString(d.StatusReason); reason != "" {
		span.Title += "\n" + reason
	}
	return span
}
