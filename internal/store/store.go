// Package store keeps the server's durable state: documents under a kind and a
// key, written in ordered batches.
//
// A service keeps its working state in memory and writes every change through:
//
//	mu.Lock()
//	services[key] = changed                 // later calls see it
//	commit := st.Write(new(store.Batch).Put("ecs.service", key, value))
//	mu.Unlock()
//	st.Flush()
//	if err := commit.Wait(); err != nil {   // on disk before the call is answered
//		return err
//	}
//
// Batches become durable in the order in which Write was called. Those that are
// queued at the same time share one disk sync. A write that the disk has no room for
// waits until there is some, and what is queued behind it with it. If a write fails for
// another reason, memory is ahead of the disk: the store refuses everything from then on
// and Failed says why, so that the server can stop and start again from what is on disk.
package store

import (
	"errors"
	"iter"
)

// ErrNotFound is returned by Get for a key that does not exist.
var ErrNotFound = errors.New("store: not found")

// ErrClosed is returned for writes after Close.
var ErrClosed = errors.New("store: closed")

// A Store holds documents. Its methods may be called from several goroutines.
type Store interface {
	// Get returns the document as of the last committed batch, or ErrNotFound.
	Get(kind, key string) ([]byte, error)
	// Scan calls each for the documents of a kind in a range of keys, in order.
	// It stops early, without an error, when each returns false. The value is
	// valid only during the call, and each must not call the store.
	Scan(kind string, r Range, each func(key string, value []byte) bool) error
	// Write queues a batch, which becomes durable within a moment, all of it or none
	// of it. What follows in that moment shares its disk sync.
	Write(b *Batch) Commit
	// Flush ends the moment: somebody waits for what is queued.
	Flush()
	// Stalled is closed while what is queued waits for room on the disk.
	Stalled() <-chan struct{}
	// Failed gets the reason, once, when a write could not be made durable.
	Failed() <-chan error
	// Close makes what was queued durable and releases the store.
	Close() error
}

// A Range selects keys: From <= key < To, in byte order. An empty To has no
// upper end. Reverse gives the last keys first.
type Range struct {
	From, To string
	Reverse  bool
}

// Prefix is the range of all keys that start with p.
func Prefix(p string) Range {
	end := []byte(p)
	for len(end) > 0 {
		last := len(end) - 1
		if end[last] < 0xff {
			end[last]++
			return Range{From: p, To: string(end)}
		}
		end = end[:last]
	}
	return Range{From: p}
}

// A Commit is the promise of a queued batch.
type Commit struct {
	done <-chan struct{}
	err  *error
}

// Done is closed when the batch is on disk, or cannot be; nil is done already.
func (c Commit) Done() <-chan struct{} { return c.done }

// Wait returns when the batch is on disk, or with the reason why it is not.
func (c Commit) Wait() error {
	if c.done == nil {
		return nil
	}
	<-c.done
	return *c.err
}

// A Batch is a list of changes that become durable together. The zero Batch is
// empty and ready to use.
type Batch struct {
	changes []change
}

type change struct {
	kind, key string
	to        string // with deleteRange: the end of the range, exclusive
	value     []byte
	op        op
}

type op uint8

const (
	opPut op = iota
	opDelete
	opDeleteRange
)

// Put sets a document. The batch keeps the value: do not change it afterwards.
func (b *Batch) Put(kind, key string, value []byte) *Batch {
	b.changes = append(b.changes, change{op: opPut, kind: kind, key: key, value: value})
	return b
}

// Delete removes a document if it exists.
func (b *Batch) Delete(kind, key string) *Batch {
	b.changes = append(b.changes, change{op: opDelete, kind: kind, key: key})
	return b
}

// DeleteRange removes all documents in the range.
func (b *Batch) DeleteRange(kind string, r Range) *Batch {
	b.changes = append(b.changes, change{op: opDeleteRange, kind: kind, key: r.From, to: r.To})
	return b
}

// Len is the number of changes in the batch.
func (b *Batch) Len() int { return len(b.changes) }

// Bytes is about what the batch takes.
func (b *Batch) Bytes() (sum int) {
	for i := range b.changes {
		sum += b.changes[i].size()
	}
	return sum
}

// Kinds are the kinds of the batch's changes, in their order.
func (b *Batch) Kinds() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, c := range b.changes {
			if !yield(c.kind) {
				return
			}
		}
	}
}

// Truncate takes the changes back that came after the first n.
func (b *Batch) Truncate(n int) { b.changes = b.changes[:n] }
