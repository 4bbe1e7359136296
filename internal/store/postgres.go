package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"flyball/internal/damage"
	"flyball/internal/lease"
	"flyball/internal/postgres"
)

// Postgres is the store that replicas share: whoever has its lease writes. A write that the
// database does not take at the moment, since it restarts or is not reached, waits and is
// made again: what is written says what documents are, and not how they change, so it can be.
type Postgres struct {
	db    *postgres.DB
	fence lease.Fence
	log   *slog.Logger

	queue
	ahead   ahead
	written writtenCounts
	silent  bool // the database does not answer, and that is told; only the writer uses it
	lacks   atomic.Pointer[RoomError]

	ending  chan struct{} // closed when nothing waits for the database any more
	once    sync.Once     // closes it
	life    context.Context
	end     context.CancelFunc // of what is under way
	failed  chan error         // has room for the one reason
	stopped chan struct{}
}

var _ Store = (*Postgres)(nil)

// ErrFenced is returned for writes after the lease has become another replica's. None of what they
// had is in the database.
var ErrFenced = errors.New("store: another replica has the lease, and this one writes no more")

// fenced is the code with which the database refuses writers whose lease is over.
const fenced = "FB001"

// OpenPostgres opens the store for the holder of a lease.
func OpenPostgres(db *postgres.DB, fence lease.Fence, log *slog.Logger) *Postgres {
	s := &Postgres{db: db, fence: fence, log: log, failed: make(chan error, 1), stopped: make(chan struct{}), ending: make(chan struct{})}
	s.life, s.end = context.WithCancel(context.Background())
	s.queue.init()
	go s.writeLoop()
	return s
}

// Get implements Store.
func (s *Postgres) Get(kind, key string) (value []byte, err error) {
	if all, known := s.ahead.of(kind); known {
		d := find(all, key)
		if d == nil {
			return nil, ErrNotFound
		}
		return slices.Clone(d.value), s.verify(kind, []byte(key), d.value, d.sum)
	}
	var sum int64
	err = s.again(func() error {
		return s.db.QueryRow(s.life, `SELECT value, sum FROM flyball.document WHERE kind = $1 AND key = $2`, kind, []byte(key)).Scan(&value, &sum)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %q: %w", kind, key, err)
	}
	return value, s.verify(kind, []byte(key), value, sum)
}

// Scan implements Store. When the database goes away in the middle it goes on behind the last
// document that was read.
func (s *Postgres) Scan(kind string, r Range, each func(key string, value []byte) bool) error {
	var err error
	if all, known := s.ahead.of(kind); known {
		err = s.scanAhead(kind, within(all, r), each)
	} else {
		err = s.again(func() error { return s.scan(kind, &r, each) })
	}
	if err != nil {
		return fmt.Errorf("scan %s: %w", kind, err)
	}
	return nil
}

// scanAhead is scan for what was read ahead.
func (s *Postgres) scanAhead(kind string, documents []document, each func(key string, value []byte) bool) error {
	for _, d := range documents {
		if err := s.verify(kind, []byte(d.key), d.value, d.sum); err != nil {
			return err
		}
		if !each(d.key, d.value) {
			return nil
		}
	}
	return nil
}

// scan reads a range, and makes it what is left of it.
func (s *Postgres) scan(kind string, r *Range, each func(key string, value []byte) bool) error {
	order := ` ORDER BY key`
	if r.Reverse {
		order += ` DESC`
	}
	var to []byte // null has no upper end
	if r.To != "" {
		to = []byte(r.To)
	}
	rows, err := s.db.Query(s.life, `SELECT key, value, sum FROM flyball.document
		WHERE kind = $1 AND key >= $2 AND ($3::bytea IS NULL OR key < $3)`+order, kind, []byte(r.From), to)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, value pgtype.DriverBytes
		var sum int64
		if err := rows.Scan(&key, &value, &sum); err != nil {
			return err
		}
		if err := s.verify(kind, key, value, sum); err != nil {
			return err
		}
		if r.Reverse {
			r.To = string(key)
		} else {
			r.From = string(key) + "\x00"
		}
		if !each(string(key), value) {
			return nil
		}
	}
	return rows.Err()
}

// verify compares a document with its checksum.
func (s *Postgres) verify(kind string, key, value []byte, sum int64) error {
	if sum == checksum(kind, string(key), value) {
		return nil
	}
	return &damage.Error{
		File: "the database", Where: fmt.Sprintf("the %s %q is not what was written", kind, key),
		Remedy: "restore the database from a backup",
	}
}

// Kinds are the kinds of which there are documents, in order.
func (s *Postgres) Kinds() (kinds []string, err error) {
	err = s.again(func() error {
		rows, err := s.db.Query(s.life, `SELECT DISTINCT kind FROM flyball.document ORDER BY kind`)
		if err != nil {
			return err
		}
		kinds, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return kinds, err
}

// pause is how long is waited for a database that does not answer before it is asked again.
const pause = 100 * time.Millisecond

// again asks the database until it answers.
func (s *Postgres) again(ask func() error) error {
	for {
		err := ask()
		if err == nil || !postgres.Passes(err) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-s.ending:
			return err
		}
	}
}

// writeLoop makes what is queued durable, everything that waits in one transaction.
func (s *Postgres) writeLoop() {
	defer close(s.stopped)
	var failure error
	for open := true; open; {
		_, open = <-s.wake
		g := s.take()
		if g == nil {
			continue
		}
		if failure == nil {
			if failure = s.write(g); failure != nil {
				s.failed <- failure
			} else {
				s.written.add(g)
			}
		}
		g.err = failure
		close(g.done)
	}
}

// write makes a group durable, as soon as the database takes it.
func (s *Postgres) write(g *group) error {
	defer s.resume()
	defer s.lacks.Store(nil)
	g.reduce()
	s.ahead.forget(g.changes)
	for {
		err := s.commit(g)
		if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && refusal.Code == fenced {
			return fmt.Errorf("%w (%s)", ErrFenced, refusal.Message)
		}
		s.tell(err)
		if err == nil || !postgres.Passes(err) {
			return err
		}
		lacks := lackOfRoom(err)
		if lacks != nil {
			s.lacks.Store(lacks)
		}
		if kept := s.hold(g, lacks != nil); kept > mostKept {
			return fmt.Errorf("%d MiB of changes wait for the database, and more are not kept: %w", kept>>20, err)
		}
		select {
		case <-time.After(pause):
		case <-s.ending:
			return fmt.Errorf("the database did not answer until the end: %w", err)
		}
	}
}

// tell tells when the database takes no writes, and when it does again.
func (s *Postgres) tell(err error) {
	switch {
	case err != nil && !s.silent:
		s.log.Warn("the database takes no writes at the moment; those that wait are made again", "reason", err)
	case err == nil && s.silent:
		s.log.Info("the database takes writes again")
	}
	s.silent = err != nil
}

// writeTime is how long a transaction may take before it is given up and made again.
const writeTime = 15 * time.Second

// commit makes a group durable in one transaction: the fence, then what it removes, then what it
// puts. All of it goes out at once, and the database has it or has none of it.
func (s *Postgres) commit(g *group) error {
	ctx, cancel := context.WithTimeout(s.life, writeTime)
	defer cancel()
	batch := &pgx.Batch{}
	batch.Queue(`SELECT flyball.fence($1, $2, $3)`, s.fence.Scope, s.fence.Epoch, s.fence.Holder)
	var gone, put columns
	for i := range g.changes {
		switch c := &g.changes[i]; {
		case c.op == opPut:
			put.add(c)
		case c.op == opDelete:
			gone.add(c)
		case c.to == "":
			batch.Queue(`DELETE FROM flyball.document WHERE kind = $1 AND key >= $2`, c.kind, []byte(c.key))
		default:
			batch.Queue(`DELETE FROM flyball.document WHERE kind = $1 AND key >= $2 AND key < $3`, c.kind, []byte(c.key), []byte(c.to))
		}
	}
	if len(gone.kinds) > 0 {
		batch.Queue(`DELETE FROM flyball.document d USING unnest($1::text[], $2::bytea[]) AS gone (kind, key)
			WHERE d.kind = gone.kind AND d.key = gone.key`, gone.kinds, gone.keys)
	}
	if len(put.kinds) > 0 {
		batch.Queue(`INSERT INTO flyball.document (kind, key, value, sum)
			SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::bigint[])
			ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, sum = excluded.sum`, put.kinds, put.keys, put.values, put.sums)
	}
	// A batch without a transaction around it is one: all of it is sent before the one Sync.
	return s.db.SendBatch(ctx, batch).Close()
}

// columns are documents as arrays.
type columns struct {
	kinds        []string
	keys, values [][]byte
	sums         []int64
}

func (c *columns) add(of *change) {
	value := of.value
	if value == nil {
		value = []byte{} // null is none
	}
	c.kinds, c.keys, c.values = append(c.kinds, of.kind), append(c.keys, []byte(of.key)), append(c.values, value)
	c.sums = append(c.sums, checksum(of.kind, of.key, value))
}

// Room is why the database has no room, or nil. It is told apart from one that is not there: nobody goes on without
// the database, as what it does not have is lost with this replica, and what it has may be another's by then; but one that
// has no room still says whose the lease is.
func (s *Postgres) Room() error {
	if lacks := s.lacks.Load(); lacks != nil {
		return lacks
	}
	return nil
}

// Failed implements Store.
func (s *Postgres) Failed() <-chan error { return s.failed }

// Written is what was written since the store was opened, and whether a write waits.
func (s *Postgres) Written() Written {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Written{s.written.transactions.Load(), s.written.documents.Load(), s.written.bytes.Load(), s.waits}
}

// GiveUp has nothing wait for the database any more: the server ends, and what it cannot write is
// lost as by a kill.
func (s *Postgres) GiveUp() { s.once.Do(func() { close(s.ending) }) }

// Close implements Store. It does not wait for a database that does not answer.
func (s *Postgres) Close() error {
	if s.queue.end() {
		s.GiveUp()
		defer time.AfterFunc(closeTime, s.end).Stop()
	}
	<-s.stopped
	s.end()
	select {
	case err := <-s.failed: // nobody was told yet
		return err
	default:
		return nil
	}
}

// closeTime is how long an end waits for the database.
const closeTime = 2 * time.Second

// Doubt is that of SQLite: PostgreSQL looks after its own files.
func (s *Postgres) Doubt() error { return nil }

// Sound is that of SQLite: a document is compared with its checksum whenever it is read.
func (s *Postgres) Sound() error { return nil }
