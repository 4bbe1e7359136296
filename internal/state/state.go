// Package state holds what the services of a server know: one lock, rows in
// memory, and the journal behind them.
//
//	err := st.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
//		if _, taken := alarms.Get(name); taken {
//			return errTaken // nothing has changed
//		}
//		alarms.Put(tx, name, row)
//		return policies.PutAlarm(ctx, row) // another service's Change joins this one
//	})
//	// without an error: all of it is on disk
//
// A change stages. Its rows are in memory at once, for the rest of the change to
// see; an error takes back all of them, and nothing is written. Success is one
// write, and Change returns when that is on disk.
//
// What one call changes across services is one change: a Change whose context
// comes from another one joins it.
//
// Everybody else sees rows before they are on disk. Settle waits for them: who
// answers a client settles first, so that nobody is told what a crash takes back.
package state

import (
	"context"
	"fmt"
	"sync"
	"time"

	"flyball/internal/store"
)

// A State is the rows of one scope, such as a region of an account. All scopes
// of a server share a lock and a journal. Its methods may be called from several
// goroutines.
type State struct {
	*journal
	scope string // begins the keys of the scope
	store store.Store
}

// A journal is what all scopes share.
type journal struct {
	mu    sync.RWMutex
	whole store.Store
	stamp func(*Tx)
	admit func(bytes int) error
	last  newest
	news  announcements
}

// New returns the state behind which a store is the journal.
func New(st store.Store) *State {
	return &State{journal: &journal{whole: st}, store: st}
}

// Stamp has a function add to each write what is to be on disk with it. It is set
// before the first change.
func (s *State) Stamp(f func(*Tx)) { s.stamp = f }

// Admit has a function say before each Change whether it may begin, with no bytes, and before
// it ends whether what it has changed may be written, with so many. Its error is that of the
// Change, of which then nothing is kept. It is set before the first change.
func (s *State) Admit(f func(bytes int) error) { s.admit = f }

// Admitted returns the error with which a Change would be refused now, for calls whose
// writes take another way to the disk.
func (s *State) Admitted() error { return s.admits(0) }

func (s *State) admits(bytes int) error {
	if s.admit == nil {
		return nil
	}
	return s.admit(bytes)
}

// Scope returns the rows whose keys begin with a prefix.
func (s *State) Scope(prefix string) *State {
	return &State{journal: s.journal, scope: s.scope + prefix, store: store.Scoped(s.whole, s.scope+prefix)}
}

// Store is the scope's part of the journal, for what is not kept as rows.
func (s *State) Store() store.Store { return s.store }

// Change runs a function under the lock, and returns when what it has changed is
// on disk. When the function returns an error everything is as before, and Change
// returns that error.
//
// The function passes the context that it is given to whatever it calls: with it
// a Change joins this one, and a View does not wait for the lock.
func (s *State) Change(ctx context.Context, f func(context.Context, *Tx) error) error {
	if t := joined(ctx, s.journal); t != nil {
		return t.nest(func() error { return f(ctx, &Tx{t, s.scope}) })
	}
	if err := s.Admitted(); err != nil {
		return err
	}
	return s.change(ctx, func(ctx context.Context, tx *Tx) error {
		if err := f(ctx, tx); err != nil {
			return err
		}
		return s.admits(tx.batch.Bytes())
	})
}

// Maintain is Change for loops that keep to what was asked for before, such as the targets of
// load balancers: it is admitted always, and waits until there is room for it.
func (s *State) Maintain(ctx context.Context, f func(context.Context, *Tx) error) error {
	if t := joined(ctx, s.journal); t != nil {
		return t.nest(func() error { return f(ctx, &Tx{t, s.scope}) })
	}
	return s.change(ctx, f)
}

// change makes a change of its own.
func (s *State) change(ctx context.Context, f func(context.Context, *Tx) error) error {
	t := &transaction{journal: s.journal}
	commit, err := t.run(func() error { return f(context.WithValue(ctx, transactionKey{}, t), &Tx{t, s.scope}) })
	if err != nil {
		return err
	}
	s.whole.Flush()
	if err := Patiently(ctx, commit.Wait); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	t.finish()
	return nil
}

// A patience is how long somebody wants to hear nothing of a change that waits.
type patience struct {
	lasts time.Duration
	tell  func() bool
}

type patienceKey struct{}

// WithPatience returns a context with which a Change calls a function when what it has changed
// has waited to be written for a time, and again after each such time until the function reports that
// it has told of it. The Change goes on waiting after that: others have seen what it has changed, and it cannot be taken back.
func WithPatience(ctx context.Context, lasts time.Duration, tell func() bool) context.Context {
	return context.WithValue(ctx, patienceKey{}, patience{lasts, tell})
}

// Patiently calls what waits for a write, for whom a context with patience belongs to: a Change does for its own, and calls whose
// writes take another way to the disk do. The function of the patience is not called any more when it returns.
func Patiently(ctx context.Context, wait func() error) error {
	p, has := ctx.Value(patienceKey{}).(patience)
	if !has {
		return wait()
	}
	var mu sync.Mutex
	over := false
	mu.Lock()
	var timer *time.Timer
	timer = time.AfterFunc(p.lasts, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over && !p.tell() {
			timer.Reset(p.lasts)
		}
	})
	mu.Unlock()
	err := wait()
	mu.Lock()
	defer mu.Unlock()
	over = true
	timer.Stop()
	return err
}

// Join runs a function as a part of the change that a context comes from, and reports whether there
// is one. What would be a Later outside a change is lost with it inside.
func (s *State) Join(ctx context.Context, f func(*Tx)) bool {
	t := joined(ctx, s.journal)
	if t == nil {
		return false
	}
	f(&Tx{t, s.scope})
	return true
}

// Later is Change for loops whose changes cannot fail and that wait for no disk. It
// is on disk within milliseconds, together with what follows on it.
// Without room on the disk it is in memory until there is some. If the write fails for
// another reason the server ends, which is why there is no error here.
func (s *State) Later(f func(*Tx)) {
	t := &transaction{journal: s.journal}
	_, _ = t.run(func() error { f(&Tx{t, s.scope}); return nil })
	t.finish()
}

// View runs a function that only reads, under the lock. A function that calls what
// reads, too, is given to Read.
func (s *State) View(ctx context.Context, f func()) {
	s.Read(ctx, func(context.Context) { f() })
}

// Read is View for a function that calls others: with the context that it passes to
// them, their View does not take the lock a second time. That would wait forever once
// a Change waits between the two.
func (s *State) Read(ctx context.Context, f func(context.Context)) {
	if joined(ctx, s.journal) != nil || viewed(ctx, s.journal) {
		f(ctx)
		return
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	v := &view{journal: s.journal}
	defer func() { v.over = true }()
	f(context.WithValue(ctx, viewKey{}, v))
}

// A view is under the lock until it is over.
type view struct {
	*journal
	over bool
}

type viewKey struct{}

// viewed tells whether a context is of a Read that goes on.
func viewed(ctx context.Context, j *journal) bool {
	v, ok := ctx.Value(viewKey{}).(*view)
	return ok && v.journal == j && !v.over
}

// Settle returns when everything that was changed before is on disk, or with the
// reason why it is not. With families it waits only for changes of kinds whose names
// begin with one of them and a dot, such as ecs. It does not wait for room on the disk:
// what loops have changed by themselves is told meanwhile, though a crash takes it back.
func (s *State) Settle(ctx context.Context, families ...string) error {
	if len(families) == 0 {
		families = []string{""}
	}
	for _, family := range families {
		if err := s.wait(ctx, s.last.of(family)); err != nil {
			return err
		}
	}
	return nil
}

// Announced has the announcements made of what was changed before, and reports whether there were any.
func (s *State) Announced(ctx context.Context) bool {
	left := s.news.left()
	if left == nil {
		return false
	}
	s.whole.Flush()
	select {
	case <-left:
	case <-s.whole.Stalled():
	case <-ctx.Done():
	}
	return true
}

// wait has a commit made and waits for it.
func (s *State) wait(ctx context.Context, commit store.Commit) error {
	if commit.Done() == nil {
		return nil // nothing was changed
	}
	select {
	case <-commit.Done():
		return commit.Wait()
	default:
		s.whole.Flush()
	}
	select {
	case <-commit.Done():
		return commit.Wait()
	case <-s.whole.Stalled():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
