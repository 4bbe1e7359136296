package docker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"flyball/internal/task"
)

// logOf reads a stopped container's log from a position on.
func logOf(t *testing.T, of task.Task, position string) task.Log {
	t.Helper()
	log, err := of.Logs(t.Context(), "main", task.LogOptions{Position: position})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

func TestAnotherReaderGoesOnAtAPosition(t *testing.T) {
	r := newRuntime(t)
	stopped := start(t, r, spec("lines", "lines", "200"))
	await(t, "the end of the task", stopped.Done())
	log := logOf(t, stopped, "")
	var out, err, tail []string
	for n := 0; ; n++ {
		if n%7 == 0 {
			log = logOf(t, stopped, log.Position())
		}
		line, e := log.Next(t.Context())
		if errors.Is(e, io.EOF) {
			break
		}
		if e != nil {
			t.Fatal(e)
		}
		if ago := time.Since(line.At); ago < 0 || ago > time.Minute {
			t.Errorf("%.20q was written at %v", line.Text, line.At)
		}
		switch text := string(line.Text); {
		case strings.HasPrefix(text, "out "):
			out = append(out, text)
		case strings.HasPrefix(text, "err "):
			err = append(err, text)
		default:
			tail = append(tail, text)
			if last := len(strings.Join(tail, "")) == 600_000; line.Partial == last || len(text) > task.LineBytes {
				t.Errorf("a piece of %d bytes, partial %v", len(text), line.Partial)
			}
		}
	}
	for _, lines := range [][]string{out, err} {
		want := make([]string, 200)
		for i := range want {
			want[i] = fmt.Sprintf("%.3s %d", lines[0], i)
		}
		if !slices.Equal(lines, want) {
			t.Errorf("%d lines of %.3s, want 200 in order: %q", len(lines), lines[0], lines)
		}
	}
	if got := strings.Join(tail, ""); got != strings.Repeat("0123456789", 60_000) {
		t.Errorf("the long line has %d bytes in %d pieces", len(got), len(tail))
	}
}

func TestALogIsFollowedToItsEnd(t *testing.T) {
	r := newRuntime(t)
	running := start(t, r, spec("followed", "wait"))
	log, err := running.Logs(t.Context(), "main", task.LogOptions{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if line, err := log.Next(t.Context()); err != nil || !strings.HasPrefix(string(line.Text), "ready") {
		t.Fatalf("the first line is %q, %v", line.Text, err)
	}
	if err := running.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if line, err := log.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %q, %v", line.Text, err)
	}
}

// feed is a reader of frames as an engine sends them that is asked for those since the
// time of a position.
func feed(position position, frames ...frame) *logReader {
	sent := make(chan frame, len(frames))
	for _, f := range frames {
		if f.at >= position.since() {
			sent <- f
		}
	}
	close(sent)
	return &logReader{of: &member{}, frames: sent, whole: true, last: true, read: position}
}

// Frames of the same time, and of times that go back between the two logs, are told
// apart by their numbers: whatever a reader has returned, the next one goes on there.
func TestPositionsTellFramesOfTheSameTimeApart(t *testing.T) {
	second := int64(time.Second)
	frames := []frame{
		{0, 100 * second, []byte("a1"), false}, {1, 99 * second, []byte("b1"), false}, {0, 100 * second, []byte("a2"), false},
		{1, 100 * second, []byte("b2"), true}, {0, 100 * second, []byte("a3"), false}, {1, 100 * second, []byte("b3"), false},
		{0, 200 * second, []byte("a4"), false}, {1, 195 * second, []byte("b4"), false}, {1, 195 * second, []byte("b5"), false},
	}
	want := []string{"a1", "b1", "a2", "a3", "b2b3", "a4", "b4", "b5"}
	var at position
	for _, text := range want {
		log := feed(at, frames...)
		line, err := log.Next(t.Context())
		if err != nil || string(line.Text) != text {
			t.Fatalf("after %v: %q, %v; want %q", at, line.Text, err, text)
		}
		if at, err = parsePosition(log.Position()); err != nil {
			t.Fatal(err)
		}
	}
	if line, err := feed(at, frames...).Next(t.Context()); err != io.EOF {
		t.Errorf("behind the last one: %q, %v", line.Text, err)
	}
}

func TestPositionsThatAreNoneAreRefused(t *testing.T) {
	for _, text := range []string{"x", "1", "1.2", "1.2,3", "1.2;3.4"} {
		if p, err := parsePosition(text); err == nil {
			t.Errorf("%q is taken as %v", text, p)
		}
	}
}

func FuzzFrame(f *testing.F) {
	seed := func(header [8]byte, text string) {
		binary.BigEndian.PutUint32(header[4:], uint32(len(text)))
		f.Add(append(header[:], text...))
	}
	seed([8]byte{1}, "2026-03-01T12:00:00.123456789Z a line\n")
	seed([8]byte{2}, "2026-03-01T12:00:00.123456789Z a part")
	seed([8]byte{3}, "2026-03-01T12:00:00Z x\n")
	seed([8]byte{1}, "no time")
	f.Fuzz(func(t *testing.T, sent []byte) {
		got, err := readFrame(bytes.NewReader(sent))
		if err == nil && (got.log < 0 || got.log >= logsOfContainer || len(got.text) > len(sent)) {
			t.Errorf("%q is read as %+v", sent, got)
		}
	})
}
