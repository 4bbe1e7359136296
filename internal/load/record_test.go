package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

var started = time.Date(2026, 11, 26, 14, 0, 0, 0, time.UTC)

func TestARecordHasALineForEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		recorder := NewRecorder(&b, started, 10)
		summary, err := Plan{
			Targets: targets("http://one"), Schedule: Ramp(5, 2*time.Second, 8*time.Second, 0),
			Transport: &service{takes: 99 * time.Millisecond, status: 200},
			Report: func(s Second) {
				if err := recorder.Write(s); err != nil {
					t.Fatal(err)
				}
			},
		}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		lines, err := ReadRecord(&b)
		if err != nil || len(lines) < 10 {
			t.Fatalf("%d lines, %v; want 10 and more", len(lines), err)
		}
		// A second of the load is ten of a clock that runs ten times faster.
		if first := lines[0]; !first.Time.Equal(started.Add(10*time.Second)) || first.Seconds != 1 || *first.Users != 2.5 || first.Rate != nil {
			t.Errorf("first line %+v, want 1 s until 14:00:10 with 2.5 of 5 users", first)
		}
		requests := 0
		var answers []Histogram
		for _, line := range lines {
			requests += line.Requests
			answers = append(answers, line.Histogram())
		}
		if requests != summary.Requests {
			t.Errorf("the lines have %d requests, the summary %d", requests, summary.Requests)
		}
		if p95 := Histogram(nil).Latency(answers...).P95; !near(p95, 99*time.Millisecond) {
			t.Errorf("p95 of all lines together = %v, want 99 ms", p95)
		}
	})
}

// near is whether two durations differ by no more than buckets are wide.
func near(a, b time.Duration) bool { return math.Abs(float64(a-b)) <= 0.025*float64(b) }

func TestHistogramsAddUpToThePercentilesOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []time.Duration
		var parts []Histogram
		for range rapid.IntRange(1, 5).Draw(t, "parts") {
			s := newSketch()
			for _, ms := range rapid.SliceOfN(rapid.IntRange(1, 60_000), 1, 200).Draw(t, "milliseconds") {
				all = append(all, time.Duration(ms)*time.Millisecond)
				s.add(all[len(all)-1])
			}
			parts = append(parts, s.histogram())
		}
		slices.Sort(all)
		got := Histogram(nil).Latency(parts...)
		want := all[int(0.95*float64(len(all)-1))]
		if !near(got.P95, want) || !near(got.Max, all[len(all)-1]) {
			t.Fatalf("p95 %v, longest %v; want %v, %v", got.P95, got.Max, want, all[len(all)-1])
		}
	})
}

func TestAnOpenLoopIsRecordedWithItsRate(t *testing.T) {
	var b bytes.Buffer
	if err := NewRecorder(&b, started, 1).Write(Second{Elapsed: time.Second, Length: time.Second, Level: 20, Open: true}); err != nil {
		t.Fatal(err)
	}
	if want := `{"time":"2026-11-26T14:00:01Z","seconds":1,"rate":20,"in_flight":0,"requests":0}` + "\n"; b.String() != want {
		t.Errorf("line = %s, want %s", b.String(), want)
	}
}

func TestFailuresAreCountedByKind(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	for want, err := range map[string]error{
		"503":        statusError{503, "503 Service Unavailable from http://one"},
		"timeout":    &url.Error{Err: os.ErrDeadlineExceeded},
		"connect":    &url.Error{Err: dial},
		"connection": &url.Error{Err: io.ErrUnexpectedEOF},
		"no target":  errNoTarget,
		"too many":   fmt.Errorf("send: %w", tooMany(7)),
	} {
		if got := kindOf(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
	if got := (Failures{"timeout": 1, "503": 12}).String(); got != "503 × 12, timeout × 1" {
		t.Errorf("failures are told as %q", got)
	}
}

func TestWhatIsNoRecordIsRefusedWithItsLine(t *testing.T) {
	const good = `{"time":"2026-11-26T14:00:01Z","seconds":1,"users":5,"in_flight":5,"requests":50}` + "\n"
	for name, tt := range map[string]struct{ record, want string }{
		"no JSON":                           {good + "users,requests\n", "line 2 is not one of a record of flyball load"},
		"another JSON":                      {`{"requests":"50"}` + "\n", "line 1 is not one"},
		"a line without time":               {`{"requests":50}` + "\n", "line 1: it has no time"},
		"a negative number":                 {strings.Replace(good, "50", "-1", 1), "line 1: seconds, requests, failures and in_flight are never negative"},
		"an answer before it was asked for": {strings.Replace(good, "}", `,"answers":[[-1,1]]}`, 1), "line 1: 1 answers of -1 s are none"},
		"two runs":                          {strings.Replace(good, "14:", "15:", 1) + good, "line 2 is of 2026-11-26T14:00:01Z, and the line before it of 2026-11-26T15:00:01Z"},
		"a line without end":                {strings.Repeat(" ", maxLine+1), "too long"},
	} {
		if _, err := ReadRecord(strings.NewReader(tt.record)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", name, err, tt.want)
		}
	}
	for name, record := range map[string]string{
		"a last line that was cut off": good + good[:30],
		"an empty line":                good + "\n",
	} {
		if lines, err := ReadRecord(strings.NewReader(record)); err != nil || len(lines) != 1 {
			t.Errorf("%s: %d lines, %v; want 1", name, len(lines), err)
		}
	}
}

func FuzzReadRecord(f *testing.F) {
	f.Add([]byte(`{"time":"2026-11-26T14:00:01Z","seconds":1,"users":5,"requests":50,"failures":{"503":2},"answers":[[0.05,48]]}` + "\n"))
	f.Add([]byte(`{"time":"2026-11-26T14:00:01Z","answers":[[-1,1e308],[1e400,0]]}` + "\n"))
	f.Fuzz(func(t *testing.T, record []byte) {
		lines, err := ReadRecord(bytes.NewReader(record))
		if err != nil {
			return
		}
		for _, line := range lines {
			if l := line.Histogram().Latency(); l.P50 < 0 || l.P50 > l.Max {
				t.Fatalf("latency %+v of %+v", l, line)
			}
		}
	})
}
