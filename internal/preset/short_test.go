package preset_test

import (
	"strings"
	"testing"
	"time"

	"flyball/autoscaler"
	"flyball/internal/preset"
	"flyball/sim"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// decide is the first decision of a preset's autoscaler.
func decide(p preset.Preset, s autoscaler.Seen) autoscaler.Decision {
	s.At = start
	return p.Make(sim.Scenario{Service: sim.Service{CPU: 100 * time.Millisecond, VCPU: 1}}).Decide(s)
}

// busy is four replicas with 90 % of a processor each in use, 40 requests a second, 80 in
// hand, and 60 that wait.
var busy = autoscaler.Seen{Desired: 4, Running: 4, Ready: 4, Max: 100, Serving: 4, CPU: 3.6, VCPU: 1, Memory: 300, MiB: 100, Requests: 40, Concurrency: 80, Queue: 60}

func TestShortForms(t *testing.T) {
	for text, want := range map[string]int{
		"hpa:cpu=60":                        6,
		"hpa:cpu=60,memory=25":              8, // 12, but 8 at most at once
		"hpa:rps=8":                         5,
		"hpa:queue=10":                      6,
		"hpa:cpu=85,tolerance=0.01":         5,
		"kpa:concurrency=10":                12,
		"kpa:concurrency=10,utilization=80": 10,
		"kpa:rps=5":                         12,
		"keda:queue=10":                     6,
		"keda:rps=5,cooldown=60s":           8,
		"nomad:cpu=60":                      6,
		"nomad:rps=5,threshold=0.5":         8,
		"flyball:":                          7, // 40 a second, a fifth more, and 60 that wait for a minute
		"flyball:quantile=0.9,hold=5":       7,
		"nomad:concurrency=25":              4,
	} {
		p, err := preset.ParseShort(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if d := decide(p, busy); d.Replicas != want {
			t.Errorf("%s: %+v, want %d", text, d, want)
		}
	}
}

func TestShortFormsBounds(t *testing.T) {
	p, err := preset.ParseShort("hpa:cpu=60, min=0, max=12")
	if err != nil || *p.Min != 0 || *p.Max != 12 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestIsShort(t *testing.T) {
	for text, want := range map[string]bool{"hpa:cpu=60": true, "hpa.yaml": false, "hpa": false, "http://127.0.0.1:4566": false, "old=hpa:cpu=60": false, "keda:": true} {
		if got := preset.IsShort(text); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestShortFormsAreRefusedInWords(t *testing.T) {
	for text, want := range map[string]string{
		"hpa:":                    "write one of cpu=60",
		"hpa:cpu":                 "write one such as hpa:cpu=60",
		"hpa:cpu=much":            "write a number that is not negative",
		"hpa:cpu=0":               "above 0",
		"hpa:cpu=NaN":             "write a number that is not negative",
		"hpa:cpu=60,sync=1ms":     "write a second at least",
		"hpa:cpu=60,up-window=1d": "write a duration",
		"hpa:cpu=60,min=1.5":      "whole number",
		"hpa:cpu=60,cpu=50":       "hpa: cpu is there twice; give it once",
		"hpa:cpu=60,minimum=1":    `"minimum" is no setting; concurrency, cpu, down-window, max, memory, min`,
		"kpa:cpu=60":              "either concurrency=10 or rps=100",
		"kpa:rps=1,concurrency=1": "either concurrency=10 or rps=100",
		"kpa:rps=0":               "0.01 at least",
		"nomad:cooldown=5m":       "write one of cpu=60",
		"keda:activation=5":       "write one of cpu=60",
		"flyball:quantile=2":      "from 0.5 to 0.999",
		"flyball:hold=0":          "from 1 to 60",
		"vpa:cpu=60":              "hpa:cpu=60, kpa:concurrency=10",
	} {
		if _, err := preset.ParseShort(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
	}
}
