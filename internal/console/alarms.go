package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/awscommand"
	"flyball/internal/client"
	"flyball/internal/report"
	"flyball/internal/status"
)

// An alarmsPage shows the alarms of a region, those in ALARM first.
type alarmsPage struct {
	Query string
	Found int
	Rows  []status.Alarm
	More  bool // there are more than are shown
}

// mostAlarms is how many alarms a page looks through.
const mostAlarms = 5000

// alarms shows all alarms.
func (c *console) alarms(v *visit) error {
	p := alarmsPage{Query: strings.TrimSpace(v.r.FormValue("q"))}
	all, err := readAlarms(v.r.Context(), v.Client)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(a status.Alarm) bool { return !strings.Contains(strings.ToLower(a.Name), strings.ToLower(p.Query)) })
	rank := map[string]int{"ALARM": 0, "INSUFFICIENT_DATA": 1, "OK": 2}
	slices.SortStableFunc(all, func(a, b status.Alarm) int { return rank[a.State] - rank[b.State] })
	p.Found = len(all)
	p.Rows = all[:min(len(all), 4*rowsOfPage)]
	p.More = len(all) > len(p.Rows)
	c.show(v, http.StatusOK, "alarms.html", page{Title: "Alarms", Section: "alarms", Live: true, Body: p})
	return nil
}

func readAlarms(ctx context.Context, c *client.Client) (all []status.Alarm, err error) {
	pages := cloudwatch.NewDescribeAlarmsPaginator(c.CloudWatch, &cloudwatch.DescribeAlarmsInput{
		MaxRecords: aws.Int32(100), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	})
	for pages.HasMorePages() && len(all) < mostAlarms {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			all = append(all, status.NewAlarm(a))
		}
		for _, a := range page.CompositeAlarms {
			all = append(all, status.NewCompositeAlarm(a))
		}
	}
	return all, nil
}

// An alarmPage is all about one alarm.
type alarmPage struct {
	status.Alarm
	Description string
	Actions     []string
	Disabled    bool // its actions are
	Measured    bool // it watches metrics, and not other alarms
	Window      window
	Lengths     []string
	History     []historyRow
	Set, Delete form
	Done        string // the command that was carried out
}

// A historyRow is something that became of an alarm.
type historyRow struct {
	At            time.Time
	Kind          string
	Summary, Text string
}

// alarm shows one alarm.
func (c *console) alarm(v *visit) error {
	p, err := readAlarmPage(v)
	if err != nil {
		return err
	}
	return c.showAlarm(v, http.StatusOK, p)
}

func (c *console) showAlarm(v *visit, status int, p alarmPage) error {
	c.show(v, status, "alarm.html", page{Title: p.Name, Section: "alarms", Live: true, Body: p})
	return nil
}

// setAlarm sets the state that was typed, or deletes the alarm.
func (c *console) setAlarm(v *visit) error {
	p, err := readAlarmPage(v)
	if err != nil {
		return err
	}
	if v.r.PostFormValue("do") == p.Delete.Do {
		if _, ok := p.Delete.submit(v); !ok {
			return c.showAlarm(v, http.StatusBadRequest, p)
		}
		c.snapshots.forget()
		http.Redirect(v.w, v.r, linksOf(v).To("alarms"), http.StatusSeeOther)
		return nil
	}
	done, ok := p.Set.submit(v)
	if !ok {
		return c.showAlarm(v, http.StatusBadRequest, p)
	}
	c.snapshots.forget()
	if p, err = readAlarmPage(v); err != nil {
		return err
	}
	p.Done = done
	return c.showAlarm(v, http.StatusOK, p)
}

// stateForm sets the state of an alarm.
func stateForm(c *client.Client, name, state string) form {
	return form{
		ID: "set", Do: "state", Title: "Set its state", Verb: "Set",
		Fields: []field{
			{Name: "state", Label: "State", Value: state, Choices: []string{"ALARM", "OK", "INSUFFICIENT_DATA"}},
			{Name: "reason", Label: "Reason", Value: "Set in the console", Words: true},
		},
		make: func(typed values) (call, error) {
			in := &cloudwatch.SetAlarmStateInput{AlarmName: &name, StateValue: types.StateValue(typed("state")), StateReason: aws.String(typed("reason"))}
			return call{command: awscommand.Format("cloudwatch", "set-alarm-state", in), send: func(ctx context.Context) error {
				_, err := c.CloudWatch.SetAlarmState(ctx, in)
				return err
			}}, nil
		},
	}
}

// deleteForm deletes an alarm.
func deleteForm(c *client.Client, name string) form {
	return form{
		ID: "delete", Do: "delete", Title: "Delete it", Verb: "Delete",
		make: func(values) (call, error) {
			in := &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{name}}
			return call{command: awscommand.Format("cloudwatch", "delete-alarms", in), send: func(ctx context.Context) error {
				_, err := c.CloudWatch.DeleteAlarms(ctx, in)
				return err
			}}, nil
		},
	}
}

// readAlarmPage reads the alarm that an address names.
func readAlarmPage(v *visit) (alarmPage, error) {
	p := alarmPage{}
	name := v.r.PathValue("name")
	out, err := v.Client.CloudWatch.DescribeAlarms(v.r.Context(), alarmNamed(name))
	if err != nil {
		return p, err
	}
	switch {
	case len(out.MetricAlarms) > 0:
		a := out.MetricAlarms[0]
		p.Alarm, p.Measured = status.NewAlarm(a), true
		p.Description, p.Actions, p.Disabled = aws.ToString(a.AlarmDescription), slices.Concat(a.AlarmActions, a.OKActions, a.InsufficientDataActions), !aws.ToBool(a.ActionsEnabled)
	case len(out.CompositeAlarms) > 0:
		a := out.CompositeAlarms[0]
		p.Alarm = status.NewCompositeAlarm(a)
		p.Description, p.Actions, p.Disabled = aws.ToString(a.AlarmDescription), slices.Concat(a.AlarmActions, a.OKActions, a.InsufficientDataActions), !aws.ToBool(a.ActionsEnabled)
	default:
		return p, &missing{"There is no alarm " + name + " in region " + v.Region + "."}
	}
	if p.Window, err = windowOf(v.r.FormValue("range"), v.r.FormValue("at"), v.clock.Now); err != nil {
		return p, err
	}
	p.Lengths = lengthNames()
	if p.History, err = readHistory(v.r.Context(), v.Client, name); err != nil {
		return p, err
	}
	p.Set = stateForm(v.Client, name, p.State)
	p.Set.preview()
	p.Delete = deleteForm(v.Client, name)
	p.Delete.preview()
	return p, nil
}

func alarmNamed(name string) *cloudwatch.DescribeAlarmsInput {
	return &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}}
}

// readHistory reads the newest of what became of an alarm.
func readHistory(ctx context.Context, c *client.Client, name string) (rows []historyRow, err error) {
	out, err := c.CloudWatch.DescribeAlarmHistory(ctx, &cloudwatch.DescribeAlarmHistoryInput{
		AlarmName: &name, MaxRecords: aws.Int32(mostShown), AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	})
	if err != nil {
		return nil, err
	}
	for _, h := range out.AlarmHistoryItems {
		row := historyRow{At: aws.ToTime(h.Timestamp), Kind: string(h.HistoryItemType), Summary: aws.ToString(h.HistorySummary)}
		var data struct{ NewState struct{ StateReason string } }
		if json.Unmarshal([]byte(aws.ToString(h.HistoryData)), &data) == nil {
			row.Text = data.NewState.StateReason
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// alarmCharts serves the metric of an alarm with its threshold, and its changes as marks.
func (c *console) alarmCharts(v *visit) error {
	w, err := windowOf(v.r.FormValue("range"), v.r.FormValue("at"), v.clock.Now)
	if err != nil {
		return err
	}
	found, err := v.Client.CloudWatch.DescribeAlarms(v.r.Context(), alarmNamed(v.r.PathValue("name")))
	if err != nil {
		return err
	}
	out := charts{From: seconds(w.From), To: seconds(w.To), Marks: []mark{}}
	for _, a := range found.MetricAlarms {
		queries := status.Watched(a)
		values, err := seriesOf(v.r.Context(), v.Client, queries, w.From, w.To)
		if err != nil {
			return err
		}
		p := panel{ID: "metric", Title: aws.ToString(a.MetricName), Lines: linesOf(status.Policy{}, []types.MetricAlarm{a})}
		if p.Title == "" {
			p.Title = "Value"
		}
		p.draw(map[string][]report.Datapoint{"value": asPoints(values[returned(queries)])}, []series{{Label: "value", Role: "metric"}})
		out.add(p)
	}
	rows, err := readHistory(v.r.Context(), v.Client, v.r.PathValue("name"))
	if err != nil {
		return err
	}
	for _, h := range slices.Backward(rows) {
		if h.Kind == string(types.HistoryItemTypeStateUpdate) {
			out.Marks = append(out.Marks, mark{At: seconds(h.At), Kind: changeKind(h.Summary), Label: h.Summary, ID: historyID(h)})
		}
	}
	return v.charts(out)
}

// changeKind is how a change of state is marked.
func changeKind(summary string) string {
	switch {
	case strings.HasSuffix(summary, "to ALARM"):
		return "failed"
	case strings.HasSuffix(summary, "to OK"):
		return "ok"
	}
	return "held"
}

// historyID names a row of the history on its page.
func historyID(h historyRow) string { return "h" + h.At.UTC().Format("20060102150405.000") }

// ID names the row on its page.
func (h historyRow) ID() string { return historyID(h) }
