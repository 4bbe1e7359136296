package kpa_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"flyball/autoscaler"
	"flyball/autoscaler/kpa"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// A look is what the autoscaler sees at a time, and what it is to say.
type look struct {
	at             time.Duration
	ready          int
	stable, panics float64
	want           int
}

func TestScale(t *testing.T) {
	second := time.Second
	for rule, c := range map[string]struct {
		spec  kpa.Spec
		looks []look
	}{
		"a pod for each target":                   {kpa.Spec{Target: 10}, []look{{0, 1, 50, 50, 5}}},
		"half a window later":                     {kpa.Spec{Target: 10}, []look{{0, 1, 100, 100, 10}}},
		"nothing needs nothing":                   {kpa.Spec{Target: 10}, []look{{0, 1, 0, 0, 0}}},
		"a panic, which is not renewed, and ends": {kpa.Spec{Target: 1}, []look{{0, 10, 11, 25, 25}, {30 * second, 40, 41, 41, 41}, {61 * second, 41, 50, 50, 50}}},
		"a panic that is renewed":                 {kpa.Spec{Target: 1}, []look{{0, 10, 11, 25, 25}, {30 * second, 20, 41, 41, 41}, {61 * second, 50, 20, 20, 41}}},
		"exponential, by pods that got ready":     {kpa.Spec{Target: 1, MaxScaleUp: 10}, []look{{0, 1, 6, 6, 6}, {0, 6, 36, 36, 36}, {0, 36, 216, 216, 216}, {0, 216, 1296, 1296, 1296}}},
		"one pod more, whatever the rate":         {kpa.Spec{Target: 1, MaxScaleUp: 1.1}, []look{{0, 2, 3.1, 3.1, 3}}},
		"no faster down than the rate":            {kpa.Spec{Target: 1, MaxScaleDown: 1.1}, []look{{0, 100, 1, 1, 90}}},
		"no fewer in a panic":                     {kpa.Spec{Target: 1}, []look{{0, 1, 100, 100, 100}, {30 * second, 1, 1, 1, 100}, {61 * second, 1, 1, 1, 1}}},
		"a delay to scale down": {kpa.Spec{Target: 10, MaxScaleDown: 10, ScaleDownDelay: 5 * time.Minute}, []look{
			{0, 4, 40, 40, 4}, {2 * second, 4, 0, 0, 4}, {300 * second, 4, 0, 0, 4}, {302 * second, 4, 0, 0, 0},
		}},
		"an activation scale": {kpa.Spec{Target: 10, Activation: 3}, []look{{0, 1, 5, 5, 3}, {0, 1, 0, 0, 0}}},
	} {
		a := c.spec.New()
		for _, l := range c.looks {
			if got, held := a.Scale(start.Add(l.at), l.ready, l.stable, l.panics); got != l.want {
				t.Errorf("%s, at %v: %d (%s), want %d", rule, l.at, got, held, l.want)
			}
		}
	}
}

// With pods at the start it panics, for it has not seen enough to scale in.
func TestItBeginsInAPanic(t *testing.T) {
	a := kpa.Spec{Target: 10}.New()
	a.Begin(start, 10)
	for at, want := range map[time.Duration]int{time.Second: 10, time.Minute: 10} {
		if got, held := a.Scale(start.Add(at), 10, 0, 0); got != want || held != "PanicMode" {
			t.Errorf("after %v: %d (%s), want %d", at, got, held, want)
		}
	}
	if got, _ := a.Scale(start.Add(61*time.Second), 10, 0, 0); got != 5 {
		t.Errorf("after the panic %d, want 5", got)
	}
}

// play lets the autoscaler live with a load a tick, of pods that are ready at once.
func play(spec kpa.Spec, pods int, loads func(tick int) float64, ticks int) (sizes []string, reasons []string) {
	a := spec.New()
	for i := range ticks {
		d := a.Decide(autoscaler.Seen{At: start.Add(time.Duration(i) * 2 * time.Second), Desired: pods, Ready: pods, Running: pods, Max: 1000, Concurrency: loads(i)})
		if d.Replicas != pods {
			sizes = append(sizes, fmt.Sprintf("%d:%d", i, d.Replicas))
			reasons = append(reasons, d.Reason)
		}
		pods = d.Replicas
	}
	return sizes, reasons
}

// After 70 in hand come 700, of which the stable window knows a thirtieth after a tick: the panic
// window asks for more than twice the pods. When they are gone, the stable window falls for a
// minute, and the last pod lasts for the grace period of half a minute, which is 15 ticks.
func TestALifeFromAndToZero(t *testing.T) {
	sizes, reasons := play(kpa.Spec{Metric: autoscaler.Concurrency}, 0, func(tick int) float64 {
		switch {
		case tick < 5 || tick >= 120:
			return 0
		case tick < 60:
			return 70
		}
		return 700
	}, 300)
	if got := strings.Join(sizes, " "); got != "5:1 60:4 61:7 62:10 122:9 125:8 128:7 131:6 134:5 137:4 140:3 143:2 146:1 164:0" {
		t.Errorf("sizes %s", got)
	}
	if want := "Operating in panic mode: concurrency observed, stable = 91, panic = 280; target = 70; StablePodCount = 2, PanicPodCount = 4, ReadyEndpointCount = 1"; len(reasons) < 2 || reasons[1] != want {
		t.Errorf("reasons %q", reasons)
	}
}
