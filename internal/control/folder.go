package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"flyball/internal/datafolder"
	"flyball/internal/store"
	"flyball/scaling"
)

// A Folder is a data folder of this machine: a State, and an Elector of the controllers that
// share it, of which the one that has its lock acts.
type Folder struct {
	Path string
	// Waiting is told once that another controller has the lock; nil: nobody is.
	Waiting func()

	// DryRun keeps what a dry run remembers apart: it was never done.
	DryRun bool

	store *store.SQLite // nil: not elected
}

var (
	_ State   = (*Folder)(nil)
	_ Elector = (*Folder)(nil)
)

// kind is that of the documents that are memories, by the resource ids of their targets.
func (f *Folder) kind() string {
	if f.DryRun {
		return "control.shadow"
	}
	return "control.target"
}

// again is how often it is seen whether the other controller still has the lock.
const again = time.Second

// Elect implements Elector.
func (f *Folder) Elect(ctx context.Context) (leading context.Context, resign func(), err error) {
	if err := os.MkdirAll(f.Path, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the data folder: %w; --data names another", err)
	}
	lock, err := datafolder.Lock(f.Path)
	for told := false; errors.Is(err, datafolder.ErrLocked); lock, err = datafolder.Lock(f.Path) {
		if !told && f.Waiting != nil {
			f.Waiting()
		}
		told = true
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(again):
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if f.store, err = store.OpenSQLite(filepath.Join(f.Path, "control.db")); err != nil {
		lock.Close()
		return nil, nil, fmt.Errorf("open the state of the controller: %w", err)
	}
	leading, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case err := <-f.store.Failed(): // memory would run ahead of the disk
			cancel(err)
		case <-leading.Done():
		}
	}()
	return leading, func() {
		cancel(nil)
		_ = f.store.Close()
		lock.Close()
	}, nil
}

// Load implements State.
func (f *Folder) Load(_ context.Context, ids []scaling.ResourceID) (map[scaling.ResourceID]*Memory, map[scaling.ResourceID]error) {
	known, failed := map[scaling.ResourceID]*Memory{}, map[scaling.ResourceID]error{}
	for _, id := range ids {
		switch m, err := f.load(id); {
		case err != nil:
			failed[id] = err
		case m != nil:
			known[id] = m
		}
	}
	return known, failed
}

// load returns what was saved of a target; nil: nothing was.
func (f *Folder) load(id scaling.ResourceID) (*Memory, error) {
	text, err := f.store.Get(f.kind(), string(id))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	m := &Memory{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("what is kept of %s: %w", id, err)
	}
	return m, nil
}

// Save implements State.
func (f *Folder) Save(_ context.Context, changed map[scaling.ResourceID]Change) map[scaling.ResourceID]error {
	failed := map[scaling.ResourceID]error{}
	batch := &store.Batch{}
	for id, m := range changed {
		text, err := json.Marshal(m.Memory)
		if err != nil {
			failed[id] = err
			continue
		}
		batch.Put(f.kind(), string(id), text)
	}
	if err := f.write(batch); err != nil {
		for id := range changed {
			failed[id] = err
		}
	}
	return failed
}

// Forget implements State.
func (f *Folder) Forget(_ context.Context, id scaling.ResourceID) error {
	return f.write(new(store.Batch).Delete(f.kind(), string(id)))
}

func (f *Folder) write(b *store.Batch) error {
	commit := f.store.Write(b)
	f.store.Flush()
	return commit.Wait()
}

// Forgetful is a State that keeps nothing: a controller that starts again begins anew.
type Forgetful struct{}

var _ State = Forgetful{}

// Load implements State.
func (Forgetful) Load(context.Context, []scaling.ResourceID) (map[scaling.ResourceID]*Memory, map[scaling.ResourceID]error) {
	return nil, nil
}

// Save implements State.
func (Forgetful) Save(context.Context, map[scaling.ResourceID]Change) map[scaling.ResourceID]error {
	return nil
}

// Forget implements State.
func (Forgetful) Forget(context.Context, scaling.ResourceID) error { return nil }
