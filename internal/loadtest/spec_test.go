package loadtest

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestACourseTakesItsTimeAndReachesItsLevel(t *testing.T) {
	for pattern, halfway := range map[string]float64{"steady": 50, "wave": 50, "spike": 50, "steps": 30} {
		s := Workshop()
		s.Pattern, s.Ramp = pattern, 0
		schedule := s.Schedule()
		if d := schedule.Duration(); d != 20*time.Minute {
			t.Errorf("%s takes %v", pattern, d)
		}
		if schedule.Peak() != 50 || math.Abs(schedule.Level(10*time.Minute)-halfway) > 1e-9 || schedule.Check() != nil {
			t.Errorf("%s is at %v halfway, want %v, and at most at %v", pattern, schedule.Level(10*time.Minute), halfway, schedule.Peak())
		}
	}
}

func TestATraceIsSharesOfTheLevel(t *testing.T) {
	values := map[string]string{"kind": "service", "name": "shop/web", "pattern": "trace", "level": "40", "ramp": "5m", "duration": "20m"}
	for shape, wrong := range map[string]bool{
		"0.5, 1, 0": false, "": true, "1": true, "0.5,2": true, "0,-1": true, "0,NaN": true, "a,b": true, strings.Repeat("1,", mostOfShape) + "1": true,
	} {
		values["shape"] = shape
		s, err := ParseSpec(func(name string) string { return values[name] })
		if (err != nil) != wrong {
			t.Errorf("%.20s: %v", shape, err)
		}
		if err != nil {
			continue
		}
		schedule := s.Schedule()
		if d := schedule.Duration(); d != 20*time.Minute || schedule.Level(0) != 20 || schedule.Level(10*time.Minute) != 40 || schedule.Level(15*time.Minute) != 20 || schedule.Level(20*time.Minute) != 0 {
			t.Errorf("it takes %v and goes from %v to %v and %v", d, schedule.Level(0), schedule.Level(10*time.Minute), schedule.Level(20*time.Minute))
		}
	}
}

func TestAQueueTakesMessagesASecond(t *testing.T) {
	values := map[string]string{"kind": "queue", "name": "vouchers", "unit": "users", "pattern": "steady", "level": "2.5", "ramp": "0s", "duration": "1m"}
	s, err := ParseSpec(func(name string) string { return values[name] })
	if err != nil || !s.Open || s.Path != "" {
		t.Errorf("%+v, %v", s, err)
	}
}
