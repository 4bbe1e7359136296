// Package generator makes traffic of a description:
//
//	daily(low=300/m, high=3000/m, peak=14:00) + weekly(weekend=0.6x) + spike(at=9d14h, for=1h, by=2x)
//
// Rates of parts add up, and factors, which are written with an x, multiply what all rates make
// together; so the order of the parts does not matter. The same description, seed and length give
// the same traffic, and a part changes nothing of what parts of other kinds draw by chance.
package generator

import (
	"hash/fnv"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// A Generator is a description of traffic. The zero Generator makes none.
type Generator struct{ parts []named }

// A named part has its kind.
type named struct {
	kind string
	part
}

// A part adds a rate to the traffic, or multiplies it.
type part interface {
	// over makes the part for a time; what it returns is asked for each minute in turn.
	over(w window) func(at time.Duration) effect
}

// A window is the time for which traffic is made.
type window struct {
	begin  time.Time // whose zone is that of times of day
	length time.Duration
	random *rand.Rand // of the part alone
}

// An effect is what a part does at a time: requests a second more, and so many times the whole.
type effect struct{ more, times float64 }

// nothing is the effect of a part that has none.
var nothing = effect{0, 1}

// Minutes are the requests of each minute from a time on, whose zone is that of times of day and
// of weekdays.
func (g Generator) Minutes(begin time.Time, length time.Duration, seed uint64) []float64 {
	return slices.Collect(g.All(begin, length, seed))
}

// All are the same, one after the other.
func (g Generator) All(begin time.Time, length time.Duration, seed uint64) iter.Seq[float64] {
	return func(yield func(float64) bool) {
		effects := g.effects(begin, length, seed)
		for i := range int(length / time.Minute) {
			at := time.Duration(i)*time.Minute + time.Minute/2
			rate, times := 0.0, 1.0
			for _, of := range effects {
				e := of(at)
				rate, times = rate+e.more, times*e.times
			}
			if !yield(math.Max(0, rate*times*60)) {
				return
			}
		}
	}
}

// effects are what the parts do.
func (g Generator) effects(begin time.Time, length time.Duration, seed uint64) []func(time.Duration) effect {
	effects := make([]func(time.Duration) effect, len(g.parts))
	before := map[string]uint64{} // parts of a kind
	for i, p := range g.parts {
		chance := fnv.New64a()
		_, _ = chance.Write([]byte(p.kind)) // which never fails
		effects[i] = p.over(window{begin, length, rand.New(rand.NewPCG(seed, chance.Sum64()+before[p.kind]))})
		before[p.kind]++
	}
	return effects
}

// An amount is a rate, in requests a second, or a factor.
type amount struct {
	value  float64
	factor bool
}

// effect is that of an amount, of which a share is there.
func (a amount) effect(share float64) effect {
	if a.factor {
		return effect{0, 1 + (a.value-1)*share}
	}
	return effect{a.value * share, 1}
}

// between is what lies between two amounts of a kind.
func between(from, to amount, share float64) effect {
	return amount{from.value + (to.value-from.value)*share, from.factor}.effect(1)
}
