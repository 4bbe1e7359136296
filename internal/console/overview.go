package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"flyball/internal/resource"
	"flyball/internal/status"
)

// rowsOfPage is how many services a page shows.
const rowsOfPage = 50

// An overview is what the first page shows.
type overview struct {
	Services, Urgent, Steady int
	Tasks, Desired           int32
	Query                    string // which names are shown; empty: all
	Found                    int    // services that match it
	Page, Pages              int
	Rows                     []overviewRow
	Alarms                   []status.Alarm // of no policy, that are not OK
	Elsewhere                []string       // regions, where there is nothing in this one
}

// Before and After are the pages beside, 0 where there is none.
func (o overview) Before() int { return o.Page - 1 }
func (o overview) After() int {
	if o.Page >= o.Pages {
		return 0
	}
	return o.Page + 1
}

// An overviewRow is one service.
type overviewRow struct {
	status.Resource
	Needs  []Need
	Metric *reading // of the policy whose metric asks for the most
	Load   *sparkline
	Last   *activity
}

// Service is the cluster and the name, where it is a service of ECS.
func (r overviewRow) Service() (parts []string) {
	if r.Kind != resource.Service {
		return nil
	}
	return strings.SplitN(r.Name, "/", 2)
}

// Urgent reports whether somebody should look at it now.
func (r overviewRow) Urgent() bool { return len(r.Needs) > 0 && r.Needs[0].Urgent }

// AtMaximum reports whether it cannot be scaled out.
func (r overviewRow) AtMaximum() bool { return r.Target != nil && r.Desired >= r.Target.Max }

// An alarmCount is how many alarms are in which state. That of target tracking that scales in is in
// ALARM whenever there is less load than the tasks could take, which is no trouble.
type alarmCount struct{ Alarm, High, Low, Blind, All int }

// Troubled reports whether one is in another state than OK.
func (n alarmCount) Troubled() bool { return n.Alarm+n.High+n.Low+n.Blind > 0 }

// AlarmCount counts the alarms of its policies.
func (r overviewRow) AlarmCount() (n alarmCount) {
	if r.Target == nil {
		return n
	}
	for _, p := range r.Target.Policies {
		for _, a := range p.Alarms {
			n.All++
			switch {
			case a.State == "OK":
			case a.State != "ALARM":
				n.Blind++
			case p.Goal == nil:
				n.Alarm++
			case strings.Contains(a.Name, "-AlarmLow-"):
				n.Low++
			default:
				n.High++
			}
		}
	}
	return n
}

// overview shows all services, those that need somebody first.
func (c *console) overview(v *visit) error {
	state, err := c.snapshots.of(v.r.Context(), v.Visitor)
	if err != nil {
		return err
	}
	o := summary(state)
	o.choose(rowsOf(state), v.r.FormValue("q"), v.r.FormValue("page"))
	if err := o.fill(v.r.Context(), v.Client, v.clock.Now); err != nil {
		return err
	}
	c.show(v, http.StatusOK, "overview.html", page{Title: "Services", Section: "services", Live: true, Body: o})
	return nil
}

// summary counts what there is.
func summary(state *status.Status) *overview {
	o := &overview{Services: len(state.Resources), Elsewhere: state.Elsewhere}
	for _, r := range state.Resources {
		o.Tasks += r.Running
		o.Desired += r.Desired
	}
	for _, a := range state.Alarms {
		if a.State != "OK" {
			o.Alarms = append(o.Alarms, a)
		}
	}
	return o
}

// rowsOf are all services, the urgent first, then those with something to know.
func rowsOf(state *status.Status) []overviewRow {
	rows := make([]overviewRow, len(state.Resources))
	for i, r := range state.Resources {
		rows[i] = overviewRow{Resource: r, Needs: needsOf(r)}
	}
	rank := func(r overviewRow) int {
		switch {
		case r.Urgent():
			return 0
		case len(r.Needs) > 0:
			return 1
		case r.State != status.Steady:
			return 2
		}
		return 3
	}
	slices.SortStableFunc(rows, func(a, b overviewRow) int { return cmp.Compare(rank(a), rank(b)) })
	return rows
}

// choose takes the rows that are asked for.
func (o *overview) choose(rows []overviewRow, query, page string) {
	o.Query = strings.TrimSpace(query)
	for _, r := range rows {
		switch {
		case r.Urgent():
			o.Urgent++
		case r.State == status.Steady:
			o.Steady++
		}
	}
	if o.Query != "" {
		rows = slices.DeleteFunc(rows, func(r overviewRow) bool {
			return !strings.Contains(strings.ToLower(r.Name), strings.ToLower(o.Query))
		})
	}
	o.Found = len(rows)
	o.Pages = max(1, (len(rows)+rowsOfPage-1)/rowsOfPage)
	o.Page, _ = strconv.Atoi(page) // what is no number is the first
	o.Page = min(max(o.Page, 1), o.Pages)
	begin := (o.Page - 1) * rowsOfPage
	o.Rows = rows[begin:min(begin+rowsOfPage, len(rows))]
}
