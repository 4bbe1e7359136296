package logstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/klauspost/compress/zstd"
)

// How the body of a block is written. A frame with listCodec says which segments its
// segment takes the place of.
const (
	rawCodec  = 0
	zstdCodec = 1
	listCodec = 2
)

// A block is what is known of the runs in one frame. It costs about 130 bytes of memory
// and 4 for each further stream.
type block struct {
	segment *segment
	body    int64  // where the body is
	length  uint32 // of the body
	sum     uint32 // of the body
	frame   uint32 // length of the whole frame
	raw     uint32 // length of the runs
	bytes   uint32 // of messages
	group   uint32
	codec   uint8
	min     int64 // the earliest event
	max     int64 // the latest event
	streams []uint32
}

// A part is what the head of a block says of one stream in it.
type part struct {
	stream      uint32
	bytes       uint32
	min, max    int64
	ingested    int64  // the latest
	last        uint64 // the highest number
	events      uint32
	initialised bool
}

// add counts a run in, or returns errRun.
func (p *part) add(r run) error {
	p.stream, p.events = r.stream, p.events+r.count
	p.last = max(p.last, r.first+uint64(r.count))
	if !p.initialised {
		p.min, p.max, p.ingested, p.initialised = math.MaxInt64, math.MinInt64, r.ingested, true
	}
	p.ingested = max(p.ingested, r.ingested)
	err := r.each(func(k Key, message []byte) bool {
		p.min, p.max = min(p.min, k.Time), max(p.max, k.Time)
		p.bytes += uint32(len(message))
		return true
	})
	if err == nil && (r.count == 0 || p.max-p.min < 0) {
		err = errRun
	}
	return err
}

// appendBlockHead appends the head of a block's frame.
func appendBlockHead(b []byte, codec uint8, group uint32, raw int, parts []part) []byte {
	b = append(b, codec)
	b = binary.AppendUvarint(b, uint64(group))
	b = binary.AppendUvarint(b, uint64(raw))
	b = binary.AppendUvarint(b, uint64(len(parts)))
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(p.stream))
		b = binary.AppendUvarint(b, uint64(p.events))
		b = binary.AppendUvarint(b, uint64(p.bytes))
		b = binary.AppendVarint(b, p.min)
		b = binary.AppendUvarint(b, uint64(p.max-p.min))
		b = binary.AppendVarint(b, p.ingested)
		b = binary.AppendUvarint(b, p.last)
	}
	return b
}

var errHead = errors.New("not the head of a block")

// parseBlockHead reads the head of a block's frame.
func parseBlockHead(b []byte) (bl *block, parts []part, err error) {
	if len(b) == 0 || b[0] != rawCodec && b[0] != zstdCodec {
		return nil, nil, errHead
	}
	bl = &block{codec: b[0], min: math.MaxInt64, max: math.MinInt64}
	group, b, ok1 := uvarint(b[1:], math.MaxUint32)
	raw, b, ok2 := uvarint(b, maxBody)
	n, b, ok3 := uvarint(b, uint64(len(b)))
	if !ok1 || !ok2 || !ok3 || n == 0 {
		return nil, nil, errHead
	}
	bl.group, bl.raw = uint32(group), uint32(raw)
	for range n {
		var p part
		if p, b, err = parsePart(b); err != nil {
			return nil, nil, err
		}
		parts = append(parts, p)
		bl.streams = append(bl.streams, p.stream)
		bl.bytes += p.bytes
		bl.min, bl.max = min(bl.min, p.min), max(bl.max, p.max)
	}
	if len(b) > 0 {
		return nil, nil, errHead
	}
	return bl, parts, nil
}

func parsePart(b []byte) (p part, rest []byte, err error) {
	stream, b, ok1 := uvarint(b, math.MaxUint32)
	events, b, ok2 := uvarint(b, math.MaxUint32)
	bytes, b, ok3 := uvarint(b, maxBody)
	first, b, ok4 := varint(b)
	lasts, b, ok5 := uvarint(b, math.MaxInt64)
	ingested, b, ok6 := varint(b)
	last, b, ok7 := uvarint(b, math.MaxInt64)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 {
		return p, nil, errHead
	}
	return part{uint32(stream), uint32(bytes), first, first + int64(lasts), ingested, last, uint32(events), true}, b, nil
}

// read returns the runs of a block. They are valid until the next read with the same
// reader.
func (r *reader) read(b *block) ([]byte, error) {
	body, err := r.window(b.segment).at(b.body, int(b.length))
	if err != nil {
		return nil, err
	}
	if crc32.Checksum(body, castagnoli) != b.sum {
		return nil, errors.New("its checksum is wrong")
	}
	if b.codec == rawCodec {
		return body, nil
	}
	if r.runs, err = r.codec.decode(r.runs[:0], body); err != nil {
		return nil, err
	}
	if len(r.runs) != int(b.raw) {
		return nil, fmt.Errorf("it holds %d bytes in place of %d", len(r.runs), b.raw)
	}
	return r.runs, nil
}

// A reader reads blocks, one after the other, with memory for one of them.
type reader struct {
	codec *codec
	of    *segment
	view  window
	runs  []byte
}

// window is the reader's window into a segment.
func (r *reader) window(s *segment) *window {
	if r.of != s {
		r.of, r.view = s, window{file: s.file, ahead: readAhead, buf: r.view.buf[:0]}
	}
	r.view.size = s.size.Load()
	return &r.view
}

// A codec compresses blocks.
type codec struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

func newCodec() (*codec, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxBody))
	return &codec{encoder, decoder}, err
}

func (c *codec) encode(to, runs []byte) []byte { return c.encoder.EncodeAll(runs, to) }

func (c *codec) decode(to, body []byte) ([]byte, error) { return c.decoder.DecodeAll(body, to) }
