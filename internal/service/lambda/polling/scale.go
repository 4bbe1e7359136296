package polling

import (
	"math"
	"time"
)

// How many batches may be under way at once ("Configuring scaling behavior for SQS event
// source mappings").
const (
	first     = 5     // when messages come
	perMinute = 300   // more while there are messages for all
	most      = 1_250 // without a maximum concurrency
	least     = 2     // when all fail
)

// A Scale is how many batches of a mapping may be under way at once: one poller has
// one. Make the first with NewScale.
type Scale struct {
	most    float64
	pollers float64
	at      time.Time // of the last step
}

// NewScale begins with five pollers. A maximum concurrency of 0 is none.
func NewScale(now time.Time, maximum int) Scale {
	if maximum <= 0 {
		maximum = most
	}
	return Scale{most: float64(maximum), pollers: min(first, float64(maximum)), at: now}
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
// 300 more a minute; what has none goes, down to five. Failures take a tenth of the
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
		s.pollers += elapsed * perMinute / 60
	default:
		s.pollers = max(float64(seen.Busy), first)
	}
	s.pollers = min(s.pollers, s.most)
	return s
}
