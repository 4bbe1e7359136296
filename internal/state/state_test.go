package state_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flyball/internal/state"
	"flyball/internal/store"
)

var kind = state.Kind{Name: "test.row", Version: 1}

func open(t interface {
	Fatal(...any)
	Cleanup(func())
}) (*state.State, store.Store) {
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return state.New(st), st
}

func table(t interface{ Fatal(...any) }, s *state.State) *state.Table[string] {
	rows, err := state.NewTable[string](s, kind)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestAnErrorChangesNothing(t *testing.T) {
	s, _ := open(t)
	rows := table(t, s)
	wrong := errors.New("wrong")
	put := func(key string, err error) error {
		return s.Change(t.Context(), func(_ context.Context, tx *state.Tx) error {
			rows.Put(tx, key, "row")
			return err
		})
	}
	if err := put("a", nil); err != nil {
		t.Fatal(err)
	}
	if err := put("b", wrong); err != wrong {
		t.Errorf("got %v", err)
	}
	if got := rows.Keys(""); !slices.Equal(got, []string{"a"}) {
		t.Errorf("in memory: %v", got)
	}
	if got := table(t, s).Keys(""); !slices.Equal(got, []string{"a"}) {
		t.Errorf("on disk: %v", got)
	}
}

func TestAJoinedChangeIsPartOfTheOtherAndFailsByItself(t *testing.T) {
	s, _ := open(t)
	mine, yours := table(t, s.Scope("mine/")), table(t, s.Scope("yours/"))
	wrong := errors.New("wrong")
	var after []string
	inner := func(ctx context.Context, key string, err error) error {
		return s.Scope("yours/").Change(ctx, func(_ context.Context, tx *state.Tx) error {
			yours.Put(tx, key, "row")
			tx.After(func() { after = append(after, key) })
			return err
		})
	}
	err := s.Scope("mine/").Change(t.Context(), func(ctx context.Context, tx *state.Tx) error {
		mine.Put(tx, "a", "row")
		if err := inner(ctx, "bad", wrong); err != wrong {
			t.Errorf("got %v", err)
		}
		return inner(ctx, "good", nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := yours.Keys(""); !slices.Equal(got, []string{"good"}) {
		t.Errorf("the joined change left %v", got)
	}
	if got := table(t, s).Keys(""); !slices.Equal(got, []string{"mine/a", "yours/good"}) {
		t.Errorf("on disk: %v", got)
	}
	if !slices.Equal(after, []string{"good"}) {
		t.Errorf("done afterwards: %v", after)
	}
	outer := s.Change(t.Context(), func(ctx context.Context, _ *state.Tx) error {
		if err := inner(ctx, "lost", nil); err != nil {
			t.Error(err)
		}
		return wrong
	})
	if _, ok := yours.Get("lost"); ok || outer != wrong {
		t.Errorf("the joined change stayed, and the outer one ended with %v", outer)
	}
}

func TestAPanicChangesNothingAndFreesTheLock(t *testing.T) {
	s, _ := open(t)
	rows := table(t, s)
	func() {
		defer func() { _ = recover() }()
		_ = s.Change(t.Context(), func(_ context.Context, tx *state.Tx) error {
			rows.Put(tx, "a", "row")
			panic("wrong")
		})
	}()
	s.View(t.Context(), func() {
		if rows.Len() != 0 {
			t.Error("the row stayed")
		}
	})
}

func TestAViewInsideAChangeSeesWhatIsStaged(t *testing.T) {
	s, _ := open(t)
	rows := table(t, s)
	err := s.Change(t.Context(), func(ctx context.Context, tx *state.Tx) error {
		rows.Put(tx, "a", "row")
		s.View(ctx, func() {
			if _, ok := rows.Get("a"); !ok {
				t.Error("the row is not seen")
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A lock for reading that is taken twice waits forever when a change waits in between.
func TestAViewInsideAReadDoesNotWaitForAChange(t *testing.T) {
	s, _ := open(t)
	rows := table(t, s)
	var changes sync.WaitGroup
	for range 1000 {
		changes.Go(func() { s.Later(func(tx *state.Tx) { rows.Put(tx, "a", "row") }) })
		s.Read(t.Context(), func(ctx context.Context) {
			runtime.Gosched() // to the change
			s.View(ctx, func() { rows.Get("a") })
		})
	}
	changes.Wait()
}

func TestAContextOutlivesItsChange(t *testing.T) {
	s, _ := open(t)
	rows := table(t, s)
	var kept context.Context
	if err := s.Change(t.Context(), func(ctx context.Context, _ *state.Tx) error { kept = ctx; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Change(kept, func(_ context.Context, tx *state.Tx) error { rows.Put(tx, "a", "row"); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := table(t, s).Keys(""); !slices.Equal(got, []string{"a"}) {
		t.Errorf("on disk: %v", got)
	}
}

func TestSettleWaitsForWhatWasChangedLater(t *testing.T) {
	s, st := open(t)
	rows := table(t, s)
	s.Later(func(tx *state.Tx) { rows.Put(tx, "a", "row") })
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Get(kind.Name, "a"); err != nil {
		t.Errorf("after Settle: %v", err)
	}
}

func TestSettleOfAFamilyWaitsForNoOther(t *testing.T) {
	_, st := open(t)
	flushed := &flushes{Store: st}
	s := state.New(flushed)
	rows := table(t, s)
	s.Later(func(tx *state.Tx) { rows.Put(tx, "a", "row") })
	if err := s.Settle(t.Context(), "other"); err != nil || flushed.n > 0 {
		t.Errorf("of another family: %v, %d flushes", err, flushed.n)
	}
	if err := s.Settle(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Get(kind.Name, "a"); err != nil {
		t.Errorf("after Settle: %v", err)
	}
}

// flushes counts how often somebody waits for a store.
type flushes struct {
	store.Store
	n int
}

func (f *flushes) Flush() { f.n++; f.Store.Flush() }

func TestAChangeThatWaitsTellsWhoAsked(t *testing.T) {
	_, st := open(t)
	if err := st.Write(new(store.Batch).Put(kind.Name, "there", []byte("v1 1"))).Wait(); err != nil {
		t.Fatal(err)
	}
	scanning, room, changed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		_ = st.Scan(kind.Name, store.Range{}, func(string, []byte) bool { close(scanning); <-room; return false })
	}()
	<-scanning
	told, asked := make(chan struct{}), 0
	s := state.New(st) // what is written waits while the store's only connection is in use
	ctx := state.WithPatience(t.Context(), time.Millisecond, func() bool {
		if asked++; asked == 2 { // at first it is not known why
			close(told)
		}
		return asked == 2
	})
	go func() {
		changed <- s.Change(ctx, func(_ context.Context, tx *state.Tx) error { tx.Put(kind, "waits", "row"); return nil })
	}()
	<-told
	select {
	case err := <-changed:
		t.Errorf("the change has ended and is not written: %v", err)
	default:
	}
	close(room)
	if err := <-changed; err != nil {
		t.Error(err)
	}
	if _, err := st.Get(kind.Name, "waits"); err != nil {
		t.Errorf("what waited is not written: %v", err)
	}
}

func TestAChangeForWhichThereIsNoRoomIsTakenBack(t *testing.T) {
	s, _ := open(t)
	full := errors.New("full")
	s.Admit(func(bytes int) error {
		if bytes > 1000 {
			return full
		}
		return nil
	})
	rows := table(t, s)
	put := func(key, row string) error {
		return s.Change(t.Context(), func(_ context.Context, tx *state.Tx) error { rows.Put(tx, key, row); return nil })
	}
	if err := put("small", "row"); err != nil {
		t.Error(err)
	}
	if err := put("large", strings.Repeat("x", 1000)); err != full {
		t.Errorf("got %v", err)
	}
	if got := rows.Keys(""); !slices.Equal(got, []string{"small"}) {
		t.Errorf("in memory: %v", got)
	}
}

func TestDocumentsFromBeforeVersionsAreMigrated(t *testing.T) {
	s, st := open(t)
	if err := st.Write(new(store.Batch).Put(kind.Name, "old", []byte(`{"Name":"a"}`))).Wait(); err != nil {
		t.Fatal(err)
	}
	named := kind
	named.Migrate = func(from int, doc []byte) ([]byte, error) {
		if from != 0 {
			t.Errorf("migrated from %d", from)
		}
		return []byte(`{"Title":"a"}`), nil
	}
	got, err := state.Get[struct{ Title string }](s, named, "old")
	if err != nil || got.Title != "a" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestADocumentOfALaterReleaseIsRefused(t *testing.T) {
	s, _ := open(t)
	later := kind
	later.Version = 2
	if err := s.Change(t.Context(), func(_ context.Context, tx *state.Tx) error { tx.Put(later, "a", "row"); return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := state.NewTable[string](s, kind); err == nil {
		t.Error("a document of version 2 was read as one of version 1")
	}
}

// Whatever changes succeed and fail, the table in memory is the one on disk.
func TestMemoryAndDiskAgree(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s, _ := open(r)
		rows := table(r, s)
		keys := rapid.SampledFrom([]string{"a", "a/b", "b", "c"})
		one := func(tx *state.Tx) {
			if rapid.Bool().Draw(r, "delete") {
				rows.Delete(tx, keys.Draw(r, "key"))
			} else {
				rows.Put(tx, keys.Draw(r, "key"), rapid.StringN(0, 3, 9).Draw(r, "row"))
			}
		}
		for range rapid.IntRange(1, 12).Draw(r, "changes") {
			_ = s.Change(context.Background(), func(ctx context.Context, tx *state.Tx) error {
				one(tx)
				_ = s.Change(ctx, func(_ context.Context, tx *state.Tx) error {
					one(tx)
					return failing(r, "inner")
				})
				return failing(r, "outer")
			})
			stored := table(r, s)
			if !slices.Equal(stored.Keys(""), rows.Keys("")) || !slices.Equal(stored.Rows(""), rows.Rows("")) {
				r.Fatalf("memory has %q, disk %q", rows.Rows(""), stored.Rows(""))
			}
		}
	})
}

func failing(r *rapid.T, which string) error {
	if rapid.Bool().Draw(r, which+" fails") {
		return errors.New("wrong")
	}
	return nil
}

func TestAnnouncementsComeInTheOrderOfTheChangesAndOnlyOfWhatIsOnDisk(t *testing.T) {
	s, st := open(t)
	rows := table(t, s)
	made := make(chan string, 10)
	announce := func(key string) func(*state.Tx) {
		return func(tx *state.Tx) {
			rows.Put(tx, key, "row")
			tx.Announce(func() {
				if _, err := st.Get(kind.Name, key); err != nil {
					t.Errorf("%s is announced before it is on disk: %v", key, err)
				}
				made <- key
			})
		}
	}
	wrong := errors.New("wrong")
	for _, key := range []string{"a", "b", "c"} {
		s.Later(announce(key))
		_ = s.Change(t.Context(), func(_ context.Context, tx *state.Tx) error { announce("never")(tx); return wrong })
		if err := s.Change(t.Context(), func(_ context.Context, tx *state.Tx) error { announce(key + "2")(tx); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"a", "a2", "b", "b2", "c", "c2"} {
		if got := <-made; got != want {
			t.Errorf("announced %s, want %s", got, want)
		}
	}
}

func TestAStampIsOnDiskWithEachWrite(t *testing.T) {
	s, st := open(t)
	rows := table(t, s.Scope("mine/"))
	stamp := state.Kind{Name: "test.stamp", Version: 1}
	n := 0
	s.Stamp(func(tx *state.Tx) { n++; tx.Put(stamp, "last", n) })
	change := func(f func(*state.Tx) error) {
		_ = s.Scope("mine/").Change(t.Context(), func(_ context.Context, tx *state.Tx) error { return f(tx) })
	}
	change(func(tx *state.Tx) error { rows.Put(tx, "a", "row"); return nil })
	change(func(tx *state.Tx) error { rows.Put(tx, "b", "row"); return errors.New("wrong") })
	change(func(tx *state.Tx) error { return nil })
	if got, err := st.Get(stamp.Name, "last"); err != nil || string(got) != "v1 1" || n != 1 {
		t.Errorf("the stamp is %q, %v; %d were asked for, want one", got, err, n)
	}
}
