package process

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
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

func TestALogKeepsItsNewestPart(t *testing.T) {
	const limit = 2 << 20
	path := filepath.Join(t.TempDir(), "main.log")
	const lines = 5 << 20 / 64
	writeLines(t, path, 0, lines/2)
	follower, err := readLog(t.Context(), path, make(chan struct{}))
	if err != nil {
		t.Fatal(err)
	}
	defer follower.Close()
	writeLines(t, path, lines/2, lines)
	if err := boundLog(path, limit); err != nil {
		t.Fatal(err)
	}
	writeLines(t, path, lines, lines+1)

	log, err := readLog(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	text, err := io.ReadAll(log)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > limit+2*logBlock || len(text) < limit/2 {
		t.Skipf("%d bytes are kept: this file system knows no holes", len(text))
	}
	if !bytes.HasPrefix(text, []byte("000")) || !strings.HasSuffix(string(text), fmt.Sprintf("%063d\n", lines)) {
		t.Errorf("the log begins %q and ends %q, want whole lines up to the last", text[:64], text[len(text)-64:])
	}
	line := make([]byte, 64)
	if _, err := io.ReadFull(follower, line); err != nil || line[0] != '0' || line[63] != '\n' {
		t.Errorf("a follower that was left behind reads %q, %v; want a whole line", line, err)
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
	writeLines(t, path, 0, 1)
	ended := make(chan struct{})
	log, err := readLog(t.Context(), path, ended)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	buf := make([]byte, 1024) // more than there is to read at any time
	for i := range 3 {
		n, err := log.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if line, want := string(buf[:n]), fmt.Sprintf("%063d\n", i); line != want {
			t.Errorf("line %d = %q", i, line)
		}
		if i < 2 {
			writeLines(t, path, i+1, i+2)
		}
	}
	close(ended)
	if n, err := log.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d bytes, %v; want EOF", n, err)
	}
}

func TestClosingAFollowedLogEndsItsReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "main.log")
	writeLines(t, path, 0, 1)
	log, err := readLog(t.Context(), path, make(chan struct{}))
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, log)
		read <- err
	}()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err == nil {
		t.Error("the reader ended as if the log had")
	}
}

func TestALogThatIsNotThereYetIsEmpty(t *testing.T) {
	log, err := readLog(t.Context(), filepath.Join(t.TempDir(), "main.log"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(log); err != nil || len(text) != 0 {
		t.Errorf("log = %q, %v; want nothing", text, err)
	}
}
