// Package telemetry is what a server tells of itself, as metrics of Prometheus.
//
//	t := telemetry.New(func() telemetry.Reading { ... }) // what there is, asked for by each scrape
//	mux.Handle("/metrics", t.Handler())
//	t.Call("ecs", "ListTasks", 200, took)                // what happens, as it happens
//
// What there is, such as services and queues, is read when somebody scrapes, and kept by
// nobody: a series is there as long as what it tells of. What happens is counted with labels
// that have few values, so that a server that runs for long keeps no more than a new one.
package telemetry

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"flyball/scaling"
)

// scrapesAtOnce is how many scrapes are answered at a time. Others get status 503.
const scrapesAtOnce = 4

// A Telemetry counts what happens in a server and answers scrapes. Its methods may be called
// concurrently.
type Telemetry struct {
	registry   *prometheus.Registry
	calls      *prometheus.HistogramVec
	decisions  *prometheus.CounterVec
	activities *prometheus.CounterVec
	failures   *prometheus.CounterVec
}

// New returns the telemetry of a server in which nothing has happened yet.
func New(read func() Reading) *Telemetry {
	t := &Telemetry{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "flyball_call_duration_seconds",
			Help:    "How long AWS calls took, in real seconds, by HTTP status. Both labels of what is called are empty where that is not known.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1},
		}, []string{"service", "operation", "status"}),
		decisions: counter("flyball_scaling_decisions_total",
			"Decisions of Application Auto Scaling that an alarm or waiting work has asked for. A decision to hold has a reason.", "outcome", "reason"),
		activities: counter("flyball_scaling_activities_total",
			"Scaling activities that have ended, by how.", "status"),
		failures: counter("flyball_task_start_failures_total",
			"Tasks that stopped before they ran, by the name of the error.", "reason"),
	}
	t.registry = registryOf(t.calls, t.decisions, t.activities, t.failures, collector{read})
	return t
}

// registryOf has some collectors, beside those of every program of Go.
func registryOf(of ...prometheus.Collector) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(of...)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// counter is a counter of what happens in the regions of accounts.
func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"account", "region"}, labels...))
}

// Handler answers scrapes.
func (t *Telemetry) Handler() http.Handler { return handler(t.registry) }

// Of answers scrapes of some collectors, beside those of every program of Go.
func Of(collectors ...prometheus.Collector) http.Handler { return handler(registryOf(collectors...)) }

func handler(r *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesAtOnce})
}

// Call tells of an AWS call. The service and the operation are ones that the server has, or "".
func (t *Telemetry) Call(service, operation string, status int, took time.Duration) {
	t.calls.WithLabelValues(service, operation, strconv.Itoa(status)).Observe(took.Seconds())
}

// Cell tells of a region of an account that is opened. What is counted in it begins at 0 then, so
// that the first of a kind is seen as one more, and not as a series that was not there.
func (t *Telemetry) Cell(account, region string) {
	for _, d := range []scaling.Direction{scaling.Out, scaling.In} {
		t.decisions.WithLabelValues(account, region, outcome(d), "")
	}
	for _, c := range []scaling.Code{
		scaling.AlreadyAtMaxCapacity, scaling.AlreadyAtMinCapacity, scaling.AlreadyAtDesiredCapacity, scaling.AutoScalingAnticipatedFlapping,
		scaling.TargetServicePutResourceAsUnscalable, scaling.HeldByScaleOut, scaling.InCooldown,
	} {
		t.decisions.WithLabelValues(account, region, outcome(scaling.Hold), string(c))
	}
	for _, s := range []scaling.Status{scaling.Successful, scaling.Overridden, scaling.Unfulfilled, scaling.Failed} {
		t.activities.WithLabelValues(account, region, string(s))
	}
	for _, reason := range []string{"CannotPullContainerError", "CannotStartContainerError", "ResourceInitializationError", otherReason} {
		t.failures.WithLabelValues(account, region, reason)
	}
}

// Decision tells of a decision in a region of an account. It is counted with the first of its
// reasons that AWS reports, or else the first.
func (t *Telemetry) Decision(account, region string, d scaling.Decision) {
	reason := ""
	if len(d.Reasons) > 0 {
		first := max(slices.IndexFunc(d.Reasons, scaling.Reason.Reported), 0)
		reason = string(d.Reasons[first].Code)
	}
	t.decisions.WithLabelValues(account, region, outcome(d.Direction), reason).Inc()
}

func outcome(d scaling.Direction) string { return strings.ReplaceAll(d.String(), "-", "_") }

// Activity tells of what has become of a scaling activity. Those that have ended are counted,
// but for those that only tell why nothing was done.
func (t *Telemetry) Activity(account, region string, a scaling.Activity) {
	if a.Status.Ended() && len(a.NotScaled) == 0 {
		t.activities.WithLabelValues(account, region, string(a.Status)).Inc()
	}
}

// otherReason is that of tasks that did not start for an error without a known name.
const otherReason = "Other"

// startErrors are the names of errors for which tasks do not start.
// Source: Amazon ECS Developer Guide, "Amazon ECS stopped tasks error messages".
var startErrors = []string{
	"TaskFailedToStart", "ResourceInitializationError", "ResourceNotFoundException", "ContainerRuntimeError", "ContainerRuntimeTimeoutError",
	"CannotStartContainerError", "CannotCreateContainerError", "CannotCreateVolumeError", "CannotPullContainerError",
	"CannotInspectContainerError", "InternalError", "OutOfMemoryError", "SpotInterruptionError",
}

// FailedToStart tells of a task that has stopped before it ran, for a reason that begins with
// the name of its error.
func (t *Telemetry) FailedToStart(account, region, why string) {
	reason, _, _ := strings.Cut(why, ":")
	if !slices.Contains(startErrors, reason) {
		reason = otherReason
	}
	t.failures.WithLabelValues(account, region, reason).Inc()
}
