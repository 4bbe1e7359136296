package scaling

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Limits are by how much a capacity may change within a minute, whoever asks for it. They are
// Flyball's own: AWS knows none. The zero Limits leave it to the bounds.
type Limits struct {
	Out Limit `json:"out,omitzero"`
	In  Limit `json:"in,omitzero"`
}

// A Limit is a number, or a part of the capacity that there was. The zero Limit is none.
type Limit struct {
	Count Capacity `json:"count,omitempty"`
	Part  float64  `json:"part,omitempty"` // of 1
}

// ParseLimit reads a limit such as 10 or 50%.
func ParseLimit(s string) (Limit, error) {
	if percent, is := strings.CutSuffix(s, "%"); is {
		if p, err := strconv.ParseFloat(percent, 64); err == nil && p > 0 && !math.IsInf(p, 0) {
			return Limit{Part: p / 100}, nil
		}
	} else if n, err := strconv.ParseUint(s, 10, 31); err == nil && n > 0 {
		return Limit{Count: Capacity(n)}, nil
	}
	return Limit{}, fmt.Errorf("%q limits nothing; write a number above 0, such as 10, or a part, such as 50%%", s)
}

// String is the limit as ParseLimit reads it.
func (l Limit) String() string {
	if l.Part > 0 {
		return strconv.FormatFloat(100*l.Part, 'g', 15, 64) + "%" // 0.07 makes 7.000000000000001
	}
	return strconv.FormatUint(uint64(l.Count), 10)
}

// of is by how much a capacity may change; at least by one.
func (l Limit) of(c Capacity) Capacity {
	switch {
	case l.Part > 0:
		return max(1, ceil(float64(c)*l.Part))
	case l.Count > 0:
		return l.Count
	}
	return MaxCapacity
}

// Reach are the capacities that may be set in the minute that began with a capacity and ends at
// a time.
func (l Limits) Reach(from Capacity, until time.Time) Reach {
	if l == (Limits{}) {
		return Reach{}
	}
	most := MaxCapacity
	if out := l.Out.of(from); out < MaxCapacity-min(from, MaxCapacity) {
		most = from + out
	}
	return Reach{Least: from - min(from, l.In.of(from)), Most: most, Until: until}
}

// A Reach is which capacities may be set until a time. The zero Reach is all.
type Reach struct {
	Least, Most Capacity
	Until       time.Time
}

// Bars reports whether a capacity may not be set.
func (r Reach) Bars(c Capacity) bool { return r.clamp(c) != c }

func (r Reach) clamp(c Capacity) Capacity {
	if r == (Reach{}) {
		return c
	}
	return min(max(c, r.Least), r.Most)
}
