package queuelog_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flyball/internal/queuelog"
)

func open(t interface {
	Helper()
	Fatal(...any)
}, folder string, segment int64) *queuelog.Log {
	t.Helper()
	l, err := queuelog.Open(queuelog.Options{Folder: folder, Segment: segment, Lazy: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func add(t interface{ Fatal(...any) }, l *queuelog.Log, records ...string) (at []queuelog.Position) {
	var b queuelog.Batch
	for _, r := range records {
		b.Add(func(buf []byte) []byte { return append(buf, r...) })
	}
	first, err := l.Append(&b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		at = append(at, first+b.Offset(i))
	}
	return at
}

func all(t interface{ Fatal(...any) }, l *queuelog.Log) (records []string) {
	r := l.Reader(0)
	for {
		record, _, _, err := r.Next(l.End())
		if errors.Is(err, io.EOF) {
			return records
		}
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, string(record))
	}
}

func TestRecordsAreReadBackInOrderAndByTheirPositions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		folder, err := os.MkdirTemp("", "queuelog")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(folder)
		segment := rapid.Int64Range(30, 500).Draw(t, "segment")
		l := open(t, folder, segment)
		var want []string
		var places []queuelog.Position
		for range rapid.IntRange(1, 20).Draw(t, "appends") {
			batch := rapid.SliceOfN(rapid.StringN(1, 40, -1), 1, 5).Draw(t, "batch")
			want = append(want, batch...)
			places = append(places, add(t, l, batch...)...)
			if rapid.IntRange(0, 4).Draw(t, "reopen") == 0 {
				l.Close()
				l = open(t, folder, segment)
			}
		}
		if got := all(t, l); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		for i, at := range places {
			if got, err := l.Read(at, nil); err != nil || string(got) != want[i] {
				t.Fatalf("at %d: %q, %v", at, got, err)
			}
		}
		l.Close()
	})
}

func TestWhatWasNotFinishedIsCutOff(t *testing.T) {
	folder := t.TempDir()
	l := open(t, folder, 0)
	places := add(t, l, "one", "two", "three")
	end := l.End()
	l.Close()
	path := filepath.Join(folder, "0000000000000000.log")
	for size := int64(places[2]); size < int64(end); size++ {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		l := open(t, folder, 0)
		if got := all(t, l); !slices.Equal(got, []string{"one", "two"}) {
			t.Fatalf("cut at %d: %q", size, got)
		}
		at := add(t, l, "three")
		if got := all(t, l); at[0] != places[2] || !slices.Equal(got, []string{"one", "two", "three"}) {
			t.Fatalf("cut at %d and appended to: %q", size, got)
		}
		l.Close()
	}
}

func TestDamageIsSteppedOverAndToldOf(t *testing.T) {
	for _, segment := range []int64{0, 60} {
		folder := t.TempDir()
		l := open(t, folder, segment)
		var want []string
		for i := range 10 {
			want = append(want, fmt.Sprintf("record %d", i))
			add(t, l, want[i])
		}
		l.Close()
		path := filepath.Join(folder, "0000000000000000.log")
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 16; i < 60; i++ { // the first two or three records
			b := slices.Clone(whole)
			b[i] ^= 0x55
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			var told strings.Builder
			l, err := queuelog.Open(queuelog.Options{Folder: folder, Segment: segment, Lazy: true, Log: slog.New(slog.NewTextHandler(&told, nil))})
			if err != nil {
				t.Fatal(err)
			}
			got := all(t, l)
			l.Close()
			lost := slices.DeleteFunc(slices.Clone(want), func(r string) bool { return slices.Contains(got, r) })
			if len(got) != 9 || len(lost) != 1 || !strings.Contains(told.String(), "damaged") {
				t.Errorf("byte %d: %q is lost; told: %q", i, lost, told.String())
			}
		}
	}
}

func TestAForgedRecordInsideAnotherIsNotTakenForOne(t *testing.T) {
	// The bytes of a whole segment as a record of another: its frames are genuine, in
	// another place.
	other := t.TempDir()
	l := open(t, other, 0)
	add(t, l, "forged")
	l.Close()
	inner, err := os.ReadFile(filepath.Join(other, "0000000000000000.log"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	l = open(t, folder, 0)
	at := add(t, l, string(inner), "last")
	l.Close()
	path := filepath.Join(folder, "0000000000000000.log")
	whole, _ := os.ReadFile(path)
	whole[at[0]] ^= 1 // the length of the first record
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, folder, 0)
	defer l.Close()
	if got := all(t, l); !slices.Equal(got, []string{"last"}) {
		t.Errorf("got %q", got)
	}
}

func TestSegmentsAreRemovedButNotTheLast(t *testing.T) {
	l := open(t, t.TempDir(), 50)
	defer l.Close()
	at := add(t, l, strings.Repeat("a", 50))
	add(t, l, strings.Repeat("b", 50))
	add(t, l, strings.Repeat("c", 50))
	segments := l.Segments()
	if len(segments) != 3 {
		t.Fatalf("there are %v", segments)
	}
	for _, s := range segments {
		if err := l.Remove(s.First); err != nil {
			t.Fatal(err)
		}
	}
	if got := all(t, l); len(got) != 1 || got[0][0] != 'c' {
		t.Errorf("left are %q", got)
	}
	if _, err := l.Read(at[0], nil); !errors.Is(err, queuelog.ErrDamaged) {
		t.Errorf("what was removed is read with %v", err)
	}
}

func TestManySyncsAreOne(t *testing.T) {
	l, err := queuelog.Open(queuelog.Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	add(t, l, "one")
	if l.Synced() >= l.End() {
		t.Fatal("synced before it was asked for")
	}
	if err := l.Sync(l.End()); err != nil || l.Synced() != l.End() {
		t.Errorf("synced to %d of %d: %v", l.Synced(), l.End(), err)
	}
}

func FuzzReader(f *testing.F) {
	folder := f.TempDir()
	l := open(f, folder, 0)
	add(f, l, "one", strings.Repeat("two", 100), "three")
	l.Close()
	seed, err := os.ReadFile(filepath.Join(folder, "0000000000000000.log"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:len(seed)-2])
	f.Fuzz(func(t *testing.T, b []byte) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "0000000000000000.log"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, folder, 0)
		defer l.Close()
		before := all(t, l)
		add(t, l, "after")
		if got := all(t, l); len(got) != len(before)+1 || got[len(before)] != "after" {
			t.Errorf("%q, and after an append %q", before, got)
		}
	})
}
