// Package metric is what a CloudWatch metric is made of: an identity, the
// statistic sets that stand for its datapoints, and the statistics read from
// them.
//
// A datapoint that arrives becomes part of the statistic set of its period:
//
//	id := metric.NewID("AWS/ECS", "CPUUtilization",
//		metric.Dimension{Name: "ClusterName", Value: "prod"},
//		metric.Dimension{Name: "ServiceName", Value: "web"})
//	var s metric.Set
//	s.Add(72.5, 1)
//	s.Add(61.0, 1)
//	avg, ok := s.Value(metric.Average) // 66.75
//
// The package keeps no clock and does no I/O.
package metric

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// MaxDimensions is the most dimensions that a metric can have.
const MaxDimensions = 30

// A Dimension is a name and value pair that is part of a metric's identity.
type Dimension struct {
	Name, Value string
}

// An ID names one metric. Dimensions are sorted by name; make one with NewID.
type ID struct {
	Namespace  string
	Name       string
	Dimensions []Dimension
}

// NewID returns the identity with its dimensions sorted by name. The slice it
// is given is left as it is.
func NewID(namespace, name string, dimensions ...Dimension) ID {
	if len(dimensions) > 0 {
		dimensions = slices.Clone(dimensions)
		slices.SortFunc(dimensions, func(a, b Dimension) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
		})
	}
	return ID{Namespace: namespace, Name: name, Dimensions: dimensions}
}

// A Key is the identity of a metric as one comparable string. Two metrics have
// the same key only if they are the same metric.
type Key string

// Key returns the identity as one string, for maps and stores.
func (id ID) Key() Key {
	n := len(id.Namespace) + len(id.Name) + 1
	for _, d := range id.Dimensions {
		n += len(d.Name) + len(d.Value) + 2
	}
	return Key(id.AppendKey(make([]byte, 0, n)))
}

// AppendKey appends the bytes of the key to b, for look-ups that must not
// allocate.
func (id ID) AppendKey(b []byte) []byte {
	b = append(b, id.Namespace...)
	b = append(b, 0)
	b = append(b, id.Name...)
	for _, d := range id.Dimensions {
		b = append(b, 0)
		b = append(b, d.Name...)
		b = append(b, 0)
		b = append(b, d.Value...)
	}
	return b
}

// ID returns the identity that the key was made from.
func (k Key) ID() ID {
	namespace, rest, _ := strings.Cut(string(k), "\x00")
	name, rest, more := strings.Cut(rest, "\x00")
	id := ID{Namespace: namespace, Name: name}
	if more {
		id.Dimensions = make([]Dimension, 0, strings.Count(rest, "\x00")/2+1)
	}
	for more {
		var d Dimension
		d.Name, rest, _ = strings.Cut(rest, "\x00")
		d.Value, rest, more = strings.Cut(rest, "\x00")
		id.Dimensions = append(id.Dimensions, d)
	}
	return id
}

// A Datapoint is one statistic of one period, with the time the period starts.
type Datapoint struct {
	Time  time.Time
	Value float64
}
