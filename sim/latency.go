package sim

import (
	"math"
	"time"
)

// A waiting is how requests wait that come at one time: a share of them waits, for a
// time that is exponential with a rate, and all of them behind a backlog.
type waiting struct {
	share  float64 // of the requests that wait
	rate   float64 // of their waiting, in 1/s
	behind float64 // seconds that all of them wait in addition
}

// mean is the mean waiting in seconds.
func (w waiting) mean() float64 {
	if w.share == 0 {
		return w.behind
	}
	return w.behind + w.share/w.rate
}

// later is the share of requests whose response takes longer than some seconds.
func (s *station) later(w waiting, than float64) float64 {
	t := than - s.apart - s.fixed - w.behind
	if t <= 0 {
		return 1
	}
	return s.latest(w, t, decay(t*s.ends))
}

// latest is later for what is left of the seconds when all that is always the same has
// passed, and the share of requests whose service alone takes longer than that.
func (s *station) latest(w waiting, t, served float64) float64 {
	if w.share == 0 {
		return served
	}
	return served + w.share*(s.both(w.rate, t, served)-served)
}

// both is the chance that a waiting of some rate and the varied part of a service take
// longer than t together; served is that of the service alone.
func (s *station) both(rate, t, served float64) float64 {
	service := s.ends
	if d := rate - service; math.Abs(d) > 1e-6*service {
		return clamp((rate*served-service*decay(rate*t))/d, served, 1)
	}
	return (1 + t*service) * served
}

// clamp is the nearest to x from low to high, of which none is NaN.
func clamp(x, low, high float64) float64 {
	if x < low {
		x = low
	}
	if x > high {
		return high
	}
	return x
}

// Latencies are the response times of many requests, in bounded memory.
type latencies struct {
	station *station
	count   float64
	sum     float64 // of seconds
	waits   bins    // those that wait, by the rate of their waiting
	behind  bins    // those behind a backlog, by its seconds
	ones    []int   // those of which each is known, by a 64th of a doubling; nil: none is
}

// add adds requests that wait alike, of which the mean waiting is known.
func (l *latencies) add(count float64, w waiting, mean float64) {
	l.count += count
	l.sum += count * (mean + l.station.time + l.station.apart)
	switch {
	case w.behind > 0:
		l.behind.add(count, mean)
	case w.share > 0:
		l.waits.add(count*w.share, w.rate)
	}
}

// addOne adds a request of which the response time is known. All requests are, or none.
func (l *latencies) addOne(seconds float64) {
	if l.ones == nil {
		l.ones = make([]int, 64*64)
	}
	l.count++
	l.sum += seconds
	l.ones[placeOf(seconds, 6, len(l.ones))]++
}

// later is the share of requests whose response takes longer than some seconds.
func (l *latencies) later(than float64) float64 {
	if l.count == 0 {
		return 0
	}
	if l.ones != nil {
		late := 0
		for _, n := range l.ones[placeOf(than, 6, len(l.ones))+1:] {
			late += n
		}
		return float64(late) / l.count
	}
	served := l.station.later(waiting{}, than)
	late := served * l.count
	t := max(0, than-l.station.apart-l.station.fixed)
	for _, b := range l.waits.all() {
		late += b.count * (l.station.both(b.mean(), t, served) - served)
	}
	for _, b := range l.behind.all() {
		late += b.count * (l.station.later(waiting{behind: b.mean()}, than) - served)
	}
	return min(1, max(0, late/l.count))
}

// quantile is the response time that a share of the requests stays within.
func (l *latencies) quantile(q float64) time.Duration {
	if l.count == 0 {
		return 0
	}
	low, high := 0.0, 1.0
	for l.later(high) > 1-q && high < 1e9 {
		high *= 2
	}
	for range 60 {
		if mid := (low + high) / 2; l.later(mid) > 1-q {
			low = mid
		} else {
			high = mid
		}
	}
	return seconds(high)
}

func (l *latencies) mean() time.Duration {
	if l.count == 0 {
		return 0
	}
	return seconds(l.sum / l.count)
}

// seconds is a number of seconds as a duration.
func seconds(s float64) time.Duration {
	return time.Duration(min(s*float64(time.Second), math.MaxInt64/2))
}

// Bins are counts of values above zero, an eighth of a doubling wide each: what is told
// of a bin is its count and its mean.
type bins struct {
	of [64 * 8]bin
}

type bin struct{ count, sum float64 }

func (b bin) mean() float64 { return b.sum / b.count }

func (b *bins) add(count, value float64) {
	at := &b.of[placeOf(value, 3, len(b.of))]
	at.count += count
	at.sum += count * value
}

// placeOf is the place of a value among bins from 2^-32 on: its exponent and so many of the
// highest digits of its fraction.
func placeOf(value float64, digits, bins int) int {
	place := int(math.Float64bits(value)>>(52-digits)) - (1023-32)<<digits
	return min(max(place, 0), bins-1)
}

// all are the bins that have something.
func (b *bins) all() []bin {
	var some []bin
	for _, one := range b.of {
		if one.count > 0 {
			some = append(some, one)
		}
	}
	return some
}
