package console

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"flyball/internal/policydoc"
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
	Value         float64
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
	if p.Value, err = strconv.ParseFloat(p.Target, 64); err != nil {
		p.Problem = fmt.Sprintf("%q is no number; write one such as 70.", p.Target)
		return p, nil
	}
	return p, p.run(v, found)
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
func (p *whatIfPage) run(v *visit, r status.Resource) error {
	past, err := readPast(v, p.Cluster, p.Name, p.Window)
	if err != nil {
		return err
	}
	all, err := policydoc.Fetch(v.r.Context(), v.Client.AutoScaling, v.Client.CloudWatch)
	if err != nil {
		return err
	}
	all = all.Of(string(r.Target.ResourceID))
	if past.Own, err = readOwn(v, past, all); err != nil {
		return err
	}
	if forecasts(all.Policies) {
		if past.Hours, err = readHours(v, p.Cluster, p.Name, resourceLabel(v, r.Groups), past.Start); err != nil {
			return err
		}
	}
	outcome, err := whatif.Run(all, past, whatif.Change{Policy: p.Policy, Target: p.Value})
	if err != nil {
		p.Problem = sentence(err)
		return nil
	}
	p.Outcome = &outcome
	return nil
}

// comparisons are the figures that matter.
func comparisons(o whatif.Outcome) []comparison {
	figure := func(what string, of func(whatif.Course) string) comparison {
		return comparison{what, of(o.Was), of(o.Now), of(o.Then)}
	}
	whole := func(v int) string { return strconv.Itoa(v) }
	rows := []comparison{
		figure("Tasks, on average", func(c whatif.Course) string { return number(c.TaskMinutes / float64(len(c.Desired))) }),
		figure("Tasks, at most", func(c whatif.Course) string { return whole(c.Most) }),
		figure("Task hours", func(c whatif.Course) string { return number(c.TaskMinutes / 60) }),
		figure("Scale-outs", func(c whatif.Course) string { return whole(c.Out) }),
		figure("Scale-ins", func(c whatif.Course) string { return whole(c.In) }),
		figure("Minutes above the new value", func(c whatif.Course) string { return whole(c.Over) }),
		figure("Minutes with tasks that had no CPU left", func(c whatif.Course) string { return whole(c.Saturated) }),
	}
	if o.Now.Cost > 0 {
		rows = append(rows, comparison{"Cost", "–", "$" + strconv.FormatFloat(o.Now.Cost, 'f', 2, 64), "$" + strconv.FormatFloat(o.Then.Cost, 'f', 2, 64)})
	}
	return rows
}

// whatIfCharts serves the charts of the same as JSON.
func (c *console) whatIfCharts(v *visit) error {
	p, err := c.readWhatIf(v)
	if err != nil {
		return err
	}
	out := charts{From: seconds(p.Window.From), To: seconds(p.Window.To), Marks: []mark{}}
	if o := p.Outcome; o != nil {
		q := whatif.Question{Tracks: o.Tracks, Own: o.Own, Limit: p.Value}
		out = courseCharts(p.Window, o.Was, o.Then, "was", "with "+p.Target, q)
		out.Panels[0].Title = p.Policy
		out.Panels[0].Lines = []line{{"target " + number(o.Target), o.Target, "target"}, {"target " + p.Target, p.Value, "threshold"}}
	}
	return v.charts(out)
}

// sentence writes an error as one.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}
