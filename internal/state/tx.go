package state

import (
	"context"
	"slices"

	"flyball/internal/store"
)

// A Tx is a change that is under way, in one scope. It is valid only until the
// function that it was given to returns.
type Tx struct {
	*transaction
	scope string
}

// A transaction is one change in all scopes.
type transaction struct {
	*journal
	batch store.Batch
	undo  []func()
	after []func()
	news  []func()
	over  bool
}

type transactionKey struct{}

// joined is the change that a context comes from, if it is still under way.
func joined(ctx context.Context, j *journal) *transaction {
	if t, ok := ctx.Value(transactionKey{}).(*transaction); ok && t.journal == j && !t.over {
		return t
	}
	return nil
}

// run runs a function under the lock, and queues what it has changed.
func (t *transaction) run(f func() error) (commit store.Commit, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer func() { t.over = true }()
	if err := t.nest(f); err != nil {
		return store.Commit{}, err
	}
	if t.batch.Len() > 0 {
		if t.stamp != nil {
			t.stamp(&Tx{t, ""})
		}
		commit = t.whole.Write(&t.batch)
		t.last.note(&t.batch, commit)
	}
	t.journal.news.add(commit, t.news)
	return commit, nil
}

// nest runs a function that may fail by itself: its error, or its panic, takes
// back what it has done and leaves what was done before.
func (t *transaction) nest(f func() error) (err error) {
	changes, undo, after, news := t.batch.Len(), len(t.undo), len(t.after), len(t.news)
	done := false
	defer func() {
		if done && err == nil {
			return
		}
		for _, back := range slices.Backward(t.undo[undo:]) {
			back()
		}
		t.undo, t.after, t.news = t.undo[:undo], t.after[:after], t.news[:news]
		t.batch.Truncate(changes)
	}()
	err = f()
	done = true
	return err
}

// finish does what was left until the change had succeeded.
func (t *transaction) finish() {
	for _, f := range t.after {
		f()
	}
}

// Put writes a document, and returns how many bytes it takes.
func (tx *Tx) Put(k Kind, key string, doc any) (bytes int) {
	text := k.Encode(doc)
	tx.batch.Put(k.Name, tx.scope+key, text)
	return len(text)
}

// Delete removes a document, if it exists.
func (tx *Tx) Delete(k Kind, key string) { tx.batch.Delete(k.Name, tx.scope+key) }

// DeleteRange removes all documents in a range of keys.
func (tx *Tx) DeleteRange(k Kind, r store.Range) { tx.batch.DeleteRange(k.Name, r.Within(tx.scope)) }

// Undo says how a change of memory that was just made is taken back. It runs if
// the change fails, before those that were recorded earlier.
func (tx *Tx) Undo(back func()) { tx.undo = append(tx.undo, back) }

// After runs a function once the change has succeeded, without the lock: after a
// Change is on disk, or when a Later is queued.
func (tx *Tx) After(f func()) { tx.after = append(tx.after, f) }

// Announce runs a function once the change is on disk: for events, which must not
// tell what a crash takes back. Announcements are made one after the other, in the
// order of the changes. Nobody waits for them.
func (tx *Tx) Announce(f func()) { tx.news = append(tx.news, f) }
