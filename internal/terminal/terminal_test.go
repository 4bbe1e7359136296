package terminal_test

import (
	"bytes"
	"os"
	"testing"

	"flyball/internal/terminal"
)

func TestOnlyATerminalIsOne(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	if terminal.Of(write, 0, 0) != nil || terminal.Of(new(bytes.Buffer), 0, 0) != nil {
		t.Error("a pipe or a buffer is taken for a terminal")
	}
	for _, w := range []interface{ Write([]byte) (int, error) }{write, new(bytes.Buffer)} {
		if columns, ok := terminal.Width(w); ok || columns != 100 {
			t.Errorf("%T has %d columns, and is a terminal: %v", w, columns, ok)
		}
	}
	if err := (&terminal.Frames{W: write}).Draw(func(int, int) []string { return nil }); err == nil {
		t.Error("a frame was drawn in a pipe")
	}
}
