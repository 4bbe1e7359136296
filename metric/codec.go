package metric

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// ErrSyntax is returned for bytes that are not an encoded set.
var ErrSyntax = errors.New("metric: not an encoded set")

// The first byte of an encoded set says what follows. Most sets are one value,
// in 2 to 10 bytes.
const (
	codeEmpty   = iota
	codeOne     // value
	codeSame    // count, value
	codeStats   // count, sum, min, max
	codeExact   // statistics, n, n times value and count
	codeRounded // statistics, n, n times distance from the bin before and count
)

// Append appends the encoded set to b.
func (s Set) Append(b []byte) []byte {
	switch {
	case s.Count == 0:
		return append(b, codeEmpty)
	case s.Min == s.Max && s.Count == 1 && s.Sum == s.Min:
		return appendFloat(append(b, codeOne), s.Sum)
	case s.Min == s.Max && s.Sum == s.Min*s.Count:
		return appendFloats(append(b, codeSame), s.Count, s.Min)
	case s.dist == nil:
		return appendFloats(append(b, codeStats), s.Count, s.Sum, s.Min, s.Max)
	case s.dist.rounded:
		b = append(b, codeRounded)
	default:
		b = append(b, codeExact)
	}
	b = appendFloats(b, s.Count, s.Sum, s.Min, s.Max)
	return s.dist.append(b)
}

func (d *distribution) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(d.bins)))
	before := int64(tiny)
	for _, bin := range d.bins {
		if d.rounded {
			b = binary.AppendUvarint(b, uint64(int64(bin.key)-before))
			before = int64(bin.key)
		} else {
			b = appendFloat(b, bin.key)
		}
		b = appendFloat(b, bin.count)
	}
	return b
}

// DecodeSet reads a set that Append wrote, and returns what follows it. Its error
// is ErrSyntax.
func DecodeSet(b []byte) (s Set, rest []byte, err error) {
	d := decoder{b: b}
	code := d.byte()
	switch code {
	case codeEmpty:
	case codeOne:
		v := d.float()
		s = Set{Count: 1, Sum: v, Min: v, Max: v}
	case codeSame:
		n, v := d.float(), d.float()
		s = Set{Count: n, Sum: n * v, Min: v, Max: v}
	case codeStats, codeExact, codeRounded:
		s = Set{Count: d.float(), Sum: d.float(), Min: d.float(), Max: d.float()}
	default:
		d.failed = true
	}
	if code == codeExact || code == codeRounded {
		s.dist = d.distribution(code == codeRounded)
	}
	if d.failed || code != codeEmpty && !s.Valid() {
		return Set{}, nil, ErrSyntax
	}
	return s, d.b, nil
}

// Valid reports whether a set holds datapoints with finite values.
func (s Set) Valid() bool {
	finite := func(v float64) bool { return v-v == 0 }
	return s.Count > 0 && s.Min <= s.Max &&
		finite(s.Count) && finite(s.Sum) && finite(s.Min) && finite(s.Max) &&
		(s.dist == nil || s.Min >= 0 && s.Min < s.Max)
}

// A decoder takes values off the front of b. After a failure it returns zeros.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.failed = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.failed = true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) distribution(rounded bool) *distribution {
	n := d.uvarint()
	if n < 1 || n > maxBins || n > uint64(len(d.b)) {
		d.failed = true
		return nil
	}
	dist := &distribution{bins: make([]bin, n), rounded: rounded}
	before, key := math.Inf(-1), float64(tiny)
	for i := range dist.bins {
		if rounded {
			key += float64(d.uvarint())
		} else {
			key = d.float()
		}
		count := d.float()
		if !(key > before && count > 0) || rounded && key != tiny && (key < lowestKey || key > highestKey) {
			d.failed = true
			return nil
		}
		dist.bins[i] = bin{key, count}
		before = key
	}
	return dist
}

// appendFloat writes how many bytes of the number are left without the zeros at
// its end, and those: 1 to 9 bytes, 3 for a small whole number.
func appendFloat(b []byte, v float64) []byte {
	u := math.Float64bits(v)
	n := 8 - bits.TrailingZeros64(u)/8
	b = append(b, byte(n))
	for i := range n {
		b = append(b, byte(u>>(56-8*i)))
	}
	return b
}

func appendFloats(b []byte, vs ...float64) []byte {
	for _, v := range vs {
		b = appendFloat(b, v)
	}
	return b
}

func (d *decoder) float() float64 {
	n := int(d.byte())
	if n > 8 || n > len(d.b) {
		d.failed = true
		return 0
	}
	var u uint64
	for i, c := range d.b[:n] {
		u |= uint64(c) << (56 - 8*i)
	}
	d.b = d.b[n:]
	return math.Float64frombits(u)
}
