package main

import "testing"

func TestPanicsAreFoundInALog(t *testing.T) {
	for _, line := range []string{
		"panic: close of closed channel",
		`time=2026-11-25T12:00:00Z level=ERROR msg="call panicked" operation=StopTask`,
		"fatal error: all goroutines are asleep - deadlock!",
		"fatal error: concurrent map writes",
		"WARNING: DATA RACE",
	} {
		if got := panics([]string{"ready", line, "goroutine 1"}); got != line {
			t.Errorf("found %q, want %q", got, line)
		}
	}
	if got := panics([]string{`level=WARN msg="the scalable target of a deleted service is left"`}); got != "" {
		t.Errorf("found %q in a log without a panic", got)
	}
}

func TestLinesTellOfTheFirst(t *testing.T) {
	l := newLines()
	for i, part := range []string{"ready ", "http://", "127.0.0.1\n", "more\n"} {
		select {
		case <-l.first:
			if i < 3 {
				t.Fatalf("there is no whole line before part %d", i)
			}
		default:
		}
		l.Write([]byte(part))
	}
	<-l.first
	if l.all()[0] != "ready http://127.0.0.1" || l.last() != "more" {
		t.Errorf("the lines are %q", l.all())
	}
}
