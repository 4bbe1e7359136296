package queuelog

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"flyball/internal/disk"
)

// onDisk opens a log on a disk without a reserve.
func onDisk(t *testing.T, folder string) *Log {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	d, err := disk.Open(disk.Options{Dir: folder, NoReserve: true, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	l, err := Open(Options{Folder: filepath.Join(folder, "log"), Name: "log", Disk: d, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// appended appends a record.
func appended(l *Log, record string) error {
	var b Batch
	b.Add(func(buf []byte) []byte { return append(buf, record...) })
	_, err := l.Append(&b)
	return err
}

// records are those of a log.
func records(l *Log) (found []string) {
	r := l.Reader(0)
	for {
		record, _, _, err := r.Next(l.End())
		if err != nil {
			return found
		}
		found = append(found, string(record))
	}
}

func TestALogThatLacksRoomGoesOnWhenThereIsSome(t *testing.T) {
	for _, tt := range []struct {
		errno syscall.Errno
		says  string // "" for what is no lack of room
	}{
		{syscall.ENOSPC, "is full"},
		{syscall.EDQUOT, "quota"},
		{syscall.EROFS, "can only be read"},
		{syscall.EIO, ""},
	} {
		l := onDisk(t, t.TempDir())
		if err := appended(l, "before"); err != nil {
			t.Fatal(err)
		}
		err := l.tried(func() error { return &fs.PathError{Op: "write", Path: "segment", Err: tt.errno} })
		_, lacks := errors.AsType[*disk.Error](err)
		if err == nil || lacks != (tt.says != "") || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v is answered with %v", tt.errno, err)
		}
		want := []string{"before", "after"}
		if err = appended(l, "after"); tt.says == "" {
			want = want[:1]
		}
		if (err == nil) != (tt.says != "") {
			t.Errorf("after %v what is appended is answered with %v", tt.errno, err)
		}
		if got := records(l); !slices.Equal(got, want) {
			t.Errorf("after %v there are %q, want %q", tt.errno, got, want)
		}
	}
}

// Neither in a segment that has no room nor in a folder that takes no other segment is
// anything left of what was refused.
func TestNothingIsLeftOfARecordWithoutRoom(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there is no device that is always full")
	}
	defer full.Close()
	folder := t.TempDir()
	l := onDisk(t, folder)
	if err := appended(l, "before"); err != nil {
		t.Fatal(err)
	}
	end, file := l.End(), l.last().file
	l.last().file = full
	for range 3 {
		if err := appended(l, "without room"); !errors.As(err, new(*disk.Error)) || l.End() != end {
			t.Fatalf("it is answered with %v, and the log ends at %d, before at %d", err, l.End(), end)
		}
	}
	l.last().file = file

	l.Segment = 1 // the next record begins a segment, in whose place there is a folder
	next := segmentPath(l.Folder, end)
	if err := os.Mkdir(next, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := l.roll(); err == nil || len(l.Segments()) != 1 {
		t.Errorf("a segment that cannot be made is answered with %v; there are %d", err, len(l.Segments()))
	}
	if err := os.Remove(next); err != nil {
		t.Fatal(err)
	}
	if err := appended(l, "after"); err != nil {
		t.Fatal(err)
	}
	if got := records(l); !slices.Equal(got, []string{"before", "after"}) {
		t.Errorf("there are %q", got)
	}
}
