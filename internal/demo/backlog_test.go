package demo

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"flyball/internal/voucher"
)

var demoStart = time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)

// momentsOf are moments of a lane that is late, and of one that is not.
func momentsOf(i int) [2]moment {
	return [2]moment{
		{State: voucher.State{Waiting: 40 * i, Desired: 1, Running: 1}, waited: time.Duration(i) * time.Second},
		{State: voucher.State{Waiting: 120, Desired: 8, Running: 6}, waited: 4 * time.Second},
	}
}

func TestTheLanesFitTheirTerminal(t *testing.T) {
	c := &lanesChart{started: demoStart}
	for i := range 200 {
		c.at = demoStart.Add(time.Duration(i) * time.Second)
		for k, m := range momentsOf(i) {
			c.lanes[k] = append(c.lanes[k], m)
		}
		c.event(c.at, "each minute  "+strings.Repeat("a long reason ", 20))
		for _, size := range [][2]int{{78, 24}, {80, 24}, {110, 44}, {240, 80}} {
			frame := c.frame(size[0], size[1])
			if len(frame) >= size[1] {
				t.Fatalf("%d lines on a terminal of %d", len(frame), size[1])
			}
			for _, line := range frame {
				if n := utf8.RuneCountInString(color.ReplaceAllString(line, "")); n > size[0] {
					t.Fatalf("%d columns on a terminal of %d: %q", n, size[0], line)
				}
			}
		}
	}
	text := color.ReplaceAllString(strings.Join(c.frame(80, 24), "\n"), "")
	for _, want := range []string{"queue: 7960 wait", "backlog per worker: 20 of 100", "workers: 6 running of 8", "waited: 199 s of 10 s", "0:03:19", "a long reason"} {
		if !strings.Contains(text, want) {
			t.Errorf("the chart does not say %q:\n%s", want, text)
		}
	}
}

func TestLanesAsPlainLinesWhereThereIsNoTerminal(t *testing.T) {
	var b strings.Builder
	s := newBacklogScreen(&b, demoStart)
	s.show(demoStart.Add(90*time.Second), momentsOf(11))
	s.event(demoStart.Add(2*time.Minute), "each second  Setting desired count to 3.")
	s.close()
	for _, want := range []string{"0:01:30    440     440   1 of 1     11 s!       120      20   6 of 8      4 s \n", "0:02:00  each second  Setting desired count to 3.\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if len(line) > 80 {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
}

func TestAMessageIsCountedWhenItIsBegunFirst(t *testing.T) {
	got := tallyOf([]voucher.Wait{
		{Message: "a", For: 10 * time.Second}, {Message: "b", For: 10*time.Second + 1}, {Message: "a", For: time.Minute},
	}, 10*time.Second)
	if want := (tally{begun: 2, within: 1, longest: 10*time.Second + 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if share := got.share(4); share != 25 {
		t.Errorf("of 4 messages %v %% are within the agreement; those that were not begun are not", share)
	}
}

func TestWaitingGrowsWhileNoMessageIsBegun(t *testing.T) {
	var l lane
	at := func(seconds int, waiting int, waits ...time.Duration) string {
		now := demoStart.Add(time.Duration(seconds) * time.Second)
		l.last.Waiting = waiting
		var begun []voucher.Wait
		for _, d := range waits {
			begun = append(begun, voucher.Wait{Message: fmt.Sprint(d), For: d})
		}
		l.last.waited = l.waited(now, begun)
		l.seen = now
		return l.last.waited.String()
	}
	for i, got := range []string{at(0, 0), at(5, 100), at(15, 100), at(16, 90, 12*time.Second, 11*time.Second), at(20, 90), at(30, 0)} {
		if want := []string{"0s", "5s", "15s", "12s", "16s", "0s"}[i]; got != want {
			t.Errorf("at look %d messages have waited %s, want %s", i, got, want)
		}
	}
}
