// Package terminal draws in a terminal, one picture in place of the other.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Of is what is written to if it is a terminal of a size at least; nil if it is not.
func Of(w io.Writer, leastWidth, leastHeight int) *os.File {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width < leastWidth || height < leastHeight {
		return nil
	}
	return f
}

// usualWidth is the width of lines that go somewhere else than to a terminal.
const usualWidth = 100

// Width is how many columns a line has, and whether it is a terminal that is written to.
func Width(w io.Writer) (columns int, ok bool) {
	if f, isFile := w.(*os.File); isFile && term.IsTerminal(int(f.Fd())) {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns, true
		}
	}
	return usualWidth, false
}

// Frames draws pictures in place of each other.
type Frames struct {
	W     *os.File
	drawn int // lines of the last frame, to go back over
}

// Draw draws a picture of the size that the terminal has now.
func (f *Frames) Draw(frame func(width, height int) []string) error {
	width, height, err := term.GetSize(int(f.W.Fd()))
	if err != nil {
		return err
	}
	var b strings.Builder
	if f.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", f.drawn)
	}
	lines := frame(width, height)
	for _, line := range lines {
		b.WriteString(line)
		b.WriteString("\x1b[0m\x1b[K\n")
	}
	// What a longer frame left below is wiped.
	b.WriteString("\x1b[J")
	f.drawn = len(lines)
	_, err = f.W.WriteString(b.String()) // in one write, so that nothing flickers
	return err
}
