// Package history reads what was measured of a service, as package fit has it: from files, of which
// each may hold several series, and from CloudWatch.
package history

import (
	"regexp"

	"flyball/internal/fit"
	"flyball/internal/trace"
)

// A Quantity is one of the series of a history.
type Quantity struct {
	Name  string // as in --NAME-column
	About string
	kind  trace.Kind
	names *regexp.Regexp // that its series usually have
	of    func(*fit.History) *[]float64
}

// Quantities are those that a history has, the most telling names first: a series is taken for the
// first quantity whose names it has.
func Quantities() []Quantity {
	counts, gauges := trace.Counts, trace.Gauges
	q := func(name, about string, kind trace.Kind, names string, of func(*fit.History) *[]float64) Quantity {
		return Quantity{name, about, kind, regexp.MustCompile(`(?i)` + names), of}
	}
	return []Quantity{
		q("p95", "latency that 95 % of the requests stay within", gauges, `(p|pct|percentile|q|quantile)_?0?\.?95`, func(h *fit.History) *[]float64 { return &h.P95 }),
		q("latency", "latency on average", gauges, `^(mean|average|avg)?_?(latency|response_?time|target_?response_?time|duration|mean_?seconds)(_(mean|average|avg|s|ms|seconds|milliseconds))*$`, func(h *fit.History) *[]float64 { return &h.Latency }),
		q("cpu", "CPU utilization", gauges, `cpu`, func(h *fit.History) *[]float64 { return &h.CPU }),
		q("memory", "memory utilization", gauges, `mem(ory)?(_|[A-Z]|$|[ %])`, func(h *fit.History) *[]float64 { return &h.Memory }),
		q("desired", "tasks that were to run", gauges, `desired`, func(h *fit.History) *[]float64 { return &h.Desired }),
		q("healthy", "tasks that got requests", gauges, `^(healthy_?(host|task)?_?(count|s)?|serving(_tasks)?)$`, func(h *fit.History) *[]float64 { return &h.Serving }),
		q("living", "tasks that ran or had not gone yet", gauges, `^(living|paid)(_?tasks)?$`, func(h *fit.History) *[]float64 { return &h.Living }),
		q("tasks", "tasks that ran", gauges, `^(running_?)?(tasks?|task_?count|replicas|instances|pods)(_?count|_?running)?$|^running$`, func(h *fit.History) *[]float64 { return &h.Tasks }),
		q("done", "messages that were done with", counts, `deleted|^(messages_?)?(done|processed)$`, func(h *fit.History) *[]float64 { return &h.Done }),
		q("in-hand", "messages that are being worked at", gauges, `not_?visible|in_?flight`, func(h *fit.History) *[]float64 { return &h.InHand }),
		q("waiting", "messages that wait", gauges, `visible|^(messages_?)?(waiting|backlog|queue_?(length|depth))$`, func(h *fit.History) *[]float64 { return &h.Waiting }),
		q("requests", "requests, or messages that were sent", counts, `^(total_?|num_?)?(requests?|request_?count|hits|sent|messages_?sent|number_?of_?messages_?sent|arrivals)(_?count|_?sum)?$`, func(h *fit.History) *[]float64 { return &h.Requests }),
	}
}
