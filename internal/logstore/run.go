package logstore

import (
	"encoding/binary"
	"errors"
	"math"
)

// A run is what one call put into a stream: events in the order of their times, with one
// time of ingestion and numbers that follow each other.
//
//	stream | first number | ingestion | events | bytes that follow | { time since the one before | length | message }
//
// The body of a block is runs, of one stream or of several.
type run struct {
	stream   uint32
	first    uint64 // the number of its first event
	ingested int64
	count    uint32
	events   []byte
}

var errRun = errors.New("not a run of log events")

// appendRun appends a run of events.
func appendRun(b []byte, stream uint32, first uint64, ingested int64, events []Event) []byte {
	size := 0
	last := int64(0)
	for i := range events {
		size += varintLen(events[i].Time-last) + uvarintLen(uint64(len(events[i].Message))) + len(events[i].Message)
		last = events[i].Time
	}
	b = run{stream, first, ingested, uint32(len(events)), nil}.appendHead(b, size)
	last = 0
	for i := range events {
		b = binary.AppendVarint(b, events[i].Time-last)
		b = binary.AppendUvarint(b, uint64(len(events[i].Message)))
		b = append(b, events[i].Message...)
		last = events[i].Time
	}
	return b
}

func (r run) appendHead(b []byte, size int) []byte {
	b = binary.AppendUvarint(b, uint64(r.stream))
	b = binary.AppendUvarint(b, r.first)
	b = binary.AppendVarint(b, r.ingested)
	b = binary.AppendUvarint(b, uint64(r.count))
	return binary.AppendUvarint(b, uint64(size))
}

func varintLen(v int64) int { return uvarintLen(uint64(v<<1) ^ uint64(v>>63)) }

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// nextRun splits the first run off a block's body.
func nextRun(b []byte) (r run, rest []byte, err error) {
	stream, b, ok1 := uvarint(b, math.MaxUint32)
	first, b, ok2 := uvarint(b, math.MaxInt64)
	ingested, b, ok3 := varint(b)
	count, b, ok4 := uvarint(b, math.MaxUint32)
	size, b, ok5 := uvarint(b, uint64(len(b)))
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || size > uint64(len(b)) {
		return run{}, nil, errRun
	}
	return run{uint32(stream), first, ingested, uint32(count), b[:size]}, b[size:], nil
}

// each calls a function for the events of a run, until it returns false. Messages are
// parts of the run's bytes.
func (r run) each(f func(k Key, message []byte) bool) error {
	b, at := r.events, int64(0)
	for i := range r.count {
		since, rest, ok1 := varint(b)
		size, rest, ok2 := uvarint(rest, uint64(len(rest)))
		if !ok1 || !ok2 || size > uint64(len(rest)) {
			return errRun
		}
		at += since
		if !f(Key{at, r.first + uint64(i)}, rest[:size:size]) {
			return nil
		}
		b = rest[size:]
	}
	if len(b) > 0 {
		return errRun
	}
	return nil
}

func uvarint(b []byte, most uint64) (v uint64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > most {
		return 0, nil, false
	}
	return v, b[n:], true
}

func varint(b []byte) (v int64, rest []byte, ok bool) {
	v, n := binary.Varint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}
