package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go"

	"flyball/internal/awscommand"
	"flyball/internal/policydoc"
	"flyball/internal/report"
	"flyball/internal/simulation"
	"flyball/internal/status"
	"flyball/internal/whatif"
	"flyball/scaling"
	"flyball/sim"
)

// A policyPage makes or changes a scaling policy, and draws what it would have done.
type policyPage struct {
	Cluster, Name string
	Form          policyChoice
	Lengths       []choice
	Problem       string // why nothing is drawn
	Outcome       *whatif.Outcome
	Rows          []comparison
	Values        string   // that are drawn, as JSON
	Editing       string   // the policy or schedule that is there; empty: it is a new one
	Callers       []string // alarms that call it, and nothing else
	reviewed
}

// noDatapoint is the problem of a policy whose own metric was not there.
const noDatapoint = "The metric had no datapoint in this time: look at its names and its dimensions, or at more time."

// usualPast is how much of the past a policy is shown on.
const usualPast = "1d"

// policy shows the form, and what would have been with it.
func (c *console) policy(v *visit) error {
	p, all, d, err := c.readPolicyPage(v)
	if err != nil {
		return err
	}
	if err := p.draw(v, all, d); err != nil {
		return err
	}
	return c.showPolicy(v, http.StatusOK, p)
}

// takePolicy shows the calls for what was typed, or makes them.
func (c *console) takePolicy(v *visit) error {
	p, all, d, err := c.readPolicyPage(v)
	if err != nil {
		return err
	}
	var made plan
	var draftErr error
	if p.Form.Get("delete") != "" {
		made = p.deletion(v, all)
	} else {
		var one drafted
		if one, draftErr = d.draft(); draftErr == nil {
			made = one.plan(v)
		}
	}
	var status int
	if p.reviewed, status, err = c.take(v, &p.Form.typed, made, draftErr); err != nil {
		return err
	}
	if p.Reviewed() == nil {
		if err := p.draw(v, all, d); err != nil {
			return err
		}
	}
	return c.showPolicy(v, status, p)
}

func (c *console) showPolicy(v *visit, status int, p policyPage) error {
	c.show(v, status, "policy.html", page{Title: "Policy of " + p.Cluster + "/" + p.Name, Section: "services", Body: p})
	return nil
}

// readPolicyPage reads what scales the service, and the form.
func (c *console) readPolicyPage(v *visit) (p policyPage, all policydoc.Documents, d drafter, err error) {
	p = policyPage{Cluster: v.r.PathValue("cluster"), Name: v.r.PathValue("service")}
	found, err := c.resource(v, p.Cluster, p.Name)
	if err != nil {
		return p, all, d, err
	}
	if all, err = documentsOf(v, found); err != nil {
		return p, all, d, err
	}
	usual := joined(usualPolicy, map[string]string{"range": usualPast, "delete": "", "alarms": ""})
	if name := v.r.FormValue("edit"); name != "" {
		p.Editing, p.Callers = name, callersOnly(all, name)
		before, err := typedOf(all, name)
		if err != nil {
			return p, all, d, err
		}
		usual = joined(usual, before)
	}
	sent := v.r.FormValue("kind") != ""
	if v.r.FormValue("range") == "" && sent {
		v.r.Form.Set("range", usualPast)
	}
	label := resourceLabel(v, found.Groups)
	p.Form = newPolicyChoice(typedIn(v.r.FormValue, sent, usual), label)
	for _, l := range lengthNames() {
		p.Lengths = append(p.Lengths, choice{l, l})
	}
	return p, all, drafter{p.Form.typed, p.Cluster, p.Name, label}, nil
}

// callersOnly are the alarms that call a step policy and do nothing else: without it they are of no use.
func callersOnly(d policydoc.Documents, name string) (names []string) {
	p, _ := policyNamed(d, name)
	if p.StepScalingPolicyConfiguration == nil {
		return nil
	}
	for _, a := range callers(d, p) {
		if len(a.AlarmActions)+len(a.OKActions)+len(a.InsufficientDataActions) == 1 {
			names = append(names, aws.ToString(a.AlarmName))
		}
	}
	return names
}

// deletion are the calls that delete the policy or the schedule, and if that was asked for its alarms,
// which AWS leaves: somebody has made them.
func (p *policyPage) deletion(v *visit, all policydoc.Documents) plan {
	after := all
	after.Policies = without(all.Policies, func(o types.ScalingPolicy) bool { return aws.ToString(o.PolicyName) == p.Editing })
	after.Actions = without(all.Actions, func(o types.ScheduledAction) bool { return aws.ToString(o.ScheduledActionName) == p.Editing })
	made := deletions(v, aws.String(resourceID(p.Cluster, p.Name)), all, after)
	if p.Form.Get("alarms") == "" || len(p.Callers) == 0 {
		return made
	}
	for i := range made {
		made[i].Note = ""
	}
	in := &cloudwatch.DeleteAlarmsInput{AlarmNames: p.Callers}
	return append(made, planned{
		Title: "Without alarm " + strings.Join(p.Callers, ", "), Command: awscommand.Format("cloudwatch", "delete-alarms", in),
		send: func(ctx context.Context) error {
			_, err := v.Client.CloudWatch.DeleteAlarms(ctx, in)
			return err
		},
	})
}

// documentsOf are those of what scales a service now; none where nothing does.
func documentsOf(v *visit, r status.Resource) (policydoc.Documents, error) {
	all, err := policydoc.Fetch(v.r.Context(), v.Client.AutoScaling, v.Client.CloudWatch)
	if errors.Is(err, policydoc.ErrNothing) || r.Target == nil {
		return policydoc.Documents{}, nil
	}
	return all.Of(string(r.Target.ResourceID)), err
}

// draw lives through the past with the draft. What cannot be told is said on the page.
func (p *policyPage) draw(v *visit, all policydoc.Documents, d drafter) error {
	w, err := windowOf(p.Form.Get("range"), "", v.clock.Now)
	if err != nil {
		return err
	}
	if p.Form.Wrong.Text != "" {
		return nil // it is told beside its field
	}
	one, err := d.draft()
	switch {
	case err != nil:
		p.Problem = err.Error()
		return nil
	case len(all.Targets) == 0:
		p.Problem = "Nothing scales this service yet: set its minimum and maximum first, with Update."
		return nil
	}
	past, err := readPast(v, p.Cluster, p.Name, w)
	if err != nil {
		return err
	}
	q := whatif.Question{Now: all, Then: one.in(all), Price: priceOf(v)}
	if past.Own, err = readOwn(v, past, q.Now, q.Then); errors.As(err, new(smithy.APIError)) {
		p.Problem = problem(err) // such as an expression that is none
		return nil
	}
	if err != nil {
		return err
	}
	if forecasts(q.Then.Policies) {
		if past.Hours, err = readHours(v, p.Cluster, p.Name, d.label, past.Start); err != nil {
			return err
		}
	}
	q.Tracks, q.Limit = d.looksAt()
	if one.policy != nil && one.policy.TargetTrackingScalingPolicyConfiguration != nil {
		if q.Own = whatif.OwnKey(one.policy.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification); q.Own != "" && past.Own[q.Own] == nil {
			p.Problem = noDatapoint
			return nil
		}
	}
	outcome, err := whatif.Compare(past, q)
	if err != nil {
		p.Problem = sentence(err)
		return nil
	}
	p.Outcome, p.Rows = &outcome, comparisons(outcome)
	drawn := courseCharts(w, outcome.Was, outcome.Then, "was", "with it", q)
	if len(drawn.Panels) > 0 && !math.IsInf(q.Limit, 0) {
		word := "target "
		if one.alarm != nil {
			word = "threshold "
		}
		drawn.Panels[0].Lines = []line{{word + number(q.Limit), q.Limit, "threshold"}}
	}
	text, err := json.Marshal(drawn)
	p.Values = string(text)
	return err
}

// looksAt is the metric that the draft is about, and its target or threshold.
func (d drafter) looksAt() (types.MetricType, float64) {
	field, metric := "target", d.Get("metric")
	switch d.Get("kind") {
	case "step":
		field, metric = "threshold", d.Get("step-metric")
	case "predictive":
		field, metric = "ahead-target", d.Get("ahead-metric")
	case "scheduled":
		return types.MetricTypeECSServiceAverageCPUUtilization, math.Inf(1)
	}
	limit, _ := d.number(field) // which draft has read
	switch metric {
	case "requests":
		return types.MetricTypeALBRequestCountPerTarget, limit
	case "memory":
		return types.MetricTypeECSServiceAverageMemoryUtilization, limit
	}
	return types.MetricTypeECSServiceAverageCPUUtilization, limit
}

// priceOf is that of tasks in the region; nothing where it is not known.
func priceOf(v *visit) sim.Price {
	prices, err := simulation.ReadPrices(nil)
	if err != nil {
		return sim.Price{}
	}
	price, _ := prices.Of(v.Region, "x86_64")
	return price
}

// courseCharts lays two courses over each other.
func courseCharts(w window, a, b whatif.Course, first, second string, q whatif.Question) charts {
	start := w.To.Truncate(time.Minute).Add(-time.Duration(len(a.Desired)) * time.Minute)
	out := charts{From: seconds(start), To: seconds(w.To), Marks: []mark{}, Panels: []panel{}}
	metric := panel{ID: "metric", Title: "CPU utilization", Unit: "percent"}
	switch {
	case q.Own != "":
		metric.Title, metric.Unit = "Metric of the policy", "shared by the tasks"
	case q.Tracks == types.MetricTypeALBRequestCountPerTarget:
		metric.Title, metric.Unit = "Requests per target", "a minute"
	case q.Tracks == types.MetricTypeECSServiceAverageMemoryUtilization:
		metric.Title = "Memory utilization"
	}
	metric.overlay(start, a.Metric, b.Metric, first, second)
	tasks := panel{ID: "tasks", Title: "Desired tasks", Steps: true}
	tasks.overlay(start, a.Desired, b.Desired, first, second)
	out.add(metric)
	out.add(tasks)
	return out
}

// overlay draws two courses.
func (p *panel) overlay(start time.Time, a, b []float64, first, second string) {
	points := func(values []float64) (all []report.Datapoint) {
		for i, v := range values {
			if !math.IsNaN(v) {
				all = append(all, report.Datapoint{At: start.Add(time.Duration(i) * time.Minute), Value: v})
			}
		}
		return all
	}
	p.draw(map[string][]report.Datapoint{first: points(a), second: points(b)}, []series{{Label: first, Role: "metric"}, {Label: second, Role: "desired"}})
}

// typedOf is a policy or a scheduled action as it would have been typed.
func typedOf(all policydoc.Documents, name string) (map[string]string, error) {
	for _, a := range all.Actions {
		if aws.ToString(a.ScheduledActionName) == name {
			t := map[string]string{"kind": "scheduled", "name": name, "schedule": aws.ToString(a.Schedule), "zone": aws.ToString(a.Timezone), "schedule-min": "", "schedule-max": ""}
			if to := a.ScalableTargetAction; to != nil {
				t["schedule-min"], t["schedule-max"] = digits(to.MinCapacity), digits(to.MaxCapacity)
			}
			return t, nil
		}
	}
	i := slices.IndexFunc(all.Policies, func(p types.ScalingPolicy) bool { return aws.ToString(p.PolicyName) == name })
	if i < 0 {
		return nil, &missing{"There is no policy " + name + "."}
	}
	p := all.Policies[i]
	t := map[string]string{"name": name}
	other := &missing{"Policy " + name + " has a metric of its own, which this form does not have: change it with aws application-autoscaling put-scaling-policy."}
	switch {
	case p.TargetTrackingScalingPolicyConfiguration != nil:
		return typedTracking(t, *p.TargetTrackingScalingPolicyConfiguration, other)
	case p.StepScalingPolicyConfiguration != nil:
		return typedStep(t, p, all, other)
	case p.PredictiveScalingPolicyConfiguration != nil && len(p.PredictiveScalingPolicyConfiguration.MetricSpecifications) == 1:
		c := p.PredictiveScalingPolicyConfiguration
		pair := c.MetricSpecifications[0].PredefinedMetricPairSpecification
		if pair == nil {
			return nil, other
		}
		t["kind"], t["mode"], t["buffer"] = "predictive", string(c.Mode), digits(c.SchedulingBufferTime)
		t["ahead-metric"] = metricWord(aws.ToString(pair.PredefinedMetricType))
		t["ahead-target"] = strconv.FormatFloat(aws.ToFloat64(c.MetricSpecifications[0].TargetValue), 'f', -1, 64)
		return t, nil
	}
	return nil, other
}

func typedTracking(t map[string]string, c types.TargetTrackingScalingPolicyConfiguration, other error) (map[string]string, error) {
	if own := c.CustomizedMetricSpecification; own != nil {
		if !typedOwn(t, own) {
			return nil, other
		}
		t["metric"] = metricMath
		if own.MetricName != nil {
			t["metric"] = ownMetric
		}
	} else if c.PredefinedMetricSpecification == nil || metricWord(string(c.PredefinedMetricSpecification.PredefinedMetricType)) == "" {
		return nil, other
	}
	t["kind"] = "tracking"
	if c.PredefinedMetricSpecification != nil {
		t["metric"] = metricWord(string(c.PredefinedMetricSpecification.PredefinedMetricType))
	}
	t["target"], t["out"], t["in"] = strconv.FormatFloat(aws.ToFloat64(c.TargetValue), 'f', -1, 64), digits(c.ScaleOutCooldown), digits(c.ScaleInCooldown)
	if aws.ToBool(c.DisableScaleIn) {
		t["no-in"] = "on"
	}
	return t, nil
}

// typedStep is a step policy that one alarm calls, as this form makes them.
func typedStep(t map[string]string, p types.ScalingPolicy, all policydoc.Documents, other error) (map[string]string, error) {
	c := p.StepScalingPolicyConfiguration
	calls := 0
	for _, a := range all.Alarms {
		if !slices.Contains(a.AlarmActions, aws.ToString(p.PolicyARN)) {
			continue
		}
		calls++
		t["step-metric"] = map[string]string{"CPUUtilization": "cpu", "MemoryUtilization": "memory"}[aws.ToString(a.MetricName)]
		t["side"], t["threshold"], t["minutes"] = "above", strconv.FormatFloat(aws.ToFloat64(a.Threshold), 'f', -1, 64), digits(a.EvaluationPeriods)
		if strings.HasPrefix(string(a.ComparisonOperator), "LessThan") {
			t["side"] = "below"
		}
	}
	if calls != 1 || t["step-metric"] == "" {
		return nil, other
	}
	var all2 []string
	for _, s := range c.StepAdjustments {
		from := aws.ToFloat64(s.MetricIntervalLowerBound)
		if t["side"] == "below" {
			from = -aws.ToFloat64(s.MetricIntervalUpperBound)
		}
		all2 = append(all2, fmt.Sprintf("%v:%d", math.Abs(from), aws.ToInt32(s.ScalingAdjustment)))
	}
	if t["side"] == "below" && len(c.StepAdjustments) > 1 && aws.ToFloat64(c.StepAdjustments[0].MetricIntervalUpperBound) != 0 {
		slices.Reverse(all2) // AWS takes them in any order
	}
	t["kind"], t["steps"], t["adjustment"], t["cooldown"] = "step", strings.Join(all2, ", "), string(c.AdjustmentType), digits(c.Cooldown)
	return t, nil
}

// metricWord is a predefined metric as the form has it.
func metricWord(metric string) string {
	switch {
	case strings.HasPrefix(metric, "ECSService") && strings.Contains(metric, "CPUUtilization"):
		return "cpu"
	case strings.HasPrefix(metric, "ECSService") && strings.Contains(metric, "MemoryUtilization"):
		return "memory"
	case strings.HasPrefix(metric, "ALBRequestCount"):
		return "requests"
	}
	return ""
}

// digits is a number, or nothing where there is none.
func digits(n *int32) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(int(*n))
}

// resourceID is that of the service.
func resourceID(cluster, service string) string { return string(scaling.ServiceID(cluster, service)) }
