package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flyball/internal/task"
)

// writeLines writes numbered lines of 64 bytes to a log.
func writeLines(t *testing.T, path string, from, to int) {
	t.Helper()
	file, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var text bytes.Buffer
	for i := from; i < to; i++ {
		fmt.Fprintf(&text, "%063d\n", i)
	}
	if _, err := file.Write(text.Bytes()); err != nil {
		t.Fatal(err)
	}
}

// read opens a log that has ended.
func read(t *testing.T, path string, opts task.LogOptions) *logReader {
	t.Helper()
	return follow(t, path, nil, opts)
}

// follow opens a log that ends with a channel.
func follow(t *testing.T, path string, ended chan struct{}, opts task.LogOptions) *logReader {
	t.Helper()
	log, err := newLogReader(path, ended, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

// next is the next line of a log, which must have one.
func next(t *testing.T, log task.Log) task.Line {
	t.Helper()
	line, err := log.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestALogKeepsItsNewestPart(t *testing.T) {
	const limit = 2 << 20
	path := filepath.Join(t.TempDir(), "main.log")
	const lines = 5 << 20 / 64
	writeLines(t, path, 0, lines/2)
	follower := follow(t, path, make(chan struct{}), task.LogOptions{Follow: true})
	for range 1000 {
		next(t, follower)
	}
	writeLines(t, path, lines/2, lines)
	if err := boundLog(path, limit); err != nil {
		t.Fatal(err)
	}
	writeLines(t, path, lines, lines+1)

	text, err := io.ReadAll(task.Text(t.Context(), read(t, path, task.LogOptions{})))
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > limit+2*logBlock || len(text) < limit/2 {
		t.Skipf("%d bytes are kept: this file system knows no holes", len(text))
	}
	if !bytes.HasPrefix(text, []byte("000")) || !strings.HasSuffix(string(text), fmt.Sprintf("%063d\n", lines)) {
		t.Errorf("the log begins %q and ends %q, want whole lines up to the last", text[:64], text[len(text)-64:])
	}
	lost := 0
	for {
		line := next(t, follower)
		if len(line.Text) != 63 || line.Text[0] != '0' {
			t.Fatalf("a follower that was left behind reads %q, want a whole line", line.Text)
		}
		if line.Lost {
			lost++
		}
		if string(line.Text) == fmt.Sprintf("%063d", lines) {
			break
		}
	}
	if lost != 1 {
		t.Errorf("the follower was told %d times that it has lost lines, want once", lost)
	}
}

func TestAShortLogIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.log")
	writeLines(t, path, 0, 10)
	if err := boundLog(path, 1); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || len(text) != 640 {
		t.Errorf("%d bytes are left, %v; want 640", len(text), err)
	}
}

func TestAFollowedLogGoesOnUntilTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.log")
	ended := make(chan struct{})
	log := follow(t, path, ended, task.LogOptions{Follow: true}) // before there is one
	for i := range 3 {
		writeLines(t, path, i, i+1)
		if line, want := string(next(t, log).Text), fmt.Sprintf("%063d", i); line != want {
			t.Errorf("line %d = %q", i, line)
		}
	}
	close(ended)
	if line, err := log.Next(t.Context()); err != io.EOF {
		t.Errorf("at the end: %q, %v; want EOF", line.Text, err)
	}
}

func TestALineIsReadWhenItIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.log")
	ended := make(chan struct{})
	log := follow(t, path, ended, task.LogOptions{Follow: true})
	file, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	io.WriteString(file, "one\n\ntw")
	for _, want := range []string{"one", ""} {
		if line := next(t, log); string(line.Text) != want || line.Partial {
			t.Errorf("line = %q, %v; want %q", line.Text, line.Partial, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if line, err := log.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("half a line is read as %q, %v", line.Text, err)
	}
	io.WriteString(file, "o\nthr")
	if line := next(t, log); string(line.Text) != "two" {
		t.Errorf("line = %q, want two", line.Text)
	}
	close(ended)
	if line := next(t, log); string(line.Text) != "thr" || line.Partial {
		t.Errorf("the last words are %q, want thr", line.Text)
	}
}

func TestAnotherReaderGoesOnAtAPosition(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.log")
	writeLines(t, path, 0, 5000)
	log := read(t, path, task.LogOptions{})
	for i := range 5000 {
		if i%777 == 0 {
			log = read(t, path, task.LogOptions{Position: log.Position()})
		}
		if line, want := next(t, log), fmt.Sprintf("%063d", i); string(line.Text) != want || line.Lost {
			t.Fatalf("line %d = %q, %v", i, line.Text, line.Lost)
		}
	}
	for _, position := range []string{"-1", "x", "1.5"} {
		if _, err := newLogReader(path, nil, task.LogOptions{Position: position}); err == nil {
			t.Errorf("the position %q is taken", position)
		}
	}
}

func TestALongLineComesInPieces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.log")
	long := strings.Repeat("0123456789", 2*task.LineBytes/10+1)
	if err := os.WriteFile(path, []byte("a\n"+long+"\nb\n"+long[:task.LineBytes]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := read(t, path, task.LogOptions{})
	for _, want := range []struct {
		text    string
		partial bool
	}{
		{"a", false},
		{long[:task.LineBytes], true}, {long[task.LineBytes : 2*task.LineBytes], true}, {long[2*task.LineBytes:], false},
		{"b", false}, {long[:task.LineBytes], false},
	} {
		line := next(t, log)
		if string(line.Text) != want.text || line.Partial != want.partial {
			t.Fatalf("a line of %d bytes, partial %v; want %d, %v", len(line.Text), line.Partial, len(want.text), want.partial)
		}
		log = read(t, path, task.LogOptions{Position: log.Position()})
	}
}

func TestWhatIsTooFarBehindIsLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.log")
	writeLines(t, path, 0, 10_000)
	log := read(t, path, task.LogOptions{Behind: 6400})
	line := next(t, log)
	if string(line.Text) != fmt.Sprintf("%063d", 9900) || !line.Lost {
		t.Errorf("the first line is %q, %v; want the 9900th", line.Text, line.Lost)
	}
	if line := next(t, log); line.Lost {
		t.Error("the next line is lost, too")
	}
}

func TestALogThatIsNotThereYetIsEmpty(t *testing.T) {
	log := read(t, filepath.Join(t.TempDir(), "main.log"), task.LogOptions{})
	if line, err := log.Next(t.Context()); err != io.EOF {
		t.Errorf("log = %q, %v; want nothing", line.Text, err)
	}
}
