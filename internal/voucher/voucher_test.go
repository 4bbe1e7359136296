package voucher

import (
	"testing"
	"time"
)

func TestReadWait(t *testing.T) {
	for line, want := range map[string]struct {
		id string
		d  time.Duration
		ok bool
	}{
		"message 7f9c waited 1.250 s":                   {"7f9c", 1250 * time.Millisecond, true},
		"message 7f9c waited 0.003 s, received 2 times": {"7f9c", 3 * time.Millisecond, true},
		"worker: takes messages from x, 100ms each":     {"", 0, false},
		"message 7f9c waited":                           {"7f9c", 0, false},
	} {
		if id, d, ok := readWait(line); id != want.id || d != want.d || ok != want.ok {
			t.Errorf("%q: %q %v %v", line, id, d, ok)
		}
	}
}

func TestTheTargetIsHalfOfWhatIsAcceptable(t *testing.T) {
	p := Plan{Each: 100 * time.Millisecond, Agreed: 10 * time.Second}
	if p.Acceptable() != 100 || p.Target() != 50 {
		t.Errorf("acceptable are %v messages a worker, and the target is %v", p.Acceptable(), p.Target())
	}
}

func TestWithoutAWorkerTheBacklogIsAsWithOne(t *testing.T) {
	for running, want := range map[int]float64{0: 1500, 1: 1500, 10: 150} {
		if got := (State{Waiting: 1500, Running: running}).PerTask(); got != want {
			t.Errorf("%d running: %v", running, got)
		}
	}
}
