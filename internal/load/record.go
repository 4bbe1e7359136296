package load

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Line of a record is what happened in a second of load: JSON, a line each.
// Durations are in seconds, and real; only Time is on the clock of the load, which
// may run faster.
type Line struct {
	Time     time.Time    `json:"time"`               // the end of the second, on the clock of the load
	Seconds  float64      `json:"seconds"`            // how long the second was
	Users    *float64     `json:"users,omitempty"`    // of a closed loop, as scheduled
	Rate     *float64     `json:"rate,omitempty"`     // of an open loop: requests per second, as scheduled
	InFlight int          `json:"in_flight"`          // requests that wait for their answer
	Requests int          `json:"requests"`           // answers and failures
	Failures Failures     `json:"failures,omitempty"` // by kind
	Tasks    *Tasks       `json:"tasks,omitempty"`    // of the service, where it is known
	Latency  LineLatency  `json:"latency,omitzero"`   // of the answers that were no failures
	Answers  [][2]float64 `json:"answers,omitempty"`  // the same as pairs of seconds and a count, to be added up
}

// LineLatency are the percentiles of a line, in seconds.
type LineLatency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Histogram is how long the answers of the line took.
func (l Line) Histogram() Histogram {
	h := make(Histogram, len(l.Answers))
	for i, pair := range l.Answers {
		h[i] = Bucket{pair[0], pair[1]}
	}
	return h
}

// A Recorder writes the record of a load. What it has written is there even when the
// program ends in the midst of it.
type Recorder struct {
	w     io.Writer
	start time.Time
	speed float64
}

// NewRecorder returns a recorder of a load that starts at a time on a clock which
// runs speed times as fast as the wall clock.
func NewRecorder(w io.Writer, start time.Time, speed float64) *Recorder {
	return &Recorder{w, start, speed}
}

// Write adds a second to the record.
func (r *Recorder) Write(s Second) error {
	b, err := json.Marshal(r.Line(s))
	if err != nil {
		return err
	}
	_, err = r.w.Write(append(b, '\n'))
	return err
}

// Line is a second as the record has it.
func (r *Recorder) Line(s Second) Line {
	line := Line{
		Time:     r.start.Add(time.Duration(float64(s.Elapsed) * r.speed)).UTC().Round(time.Microsecond),
		Seconds:  rounded(s.Length.Seconds()),
		InFlight: s.InFlight,
		Requests: s.Requests,
		Failures: s.Failures,
		Tasks:    s.Tasks,
	}
	level := rounded(s.Level)
	if s.Open {
		line.Rate = &level
	} else {
		line.Users = &level
	}
	line.answered(s.Answers, s.Latency)
	return line
}

// answered sets how long answers took.
func (l *Line) answered(h Histogram, latency Latency) {
	seconds := func(d time.Duration) float64 { return rounded(d.Seconds()) }
	l.Latency = LineLatency{seconds(latency.P50), seconds(latency.P95), seconds(latency.P99), seconds(latency.Max)}
	l.Answers = nil
	for _, b := range h {
		l.Answers = append(l.Answers, [2]float64{b.Seconds, b.Count})
	}
}

// maxLine bounds a line of a record. The longest that is written has a bucket for
// each of 1,200 lengths.
const maxLine = 1 << 20

// ReadRecord reads a record. A last line that was cut off, as by a kill, is left out.
func ReadRecord(r io.Reader) ([]Line, error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	in.Split(wholeLines)
	var lines []Line
	for number := 1; in.Scan(); number++ {
		if len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		var line Line
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("line %d is not one of a record of flyball load, as --out writes it", number)
		}
		if err := line.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if n := len(lines); n > 0 && line.Time.Before(lines[n-1].Time) {
			return nil, fmt.Errorf("line %d is of %s, and the line before it of %s: give each run of flyball load a file of its own",
				number, line.Time.Format(time.RFC3339), lines[n-1].Time.Format(time.RFC3339))
		}
		lines = append(lines, line)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	return lines, nil
}

// check refuses what a recorder does not write and a picture could not show.
func (l Line) check() error {
	negative := !(l.Seconds >= 0) || l.Requests < 0 || l.InFlight < 0
	for _, n := range l.Failures {
		negative = negative || n < 0
	}
	switch {
	case l.Time.IsZero():
		return errors.New("it has no time")
	case negative:
		return errors.New("seconds, requests, failures and in_flight are never negative")
	}
	for _, pair := range l.Answers {
		if seconds, count := pair[0], pair[1]; !(seconds > 0 && seconds <= day && count > 0 && count <= 1e9) {
			return fmt.Errorf("%v answers of %v s are none", count, seconds)
		}
	}
	return nil
}

// day is longer than any answer is waited for, in seconds.
const day = 24 * 60 * 60

// wholeLines is bufio.ScanLines without what follows the last newline.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if bytes.IndexByte(data, '\n') < 0 && atEOF {
		return len(data), nil, nil
	}
	return bufio.ScanLines(data, atEOF)
}
