package keda_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"flyball/autoscaler"
	"flyball/autoscaler/hpa"
	"flyball/autoscaler/keda"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func queue(length, activation float64) keda.Trigger {
	return keda.Trigger{Metric: hpa.Metric{Metric: autoscaler.Queue, Kind: hpa.TotalAverage, Target: length, Name: "external metric s0-aws-sqs-queue"}, Activation: activation}
}

// play lets it live with what waits after each step, with replicas that are ready at once.
func play(spec keda.Spec, least int, until time.Duration, waiting func(at time.Duration) float64) (sizes, by []string) {
	a, replicas := spec.New(), least
	for at := time.Duration(0); at <= until; at += a.Interval() {
		d := a.Decide(autoscaler.Seen{At: start.Add(at), Desired: replicas, Ready: replicas, Running: replicas, Min: least, Max: 100, Queue: waiting(at)})
		if d.Replicas != replicas {
			sizes, by = append(sizes, fmt.Sprintf("%v:%d", at, d.Replicas)), append(by, d.By)
		}
		replicas = d.Replicas
	}
	return sizes, by
}

// until is so many messages until a time, and none from then on.
func until(end time.Duration, messages float64) func(time.Duration) float64 {
	return func(at time.Duration) float64 {
		if at < end {
			return messages
		}
		return 0
	}
}

func TestLives(t *testing.T) {
	second, minute := time.Second, time.Minute
	for _, c := range []struct {
		rule    string
		spec    keda.Spec
		least   int
		waiting func(time.Duration) float64
		want    string
	}{
		{"30 messages of 10 each are 3, from 0 by way of 1, and 0 after the cooldown", keda.Spec{Triggers: []keda.Trigger{queue(10, 0)}}, 0, until(5*minute, 30), "0s:1 15s:3 9m30s:0"},
		{"activation beats scaling: 40 messages are not above 50", keda.Spec{Triggers: []keda.Trigger{queue(10, 50)}}, 0, until(time.Hour, 40), ""},
		{"as many as the activation are no activity", keda.Spec{Triggers: []keda.Trigger{queue(10, 30)}}, 0, until(time.Hour, 30), ""},
		{"with a minimum only the HPA scales", keda.Spec{Triggers: []keda.Trigger{queue(10, 0)}}, 2, until(5*minute, 30), "0s:3 9m45s:2"},
		{"a cooldown of its own", keda.Spec{Triggers: []keda.Trigger{queue(10, 0)}, Cooldown: new(minute)}, 0, until(2*minute, 30), "0s:1 15s:3 2m30s:0"},
		{"a polling interval of its own", keda.Spec{Triggers: []keda.Trigger{queue(10, 0)}, Polling: 10 * second}, 0,
			func(at time.Duration) float64 {
				if at < 45*second {
					return 0
				}
				return 30
			}, "50s:1 1m0s:3"},
		{"a minimum with activity, and none without", keda.Spec{Triggers: []keda.Trigger{queue(10, 0)}, Least: 2, Cooldown: new(minute)}, 0, until(2*minute, 30), "0s:2 15s:3 2m30s:0"},
	} {
		if got, by := play(c.spec, c.least, 12*minute, c.waiting); strings.Join(got, " ") != c.want {
			t.Errorf("%s:\n%s (%q), want\n%s", c.rule, strings.Join(got, " "), by, c.want)
		}
	}
}

func TestItSaysWhatTriggeredIt(t *testing.T) {
	d := keda.Spec{Triggers: []keda.Trigger{queue(5, 2)}}.New().Decide(autoscaler.Seen{At: start, Max: 10, Queue: 12})
	if want := "Scaled from 0 to 1, triggered by external metric s0-aws-sqs-queue: 12 is above an activation of 2"; d.Reason != want || d.By != "KEDA activation" {
		t.Errorf("%+v", d)
	}
}
