package broker

import (
	"encoding/binary"
	"errors"

	"flyball/internal/queue"
)

// A Message is what a sender has sent, and what the queue adds to it.
type Message struct {
	ID         [16]byte
	Body       string
	Attributes []Attribute // by name
	Group      string      // MessageGroupId
	Dedup      string      // MessageDeduplicationId
	Sender     string      // SenderId
	Trace      string      // AWSTraceHeader
	Source     string      // DeadLetterQueueSourceArn

	Sequence uint64 // set when it is sent
	Sent     queue.Millis
	Delay    queue.Millis
	// Received before it came to this queue, and when first.
	Receives uint32
	First    queue.Millis
	// DedupGroup is the group within which Dedup counts; empty: the whole queue.
	DedupGroup string
}

// An Attribute is a message attribute.
type Attribute struct {
	Name, Type string // such as String, or Number.int
	Binary     bool   // the value is one of bytes
	Value      string
}

// Size is what counts for the limits of AWS: the body, and the names, types and values
// of attributes.
func (m *Message) Size() int {
	n := len(m.Body)
	for _, a := range m.Attributes {
		n += len(a.Name) + len(a.Type) + len(a.Value)
	}
	return n
}

// A flag says which part of a message's record is there.
const (
	hasDelay = 1 << iota
	hasReceives
)

// appendMessage appends the record of a message. What the queue itself needs comes
// first.
func appendMessage(b []byte, m *Message) []byte {
	flags := byte(0)
	if m.Delay > 0 {
		flags |= hasDelay
	}
	if m.Receives > 0 {
		flags |= hasReceives
	}
	b = append(b, recordMessage, flags)
	b = binary.AppendUvarint(b, m.Sequence)
	b = binary.AppendUvarint(b, uint64(m.Sent))
	if m.Delay > 0 {
		b = binary.AppendUvarint(b, uint64(m.Delay))
	}
	b = appendText(b, m.Group)
	b = append(b, m.ID[:]...)
	b = appendText(b, m.Dedup)
	b = appendText(b, m.DedupGroup)
	b = appendText(b, m.Sender)
	b = appendText(b, m.Trace)
	b = appendText(b, m.Source)
	if m.Receives > 0 {
		b = binary.AppendUvarint(b, uint64(m.Receives))
		b = binary.AppendUvarint(b, uint64(m.First))
	}
	b = binary.AppendUvarint(b, uint64(len(m.Attributes)))
	for _, a := range m.Attributes {
		b = appendText(b, a.Name)
		b = appendText(b, a.Type)
		b = append(b, boolByte(a.Binary))
		b = appendText(b, a.Value)
	}
	return append(b, m.Body...)
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errRecord = errors.New("a record is not one of a queue's")

// A decoder reads a record. After something that is not there it is broken, and all
// that it reads is zero.
type decoder struct {
	b      []byte
	broken bool
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.b, d.broken = nil, true
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) millis() queue.Millis { return queue.Millis(d.number()) }

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.b, d.broken = nil, true
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) text() string { return string(d.bytes(d.number())) }

// decodeIndex reads what the queue itself needs of a message's record, without its
// place.
func decodeIndex(record []byte, fifo bool) (m queue.Message, ok bool) {
	d := decoder{b: record}
	kind, flags := d.byte(), d.byte()
	m.Sequence, m.Sent = d.number(), d.millis()
	if flags&hasDelay != 0 {
		m.Delay = d.millis()
	}
	if fifo {
		m.Group = d.text()
	}
	return m, kind == recordMessage && !d.broken
}

// decodeMessage reads a message's record.
func decodeMessage(record []byte) (*Message, error) {
	d := decoder{b: record}
	if d.byte() != recordMessage {
		return nil, errRecord
	}
	m, flags := new(Message), d.byte()
	m.Sequence, m.Sent = d.number(), d.millis()
	if flags&hasDelay != 0 {
		m.Delay = d.millis()
	}
	m.Group = d.text()
	copy(m.ID[:], d.bytes(uint64(len(m.ID))))
	m.Dedup, m.DedupGroup = d.text(), d.text()
	m.Sender, m.Trace, m.Source = d.text(), d.text(), d.text()
	if flags&hasReceives != 0 {
		m.Receives, m.First = uint32(d.number()), d.millis()
	}
	for n := d.number(); n > 0 && !d.broken; n-- {
		m.Attributes = append(m.Attributes, Attribute{d.text(), d.text(), d.byte() == 1, d.text()})
	}
	m.Body = string(d.b)
	if d.broken {
		return nil, errRecord
	}
	return m, nil
}
