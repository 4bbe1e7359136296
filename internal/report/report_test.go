package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	aas "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/load"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time { return noon.Add(time.Duration(minutes * float64(time.Minute))) }

// A cloud answers as AWS does, with what a test has put into it.
type cloud struct {
	services    []ecstypes.Service
	deployments []ecstypes.ServiceDeploymentBrief
	policies    []aastypes.ScalingPolicy
	activities  []aastypes.ScalingActivity // newest first
	metrics     map[string][]Datapoint     // by name and statistic
	history     map[string][]cwtypes.AlarmHistoryItem
	asked       map[string]string // dimensions by metric
}

func (c *cloud) source() Source { return Source{c, c, c, c} }

func (c *cloud) DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	return &ecs.DescribeServicesOutput{Services: c.services}, nil
}

func (c *cloud) DescribeTargetGroups(context.Context, *elb.DescribeTargetGroupsInput, ...func(*elb.Options)) (*elb.DescribeTargetGroupsOutput, error) {
	return &elb.DescribeTargetGroupsOutput{TargetGroups: []elbtypes.TargetGroup{
		{LoadBalancerArns: []string{"arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/workshop/50dc6c495c0c9188"}},
	}}, nil
}

func (c *cloud) ListServiceDeployments(context.Context, *ecs.ListServiceDeploymentsInput, ...func(*ecs.Options)) (*ecs.ListServiceDeploymentsOutput, error) {
	return &ecs.ListServiceDeploymentsOutput{ServiceDeployments: c.deployments}, nil
}

func (c *cloud) DescribeScalingPolicies(context.Context, *aas.DescribeScalingPoliciesInput, ...func(*aas.Options)) (*aas.DescribeScalingPoliciesOutput, error) {
	return &aas.DescribeScalingPoliciesOutput{ScalingPolicies: c.policies}, nil
}

// DescribeScalingActivities has two activities on each page.
func (c *cloud) DescribeScalingActivities(_ context.Context, in *aas.DescribeScalingActivitiesInput, _ ...func(*aas.Options)) (*aas.DescribeScalingActivitiesOutput, error) {
	first := 0
	fmt.Sscan(aws.ToString(in.NextToken), &first)
	last := min(first+2, len(c.activities))
	out := &aas.DescribeScalingActivitiesOutput{ScalingActivities: c.activities[first:last]}
	if last < len(c.activities) {
		out.NextToken = aws.String(fmt.Sprint(last))
	}
	return out, nil
}

func (c *cloud) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	out := &cloudwatch.GetMetricDataOutput{}
	for _, q := range in.MetricDataQueries {
		var dimensions []string
		for _, d := range q.MetricStat.Metric.Dimensions {
			dimensions = append(dimensions, *d.Name+"="+*d.Value)
		}
		if c.asked == nil {
			c.asked = map[string]string{}
		}
		c.asked[*q.MetricStat.Metric.MetricName] = strings.Join(dimensions, " ")
		result := cwtypes.MetricDataResult{Id: q.Id}
		for _, r := range c.metrics[*q.MetricStat.Metric.MetricName+" "+*q.MetricStat.Stat] {
			if !r.At.Before(*in.StartTime) && r.At.Before(*in.EndTime) {
				result.Timestamps = append(result.Timestamps, r.At)
				result.Values = append(result.Values, r.Value)
			}
		}
		out.MetricDataResults = append(out.MetricDataResults, result)
	}
	return out, nil
}

func (c *cloud) DescribeAlarmHistory(_ context.Context, in *cloudwatch.DescribeAlarmHistoryInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmHistoryOutput, error) {
	return &cloudwatch.DescribeAlarmHistoryOutput{AlarmHistoryItems: c.history[*in.AlarmName]}, nil
}

const (
	high = "TargetTracking-service/workshop/app-AlarmHigh-1"
	low  = "TargetTracking-service/workshop/app-AlarmLow-1"
)

// activity is one of the policy's, as AWS words it.
func activity(minute float64, to int) aastypes.ScalingActivity {
	return aastypes.ScalingActivity{
		StartTime: aws.Time(at(minute)), EndTime: aws.Time(at(minute + 0.5)), StatusCode: aastypes.ScalingActivityStatusCodeSuccessful,
		Description: aws.String(fmt.Sprintf("Setting desired count to %d.", to)),
		Cause:       aws.String("monitor alarm " + high + " in state ALARM triggered policy cpu50"),
	}
}

func change(minute float64, from, to string) cwtypes.AlarmHistoryItem {
	return cwtypes.AlarmHistoryItem{
		Timestamp:   aws.Time(at(minute)),
		HistoryData: aws.String(fmt.Sprintf(`{"oldState":{"stateValue":%q},"newState":{"stateValue":%q,"stateReason":"3 datapoints"}}`, from, to)),
	}
}

// workshop is a service that was scaled from 2 to 5, and in again.
func workshop() *cloud {
	notScaled := activity(7, 0)
	notScaled.StatusCode, notScaled.EndTime = aastypes.ScalingActivityStatusCodeFailed, nil
	notScaled.Description = aws.String("Attempting to scale due to alarm triggered")
	notScaled.NotScaledReasons = []aastypes.NotScaledReason{{Code: aws.String("AlreadyAtMaxCapacity")}}
	failed := activity(8, 9)
	failed.StatusCode = aastypes.ScalingActivityStatusCodeFailed
	tasks := func(counts ...float64) (datapoints []Datapoint) {
		for i, n := range counts {
			datapoints = append(datapoints, Datapoint{at(float64(i)), n})
		}
		return datapoints
	}
	return &cloud{
		services: []ecstypes.Service{{DesiredCount: 3, Events: []ecstypes.ServiceEvent{
			{CreatedAt: aws.Time(at(5)), Message: aws.String("(service app) has reached a steady state.")},
			{CreatedAt: aws.Time(at(-50)), Message: aws.String("long ago")},
		}}},
		policies: []aastypes.ScalingPolicy{{
			PolicyName: aws.String("cpu50"), Alarms: []aastypes.Alarm{{AlarmName: aws.String(high)}, {AlarmName: aws.String(low)}},
			TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{
				TargetValue: aws.Float64(50), ScaleOutCooldown: aws.Int32(30), ScaleInCooldown: aws.Int32(30),
				PredefinedMetricSpecification: &aastypes.PredefinedMetricSpecification{PredefinedMetricType: aastypes.MetricTypeECSServiceAverageCPUUtilization},
			},
		}},
		activities: []aastypes.ScalingActivity{activity(16, 3), failed, notScaled, activity(4, 5), activity(-20, 2), activity(-30, 7)},
		metrics: map[string][]Datapoint{
			"CPUUtilization Average":     tasks(20, 80, 90, 85, 40, 42),
			"CPUUtilization SampleCount": tasks(2, 2, 2, 2, 5, 5),
		},
		history: map[string][]cwtypes.AlarmHistoryItem{
			high: {change(4, "OK", "ALARM"), change(9, "ALARM", "OK")},
			low:  {change(1, "ALARM", "OK"), change(16, "OK", "ALARM")},
		},
		deployments: []ecstypes.ServiceDeploymentBrief{
			{CreatedAt: aws.Time(at(-2)), FinishedAt: aws.Time(at(1)), Status: ecstypes.ServiceDeploymentStatusSuccessful},
			{CreatedAt: aws.Time(at(18)), Status: ecstypes.ServiceDeploymentStatusRollbackInProgress, StatusReason: aws.String("the breaker")},
			{CreatedAt: aws.Time(at(-90)), FinishedAt: aws.Time(at(-80)), Status: ecstypes.ServiceDeploymentStatusSuccessful},
		},
	}
}

func read(t *testing.T, c *cloud, record ...load.Line) Run {
	t.Helper()
	r, err := Read(t.Context(), c.source(), "service/workshop/app", record, at(0), at(20))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func spans(all []Span) (told []string) {
	for _, s := range all {
		told = append(told, fmt.Sprintf("%s %v-%v", s.Label, s.From.Sub(noon).Minutes(), s.To.Sub(noon).Minutes()))
	}
	return told
}

func TestTheDesiredCountFollowsTheActivities(t *testing.T) {
	got := read(t, workshop()).Desired
	if want := []Datapoint{{at(0), 2}, {at(4), 5}, {at(16), 3}}; !slices.Equal(got, want) {
		t.Errorf("desired = %v, want %v", got, want)
	}
}

func TestWithoutActivitiesTheDesiredCountIsTheServices(t *testing.T) {
	c := workshop()
	c.activities = nil
	if got := read(t, c).Desired; !slices.Equal(got, []Datapoint{{at(0), 3}}) {
		t.Errorf("desired = %v, want 3 all the time", got)
	}
}

func TestBeforeTheFirstActivityAsManyAreDesiredAsRun(t *testing.T) {
	c := workshop()
	c.activities = c.activities[:4]
	c.metrics["CPUUtilization SampleCount"][0].Value = 4 // a deployment's beside those that it replaced
	if got := read(t, c).Desired[0]; got.Value != 2 {
		t.Errorf("desired = %v at first, want the 2 that ran just before", got.Value)
	}
}

func TestActivitiesAreToldWithWhatTheyDid(t *testing.T) {
	var got []string
	for _, a := range read(t, workshop()).Activities {
		got = append(got, a.Headline()+" "+a.Unusual())
	}
	want := []string{"Scale-out from 2 to 5 tasks ", "Not scaled: AlreadyAtMaxCapacity ", "Setting desired count to 9. Failed", "Scale-in from 5 to 3 tasks "}
	if !slices.Equal(got, want) {
		t.Errorf("activities %q, want %q", got, want)
	}
}

func TestAlarmsAreShownWhileTheyWereInAlarm(t *testing.T) {
	if got, want := spans(read(t, workshop()).Alarms), []string{"high 4-9", "low 0-1", "low 16-20"}; !slices.Equal(got, want) {
		t.Errorf("alarms %v, want %v", got, want)
	}
}

func TestCooldownsBeginWhenAnActivityEnds(t *testing.T) {
	if got, want := spans(read(t, workshop()).Cooldowns), []string{"out 4.5-5", "in 16.5-17"}; !slices.Equal(got, want) {
		t.Errorf("cooldowns %v, want %v", got, want)
	}
}

func TestAScaleOutEndsTheCooldownOfAScaleIn(t *testing.T) {
	c := workshop()
	*c.policies[0].TargetTrackingScalingPolicyConfiguration.ScaleInCooldown = 300
	c.activities = []aastypes.ScalingActivity{activity(6, 4), activity(4, 2), activity(-20, 3)}
	if got, want := spans(read(t, c).Cooldowns), []string{"in 4.5-6", "out 6.5-7"}; !slices.Equal(got, want) {
		t.Errorf("cooldowns %v, want %v", got, want)
	}
}

func TestDeploymentsAreShownAsFarAsTheyReachIn(t *testing.T) {
	got := read(t, workshop()).Deployments
	if want := []string{"successful -2-1", "rollback in progress 18-20"}; !slices.Equal(spans(got), want) {
		t.Errorf("deployments %v, want %v", spans(got), want)
	}
	if got[1].Kind != Bad || !strings.HasSuffix(got[1].Title, "\nthe breaker") {
		t.Errorf("a roll-back is told as %+v", got[1])
	}
}

func TestWithoutARecordTheLoadBalancerTellsTheLoad(t *testing.T) {
	c := workshop()
	c.services[0].LoadBalancers = []ecstypes.LoadBalancer{{TargetGroupArn: aws.String("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/workshop/73e2d6bc24d8a067")}}
	c.metrics["RequestCount Sum"] = []Datapoint{{at(1), 600}}
	c.metrics["TargetResponseTime p95"] = []Datapoint{{at(1), 0.3}}
	r := read(t, c)
	if want := "LoadBalancer=app/workshop/50dc6c495c0c9188 TargetGroup=targetgroup/workshop/73e2d6bc24d8a067"; c.asked["RequestCount"] != want {
		t.Errorf("asked for requests of %s, want %s", c.asked["RequestCount"], want)
	}
	r.Speed = 10 // a minute of the clock is six seconds of requests
	panels := r.Figure().Panels
	if got := panels[0].Series[0].Points[0].Value; panels[0].Title != "Requests per second" || got != 100 {
		t.Errorf("%s: %v, want 100 requests per second", panels[0].Title, got)
	}
	if got := panels[1].Series[1]; got.Label != "p95" || got.Points[0].Value != 0.3 {
		t.Errorf("latency %+v, want a p95 of 0.3 s", got)
	}
	if r := read(t, c, record()...); len(r.Balancer.Requests) > 0 || r.Figure().Panels[0].Title != "Users" {
		t.Error("with a record the load balancer is asked, too")
	}
}

func TestEventsAreThoseOfTheTime(t *testing.T) {
	if got := read(t, workshop()).Events; len(got) != 1 || !got[0].At.Equal(at(5)) {
		t.Errorf("events %v, want the one of 12:05", got)
	}
}

func TestAMissingServiceIsSaid(t *testing.T) {
	_, err := Read(t.Context(), (&cloud{}).source(), "service/workshop/app", nil, at(0), at(20))
	if err == nil || err.Error() != "there is no service app in cluster workshop" {
		t.Errorf("error %v", err)
	}
}

func TestADeletedServiceHasNoDeploymentsLeft(t *testing.T) {
	c := workshop()
	source := c.source()
	source.ECS = deleted{c}
	r, err := Read(t.Context(), source, "service/workshop/app", nil, at(0), at(20))
	if err != nil || len(r.Activities) == 0 {
		t.Errorf("%d activities, %v; want what there was before the service was deleted", len(r.Activities), err)
	}
}

type deleted struct{ *cloud }

func (deleted) ListServiceDeployments(context.Context, *ecs.ListServiceDeploymentsInput, ...func(*ecs.Options)) (*ecs.ListServiceDeploymentsOutput, error) {
	return nil, fmt.Errorf("operation error: %w", &ecstypes.ServiceNotFoundException{})
}

// record is a load of ten minutes, at a line each ten seconds.
func record() []load.Line {
	var lines []load.Line
	for i := range 60 {
		line := load.Line{Time: at(2 + float64(i)/6), Seconds: 1, Users: aws.Float64(float64(min(i, 50))), Requests: 12, Answers: [][2]float64{{0.1, 9}, {0.4, 1}}}
		if i == 30 {
			line.Failures = load.Failures{"503": 2}
		}
		lines = append(lines, line)
	}
	return lines
}

func TestStretchesOfARecordAddUp(t *testing.T) {
	got := stretches(record(), at(0), at(20), 2*time.Minute) // two minutes, or twelve lines, each
	requests, failed := 0, 0
	for _, s := range got {
		requests += s.requests
		failed += s.failures
	}
	if len(got) != 5 || requests != 720 || failed != 2 {
		t.Errorf("%d stretches with %d requests, %d failed; want 5, 720, 2", len(got), requests, failed)
	}
	if p95 := got[0].latency().P95.Seconds(); p95 < 0.39 || p95 > 0.41 {
		t.Errorf("p95 of twelve lines = %v s, want 0.4", p95)
	}
}

func TestAShortLastStretchIsTakenWithTheOneBefore(t *testing.T) {
	lines := record()
	if got := stretches(lines[:49], at(0), at(20), 2*time.Minute); len(got) != 4 || got[3].requests != 13*12 {
		t.Errorf("%d stretches, the last with %d requests; want 4, 156", len(got), got[len(got)-1].requests)
	}
}

func TestASummaryCounts(t *testing.T) {
	s := read(t, workshop(), record()...).Summary()
	if s.Requests != 720 || s.Failures != 2 || s.ScaleOuts != 1 || s.ScaleIns != 1 || s.NotScaled != 2 || s.Least != 2 || s.Most != 5 || s.Last != 3 || s.PeakCPU != 90 {
		t.Errorf("summary %+v", s)
	}
	if got := s.Tiles()[0]; got.Value != "720" || got.Note != "2 failed: 503 × 2" {
		t.Errorf("first tile %+v", got)
	}
	if got := thousands(1234567); got != "1,234,567" {
		t.Errorf("a number is written %s", got)
	}
}

func TestThePageNeedsNothingElse(t *testing.T) {
	c := workshop()
	c.activities[0].Cause = aws.String(`<img src=x onerror=alert(1)>`)
	var b bytes.Buffer
	if err := read(t, c, record()...).WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, bad := range []string{"<script", "<img", "<link", "url(", "@import", "onerror=alert(1)>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if refs := regexp.MustCompile(`(?:href|src)="[^"]*"`).FindAllString(page, -1); len(refs) > 0 {
		t.Errorf("the page refers to %v", refs)
	}
	ids := regexp.MustCompile(` id="([^"]*)"`).FindAllString(page, -1)
	if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("ids are there twice: %v", ids)
	}
	for _, want := range []string{"service/workshop/app", "Scale-out from 2 to 5 tasks", "AlreadyAtMaxCapacity", "has reached a steady state", "720", "CPU utilization"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
}

func TestAServiceWithoutAnythingHasAPicture(t *testing.T) {
	c := &cloud{services: []ecstypes.Service{{}}}
	r := read(t, c)
	for name, write := range map[string]func(*bytes.Buffer) error{
		"svg": func(b *bytes.Buffer) error { return r.WriteSVG(b) }, "html": func(b *bytes.Buffer) error { return r.WriteHTML(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil || !strings.Contains(b.String(), "no datapoint of CPUUtilization") {
			t.Errorf("%s: %v; want that there is no datapoint", name, err)
		}
	}
}

func TestAnErrorOfAnyCallIsTold(t *testing.T) {
	source := workshop().source()
	source.CloudWatch = broken{}
	if _, err := Read(t.Context(), source, "service/workshop/app", nil, at(0), at(20)); !errors.Is(err, errBroken) {
		t.Errorf("error %v, want that of GetMetricData", err)
	}
}

var errBroken = errors.New("broken")

type broken struct{ CloudWatch }

func (broken) GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	return nil, errBroken
}

// A load on something that is no service has no tasks and no activities to tell.
func TestALoadWithoutAServiceIsDrawnAlone(t *testing.T) {
	rate := 20.0
	begin := time.Date(2026, 11, 26, 14, 0, 0, 0, time.UTC)
	run := Run{Of: "http://127.0.0.1:8080/", From: begin, Speed: 1, Conditions: []Condition{
		{Condition: "p95 > 1s", Met: true, Because: []string{"p95 is 2s (> 1s)"}}, {Condition: "errors > 1%"},
	}}
	for n := range 20 {
		run.To = begin.Add(time.Duration(n+1) * time.Second)
		run.Load = append(run.Load, load.Line{
			Time: run.To, Seconds: 1, Rate: &rate, Requests: 20, Failures: load.Failures{"503": 1}, Answers: [][2]float64{{2, 19}},
		})
	}
	var page, figures strings.Builder
	if err := errors.Join(run.WriteHTML(&page), run.WriteJSON(&figures)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<h1>http://127.0.0.1:8080/</h1>", "20 failed: 503", "<code>p95 &gt; 1s</code> is met: p95 is 2s (&gt; 1s)", "<code>errors &gt; 1%</code> is not met", ">Errors<", ">Latency<"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("%q is not in the page", want)
		}
	}
	for _, other := range []string{"Scaling activities", ">Tasks<", "CPU utilization", "Scaled"} {
		if strings.Contains(page.String(), other) {
			t.Errorf("%q is in the page of a load without a service", other)
		}
	}
	var told struct {
		Summary struct{ Requests, Failed int }
		Load    []struct{ Errors, Throughput, Rate float64 }
		Fail_if []Condition
	}
	if err := json.Unmarshal([]byte(figures.String()), &told); err != nil || told.Summary.Requests != 400 || told.Summary.Failed != 20 || len(told.Fail_if) != 2 {
		t.Fatalf("%v: %+v", err, told)
	}
	if first := told.Load[0]; len(told.Load) != 20 || first.Errors != 5 || first.Throughput != 19 || first.Rate != 20 {
		t.Errorf("%d stretches, the first of which is %+v", len(told.Load), first)
	}
}

func TestTasksAreThoseOfTheRecordWhereItHasThem(t *testing.T) {
	begin := time.Date(2026, 11, 26, 14, 0, 0, 0, time.UTC)
	var run Run
	for n := range 6 {
		run.Running = append(run.Running, Datapoint{begin.Add(time.Duration(n) * minute), 1})
	}
	if points, gap := run.runningTasks(); len(points) != 6 || gap != minute {
		t.Errorf("without a record there are %d points, each of at most %v", len(points), gap)
	}
	for n := range 61 { // the third minute
		at := begin.Add(2*minute + time.Duration(n)*time.Second)
		run.Load = append(run.Load, load.Line{Time: at, Seconds: 1, Tasks: &load.Tasks{Running: 5}})
	}
	points, _ := run.runningTasks()
	if len(points) != 2+61+3 || points[1].Value != 1 || points[2].Value != 5 || points[len(points)-1].Value != 1 {
		t.Errorf("%d points: %v", len(points), points)
	}
}
