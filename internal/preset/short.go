package preset

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"flyball/autoscaler"
	"flyball/autoscaler/hpa"
	"flyball/autoscaler/keda"
	"flyball/autoscaler/kpa"
	"flyball/autoscaler/lookahead"
	"flyball/autoscaler/nomad"
	"flyball/sim"
)

// A short form is the name of an autoscaler and its settings.
type short struct {
	name    string
	example string
	read    func(*settings) (Preset, error)
}

var shorts = []short{
	{"hpa", "hpa:cpu=60", shortHPA},
	{"kpa", "kpa:concurrency=10", shortKPA},
	{"keda", "keda:queue=5", shortKEDA},
	{"nomad", "nomad:cpu=70", shortNomad},
	{"flyball", "flyball:quantile=0.95", shortLookahead},
}

// IsShort reports whether a text is a short form, and not the name of a file.
func IsShort(text string) bool {
	name, _, found := strings.Cut(text, ":")
	return found && slices.ContainsFunc(shorts, func(s short) bool { return s.name == name })
}

// Examples are a short form of each autoscaler.
func Examples() []string {
	var all []string
	for _, s := range shorts {
		all = append(all, s.example)
	}
	return all
}

// ParseShort reads a short form: the autoscaler's name, a colon, and settings such as cpu=60,
// separated by commas.
func ParseShort(text string) (Preset, error) {
	name, rest, _ := strings.Cut(text, ":")
	i := slices.IndexFunc(shorts, func(s short) bool { return s.name == name })
	if i < 0 {
		return Preset{}, fmt.Errorf("%q is no autoscaler; write one such as %s", name, strings.Join(Examples(), ", "))
	}
	s := settings{given: map[string]string{}, known: map[string]bool{}}
	for _, one := range strings.Split(rest, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(one), "=")
		if !ok && one != "" {
			return Preset{}, fmt.Errorf("%q is no setting; write one such as %s", one, shorts[i].example)
		}
		if _, twice := s.given[key]; twice {
			return Preset{}, fmt.Errorf("%s: %s is there twice; give it once", name, key)
		}
		if key != "" {
			s.given[key] = value
		}
	}
	p, err := shorts[i].read(&s)
	if err == nil {
		err = s.bounds(&p)
	}
	if err == nil {
		err = s.finish()
	}
	if err != nil {
		return p, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// Settings are those of a short form. The first error stays.
type settings struct {
	given map[string]string
	known map[string]bool // that somebody has asked for
	err   error
}

// number is a setting above zero, and whether it is given.
func (s *settings) number(key string) (v float64, given bool) {
	text, given := s.text(key)
	if !given {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	if (err != nil || !(v >= 0 && v < 1e12)) && s.err == nil {
		s.err = fmt.Errorf("%s=%s: write a number that is not negative, such as %s=60", key, text, key)
	}
	return v, true
}

// duration is a setting such as 30s, and whether it is given.
func (s *settings) duration(key string) (d time.Duration, given bool) {
	text, given := s.text(key)
	if !given {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	if (err != nil || d < 0 || d > time.Hour) && s.err == nil {
		s.err = fmt.Errorf("%s=%s: write a duration of up to an hour, such as %s=30s", key, text, key)
	}
	return d, true
}

func (s *settings) text(key string) (string, bool) {
	s.known[key] = true
	text, given := s.given[key]
	return text, given
}

// interval is a duration of a second at least; 0: it is not given.
func (s *settings) interval(key string) time.Duration {
	d, given := s.duration(key)
	if given && d < time.Second && s.err == nil {
		s.err = fmt.Errorf("%s=%s: write a second at least, such as %s=10s", key, s.given[key], key)
	}
	return d
}

func (s *settings) bounds(p *Preset) error {
	for _, b := range []struct {
		key string
		of  **int32
	}{{"min", &p.Min}, {"max", &p.Max}} {
		if v, given := s.number(b.key); given {
			if err := bound(b.of, b.key, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish is a setting that is not known, or the first error.
func (s *settings) finish() error {
	for _, key := range slices.Sorted(maps.Keys(s.given)) {
		if !s.known[key] {
			return fmt.Errorf("%q is no setting; %s are", key, strings.Join(slices.Sorted(maps.Keys(s.known)), ", "))
		}
	}
	return s.err
}

// metrics are those that are given a target above zero, in the order of their kinds.
func (s *settings) metrics() map[autoscaler.Metric]float64 {
	given := map[autoscaler.Metric]float64{}
	for m := autoscaler.CPU; m <= autoscaler.Queue; m++ {
		if v, ok := s.number(m.String()); ok {
			given[m] = v
			if v == 0 && s.err == nil {
				s.err = fmt.Errorf("%s=0: write a target above 0", m)
			}
		}
	}
	if len(given) == 0 && s.err == nil {
		s.err = fmt.Errorf("no metric has a target: write one of cpu=60 and memory=70 (percent), rps=50, concurrency=10 (of a replica) and queue=5 (for each replica)")
	}
	return given
}

// podMetrics are a short form's metrics as an HPA has them.
func (s *settings) podMetrics() []hpa.Metric {
	given := s.metrics()
	var all []hpa.Metric
	for _, m := range slices.Sorted(maps.Keys(given)) {
		all = append(all, podMetric(m, given[m]))
	}
	return all
}

func podMetric(m autoscaler.Metric, target float64) hpa.Metric {
	one := hpa.Metric{Metric: m, Target: target, Name: "pods metric " + m.String(), Kind: hpa.PodAverage}
	switch m {
	case autoscaler.CPU, autoscaler.Memory:
		one.Kind, one.Name = hpa.Utilization, m.String()+" resource utilization (percentage of request)"
	case autoscaler.Queue:
		one.Kind, one.Name = hpa.TotalAverage, "external metric queue"
	}
	return one
}

func shortHPA(s *settings) (Preset, error) {
	spec := hpa.Spec{Metrics: s.podMetrics(), Sync: s.interval("sync")}
	spec.Tolerance, _ = s.number("tolerance")
	if d, given := s.duration("up-window"); given {
		spec.Up.Stabilization = &d
	}
	if d, given := s.duration("down-window"); given {
		spec.Down.Stabilization = &d
	}
	return Preset{Make: always(spec.New)}, nil
}

func shortKPA(s *settings) (Preset, error) {
	most, concurrency := s.number("concurrency")
	rps, requests := s.number("rps")
	if concurrency == requests {
		return Preset{}, fmt.Errorf("write either concurrency=10 or rps=100, which a replica takes at most")
	}
	spec := kpa.Spec{Metric: autoscaler.Concurrency}
	if requests {
		spec.Metric, most = autoscaler.Requests, rps
	}
	spec.Target = kpa.Default(spec.Metric, most)
	if percent, given := s.number("utilization"); given {
		spec.Target *= percent / 70
	}
	if (most == 0 || spec.Target < 0.01) && s.err == nil {
		s.err = fmt.Errorf("a target of %v for a replica; it must be 0.01 at least", spec.Target*min(most, 1))
	}
	spec.StableWindow = s.interval("window")
	spec.PanicWindow, _ = s.number("panic-window")
	spec.PanicThreshold, _ = s.number("panic-threshold")
	spec.MaxScaleUp, _ = s.number("max-scale-up-rate")
	spec.MaxScaleDown, _ = s.number("max-scale-down-rate")
	spec.ScaleDownDelay, _ = s.duration("scale-down-delay")
	spec.Grace, _ = s.duration("grace")
	return Preset{Make: always(spec.New), Buffers: true}, nil
}

func shortKEDA(s *settings) (Preset, error) {
	spec := keda.Spec{Polling: s.interval("polling")}
	activation, _ := s.number("activation")
	for _, m := range s.podMetrics() {
		if m.Kind != hpa.Utilization {
			m.Kind, m.Name = hpa.TotalAverage, "external metric s0-"+m.Metric.String()
		}
		spec.Triggers = append(spec.Triggers, keda.Trigger{Metric: m, Activation: activation})
	}
	if d, given := s.duration("cooldown"); given {
		spec.Cooldown = &d
	}
	return Preset{Make: always(spec.New)}, nil
}

func shortNomad(s *settings) (Preset, error) {
	spec := nomad.Spec{Interval: s.interval("interval")}
	threshold, _ := s.number("threshold")
	given := s.metrics()
	for _, m := range slices.Sorted(maps.Keys(given)) {
		check := nomad.Check{Name: m.String(), Metric: m, Target: given[m], Threshold: threshold, Kind: nomad.Mean}
		if m == autoscaler.CPU || m == autoscaler.Memory {
			check.Kind, check.Name = nomad.Percent, "avg_"+m.String()
		}
		spec.Checks = append(spec.Checks, check)
	}
	if d, given := s.duration("cooldown"); given {
		spec.Cooldown = &d
	}
	return Preset{Make: always(spec.New)}, nil
}

// shortLookahead is Flyball's own controller, which keeps the agreement of its scenario.
func shortLookahead(s *settings) (Preset, error) {
	spec := lookahead.Spec{Interval: s.interval("interval")}
	quantile, given := s.number("quantile")
	if given && !(quantile >= 0.5 && quantile <= 0.999) && s.err == nil {
		s.err = fmt.Errorf("quantile=%s: write a share from 0.5 to 0.999, such as quantile=0.95", s.given["quantile"])
	}
	hold, given := s.number("hold")
	if given && !(hold >= 1 && hold <= 60) && s.err == nil {
		s.err = fmt.Errorf("hold=%s: write a number of intervals from 1 to 60, such as hold=3", s.given["hold"])
	}
	spec.Quantile, spec.Hold = quantile, int(hold)
	return Preset{Make: func(in sim.Scenario) autoscaler.Autoscaler {
		spec := spec
		spec.Staff = sim.Staffing(in.Service, in.Agreement)
		spec.Lead = in.Service.Start + in.Service.Healthy
		return spec.New()
	}}, nil
}
