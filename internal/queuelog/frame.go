package queuelog

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// A Position is where a record begins, in bytes from the beginning of the log.
type Position int64

// MaxRecord bounds the bytes of a record.
const MaxRecord = 2 << 20

// A frame is a record in its segment: four bytes of its length, four of its checksum,
// and the record.
const frameHead = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Batch is records that are appended together.
type Batch struct {
	buf    []byte
	starts []int
}

// Add adds a record, which a function appends to the bytes that it is given.
func (b *Batch) Add(record func([]byte) []byte) {
	start := len(b.buf)
	b.starts = append(b.starts, start)
	b.buf = append(b.buf, make([]byte, frameHead)...)
	b.buf = record(b.buf)
	content := b.buf[start+frameHead:]
	binary.LittleEndian.PutUint32(b.buf[start:], uint32(len(content)))
	binary.LittleEndian.PutUint32(b.buf[start+4:], crc32.Checksum(content, castagnoli))
}

// Len is the number of records.
func (b *Batch) Len() int { return len(b.starts) }

// Bytes is how much of the log the batch takes.
func (b *Batch) Bytes() int { return len(b.buf) }

// Offset is how far a record is behind the first of the batch.
func (b *Batch) Offset(record int) Position { return Position(b.starts[record]) }

// Reset empties the batch, which can then be filled again.
func (b *Batch) Reset() { b.buf, b.starts = b.buf[:0], b.starts[:0] }

// seal binds the checksums to a segment and to positions in it.
func (b *Batch) seal(salt uint64, at Position) {
	for _, start := range b.starts {
		head := b.buf[start+4 : start+frameHead]
		sum := binary.LittleEndian.Uint32(head)
		binary.LittleEndian.PutUint32(head, sum^mask(salt, at+Position(start)))
	}
}

// mask is what a checksum at a position of a segment is changed by.
func mask(salt uint64, at Position) uint32 {
	hi, lo := bits.Mul64(salt^uint64(at), 0x9e3779b97f4a7c15)
	return uint32(hi ^ lo)
}

// content is the record in a frame, or nil if it is none. What is given may go on
// behind the frame.
func content(frame []byte, salt uint64, at Position) []byte {
	if len(frame) < frameHead {
		return nil
	}
	size := binary.LittleEndian.Uint32(frame)
	if size == 0 || size > MaxRecord || int(size) > len(frame)-frameHead {
		return nil
	}
	record := frame[frameHead : frameHead+size]
	if crc32.Checksum(record, castagnoli)^mask(salt, at) != binary.LittleEndian.Uint32(frame[4:]) {
		return nil
	}
	return record
}
