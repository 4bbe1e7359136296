package main

import (
	"slices"
	"testing"
)

func TestStatusIsClippedToTheTerminal(t *testing.T) {
	for _, c := range []struct {
		rule, text    string
		width, height int
		want          []string
	}{
		{"all of it where there is room", "web\nworker\n", 10, 3, []string{"web", "worker"}},
		{"long lines are cut at letters", "größte\n", 4, 3, []string{"größ"}},
		{"the last line tells of those left out", "a\nb\nc\nd\n", 60, 3, []string{"a", "3 more lines: name a service, or make the terminal higher"}},
		{"a terminal of one line", "a\nb\n", 6, 1, []string{"2 more"}},
	} {
		if got := clipped(c.text, c.width, c.height); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.rule, got, c.want)
		}
	}
}
