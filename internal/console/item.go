package console

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/client"
	"flyball/internal/report"
	"flyball/internal/status"
)

// An itemPage is all about one of the things that a page lists: a queue, a load balancer, a target
// group or a function. What makes it reads them; how they are shown is the same.
type itemPage struct {
	Name    string
	Section string // of the navigation, and the last part of the address of the list
	List    string // the title of that
	State   string
	Well    bool // the state is as it should be
	Links   []cell
	Figures []figure
	Facts   []fact
	Window  window
	Lengths []string
	Parts   []part
	Log     []client.LogLine
	Logs    string // what the log is of; empty: there is none
	Forms   []form
	Done    string // the command that was carried out
	Answer  string // to it
}

// A figure is a number that counts most.
type figure struct{ Name, Value, Of string }

// A fact is something to know, on a line or several.
type fact struct {
	Name  string
	Cells []cell
}

// said is a fact of texts; none of nothing.
func said(name string, texts ...string) fact {
	f := fact{Name: name}
	for _, t := range texts {
		if t != "" {
			f.Cells = append(f.Cells, cell{Text: t})
		}
	}
	return f
}

// A part is a table on the page.
type part struct {
	ID    string
	Table table
}

// tell adds the facts of which there is something.
func (p *itemPage) tell(all ...fact) {
	for _, f := range all {
		if len(f.Cells) > 0 {
			p.Facts = append(p.Facts, f)
		}
	}
}

// add adds a part, with what to say of it where it has no row.
func (p *itemPage) add(id string, t table) {
	if len(t.Rows) > 0 || t.Empty != "" {
		t.Rows = t.Rows[:min(len(t.Rows), mostShown)]
		p.Parts = append(p.Parts, part{id, t})
	}
}

// showItem shows what an address names.
func (c *console) showItem(read func(*visit) (*itemPage, error)) func(*visit) error {
	return func(v *visit) error {
		p, err := readItem(v, read)
		if err != nil {
			return err
		}
		return c.sendItem(v, http.StatusOK, p)
	}
}

func readItem(v *visit, read func(*visit) (*itemPage, error)) (*itemPage, error) {
	w, err := windowOf(v.r.FormValue("range"), "", v.clock.Now)
	if err != nil {
		return nil, err
	}
	p, err := read(v)
	if err != nil {
		return nil, err
	}
	p.Window, p.Lengths = w, lengthNames()
	for i := range p.Forms {
		p.Forms[i].preview()
	}
	return p, nil
}

func (c *console) sendItem(v *visit, status int, p *itemPage) error {
	c.show(v, status, "item.html", page{Title: p.Name, Section: p.Section, Live: true, Body: p})
	return nil
}

// changeItem carries out one form of the page. After the one that deletes it, there is the list.
func (c *console) changeItem(read func(*visit) (*itemPage, error)) func(*visit) error {
	return func(v *visit) error {
		p, err := readItem(v, read)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(p.Forms, func(f form) bool { return f.Do == v.r.PostFormValue("do") })
		if i < 0 {
			return &missing{"There is no form " + v.r.PostFormValue("do") + " here any more. Open the page again, and look what there is now."}
		}
		f := &p.Forms[i]
		done, ok := f.submit(v)
		if !ok {
			return c.sendItem(v, http.StatusBadRequest, p)
		}
		c.snapshots.forget()
		if f.Deletes {
			http.Redirect(v.w, v.r, linksOf(v).To(p.Section), http.StatusSeeOther)
			return nil
		}
		answer := f.Answer
		if p, err = readItem(v, read); err != nil {
			return err
		}
		p.Done, p.Answer = done, answer
		return c.sendItem(v, http.StatusOK, p)
	}
}

// An itemChart is a chart of metrics of one thing.
type itemChart struct {
	ID, Title, Unit string
	Lines           []itemLine
}

// An itemLine is one metric of a chart.
type itemLine struct {
	Label, Role string
	Name, Stat  string
	Counts      bool // no datapoint is that there was none
	Scale       float64
}

// dimensions are those of a metric, by their names and values in turn.
func dimensions(of ...string) (all []types.Dimension) {
	for pair := range slices.Chunk(of, 2) {
		all = append(all, types.Dimension{Name: &pair[0], Value: &pair[1]})
	}
	return all
}

// itemCharts draws the metrics of one thing on one axis, with the thresholds of the alarms that watch them.
func itemCharts(v *visit, namespace string, of []types.Dimension, all []itemChart) error {
	w, err := windowOf(v.r.FormValue("range"), "", v.clock.Now)
	if err != nil {
		return err
	}
	var queries []types.MetricDataQuery
	for i, c := range all {
		for k, l := range c.Lines {
			queries = append(queries, types.MetricDataQuery{Id: aws.String(lineID(i, k)), MetricStat: &types.MetricStat{
				Period: aws.Int32(60), Stat: aws.String(l.Stat), Metric: &types.Metric{Namespace: &namespace, MetricName: aws.String(l.Name), Dimensions: of},
			}})
		}
	}
	found, err := seriesOf(v.r.Context(), v.Client, queries, w.From, w.To)
	if err != nil {
		return err
	}
	alarms, err := alarmsOn(v, of)
	if err != nil {
		return err
	}
	out := charts{From: seconds(w.From), To: seconds(w.To), Marks: []mark{}, Panels: []panel{}}
	for i, c := range all {
		p := panel{ID: c.ID, Title: c.Title, Unit: c.Unit}
		points := map[string][]report.Datapoint{}
		var wanted []series
		for k, l := range c.Lines {
			one := found[lineID(i, k)]
			if l.Counts {
				one = counts(one, w.To)
			}
			for n := range one {
				one[n].value *= cmp.Or(l.Scale, 1)
			}
			points[l.Label] = asPoints(one)
			wanted = append(wanted, series{Label: l.Label, Role: l.Role})
		}
		p.Lines = thresholds(alarms, c.Lines)
		p.draw(points, wanted)
		out.add(p)
	}
	return v.charts(out)
}

func lineID(chart, line int) string { return "m" + string(rune('a'+chart)) + string(rune('a'+line)) }

// thresholds are those of the alarms that watch a metric of a chart by itself, in the chart's unit:
// one line for all that are alike, however many statistics of the metric are drawn.
func thresholds(alarms []types.MetricAlarm, drawn []itemLine) (lines []line) {
	for _, a := range alarms {
		i := slices.IndexFunc(drawn, func(l itemLine) bool { return l.Name == aws.ToString(a.MetricName) })
		if i < 0 || a.Threshold == nil {
			continue
		}
		a.Threshold = aws.Float64(*a.Threshold * cmp.Or(drawn[i].Scale, 1))
		for _, l := range linesOf(status.Policy{}, []types.MetricAlarm{a}) {
			if !slices.Contains(lines, l) {
				lines = append(lines, l)
			}
		}
	}
	return lines
}

// has reports whether a metric is about a thing: whether it has all its dimensions.
func has(metric *types.Metric, of []types.Dimension) bool {
	if metric == nil {
		return false
	}
	return hasAll(metric.Dimensions, of)
}

func hasAll(all, of []types.Dimension) bool {
	for _, d := range of {
		if !slices.ContainsFunc(all, func(o types.Dimension) bool {
			return aws.ToString(o.Name) == aws.ToString(d.Name) && aws.ToString(o.Value) == aws.ToString(d.Value)
		}) {
			return false
		}
	}
	return true
}

// alarmsOn are the alarms that watch a thing, by themselves or in metric math.
func alarmsOn(v *visit, of []types.Dimension) (found []types.MetricAlarm, err error) {
	pages := cloudwatch.NewDescribeAlarmsPaginator(v.Client.CloudWatch, &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(100)})
	for looked := 0; pages.HasMorePages() && looked < mostAlarms; {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return nil, err
		}
		looked += len(page.MetricAlarms)
		for _, a := range page.MetricAlarms {
			if hasAll(a.Dimensions, of) || slices.ContainsFunc(a.Metrics, func(q types.MetricDataQuery) bool { return q.MetricStat != nil && has(q.MetricStat.Metric, of) }) {
				found = append(found, a)
			}
		}
	}
	return found, nil
}

// alarmTable lists the alarms that watch a thing.
func alarmTable(v *visit, of []types.Dimension) (table, error) {
	t := table{Title: "Alarms", Columns: []column{{Name: "Alarm"}, {Name: "State"}, {Name: "Rule"}}, Empty: "No alarm watches it."}
	found, err := alarmsOn(v, of)
	for _, a := range found {
		one := status.NewAlarm(a)
		t.Rows = append(t.Rows, []cell{{Text: one.Name, Link: linksOf(v).To("alarms", one.Name)}, {Text: one.State}, {Text: one.Rule}})
	}
	return t, err
}

// policyTable lists the policies whose metrics are of a thing, with what they scale.
func (c *console) policyTable(v *visit, of []types.Dimension) (table, error) {
	t := table{Title: "Scaling policies", Columns: []column{{Name: "Policy"}, {Name: "Scales"}, {Name: "Rule"}, {"Value", true}}, Empty: "No policy follows it."}
	state, err := c.snapshots.of(v.r.Context(), v.Visitor)
	if err != nil {
		return t, err
	}
	l := linksOf(v)
	for _, r := range state.Resources {
		if r.Target == nil {
			continue
		}
		for _, p := range r.Target.Policies {
			if !slices.ContainsFunc(p.Watched, func(q types.MetricDataQuery) bool { return q.MetricStat != nil && has(q.MetricStat.Metric, of) }) {
				continue
			}
			row := []cell{{Text: p.Name}, {Text: r.Name}, {Text: p.Rule}, {Text: "–"}}
			if parts := (overviewRow{Resource: r}).Service(); len(parts) == 2 {
				row[0].Link, row[1].Link = l.Toward("edit", p.Name, "services", parts[0], parts[1], "policy"), l.To("services", parts[0], parts[1])
			}
			if p.Value != nil {
				row[3].Text = number(*p.Value)
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t, nil
}

// sure has somebody type the name of what would be gone, before a form makes its call.
func sure(name string, f form) form {
	f.Fields = append(f.Fields, field{Name: "sure", Label: "Type " + name + " to be sure", Words: true})
	of := f.make
	f.Grave = true
	f.make = func(typed values) (call, error) {
		made, err := of(typed)
		if got := typed("sure"); err == nil && got != name {
			err = fmt.Errorf("type %s to be sure; %q is something else", name, got)
		}
		return made, err
	}
	return f
}
