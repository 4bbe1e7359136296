package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"flyball/internal/duration"
	"flyball/internal/live"
	"flyball/internal/load"
)

// newScreen is what shows a load second by second: a picture in a terminal, or a line a
// second, or nothing where only JSON is to be printed. What is to be said besides is said with it.
func (l loading) newScreen(out io.Writer, r route, real load.Schedule, speed float64) (show func(load.Second), say func(string)) {
	say = func(text string) { fmt.Fprintln(os.Stderr, "flyball:", text) }
	if l.json {
		return func(load.Second) {}, say
	}
	if !l.plain {
		if view := live.New(out, live.Load{Title: l.title(r), Schedule: real, Open: l.open, Speed: speed}); view != nil {
			return view.Show, view.Say
		}
	}
	return newLines(out, r, speed).show, say
}

// title is what a load is on, and how it is reached.
func (l loading) title(r route) string {
	if r.follower == nil {
		return l.of(r)
	}
	return l.of(r) + " through " + r.follower.Place().Via
}

// A lines prints a line a second.
type lines struct {
	w     io.Writer
	speed float64
	tasks bool
}

func newLines(w io.Writer, r route, speed float64) *lines {
	l := &lines{w, speed, r.tasks() != nil}
	if r.follower != nil {
		fmt.Fprintf(w, "through %s: %s\n", r.follower.Place().Via, strings.Join(someOf(r.targets()), " "))
	}
	header := "elapsed  level  requests  errors  p50       p95       p99"
	if l.tasks {
		header += "       tasks"
	}
	fmt.Fprintln(w, header)
	return l
}

// someOf are the first of many.
func someOf(urls []string) []string {
	const most = 3
	if len(urls) <= most {
		return urls
	}
	return append(urls[:most:most], fmt.Sprintf("and %d more", len(urls)-most))
}

func (l *lines) show(s load.Second) {
	elapsed := time.Duration(float64(s.Elapsed) * l.speed).Round(time.Second)
	line := fmt.Sprintf("%7s  %5.0f  %8d  %6d  %-8s  %-8s  %-8s", duration.String(elapsed), s.Level, s.Requests, s.Errors,
		short(s.Latency.P50), short(s.Latency.P95), short(s.Latency.P99))
	if l.tasks && s.Tasks != nil {
		line += fmt.Sprintf("  %d of %d", s.Tasks.Running, s.Tasks.Desired)
	}
	fmt.Fprintln(l.w, line)
}

func printSummary(w io.Writer, s load.Summary) {
	fmt.Fprintf(w, "%d requests, %d errors, p50 %s, p95 %s, p99 %s, slowest %s\n", s.Requests, s.Errors,
		short(s.Latency.P50), short(s.Latency.P95), short(s.Latency.P99), short(s.Latency.Max))
	fmt.Fprintf(w, "%.1f answers a second in %s\n", s.Throughput(), duration.String(s.Elapsed.Round(10*time.Millisecond)))
	if s.Errors > 0 {
		fmt.Fprintf(w, "errors by kind: %s; one of them: %s\n", s.Failures, s.Err)
	}
	if s.CutOff > 0 {
		fmt.Fprintf(w, "%d more had no answer yet when the load was ended, and are not counted\n", s.CutOff)
	}
}

func printJudgements(w io.Writer, all []judgement) {
	for _, j := range all {
		if j.Met {
			fmt.Fprintf(w, "FAIL  %s is met: %s\n", j.Condition, strings.Join(j.Because, ", "))
		} else {
			fmt.Fprintf(w, "ok    %s is not met\n", j.Condition)
		}
	}
}

// summaryJSON is a summary for programs. Durations are in seconds, and real.
func summaryJSON(s load.Summary, speed float64, judgements []judgement) map[string]any {
	if judgements == nil {
		judgements = []judgement{}
	}
	return map[string]any{
		"requests": s.Requests, "failed": s.Errors, "failures": s.Failures, "cut_off": s.CutOff,
		"seconds": seconds(s.Elapsed), "speed": speed, "throughput": s.Throughput(),
		"latency": latencyJSON(s.Latency), "fail_if": judgements,
	}
}

// printLine prints a line of JSON.
func printLine(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false) // of conditions such as p95 > 1s
	return out.Encode(v)
}

func latencyJSON(l load.Latency) map[string]float64 {
	return map[string]float64{
		"p50": seconds(l.P50), "p90": seconds(l.P90), "p95": seconds(l.P95), "p99": seconds(l.P99), "p99.9": seconds(l.P999), "max": seconds(l.Max),
	}
}

func seconds(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }

func short(d time.Duration) string { return duration.String(d.Round(100 * time.Microsecond)) }
