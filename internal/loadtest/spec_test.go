package loadtest

import (
	"math"
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

func TestAQueueTakesMessagesASecond(t *testing.T) {
	values := map[string]string{"kind": "queue", "name": "vouchers", "unit": "users", "pattern": "steady", "level": "2.5", "ramp": "0s", "duration": "1m"}
	s, err := ParseSpec(func(name string) string { return values[name] })
	if err != nil || !s.Open || s.Path != "" {
		t.Errorf("%+v, %v", s, err)
	}
}
