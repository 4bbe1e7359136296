package polling

import (
	"math"
	"time"
)

// How many batches may be under way at once, and how many more a minute there may be
// ("Configuring scaling behavior for SQS event source mappings").
const (
	first     = 5
	perMinute = 300
	most      = 1_250
	least     = 2 // when all fail

	batchesOfPoller      = 10 // of one that is provisioned
	perMinuteProvisioned = 1_000
)

// Limits are how many batches of a mapping may be under way at once.
type Limits struct {
	First     int // when messages come, and as long as there are few
	Most      int
	PerMinute int // more while there are messages for all
}

// Standard are the limits of a mapping with a maximum concurrency; 0 is none.
func Standard(maximum int) Limits {
	if maximum == 0 {
		maximum = most
	}
	return Limits{First: min(first, maximum), Most: maximum, PerMinute: perMinute}
}

// Provisioned are the limits of a mapping with pollers of its own, each of which has ten
// batches under way.
func Provisioned(minimum, maximum int) Limits {
	return Limits{First: minimum * batchesOfPoller, Most: maximum * batchesOfPoller, PerMinute: perMinuteProvisioned}
}

// A Scale is how many batches of a mapping may be under way at once: one poller has
// one. Make the first with NewScale.
type Scale struct {
	limits  Limits
	pollers float64
	at      time.Time // of the last step
}

// NewScale begins with the first pollers.
func NewScale(now time.Time, l Limits) Scale {
	return Scale{limits: l, pollers: float64(l.First), at: now}
}

// Seen is what became of a mapping's batches since the last step.
type Seen struct {
	Busy   int // pollers that had messages all the time
	Done   int // batches that the function has processed
	Failed int // batches that it has not: its error, or too many at once
}

// Pollers is how many there are to be.
func (s Scale) Pollers() int { return int(s.pollers) }

// Step is what follows from what was seen. While every poller has messages there come
// more; what has none goes, down to the first ones. Failures take a tenth of the
// pollers a second, in proportion to how many batches fail: AWS says that it "gradually
// backs off, reducing the amount of concurrency", and not by how much.
func (s Scale) Step(now time.Time, seen Seen) Scale {
	elapsed := max(now.Sub(s.at).Seconds(), 0)
	s.at = now
	switch {
	case seen.Failed > 0:
		share := float64(seen.Failed) / float64(seen.Failed+seen.Done)
		s.pollers = max(s.pollers*math.Pow(1-0.1*share, elapsed), least)
	case seen.Busy >= s.Pollers():
		s.pollers += elapsed * float64(s.limits.PerMinute) / 60
	default:
		s.pollers = float64(max(seen.Busy, s.limits.First))
	}
	s.pollers = min(s.pollers, float64(s.limits.Most))
	return s
}
