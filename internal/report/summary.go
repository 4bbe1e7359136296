package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"flyball/internal/htmlpage"
	"flyball/internal/load"
)

// A Summary is a run in a few figures.
type Summary struct {
	Requests, Failures int
	Kinds              load.Failures
	Latency            load.Latency
	PeakCPU            float64
	Least, Most, Last  int // desired counts
	ScaleOuts          int
	ScaleIns           int
	NotScaled          int // attempts
	OfService          bool
}

// Summary counts.
func (r Run) Summary() Summary {
	s := Summary{Kinds: load.Failures{}, OfService: r.Service != ""}
	var answers []load.Histogram
	for _, line := range r.Load {
		s.Requests += line.Requests
		for kind, n := range line.Failures {
			s.Failures += n
			s.Kinds[kind] += n
		}
		answers = append(answers, line.Histogram())
	}
	s.Latency = load.Histogram(nil).Latency(answers...)
	for _, c := range r.CPU {
		s.PeakCPU = max(s.PeakCPU, c.Value)
	}
	for i, d := range r.Desired {
		s.Last = int(d.Value)
		s.Most = max(s.Most, s.Last)
		if i == 0 || s.Last < s.Least {
			s.Least = s.Last
		}
	}
	for _, a := range r.Activities {
		switch {
		case a.Out():
			s.ScaleOuts++
		case a.In():
			s.ScaleIns++
		case !a.Scaled:
			s.NotScaled++
		}
	}
	return s
}

// Tiles are what to see first.
func (s Summary) Tiles() []htmlpage.Tile {
	var tiles []htmlpage.Tile
	if s.Requests > 0 {
		note := "none failed"
		if s.Failures > 0 {
			note = thousands(s.Failures) + " failed: " + s.Kinds.String()
		}
		tiles = append(tiles, htmlpage.Tile{"Requests", thousands(s.Requests), note})
		if s.Latency.Max > 0 {
			tiles = append(tiles, htmlpage.Tile{"Latency, p95", short(s.Latency.P95), "p50 " + short(s.Latency.P50) + ", p99 " + short(s.Latency.P99)})
		}
	}
	if s.PeakCPU > 0 {
		tiles = append(tiles, htmlpage.Tile{"CPU utilization, peak", fmt.Sprintf("%.0f %%", s.PeakCPU), "of what the tasks have reserved"})
	}
	if !s.OfService {
		return tiles
	}
	return append(tiles,
		htmlpage.Tile{"Tasks", spread(s.Least, s.Most), fmt.Sprintf("%d at the end", s.Last)},
		htmlpage.Tile{"Scaled", fmt.Sprintf("%d out, %d in", s.ScaleOuts, s.ScaleIns), attempts(s.NotScaled) + " not carried out"},
	)
}

func attempts(n int) string {
	if n == 1 {
		return "1 attempt"
	}
	return fmt.Sprintf("%d attempts", n)
}

func spread(least, most int) string {
	if least == most {
		return strconv.Itoa(most)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// describe is the picture in words.
func (r Run) describe() string {
	parts := []string{fmt.Sprintf("%s to %s UTC", r.From.UTC().Format(time.DateTime), r.To.UTC().Format(time.DateTime))}
	for _, t := range r.Summary().Tiles() {
		parts = append(parts, fmt.Sprintf("%s: %s (%s)", t.Name, t.Value, t.Note))
	}
	return strings.Join(parts, ". ") + "."
}

// short writes a duration with three digits.
func short(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'g', 3, 64) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
}

// thousands writes a number in groups of three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
