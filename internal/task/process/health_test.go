package process

import (
	"slices"
	"testing"
	"time"

	"flyball/internal/task"
)

func TestHealthOfAContainer(t *testing.T) {
	check := task.HealthCheck{Retries: 2, StartPeriod: time.Minute}
	type result struct {
		age    time.Duration
		passed bool
	}
	young, old := 10*time.Second, 2*time.Minute
	for _, tt := range []struct {
		name    string
		results []result
		want    task.Health
	}{
		{"not checked yet", nil, task.HealthUnknown},
		{"one success is enough", []result{{young, true}}, task.Healthy},
		{"failures in the start period do not count", []result{{young, false}, {young, false}, {young, false}}, task.HealthUnknown},
		{"unless it has been well before", []result{{young, true}, {young, false}, {young, false}}, task.Unhealthy},
		{"one failure is not enough", []result{{young, true}, {old, false}}, task.Healthy},
		{"two in a row are", []result{{young, true}, {old, false}, {old, false}}, task.Unhealthy},
		{"two that are not in a row are not", []result{{old, false}, {old, true}, {old, false}}, task.Healthy},
		{"well again", []result{{old, false}, {old, false}, {old, true}}, task.Healthy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var h health
			for _, r := range tt.results {
				h.observe(check, r.passed, r.age)
			}
			if got := h.state(); got != tt.want {
				t.Errorf("health = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTheCommandOfAHealthCheck(t *testing.T) {
	for _, tt := range []struct {
		command []string
		want    []string
		wrong   bool
	}{
		{command: []string{"CMD-SHELL", "curl -f http://localhost || exit 1"}, want: []string{"/bin/sh", "-c", "curl -f http://localhost || exit 1"}},
		{command: []string{"CMD", "curl", "-f"}, want: []string{"curl", "-f"}},
		{command: []string{"curl", "-f"}, want: []string{"curl", "-f"}},
		{command: []string{"NONE"}},
		{command: []string{"CMD"}, wrong: true},
		{command: []string{"CMD-SHELL"}, wrong: true},
		{command: nil, wrong: true},
	} {
		got, err := healthCommand(tt.command)
		if !slices.Equal(got, tt.want) || (err != nil) != tt.wrong {
			t.Errorf("healthCommand(%q) = %q, %v; want %q", tt.command, got, err, tt.want)
		}
	}
}
