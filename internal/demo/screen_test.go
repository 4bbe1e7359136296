package demo

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var color = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestTheChartFitsItsTerminal(t *testing.T) {
	start := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	c := &chart{target: 50, started: start}
	for i := range 200 {
		c.samples = append(c.samples, sample{
			at: start.Add(time.Duration(i) * time.Minute), users: i % 50, requests: i, p95: time.Second,
			cpu: float64(i), desired: 2 + i/20, running: 2 + i/25,
		})
		c.events = append(c.events, strings.Repeat("a long reason ", 20))
		for _, size := range [][2]int{{60, 24}, {110, 44}, {240, 80}} {
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
	text := strings.Join(c.frame(110, 44), "\n")
	for _, want := range []string{"users 49", "CPU 199 %", "tasks: 9 running", "3:19:00"} {
		if !strings.Contains(text, want) {
			t.Errorf("the chart does not say %q:\n%s", want, text)
		}
	}
}

func TestPlainLinesWhereThereIsNoTerminal(t *testing.T) {
	var b strings.Builder
	start := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	s := newScreen(&b, 50, start)
	s.show(sample{at: start.Add(90 * time.Second), users: 7, requests: 12, p95: 30 * time.Millisecond, cpu: 61.25, desired: 3, running: 2})
	s.event(start.Add(2*time.Minute), "scale-out: Setting desired count to 3.")
	s.close()
	for _, want := range []string{"0:01:30      7     12  30ms     61.2        3        2  ##\n", "0:02:00  scale-out: Setting desired count to 3.\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestASpeedThatShowsNoScaleInIsRefused(t *testing.T) {
	for _, speed := range []float64{0, 1, 24, 601, math.NaN()} {
		if err := Run(t.Context(), Options{Speed: speed}); err == nil || !strings.Contains(err.Error(), "from 25 to 600") {
			t.Errorf("speed %v: %v", speed, err)
		}
	}
}
