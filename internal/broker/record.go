package broker

import (
	"encoding/binary"

	"flyball/internal/queue"
)

// The kinds of records begin with one of these.
const (
	recordMessage  = 'm'
	recordDelete   = 'd' // messages are gone
	recordReceive  = 'r' // messages were received
	recordInFlight = 'v' // a message comes back at another time
	recordPurge    = 'p' // all messages before it are gone
	recordSkip     = 's' // what has expired is gone
)

func appendDelete(b []byte, gone []uint64) []byte {
	b = append(b, recordDelete)
	for _, sequence := range gone {
		b = binary.AppendUvarint(b, sequence)
	}
	return b
}

func appendReceive(b []byte, got []queue.Delivery) []byte {
	b = append(b, recordReceive)
	for _, d := range got {
		b = binary.AppendUvarint(b, d.Sequence)
		b = binary.AppendUvarint(b, uint64(d.Receives))
		b = binary.AppendUvarint(b, uint64(d.Received))
		b = binary.AppendUvarint(b, uint64(d.First))
		b = binary.AppendUvarint(b, uint64(d.Until))
	}
	return b
}

func appendInFlight(b []byte, sequence uint64, until queue.Millis) []byte {
	b = append(b, recordInFlight)
	b = binary.AppendUvarint(b, sequence)
	return binary.AppendUvarint(b, uint64(until))
}

func appendSkip(b []byte, to uint64) []byte {
	return binary.AppendUvarint(append(b, recordSkip), to)
}

// replay does again what a record tells, but for messages that were sent and purges.
func replay(q *queue.Queue, record []byte) error {
	d := decoder{b: record}
	switch d.byte() {
	case recordDelete:
		for len(d.b) > 0 {
			q.Remove(d.number())
		}
	case recordReceive:
		for len(d.b) > 0 {
			q.Redeliver(queue.Delivery{
				Receipt:  queue.Receipt{Sequence: d.number(), Receives: uint32(d.number())},
				Received: d.millis(), First: d.millis(), Until: d.millis(),
			})
		}
	case recordInFlight:
		q.Reappoint(d.number(), d.millis())
	case recordSkip:
		q.SkipTo(d.number())
	default:
		return errRecord
	}
	if d.broken {
		return errRecord
	}
	return nil
}
