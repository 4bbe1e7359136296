package source

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// pricePerMetric is what each metric costs that GetMetricData is asked for, in US dollars.
// Source: "Amazon CloudWatch Pricing", API requests: $0.01 for 1,000 metrics.
const pricePerMetric = 0.01 / 1000

// A Budget bounds what is spent on calls of CloudWatch, and counts it. The zero Budget bounds
// nothing. A day's budget lasts the day: where it is not enough to read all metrics in each minute,
// they are read in turns.
type Budget struct {
	PerDay float64 // in US dollars; 0: whatever it costs

	mu      sync.Mutex
	calls   int64
	metrics int64
	left    float64           // metrics that may be read
	filled  time.Time         // when that was counted
	read    map[Key]time.Time // when each was read last
	swept   time.Time         // when those were dropped last that nobody reads any more
}

// take returns the places of the queries that may be asked now: those that were read longest ago.
func (b *Budget) take(queries []Query) (places []int) {
	for i := range queries {
		places = append(places, i)
	}
	if b == nil || b.PerDay == 0 || len(queries) == 0 {
		return places
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := queries[0].End
	for _, q := range queries {
		if q.End.After(now) {
			now = q.End
		}
	}
	perMinute := b.PerDay / pricePerMetric / (24 * 60)
	if b.read == nil {
		b.read, b.left, b.filled = map[Key]time.Time{}, max(1, perMinute), now
	}
	dearest := 1
	for _, q := range queries {
		dearest = max(dearest, q.cost())
	}
	b.left = min(max(float64(dearest), 2*perMinute), b.left+now.Sub(b.filled).Minutes()*perMinute)
	b.filled = now
	keys := make([]Key, len(queries))
	for i, q := range queries {
		keys[i] = q.Key()
	}
	slices.SortStableFunc(places, func(i, k int) int { return b.read[keys[i]].Compare(b.read[keys[k]]) })
	for n, i := range places {
		cost := float64(queries[i].cost())
		if cost > b.left+1e-6 {
			places = places[:n] // cheaper ones do not go before it, or it never had its turn
			break
		}
		b.left -= cost
		b.read[keys[i]] = now
	}
	b.forget(now)
	return places
}

// forget drops what nobody has read for two days: a policy of it may be gone. Whatever a day's
// budget is, a metric that is read in turns has its turn in that time, or has it first.
func (b *Budget) forget(now time.Time) {
	if now.Sub(b.swept) < time.Hour {
		return
	}
	b.swept = now
	maps.DeleteFunc(b.read, func(_ Key, at time.Time) bool { return now.Sub(at) > 48*time.Hour })
}

// spend counts a call for some metrics.
func (b *Budget) spend(metrics int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	b.metrics += int64(metrics)
}

// Spent is how many calls were made, for how many metrics, and what that costs in US dollars.
func (b *Budget) Spent() (calls, metrics int64, dollars float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls, b.metrics, float64(b.metrics) * pricePerMetric
}
