package report

import (
	"time"

	"flyball/internal/chart"
	"flyball/internal/load"
)

// mostPoints is how many a line has that is made of a load's record.
const mostPoints = 120

// loadPanels are what the record tells: users or rate, requests a second, and latency,
// which break off where there is nothing for longer than a gap.
func loadPanels(all []stretch, gap time.Duration) []chart.Panel {
	const outside = "the record is of another time"
	level := chart.Panel{Title: "Users", Unit: chart.Whole, Height: 56, Empty: outside}
	users := chart.Series{Color: chart.Blue, Style: chart.Area, Gap: gap}
	answered := chart.Series{Label: "answered", Color: chart.Blue, Style: chart.Area, Gap: gap}
	failed := chart.Series{Label: "failed", Color: chart.Red, Style: chart.Area, Gap: gap}
	errors := chart.Series{Color: chart.Red, Style: chart.Area, Gap: gap}
	p50 := chart.Series{Label: "p50", Color: chart.Violet, Faint: true, Gap: gap}
	p95 := chart.Series{Label: "p95", Color: chart.Violet, Gap: gap}
	p99 := chart.Series{Label: "p99", Color: chart.Violet, Faint: true, Gap: gap}
	anyFailed := false
	for _, s := range all {
		add := func(series *chart.Series, v float64) {
			series.Points = append(series.Points, chart.Point{At: s.at, Value: v})
		}
		switch {
		case s.line.Users != nil:
			add(&users, *s.line.Users)
		case s.line.Rate != nil:
			level.Title, level.Unit = "Requests per second, asked for", chart.Number
			add(&users, *s.line.Rate)
		}
		if s.seconds > 0 {
			add(&answered, float64(s.requests-s.failures)/s.seconds)
			add(&failed, float64(s.failures)/s.seconds)
		}
		if s.requests > 0 {
			add(&errors, 100*float64(s.failures)/float64(s.requests))
		}
		if l := s.latency(); l.Max > 0 {
			add(&p50, l.P50.Seconds())
			add(&p95, l.P95.Seconds())
			add(&p99, l.P99.Seconds())
		}
		anyFailed = anyFailed || s.failures > 0
	}
	level.Series = []chart.Series{users}
	requests := chart.Panel{Title: "Requests per second", Height: 80, Series: []chart.Series{answered}, Empty: outside}
	if anyFailed {
		requests.Series = append(requests.Series, failed)
	}
	return []chart.Panel{
		level, requests,
		{Title: "Errors", Unit: chart.Percent, Height: 40, Series: []chart.Series{errors}, Empty: outside},
		{Title: "Latency", Unit: chart.Seconds, Series: []chart.Series{p50, p95, p99}, Empty: outside},
	}
}

// A stretch is several seconds of a record, put together.
type stretch struct {
	at                 time.Time // the end
	line               load.Line // the last
	seconds            float64
	requests, failures int
	answers            []load.Histogram
}

func (s stretch) latency() load.Latency { return load.Histogram(nil).Latency(s.answers...) }

// stretchLength is how long a stretch is when there are at most so many: some seconds
// of the record, so that its percentiles are of more than a few answers.
func stretchLength(lines []load.Line, from, to time.Time, most int) time.Duration {
	const seconds = 2
	length := to.Sub(from) / time.Duration(most)
	if n := len(lines); n > 1 {
		length = max(length, seconds*lines[n-1].Time.Sub(lines[0].Time)/time.Duration(n-1))
	}
	return length
}

// stretches puts lines together to stretches of a length.
func stretches(lines []load.Line, from, to time.Time, length time.Duration) []stretch {
	var all []stretch
	var begin time.Time
	for _, line := range lines {
		if line.Time.Before(from) || line.Time.After(to) {
			continue
		}
		if len(all) == 0 || line.Time.Sub(begin) >= length {
			all = append(all, stretch{})
			begin = line.Time
		}
		s := &all[len(all)-1]
		s.at, s.line = line.Time, line
		s.seconds += line.Seconds
		s.requests += line.Requests
		s.failures += failures([]load.Line{line})
		s.answers = append(s.answers, line.Histogram())
	}
	return joinLast(all)
}

// joinLast takes a last stretch that is too short to be compared to the one before it.
func joinLast(all []stretch) []stretch {
	n := len(all) - 1
	if n < 1 || all[n].seconds > all[n-1].seconds/2 {
		return all
	}
	before, last := &all[n-1], all[n]
	before.at, before.line = last.at, last.line
	before.seconds += last.seconds
	before.requests += last.requests
	before.failures += last.failures
	before.answers = append(before.answers, last.answers...)
	return all[:n]
}

func failures(lines []load.Line) int {
	total := 0
	for _, line := range lines {
		for _, n := range line.Failures {
			total += n
		}
	}
	return total
}
