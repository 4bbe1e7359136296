package console

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/client"
	"flyball/internal/policydoc"
	"flyball/internal/report"
	"flyball/internal/status"
	"flyball/internal/whatif"
)

// A whatIfPage is what a policy would have done with another target value.
type whatIfPage struct {
	Cluster, Name string
	Window        window
	Lengths       []string
	Policies      []string // that it can be told of
	Policy        string
	Target        string // as it was typed
	Problem       string // why it is not told
	Outcome       *whatif.Outcome
	Rows          []comparison
}

// A comparison is one figure of what was and what would have been.
type comparison struct {
	What           string
	Was, Now, Then string
}

// whatIf shows what another target value would have done.
func (c *console) whatIf(v *visit) error {
	p, err := c.readWhatIf(v)
	if err != nil {
		return err
	}
	if p.Outcome != nil {
		p.Rows = comparisons(*p.Outcome)
	}
	c.show(v, http.StatusOK, "what_if.html", page{Title: "What if, " + p.Cluster + "/" + p.Name, Section: "services", Body: p})
	return nil
}

// readWhatIf runs what an address asks for.
func (c *console) readWhatIf(v *visit) (p whatIfPage, err error) {
	p = whatIfPage{Cluster: v.r.PathValue("cluster"), Name: v.r.PathValue("service"), Target: v.r.FormValue("target"), Policy: v.r.FormValue("policy")}
	if p.Window, err = windowOf(v.r.FormValue("range"), v.r.FormValue("at"), v.clock.Now); err != nil {
		return p, err
	}
	p.Lengths = lengthNames()
	found, err := c.resource(v, p.Cluster, p.Name)
	if err != nil {
		return p, err
	}
	p.choose(found)
	if p.Target == "" || p.Problem != "" {
		return p, nil
	}
	target, err := strconv.ParseFloat(p.Target, 64)
	if err != nil {
		p.Problem = fmt.Sprintf("%q is no number.", p.Target)
		return p, nil
	}
	return p, p.run(v, found, target)
}

// choose takes a policy, and says which there are.
func (p *whatIfPage) choose(r status.Resource) {
	if r.Target != nil {
		for _, policy := range r.Target.Policies {
			if policy.Goal != nil {
				p.Policies = append(p.Policies, policy.Name)
			}
		}
	}
	switch {
	case len(p.Policies) == 0:
		p.Problem = "No target tracking policy scales this service."
	case p.Policy == "":
		p.Policy = p.Policies[0]
	case !slices.Contains(p.Policies, p.Policy):
		p.Problem = "There is no target tracking policy " + p.Policy + "."
	}
}

// run reads the past and lives through it again.
func (p *whatIfPage) run(v *visit, r status.Resource, target float64) error {
	past, err := readPast(v, p.Cluster, p.Name, p.Window)
	if err != nil {
		return err
	}
	all, err := policydoc.Fetch(v.r.Context(), v.Client.AutoScaling, v.Client.CloudWatch)
	if err != nil {
		return err
	}
	outcome, err := whatif.Run(all.Of(string(r.Target.ResourceID)), past, whatif.Change{Policy: p.Policy, Target: target})
	if err != nil {
		p.Problem = sentence(err)
		return nil
	}
	p.Outcome = &outcome
	return nil
}

// readPast reads what was measured of a service, minute by minute.
func readPast(v *visit, cluster, service string, w window) (whatif.Past, error) {
	w.From = w.From.Truncate(time.Minute)
	run, err := readRun(v, cluster, service, w)
	if err != nil {
		return whatif.Past{}, err
	}
	past := whatif.Past{Start: w.From, VCPU: 1}
	if past.VCPU, past.TaskTime, err = taskModel(v.r.Context(), v.Client, cluster, service); err != nil {
		return past, err
	}
	cpu, running, requests := byMinute(run.CPU), byMinute(run.Running), byMinute(run.Balancer.Requests)
	end := w.To.Truncate(time.Minute)
	for at := w.From; at.Before(end); at = at.Add(time.Minute) {
		past.Minutes = append(past.Minutes, whatif.Minute{
			CPU: valueAt(cpu, at), Running: valueAt(running, at), Requests: valueAt(requests, at), Desired: before(run.Desired, at.Add(time.Minute)),
		})
	}
	// What was before the first datapoint is not known.
	first := slices.IndexFunc(past.Minutes, func(m whatif.Minute) bool { return !math.IsNaN(m.CPU) })
	if first > 0 {
		past.Start, past.Minutes = past.Start.Add(time.Duration(first)*time.Minute), past.Minutes[first:]
	}
	if first < 0 {
		past.Minutes = nil
	}
	return past, nil
}

func byMinute(points []report.Datapoint) map[int64]float64 {
	values := make(map[int64]float64, len(points))
	for _, p := range points {
		values[p.At.Unix()/60] = p.Value
	}
	return values
}

func valueAt(values map[int64]float64, at time.Time) float64 {
	if v, ok := values[at.Unix()/60]; ok {
		return v
	}
	return math.NaN()
}

// before is the value that holds before a time.
func before(points []report.Datapoint, at time.Time) (value float64) {
	for _, p := range points {
		if !p.At.Before(at) {
			break
		}
		value = p.Value
	}
	return value
}

// longestStart bounds how long a task is taken to start.
const longestStart = time.Hour

// taskModel is how many processors a task of a service has, and how long the running ones took to start.
func taskModel(ctx context.Context, c *client.Client, cluster, service string) (vcpu float64, start time.Duration, err error) {
	list, err := c.ECS.ListTasks(ctx, &ecs.ListTasksInput{Cluster: &cluster, ServiceName: &service, MaxResults: aws.Int32(mostShown)})
	if err != nil || len(list.TaskArns) == 0 {
		return 1, 0, err
	}
	out, err := c.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: list.TaskArns})
	if err != nil {
		return 1, 0, err
	}
	vcpu = 1
	var times []time.Duration
	for _, t := range out.Tasks {
		if units, err := strconv.ParseFloat(aws.ToString(t.Cpu), 64); err == nil && units > 0 {
			vcpu = units / 1024
		}
		if t.StartedAt != nil && t.CreatedAt != nil {
			times = append(times, t.StartedAt.Sub(*t.CreatedAt))
		}
	}
	if len(times) > 0 {
		slices.Sort(times)
		start = min(max(times[len(times)/2], 0), longestStart)
	}
	return vcpu, start, nil
}

// comparisons are the figures that matter.
func comparisons(o whatif.Outcome) []comparison {
	figure := func(what string, of func(whatif.Course) string) comparison {
		return comparison{what, of(o.Was), of(o.Now), of(o.Then)}
	}
	whole := func(v int) string { return strconv.Itoa(v) }
	return []comparison{
		figure("Tasks, on average", func(c whatif.Course) string { return number(c.TaskMinutes / float64(len(c.Desired))) }),
		figure("Tasks, at most", func(c whatif.Course) string { return whole(c.Most) }),
		figure("Task hours", func(c whatif.Course) string { return number(c.TaskMinutes / 60) }),
		figure("Scale-outs", func(c whatif.Course) string { return whole(c.Out) }),
		figure("Scale-ins", func(c whatif.Course) string { return whole(c.In) }),
		figure("Minutes above the new target", func(c whatif.Course) string { return whole(c.Over) }),
		figure("Minutes with tasks that had no CPU left", func(c whatif.Course) string { return whole(c.Saturated) }),
	}
}

// whatIfCharts serves the charts of the same as JSON.
func (c *console) whatIfCharts(v *visit) error {
	p, err := c.readWhatIf(v)
	if err != nil {
		return err
	}
	out := charts{From: seconds(p.Window.From), To: seconds(p.Window.To), Marks: []mark{}}
	if o := p.Outcome; o != nil {
		start := p.Window.To.Truncate(time.Minute).Add(-time.Duration(len(o.Was.Desired)) * time.Minute)
		metric := panel{ID: "metric", Title: p.Policy}
		metric.Lines = []line{{"target " + number(o.Target), o.Target, "target"}, {"target " + p.Target, mustNumber(p.Target), "threshold"}}
		metric.courses(start, o.Was.Metric, o.Then.Metric, p.Target)
		tasks := panel{ID: "tasks", Title: "Desired tasks", Steps: true}
		tasks.courses(start, o.Was.Desired, o.Then.Desired, p.Target)
		out.add(metric)
		out.add(tasks)
	}
	return v.json(out)
}

// mustNumber is a number that was read before.
func mustNumber(text string) float64 {
	v, _ := strconv.ParseFloat(text, 64)
	return v
}

// courses draws what was and what would have been.
func (p *panel) courses(start time.Time, was, then []float64, target string) {
	points := func(values []float64) (all []report.Datapoint) {
		for i, v := range values {
			if !math.IsNaN(v) {
				all = append(all, report.Datapoint{At: start.Add(time.Duration(i) * time.Minute), Value: v})
			}
		}
		return all
	}
	label := "with " + target
	p.draw(map[string][]report.Datapoint{"was": points(was), label: points(then)},
		[]series{{Label: "was", Role: "metric"}, {Label: label, Role: "desired"}})
}

// sentence writes an error as one.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}
