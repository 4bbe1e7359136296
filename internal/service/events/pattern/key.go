package pattern

import (
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"slices"
)

// A key is something that a value must have for a comparison to match it: a filter looks values up by
// their keys. A value may have a key and not match; it never matches without one.
type key struct {
	kind   keyKind
	length int    // of an affix or a fragment in bytes, of a network or a block in bits
	bits   uint64 // of numbers, blocks and IPv4 networks
	text   string
}

type keyKind uint8

const (
	anyKey       keyKind = iota // any value at all
	textKey                     // text
	foldedKey                   // text in whatever case
	literalKey                  // text
	numberKey                   // bits, or text where no double says exactly what is written
	blockKey                    // numbers whose bits in order begin with some
	prefixKey                   // text
	foldedPrefix                // text
	suffixKey                   // text
	foldedSuffix                // text
	fragmentKey                 // text, anywhere in the value
	network4Key                 // bits
	network6Key                 // text
	kinds
)

// longest is how much of an affix is looked up, and mostBlocks how many blocks of numbers stand for a
// range: a comparison sees to the rest.
const (
	longest    = 128
	mostBlocks = 8
)

// keysOf are the ways to look a comparison up. Of each of them, a value that matches has one key at least.
func keysOf(c comparison) [][]key {
	switch c := c.(type) {
	case exactText:
		return [][]key{{{kind: textKey, text: string(c)}}}
	case equalFold:
		return [][]key{{{kind: foldedKey, text: fold(string(c))}}}
	case exactLiteral:
		return [][]key{{{kind: literalKey, text: string(c)}}}
	case exactNumber:
		return [][]key{{numberOf(c.decimal, c.written)}}
	case numericRange:
		return [][]key{blocks(c)}
	case affix:
		return affixKeys(c)
	case wildcard:
		return wildcardKeys(c)
	case network:
		return [][]key{{networkOf(c.Addr(), c.Bits())}}
	}
	return [][]key{{{kind: anyKey}}}
}

func affixKeys(c affix) [][]key {
	k := key{kind: prefixKey, text: c.text[:min(len(c.text), longest)]}
	switch {
	case c.text == "":
		k = key{kind: anyKey}
	case c.suffix:
		k = key{kind: suffixKey, text: c.text[max(0, len(c.text)-longest):]}
	}
	if c.folded && c.text != "" {
		k.kind++
	}
	k.length = len(k.text)
	return [][]key{{k}}
}

// wildcardKeys are what the text begins with, ends with, and has in the middle: of that the beginning or the end,
// in a length of few that there are.
func wildcardKeys(c wildcard) (ways [][]key) {
	last := len(c) - 1
	if last == 0 {
		return keysOf(exactText(c[0]))
	}
	if c[0] != "" {
		ways = append(ways, affixKeys(affix{text: c[0]})...)
	}
	if c[last] != "" {
		ways = append(ways, affixKeys(affix{text: c[last], suffix: true})...)
	}
	for _, part := range c[1:last] {
		n := min(1<<(bits.Len(uint(len(part)))-1), 16)
		ways = append(ways,
			[]key{{kind: fragmentKey, length: n, text: part[:n]}},
			[]key{{kind: fragmentKey, length: n, text: part[len(part)-n:]}})
	}
	if ways == nil {
		return [][]key{{{kind: anyKey}}}
	}
	return ways
}

func numberOf(d decimal, written string) key {
	if d.exact {
		return key{kind: numberKey, bits: math.Float64bits(d.value)}
	}
	return key{kind: numberKey, text: written}
}

func networkOf(a netip.Addr, length int) key {
	p := netip.PrefixFrom(a, length).Masked().Addr()
	if a.Is4() {
		four := p.As4()
		return key{kind: network4Key, length: length, bits: uint64(binary.BigEndian.Uint32(four[:]))}
	}
	sixteen := p.As16()
	return key{kind: network6Key, length: length, text: string(sixteen[:])}
}

// ordered are the bits of a number so that they are in the order of the numbers.
func ordered(v float64) uint64 {
	b := math.Float64bits(v)
	if b>>63 == 1 {
		return ^b
	}
	return b | 1<<63
}

// blocks are few blocks of numbers that a range is within. A block of length n are those whose
// bits in order have the first n in common.
func blocks(r numericRange) []key {
	from, to := ordered(r.from), ordered(r.to)
	for shift := 0; ; shift++ {
		if found := cover(from>>shift, to>>shift, shift); len(found) <= mostBlocks {
			return found
		}
	}
}

// cover splits what is between two multiples of 1<<shift into blocks, the largest that fit.
func cover(from, to uint64, shift int) (found []key) {
	for {
		size := min(bits.TrailingZeros64(from), bits.Len64(to-from+1)-1)
		if to-from == math.MaxUint64 {
			size = 64
		}
		found = append(found, key{kind: blockKey, length: 64 - shift - size, bits: from >> size})
		next := from + 1<<size
		if next > to || next == 0 || len(found) > mostBlocks {
			return found
		}
		from = next
	}
}

// lengths are those that the keys of each kind have, with how often.
type lengths [kinds]struct {
	counts map[int]int
	sorted []int
}

func (l *lengths) add(k key) {
	at := &l[k.kind]
	if at.counts == nil {
		at.counts = map[int]int{}
	}
	if at.counts[k.length]++; at.counts[k.length] == 1 {
		i, _ := slices.BinarySearch(at.sorted, k.length)
		at.sorted = slices.Insert(at.sorted, i, k.length)
	}
}

func (l *lengths) remove(k key) {
	at := &l[k.kind]
	if at.counts[k.length]--; at.counts[k.length] == 0 {
		delete(at.counts, k.length)
		i, _ := slices.BinarySearch(at.sorted, k.length)
		at.sorted = slices.Delete(at.sorted, i, i+1)
	}
}

// each calls a function with the keys that a value has, of those kinds and lengths.
func (l *lengths) each(v *node, have func(key)) {
	if len(l[anyKey].sorted) > 0 {
		have(key{kind: anyKey})
	}
	switch v.kind {
	case text:
		l.eachOfText(v.value, have)
	case literal:
		have(key{kind: literalKey, text: v.value})
	case number:
		have(numberOf(v.decimal, v.value))
		if !v.decimal.exact {
			return
		}
		b := ordered(v.decimal.value)
		for _, length := range l[blockKey].sorted {
			have(key{kind: blockKey, length: length, bits: b >> (64 - length)})
		}
	}
}

func (l *lengths) eachOfText(s string, have func(key)) {
	if len(l[textKey].sorted) > 0 {
		have(key{kind: textKey, text: s})
	}
	l.eachAffix(prefixKey, suffixKey, s, have)
	if len(l[foldedKey].sorted)+len(l[foldedPrefix].sorted)+len(l[foldedSuffix].sorted) > 0 {
		folded := fold(s)
		have(key{kind: foldedKey, text: folded})
		l.eachAffix(foldedPrefix, foldedSuffix, folded, have)
	}
	for _, length := range l[fragmentKey].sorted {
		for i := 0; i+length <= len(s); i++ {
			have(key{kind: fragmentKey, length: length, text: s[i : i+length]})
		}
	}
	if len(l[network4Key].sorted)+len(l[network6Key].sorted) > 0 {
		l.eachNetwork(s, have)
	}
}

func (l *lengths) eachAffix(prefix, suffix keyKind, s string, have func(key)) {
	for _, length := range l[prefix].sorted {
		if length > len(s) {
			break
		}
		have(key{kind: prefix, length: length, text: s[:length]})
	}
	for _, length := range l[suffix].sorted {
		if length > len(s) {
			break
		}
		have(key{kind: suffix, length: length, text: s[len(s)-length:]})
	}
}

func (l *lengths) eachNetwork(s string, have func(key)) {
	a, ok := address(s)
	if !ok {
		return
	}
	kind := network6Key
	if a.Is4() {
		kind = network4Key
	}
	for _, length := range l[kind].sorted {
		have(networkOf(a, length))
	}
}
