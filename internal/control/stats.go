package control

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flyball/internal/cause"
	"flyball/scaling"
)

// stats count what happens in a host.
type stats struct {
	leads       atomic.Bool
	last        atomic.Pointer[time.Time] // round
	read, round prometheus.Histogram
	records     *prometheus.CounterVec
	activities  *prometheus.CounterVec
}

func newStats() stats {
	seconds := []float64{.01, .03, .1, .3, 1, 3, 10, 30}
	return stats{
		read: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "flyball_control_read_seconds", Help: "How long a source took to answer all that it was asked together.", Buckets: seconds}),
		round: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "flyball_control_round_seconds", Help: "How long a round took: from its begin until all capacities were set.", Buckets: seconds}),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flyball_control_records_total", Help: "Records of the audit log, by event."}, []string{"event"}),
		activities: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "flyball_control_activities_total", Help: "Scaling activities that have ended, by how."}, []string{"status"}),
	}
}

func (s *stats) count(r Record) {
	s.records.WithLabelValues(string(r.Event)).Inc()
	if a := r.Activity; a != nil && a.Status.Ended() && len(a.NotScaled) == 0 {
		s.activities.WithLabelValues(string(a.Status)).Inc()
	}
}

// The standing of targets, as gauges of each state.
var (
	targetsDesc = prometheus.NewDesc("flyball_control_targets", "Targets that are governed, by how they stand: ok, blind (a metric cannot be read), "+
		"unseen (the capacity cannot be looked at), unkept (what is decided cannot be kept), missing (there is no such resource) or paused.", []string{"standing"}, nil)
	leadsDesc    = prometheus.NewDesc("flyball_control_leader", "1 if this controller acts, or else 0.", nil, nil)
	capacityDesc = prometheus.NewDesc("flyball_control_desired_capacity", "The desired capacity of a target, as it was seen last.", []string{"target"}, nil)
	shadowDesc   = prometheus.NewDesc("flyball_control_shadow_capacity", "The capacity that a dry run would have set.", []string{"target"}, nil)
)

// Describe implements prometheus.Collector.
func (h *Host) Describe(out chan<- *prometheus.Desc) {
	for _, c := range []prometheus.Collector{h.stats.read, h.stats.round, h.stats.records, h.stats.activities} {
		c.Describe(out)
	}
	for _, d := range []*prometheus.Desc{targetsDesc, leadsDesc, capacityDesc, shadowDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (h *Host) Collect(out chan<- prometheus.Metric) {
	for _, c := range []prometheus.Collector{h.stats.read, h.stats.round, h.stats.records, h.stats.activities} {
		c.Collect(out)
	}
	leads := 0.0
	if h.stats.leads.Load() {
		leads = 1
	}
	out <- prometheus.MustNewConstMetric(leadsDesc, prometheus.GaugeValue, leads)
	standings := map[Standing]int{Well: 0, IsBlind: 0, IsUnseen: 0, IsUnkept: 0, IsMissing: 0, IsPaused: 0}
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, g := range h.targets {
		s, _ := g.standing()
		standings[s]++
		if !g.looked.IsZero() && !g.missing {
			out <- prometheus.MustNewConstMetric(capacityDesc, prometheus.GaugeValue, float64(g.real.Desired), string(id))
		}
		if g.shadow.cast {
			out <- prometheus.MustNewConstMetric(shadowDesc, prometheus.GaugeValue, float64(g.shadow.capacity), string(id))
		}
	}
	for s, n := range standings {
		out <- prometheus.MustNewConstMetric(targetsDesc, prometheus.GaugeValue, float64(n), string(s))
	}
}

// A Standing is whether a target can be scaled, or what is in the way.
type Standing string

// The standings.
const (
	Well      Standing = "ok"
	IsBlind   Standing = "blind"
	IsUnseen  Standing = "unseen"
	IsUnkept  Standing = "unkept"
	IsMissing Standing = "missing"
	IsPaused  Standing = "paused"
)

// standing is how the target stands, and why not well.
func (g *governed) standing() (s Standing, why string) {
	switch {
	case g.paused != "":
		return IsPaused, g.paused
	case g.unseen != nil:
		return IsUnseen, fmt.Sprintf("its capacity cannot be looked at, so it stays as it is: %v", cause.Of(g.unseen))
	case g.unkept != nil:
		return IsUnkept, fmt.Sprintf("what is decided cannot be kept, so nothing is set until it can: %v", g.unkept)
	case g.missing:
		return IsMissing, "there is no such resource: create it, or take its target and policies away"
	case g.blind != nil:
		return IsBlind, fmt.Sprintf("its alarms stay as they are until it can be read: %v", cause.Of(g.blind))
	}
	return Well, ""
}

// Standing is how a target stands, and why not well; false: it is not governed.
func (h *Host) Standing(id scaling.ResourceID) (s Standing, why string, governed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if g := h.targets[id]; g != nil {
		s, why = g.standing()
		return s, why, true
	}
	return "", "", false
}

// Last is when the last round was; zero: none was.
func (h *Host) Last() time.Time {
	if at := h.stats.last.Load(); at != nil {
		return *at
	}
	return time.Time{}
}
