package queue

import "crypto/sha256"

// DeduplicationTime is how long a FIFO queue remembers what was sent, deleted or not.
const DeduplicationTime = Millis(5 * 60 * 1000)

// An Original is the message that later ones with its deduplication ID are taken for.
type Original struct {
	ID       [16]byte
	Sequence uint64
	Place    int64
}

// A Deduplication remembers what was sent to a FIFO queue in the last five minutes.
// Its zero value has forgotten everything.
type Deduplication struct {
	known map[dedupKey]Original
	sent  []remembered // in the order of sending
}

// A dedupKey stands for a deduplication ID, within a group or the queue.
type dedupKey [16]byte

type remembered struct {
	key dedupKey
	at  Millis
}

// keyOf makes the key of an ID in a group, which is empty where IDs count for the
// whole queue.
func keyOf(group, id string) dedupKey {
	sum := sha256.Sum256([]byte(group + "\x00" + id))
	return dedupKey(sum[:16])
}

// Find is the message that was sent with an ID before, if there is one.
func (d *Deduplication) Find(now Millis, group, id string) (Original, bool) {
	d.forget(now)
	o, ok := d.known[keyOf(group, id)]
	return o, ok
}

// Add remembers a message that was sent at a time.
func (d *Deduplication) Add(at Millis, group, id string, o Original) {
	if d.known == nil {
		d.known = map[dedupKey]Original{}
	}
	key := keyOf(group, id)
	d.known[key] = o
	d.sent = append(d.sent, remembered{key, at})
}

// First is the place of the first message that is remembered, if any is.
func (d *Deduplication) First(now Millis) (place int64, ok bool) {
	if d.forget(now); len(d.sent) == 0 {
		return 0, false
	}
	return d.known[d.sent[0].key].Place, true
}

func (d *Deduplication) forget(now Millis) {
	n := 0
	for n < len(d.sent) && d.sent[n].at+DeduplicationTime <= now {
		delete(d.known, d.sent[n].key)
		n++
	}
	if d.sent = d.sent[n:]; len(d.sent) == 0 {
		d.sent = nil
	}
}
