package live

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"flyball/internal/load"
)

// second is one of so many requests a second.
func second(n, requests, failed int) load.Second {
	s := load.Second{
		Elapsed: time.Duration(n) * time.Second, Length: time.Second, Level: 100, Open: true,
		Requests: requests, Errors: failed, Latency: load.Latency{P50: 10 * time.Millisecond, P95: 20 * time.Millisecond},
		Answers: load.Histogram{{Seconds: 0.02, Count: float64(requests - failed)}},
		Tasks:   &load.Tasks{Running: 1 + n/10, Desired: 2},
	}
	if failed > 0 {
		s.Failures, s.Err = load.Failures{"503": failed}, "503 from\nhttp://one"
	}
	return s
}

func shownAt(t *testing.T, seconds, width, height int) []string {
	t.Helper()
	v := newView(Load{Title: "demo/web", Schedule: load.Constant(100, 20*time.Second), Open: true, Speed: 60})
	v.plain = true
	for n := range seconds {
		failed := 0
		if n == 5 {
			failed = 50
		}
		v.add(second(n+1, 100, failed))
	}
	return v.frame(width, height)
}

func TestTheViewFitsItsTerminal(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {200, 60}} {
		for _, seconds := range []int{1, 10, 20, 25} {
			lines := shownAt(t, seconds, size[0], size[1])
			if len(lines) >= size[1] {
				t.Errorf("%d lines in a terminal of %d", len(lines), size[1])
			}
			for _, line := range lines {
				if n := len([]rune(line)); n >= size[0] {
					t.Errorf("a line of %d columns in a terminal of %d: %q", n, size[0], line)
				}
			}
		}
	}
}

func TestTheViewFillsFromTheLeft(t *testing.T) {
	lines := shownAt(t, 10, 80, 24)
	text := strings.Join(lines, "\n")
	for _, want := range []string{"demo/web", "10m of 20m  50 %", "100/s", "20 ms", "1000 requests, 50 failed: 503 from http://one", "2 of 2"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	// Half of 57 columns have a bar of the full height; what is planned is ahead.
	first := lines[3]
	if full := strings.Count(first, "█"); full < 23 || full > 29 {
		t.Errorf("%d bars, want about half of the columns without the second that failed: %s", full, first)
	}
	if ahead := strings.Count(first, "·"); ahead < 27 || ahead > 30 {
		t.Errorf("%d columns are planned, want the other half: %s", ahead, first)
	}
}

func TestLittleIsNotNothing(t *testing.T) {
	v := newView(Load{Schedule: load.Constant(1000, 20*time.Second), Open: true, Speed: 1})
	v.plain = true
	v.add(second(1, 1, 0))
	if text := strings.Join(v.frame(80, 24), "\n"); !regexp.MustCompile(`│▁`).MatchString(text) {
		t.Errorf("one request of a thousand is not seen:\n%s", text)
	}
}
