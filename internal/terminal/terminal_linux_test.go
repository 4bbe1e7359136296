package terminal_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"flyball/internal/terminal"
)

// pseudo is a terminal of a size, and the other end of it.
func pseudo(t *testing.T, columns, rows uint16) (end, screen *os.File) {
	t.Helper()
	end, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there are no pseudo terminals: ", err)
	}
	t.Cleanup(func() { end.Close() })
	fd := int(end.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows})
	}
	if err != nil {
		t.Skip("no pseudo terminal can be opened: ", err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminal can be opened: ", err)
	}
	t.Cleanup(func() { screen.Close() })
	return end, screen
}

func TestATerminalHasToBeLargeEnough(t *testing.T) {
	_, screen := pseudo(t, 80, 24)
	t.Setenv("TERM", "xterm")
	if terminal.Of(screen, 80, 24) != screen || terminal.Of(screen, 81, 24) != nil || terminal.Of(screen, 80, 25) != nil {
		t.Error("80 by 24 are not told from more")
	}
	if columns, ok := terminal.Width(screen); columns != 80 || !ok {
		t.Errorf("%d columns, a terminal: %v", columns, ok)
	}
	t.Setenv("TERM", "dumb")
	if terminal.Of(screen, 0, 0) != nil {
		t.Error("a terminal that cannot go back is drawn on")
	}
}

func TestAFrameTakesThePlaceOfTheOneBefore(t *testing.T) {
	end, screen := pseudo(t, 80, 24)
	frames := terminal.Frames{W: screen}
	var sizes [][2]int
	for _, lines := range [][]string{{"one", "two"}, {"three"}} {
		err := frames.Draw(func(width, height int) []string {
			sizes = append(sizes, [2]int{width, height})
			return lines
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(sizes, [][2]int{{80, 24}, {80, 24}}) {
		t.Errorf("frames are of %v", sizes)
	}
	const want = "one\x1b[0m\x1b[K\r\ntwo\x1b[0m\x1b[K\r\n\x1b[J" + "\x1b[2Athree\x1b[0m\x1b[K\r\n\x1b[J"
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		more, err := end.Read(got[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += more
	}
	if string(got) != want {
		t.Errorf("drew %q, want %q", got, want)
	}
}
