package queuelog_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flyball/internal/damage"
	"flyball/internal/mark"
	"flyball/internal/queuelog"
)

// noted opens a log with a book of lengths beside it, and returns what it tells at the level
// of errors.
func noted(t testing.TB, dir string, segment int64) (l *queuelog.Log, close func(), told *bytes.Buffer) {
	t.Helper()
	book, _, err := mark.Open(filepath.Join(dir, "lengths"))
	if err != nil {
		t.Fatal(err)
	}
	told = new(bytes.Buffer)
	l, err = queuelog.Open(queuelog.Options{
		Folder: filepath.Join(dir, "log"), Segment: segment, Book: book, Name: "log",
		Log: slog.New(slog.NewTextHandler(told, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return l, func() { l.Close(); book.Close() }, told
}

// filled is a folder of a log that was killed, in two segments.
func filled(t *testing.T) (folder string, want []string) {
	t.Helper()
	dir := t.TempDir()
	l, end, _ := noted(t, dir, 60)
	defer end()
	for i := range 5 {
		want = append(want, fmt.Sprint("record ", i))
		add(t, l, want[i])
		if err := l.Sync(l.End()); err != nil {
			t.Fatal(err)
		}
	}
	killed := t.TempDir()
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return killed, want
}

// segments are the files of a log.
func segments(t *testing.T, folder string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "log", "*.log"))
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	return []string{filepath.Join("log", filepath.Base(all[0])), filepath.Join("log", filepath.Base(all[1]))}
}

// reread is what a log has of which a file was changed, and what it tells. What is appended
// to it then is there, too.
func reread(t *testing.T, folder, name string, change func([]byte) []byte) (records []string, told string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), change(content), 0o600); err != nil {
		t.Fatal(err)
	}
	l, end, log := noted(t, dir, 60)
	add(t, l, "more")
	if err := l.Sync(l.End()); err != nil {
		t.Fatal(err)
	}
	end()
	l, end, again := noted(t, dir, 60)
	defer end()
	records = all(t, l)
	if len(records) == 0 || records[len(records)-1] != "more" {
		t.Errorf("what was appended afterwards is gone: %q", records)
		return nil, log.String()
	}
	return records[:len(records)-1], log.String() + again.String()
}

func TestNoFlippedBitOfALogIsSilent(t *testing.T) {
	folder, want := filled(t)
	for _, file := range segments(t, folder) {
		info, err := os.Stat(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		for bit := rand.IntN(3); bit < 8*int(info.Size()); bit += 3 {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
			flip(t, filepath.Join(dir, file), bit)
			l, end, told := noted(t, dir, 60)
			records := all(t, l)
			end()
			if !slices.Equal(records, want) && !strings.Contains(told.String(), filepath.Base(file)) {
				t.Errorf("bit %d of %s: %q, and the log says %q", bit, file, records, told)
			}
			if lost := len(want) - len(records); lost > 1 {
				t.Errorf("bit %d of %s: %d records are lost", bit, file, lost)
			}
		}
	}
}

func flip(t *testing.T, path string, bit int) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[bit/8] ^= 1 << (bit % 8)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNoCutOfALogIsSilent(t *testing.T) {
	folder, want := filled(t)
	for _, file := range segments(t, folder) {
		info, err := os.Stat(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		for length := range info.Size() {
			records, told := reread(t, folder, file, func(b []byte) []byte { return b[:length] })
			if !strings.Contains(told, filepath.Base(file)) {
				t.Errorf("%d bytes of %s: %q of %q, and the log says %q", length, file, records, want, told)
			}
		}
	}
}

func TestAnUnfinishedWriteToALogIsNoDamage(t *testing.T) {
	folder, want := filled(t)
	file := segments(t, folder)[1]
	for length := range 20 {
		records, told := reread(t, folder, file, func(b []byte) []byte { return append(b, b[16:16+length]...) })
		if !slices.Equal(records, want) || told != "" {
			t.Errorf("%d bytes: %q, and the log says %q", length, records, told)
		}
	}
}

func TestALogIsWrittenToNoFileThatIsGone(t *testing.T) {
	for what, change := range map[string]func(dir string) error{
		"removed": os.RemoveAll,
		"replaced": func(dir string) error {
			return errors.Join(os.Rename(dir, dir+"-other"), os.CopyFS(dir, os.DirFS(dir+"-other")))
		},
	} {
		dir := t.TempDir()
		l, end, _ := noted(t, dir, 1000)
		add(t, l, "before")
		if err := change(filepath.Join(dir, "log")); err != nil {
			t.Fatal(err)
		}
		// A record that is not synced at once, such as a receive, would be lost, too.
		if err := l.Present(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: nobody who asks is told: %v", what, err)
		}
		var b queuelog.Batch
		b.Add(func(buf []byte) []byte { return append(buf, "after"...) })
		if _, err := l.Append(&b); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: a record is taken by a log that is known to be gone: %v", what, err)
		}
		if err := l.Sync(l.End()); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: what was taken before counts as synced: %v", what, err)
		}
		end()
	}
}

func TestASegmentThatIsGoneIsMissed(t *testing.T) {
	dir := t.TempDir()
	l, end, _ := noted(t, dir, 1000)
	for i := range 50 {
		add(t, l, strings.Repeat("x", 100)+fmt.Sprint(i))
	}
	last := l.End()
	if err := l.Sync(last); err != nil {
		t.Fatal(err)
	}
	end()
	folder := filepath.Join(dir, "log")
	if err := errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	again, endAgain, told := noted(t, dir, 1000)
	if n := strings.Count(told.String(), "a segment is gone"); n < 2 {
		t.Errorf("%d segments are missed: %s", n, told)
	}
	if again.End() < last {
		t.Errorf("the log goes on at %d, and was written up to %d", again.End(), last)
	}
	endAgain()
}

func TestARepairedLogHasItsOtherRecordsInTheirPlaces(t *testing.T) {
	folder, want := filled(t)
	for _, file := range segments(t, folder) {
		info, err := os.Stat(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		for bit := rand.IntN(7); bit < 8*int(info.Size()); bit += 7 {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
			flip(t, filepath.Join(dir, file), bit)
			repair(t, dir)
			l, end, told := noted(t, dir, 60)
			records := slices.DeleteFunc(all(t, l), func(r string) bool { return r[0] == queuelog.Filler })
			end()
			if len(records) < len(want)-1 || told.Len() > 0 {
				t.Errorf("bit %d of %s: %q, and the log says %q", bit, file, records, told)
			}
		}
	}
}

// repair checks a log and repairs it, until there is nothing to be found.
func repair(t *testing.T, dir string) {
	t.Helper()
	for range 2 {
		book, _, err := mark.Read(filepath.Join(dir, "lengths"))
		if err != nil {
			t.Fatal(err)
		}
		var r damage.Report
		if err := queuelog.Check(queuelog.Options{Folder: filepath.Join(dir, "log"), Book: book, Name: "log"}, &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Found) == 0 {
			return
		}
		for _, f := range r.Found {
			if _, err := f.Repair(t.TempDir()); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Error("what was repaired is damaged")
}

// A check has a part of a segment in memory at a time.
func TestACheckOfALargeSegmentFindsTheOneRecordThatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	l, end, _ := noted(t, dir, 64<<20)
	var records []string
	for i := range 24 {
		size := 1 + rand.IntN(queuelog.MaxRecord)
		if i%8 == 0 {
			size = queuelog.MaxRecord
		}
		records = append(records, strings.Repeat("x", size))
	}
	at := add(t, l, records...)
	end()
	for i, record := range records {
		path := filepath.Join(dir, "log", "0000000000000000.log")
		bit := 8 * (int(at[i]) + 8 + rand.IntN(len(record)))
		if flip(t, path, bit); i%3 > 0 {
			flip(t, path, bit)
			continue
		}
		var r damage.Report
		if err := queuelog.Check(queuelog.Options{Folder: filepath.Join(dir, "log"), Name: "log"}, &r); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("%d bytes at %d are not what was written", 8+len(record), at[i])
		if r.Sound != len(records)-1 || len(r.Found) != 1 || r.Found[0].Where != want {
			t.Errorf("record %d: %d are sound, and found is %v; want %s", i, r.Sound, r.Found, want)
		}
		flip(t, path, bit)
	}
}

// Whatever is in a segment, a log opens, a check looks at it, and a repair leaves nothing to
// be found.
func FuzzSegment(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("fbqueue112345678"))
	f.Add([]byte("fbqueue112345678\x05\x00\x00\x00abcdhello"))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "log"), 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "log", "0000000000000000.log")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var r damage.Report
		if err := queuelog.Check(queuelog.Options{Folder: filepath.Join(dir, "log"), Name: "log"}, &r); err != nil {
			t.Fatal(err)
		}
		l, end, _ := noted(t, dir, 60)
		add(t, l, "more")
		if got := all(t, l); len(got) == 0 || got[len(got)-1] != "more" {
			t.Errorf("%q", got)
		}
		end()
	})
}

// Two queues whose segments are of equal length have swapped one: nothing but its beginning
// tells that a message is not of the queue that would hand it out.
func TestASegmentOfAnotherQueueIsNotTaken(t *testing.T) {
	for _, size := range []int64{1 << 20, 60} { // the last segment is swapped, or one before it
		dir := t.TempDir()
		openNamed := func(name string) (*queuelog.Log, *bytes.Buffer) {
			t.Helper()
			var told bytes.Buffer
			l, err := queuelog.Open(queuelog.Options{
				Folder: filepath.Join(dir, name), Name: name, Segment: size, Log: slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelError})),
			})
			if err != nil {
				t.Fatal(err)
			}
			return l, &told
		}
		for _, name := range []string{"one", "two"} {
			l, _ := openNamed(name)
			for i := range 5 {
				add(t, l, fmt.Sprint(name, " ", i))
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		first := func(name string) string { return filepath.Join(dir, name, "0000000000000000.log") }
		for _, move := range [][2]string{{first("one"), first("aside")}, {first("two"), first("one")}, {first("aside"), first("two")}} {
			if err := os.MkdirAll(filepath.Dir(move[1]), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(move[0], move[1]); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"one", "two"} {
			var found damage.Report
			if err := queuelog.Check(queuelog.Options{Folder: filepath.Join(dir, name), Name: name}, &found); err != nil || len(found.Found) != 1 || !strings.Contains(found.Found[0].Where, "another queue") {
				t.Errorf("a check of %s finds %v, %v", name, found.Found, err)
			}
			l, told := openNamed(name)
			add(t, l, name+" goes on")
			for _, record := range all(t, l) {
				if !strings.HasPrefix(record, name) {
					t.Errorf("%s has taken %q", name, record)
				}
			}
			if !strings.Contains(told.String(), "another queue") {
				t.Errorf("the log of %s says %q", name, told)
			}
			l.Close()
			l, _ = openNamed(name)
			if got := all(t, l); len(got) == 0 || got[len(got)-1] != name+" goes on" {
				t.Errorf("%s has %q when it is opened again", name, got)
			}
			l.Close()
		}
	}
}

// The number of a segment of an earlier release was all random, and tells of no log.
func TestSegmentsOfEarlierReleasesAreRead(t *testing.T) {
	killed, want := filled(t)
	for _, name := range segments(t, killed) {
		path := filepath.Join(killed, name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copy(content, "fbqueue1")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := queuelog.Open(queuelog.Options{Folder: filepath.Join(killed, "log"), Name: "whatever"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := all(t, l); !slices.Equal(got, want) {
		t.Errorf("it has %q, want %q", got, want)
	}
}
