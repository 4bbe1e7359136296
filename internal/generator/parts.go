package generator

import (
	"math"
	"time"
)

// steady is always the same.
type steady struct{ rate amount }

func (s steady) over(window) func(time.Duration) effect {
	return func(time.Duration) effect { return s.rate.effect(1) }
}

// A ramp goes along a straight line from one amount to another, and is the first before and the
// second after.
type ramp struct {
	from, to amount
	at, span time.Duration // 0 long: to the end
}

func (r ramp) over(w window) func(time.Duration) effect {
	span := r.span
	if span == 0 {
		span = max(w.length-r.at, time.Minute)
	}
	return func(at time.Duration) effect {
		return between(r.from, r.to, min(1, max(0, float64(at-r.at)/float64(span))))
	}
}

// A spike is there for a time, comes and goes along straight lines, and comes again where it is
// said how often.
type spike struct {
	at, span, rise, fall, every time.Duration
	by                          amount
}

func (s spike) over(window) func(time.Duration) effect {
	return func(at time.Duration) effect {
		since := at - s.at
		if since > 0 && s.every > 0 {
			since %= s.every
		}
		switch {
		case since < 0 || since >= s.rise+s.span+s.fall:
			return nothing
		case since < s.rise:
			return s.by.effect(float64(since) / float64(s.rise))
		case since >= s.rise+s.span:
			return s.by.effect(float64(s.rise+s.span+s.fall-since) / float64(s.fall))
		}
		return s.by.effect(1)
	}
}

// daily goes from a low to a high and back each day, as a cosine does.
type daily struct {
	low, high amount
	peak      time.Duration // time of day
}

func (d daily) over(w window) func(time.Duration) effect {
	return func(at time.Duration) effect {
		t := w.begin.Add(at)
		hour, minute, second := t.Clock()
		clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
		return between(d.low, d.high, (1+math.Cos(2*math.Pi*float64(clock-d.peak)/float64(day)))/2)
	}
}

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// weekly is what each day of the week has. A day of which nothing is said has nothing special.
type weekly struct{ days [7]amount } // from Sunday on

func (d weekly) over(w window) func(time.Duration) effect {
	return func(at time.Duration) effect { return d.days[w.begin.Add(at).Weekday()].effect(1) }
}

// bursts come and go by chance: so far apart and so long on average, both exponential.
type bursts struct {
	every, span time.Duration
	by          amount
}

func (b bursts) over(w window) func(time.Duration) effect {
	draw := func(mean time.Duration) time.Duration {
		return time.Duration(min(w.random.ExpFloat64()*float64(mean), math.MaxInt64/4))
	}
	begin := draw(b.every)
	end := begin + draw(b.span)
	return func(at time.Duration) effect {
		// The share of the minute that bursts are there for.
		from, to, there := at-time.Minute/2, at+time.Minute/2, time.Duration(0)
		for begin < to {
			there += max(0, min(end, to)-max(begin, from))
			if end > to {
				break
			}
			begin = end + draw(b.every)
			end = begin + draw(b.span)
		}
		return b.by.effect(float64(there) / float64(time.Minute))
	}
}

// noise has each minute differ by chance from what it would be.
type noise struct{ by float64 } // standard deviation, as a share

func (n noise) over(w window) func(time.Duration) effect {
	return func(time.Duration) effect { return effect{0, max(0, 1+n.by*w.random.NormFloat64())} }
}
