package logstore

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flyball/internal/damage"
	"flyball/internal/mark"
)

// filled is a folder of a store that was killed, with so many events of one group, each put
// by itself, and compacted if that is asked for.
func filled(t *testing.T, events int, compacted bool) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	for i := range events {
		put(t, s, 1, 1, fmt.Sprint("message ", i))
	}
	if compacted {
		s.seal()
		if err := s.compact(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	killed := t.TempDir()
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	return killed
}

// outcome is what a store shows of a folder in which a file was changed: how many events,
// or -1 if their reading was refused, and what it told at the level of errors.
func outcome(t *testing.T, folder, name string, change func([]byte) []byte) (events int, told string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err := Open(dir, Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := s.Read(t.Context(), Query{Group: 1, To: Key{Time: math.MaxInt64}, Events: math.MaxInt})
	if err != nil {
		if !errors.As(err, new(*damage.Error)) {
			t.Errorf("an error that is not one of damage: %v", err)
		}
		return -1, log.String() + err.Error()
	}
	for i, e := range p.Entries {
		if !strings.HasPrefix(e.Message, "message ") {
			t.Errorf("event %d is %q", i, e.Message)
		}
	}
	return len(p.Entries), log.String()
}

func segmentOf(t *testing.T, folder string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "*"+suffix))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	return filepath.Base(all[0])
}

func TestNoFlippedBitOfLogEventsIsSilent(t *testing.T) {
	for name, compacted := range map[string]bool{"as they were put": false, "compacted": true} {
		t.Run(name, func(t *testing.T) {
			folder := filled(t, 4, compacted)
			file := segmentOf(t, folder)
			content, err := os.ReadFile(filepath.Join(folder, file))
			if err != nil {
				t.Fatal(err)
			}
			for bit := rand.IntN(3); bit < 8*len(content); bit += 3 {
				events, told := outcome(t, folder, file, func(b []byte) []byte { b[bit/8] ^= 1 << (bit % 8); return b })
				if events != 4 && !strings.Contains(told, file) {
					t.Errorf("bit %d: %d events, and the log says %q", bit, events, told)
				}
			}
		})
	}
}

func TestNoCutOfLogEventsIsSilent(t *testing.T) {
	for name, compacted := range map[string]bool{"as they were put": false, "compacted": true} {
		t.Run(name, func(t *testing.T) {
			folder := filled(t, 4, compacted)
			file := segmentOf(t, folder)
			info, err := os.Stat(filepath.Join(folder, file))
			if err != nil {
				t.Fatal(err)
			}
			for length := range info.Size() {
				events, told := outcome(t, folder, file, func(b []byte) []byte { return b[:length] })
				if !strings.Contains(told, file) {
					t.Errorf("%d of %d bytes: %d events, and the log says %q", length, info.Size(), events, told)
				}
			}
		})
	}
}

func TestAnUnfinishedWriteIsNoDamage(t *testing.T) {
	folder := filled(t, 3, false)
	file := segmentOf(t, folder)
	whole, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	frame := whole[:len(whole)/3]
	for length := range len(frame) {
		if events, told := outcome(t, folder, file, func(b []byte) []byte { return append(b, frame[:length]...) }); events != 3 || told != "" {
			t.Errorf("%d bytes of a frame: %d events, and the log says %q", length, events, told)
		}
	}
}

func TestADamagedBookOfLengthsIsToldAndHoldsNothingUp(t *testing.T) {
	folder := filled(t, 3, false)
	if events, told := outcome(t, folder, mark.FileName, func(b []byte) []byte { b[2] ^= 1; return b }); events != 3 || !strings.Contains(told, mark.FileName) {
		t.Errorf("%d events, and the log says %q", events, told)
	}
}

func TestLogEventsArePutIntoNoFileThatIsGone(t *testing.T) {
	for what, change := range map[string]func(dir string) error{
		"removed": os.RemoveAll,
		"replaced": func(dir string) error {
			return errors.Join(os.Rename(dir, dir+"-other"), os.CopyFS(dir, os.DirFS(dir+"-other")))
		},
	} {
		dir := filepath.Join(t.TempDir(), "logs")
		s := open(t, dir)
		defer s.Close()
		put(t, s, 1, 1, "before")
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(1, 1, 1, []Event{{1, "after"}}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAFileThatIsGoneIsMissedOnce(t *testing.T) {
	dir := filled(t, 5, false)
	name := segmentOf(t, dir)
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
	if r, err := Check(dir); err != nil || len(r.Found) != 1 || filepath.Base(r.Found[0].File) != name {
		t.Errorf("a check finds %+v, %v", r.Found, err)
	}
	for start, want := range []int{1, 0} {
		var log bytes.Buffer
		s, err := Open(dir, Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(log.String(), "a file is gone"); got != want {
			t.Errorf("start %d tells %q", start, log.String())
		}
		s.Close()
	}
}

func TestARepairKeepsWhatIsSound(t *testing.T) {
	for name, compacted := range map[string]bool{"as they were put": false, "compacted": true} {
		for what, change := range map[string]func([]byte) []byte{
			"a bit": func(b []byte) []byte { b[len(b)-3] ^= 1; return b },
			"a cut": func(b []byte) []byte { return b[:len(b)-3] },
		} {
			folder := filled(t, 4, compacted)
			path := filepath.Join(folder, segmentOf(t, folder))
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, change(slices.Clone(content)), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := Check(folder)
			if err != nil || len(r.Found) == 0 {
				t.Fatalf("%s, %s: %v, %v", name, what, r, err)
			}
			aside := t.TempDir()
			for _, f := range r.Found {
				if _, err := f.Repair(aside); err != nil {
					t.Fatal(err)
				}
			}
			if again, err := Check(folder); err != nil || len(again.Found) > 0 {
				t.Errorf("%s, %s: repaired, it has %v, %v", name, what, again.Found, err)
			}
			want := 3
			if compacted {
				want = 0 // all were in one block
			}
			if events, told := outcome(t, folder, filepath.Base(path), func(b []byte) []byte { return b }); events != want || told != "" {
				t.Errorf("%s, %s: %d events, want %d; the log says %q", name, what, events, want, told)
			}
			if _, err := os.Stat(filepath.Join(aside, filepath.Base(path))); err != nil {
				t.Errorf("%s, %s: what was damaged is not kept: %v", name, what, err)
			}
		}
	}
}

// Whatever is in a file, a store opens and a check looks at it.
func FuzzSegment(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendFrame(nil, []byte{listCodec, 1, 2}, nil))
	f.Add(appendFrame(nil, appendBlockHead(nil, rawCodec, 1, 3, []part{{stream: 1, events: 1}}), []byte("abc")))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		for path, content := range map[string][]byte{segmentPath(dir, 0): content, filepath.Join(dir, mark.FileName): nil} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r, err := Check(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Found {
			if _, err := f.Repair(dir + "-aside"); err == nil {
				t.Fatal("a repair has put something where no folder is")
			}
		}
		s := open(t, dir)
		defer s.Close()
		_, _ = s.Read(t.Context(), Query{Group: 1, To: Key{Time: math.MaxInt64}, Events: 10})
	})
}
