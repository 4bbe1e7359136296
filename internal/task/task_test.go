package task

import (
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTheHealthOfATaskIsThatOfItsEssentialCheckedContainers(t *testing.T) {
	type container struct {
		essential, checked bool
		health             Health
	}
	for _, tt := range []struct {
		name       string
		containers []container
		want       Health
	}{
		{"no checks", []container{{true, false, HealthUnknown}}, HealthUnknown},
		{"well", []container{{true, true, Healthy}}, Healthy},
		{"well, the other one is not checked", []container{{true, true, Healthy}, {true, false, HealthUnknown}}, Healthy},
		{"one is still being found out", []container{{true, true, Healthy}, {true, true, HealthUnknown}}, HealthUnknown},
		{"one is ill", []container{{true, true, HealthUnknown}, {true, true, Unhealthy}}, Unhealthy},
		{"one that is not essential is ill", []container{{true, true, Healthy}, {false, true, Unhealthy}}, Healthy},
		{"only one that is not essential is checked", []container{{false, true, Healthy}}, HealthUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var specs []Container
			for _, c := range tt.containers {
				spec := Container{Essential: c.essential}
				if c.checked {
					spec.HealthCheck = &HealthCheck{}
				}
				specs = append(specs, spec)
			}
			got := CombineHealth(specs, func(i int) Health { return tt.containers[i].health })
			if got != tt.want {
				t.Errorf("CombineHealth = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestACPULimitIsOneTheKernelTakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.IntRange(1, 192*1024).Draw(t, "units")
		quota, period := CPULimit(units)
		if quota < time.Millisecond || period > time.Second {
			t.Fatalf("%d units: %v in %v", units, quota, period)
		}
		want := float64(max(units, 2)) / 1024
		if got := float64(quota.Microseconds()) / float64(period.Microseconds()); math.Abs(got-want) > want/1000 {
			t.Fatalf("%d units: %v in %v is %f CPUs, want %f", units, quota, period, got, want)
		}
	})
}

func TestAContainerIsNotStartedForWhatKeptItsDependencyFromIt(t *testing.T) {
	full := errors.New("no space left on device")
	never, failed := NewProgress(), NewProgress()
	close(never.Ended)
	close(failed.Started)
	close(failed.Ended)
	peers := map[string]Peer{
		"never":  {Progress: never, Exit: func() Exit { return Exit{Err: full} }},
		"failed": {Progress: failed, Exit: func() Exit { return Exit{Known: true, Code: 1} }},
	}
	for on, want := range map[string]error{"never": full, "failed": nil} {
		c := Container{Name: "main", DependsOn: []Dependency{{Container: on, Condition: Succeeded}}}
		exit := Await(t.Context(), c, func(name string) Peer { return peers[name] })
		if exit == nil || exit.Err != want {
			t.Errorf("after %s: %+v", on, exit)
		}
	}
}
