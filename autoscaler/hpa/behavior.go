package hpa

import (
	"math"
	"slices"
	"time"

	"flyball/autoscaler"
)

// Rules are the behaviour in one direction.
type Rules struct {
	// Stabilization is how far back recommendations count: the lowest of them to scale out,
	// the highest to scale in. nil: 0 to scale out, 5 minutes to scale in.
	Stabilization *time.Duration
	// Select is which policy counts, where there are several.
	Select Select
	// Policies bound how much changes in a time. nil: to scale out 100 % or 4 pods in 15 s;
	// to scale in 100 % in 15 s.
	Policies []Policy
	// Tolerance is that of this direction; nil: the one of the spec.
	Tolerance *float64
}

// Select is which of several policies counts.
type Select uint8

// The selections.
const (
	Max      Select = iota // the one that allows the largest change
	Min                    // the one that allows the smallest
	Disabled               // none: the direction is disabled
)

// A Policy bounds how much changes in a period.
type Policy struct {
	Percent bool // Value is percent of the pods, not pods
	Value   int
	Period  time.Duration
}

// longestPeriod bounds the period of a policy.
const longestPeriod = 30 * time.Minute

// A history is what has been recommended and done.
type history struct {
	recommended []moment
	changed     []moment // by how many pods
}

// A moment is a number of replicas, or a change of it, at a time.
type moment struct {
	at       time.Time
	replicas int
}

// limit is what becomes of a wish by stabilization, policies and bounds, and why it is not
// what was wished.
func (c *controller) limit(s autoscaler.Seen, wish int) (replicas int, held string) {
	stable, held := c.stabilize(s, wish)
	replicas = stable
	switch {
	case stable > s.Desired:
		most := max(s.Desired, c.upLimit(s))
		replicas, held = lower(replicas, held, most, "ScaleUpLimit")
	case stable < s.Desired:
		least := min(s.Desired, c.downLimit(s))
		replicas, held = raise(replicas, held, least, "ScaleDownLimit")
	}
	replicas, held = lower(replicas, held, s.Max, "TooManyReplicas")
	replicas, held = raise(replicas, held, s.Min, "TooFewReplicas")
	if replicas != s.Desired {
		h := &c.history
		h.changed = slices.DeleteFunc(h.changed, func(m moment) bool { return !m.at.After(after(s.At, longestPeriod)) })
		h.changed = append(h.changed, moment{s.At, replicas - s.Desired})
	}
	return replicas, held
}

func lower(n int, held string, most int, code string) (int, string) {
	if n > most {
		return most, code
	}
	return n, held
}

func raise(n int, held string, least int, code string) (int, string) {
	if n < least {
		return least, code
	}
	return n, held
}

// stabilize keeps the replicas between the lowest and the highest of what was recommended
// lately.
func (c *controller) stabilize(s autoscaler.Seen, wish int) (replicas int, held string) {
	up, down := after(s.At, c.Up.window()), after(s.At, c.Down.window())
	if c.history.recommended == nil { // it begins with what there is
		c.history.recommended = []moment{{s.At, s.Desired}}
	}
	kept := c.history.recommended[:0]
	least, most := wish, wish
	for _, r := range c.history.recommended {
		if r.at.After(up) {
			least = min(least, r.replicas)
		}
		if r.at.After(down) {
			most = max(most, r.replicas)
		}
		if r.at.After(up) || r.at.After(down) {
			kept = append(kept, r)
		}
	}
	c.history.recommended = append(kept, moment{s.At, wish})
	replicas = min(max(s.Desired, least), most)
	switch {
	case replicas > wish:
		return replicas, "ScaleDownStabilized"
	case replicas < wish:
		return replicas, "ScaleUpStabilized"
	}
	return replicas, ""
}

func (r Rules) window() time.Duration {
	if r.Stabilization == nil {
		return 0
	}
	return *r.Stabilization
}

// after is the time after which something counts in a window.
func after(now time.Time, window time.Duration) time.Time { return now.Add(-window) }

// upLimit is the most pods that policies allow.
func (c *controller) upLimit(s autoscaler.Seen) int {
	return c.Up.limit(s.Desired, Min, func(p Policy) int {
		from := s.Desired - c.history.since(s.At, p.Period)
		if p.Percent {
			return ceil(float64(from) * (1 + float64(p.Value)/100))
		}
		return from + p.Value
	})
}

// downLimit is the fewest pods that policies allow.
func (c *controller) downLimit(s autoscaler.Seen) int {
	return c.Down.limit(s.Desired, Max, func(p Policy) int {
		from := s.Desired - c.history.since(s.At, p.Period)
		if p.Percent {
			return int(math.Floor(float64(from)*(1-float64(p.Value)/100) + 1e-9))
		}
		return from - p.Value
	})
}

// limit is that of the policy that counts: the lowest limit of all if lowest is selected,
// which to scale out allows the smallest change, and to scale in the largest.
func (r Rules) limit(current int, lowest Select, of func(Policy) int) int {
	if r.Select == Disabled || len(r.Policies) == 0 {
		return current
	}
	limit := of(r.Policies[0])
	for _, p := range r.Policies[1:] {
		if r.Select == lowest {
			limit = min(limit, of(p))
		} else {
			limit = max(limit, of(p))
		}
	}
	return limit
}

// since is by how many pods the replicas have changed in a period.
func (h *history) since(now time.Time, period time.Duration) int {
	by := 0
	for _, m := range h.changed {
		if m.at.After(after(now, period)) {
			by += m.replicas
		}
	}
	return by
}
