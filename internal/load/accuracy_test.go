package load

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A stalling service answers at once, but for some time in which nothing is answered.
type stalling struct {
	start     time.Time
	from, to  time.Duration
	otherwise time.Duration
}

func (s *stalling) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(s.otherwise)
	if elapsed := time.Since(s.start); elapsed >= s.from && elapsed < s.to {
		select {
		case <-time.After(s.to - elapsed):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(""))}, nil
}

// A stall of a second in ten meets a tenth of those who come at a rate, for half a second on
// average; one user who waits meets it once.
func TestAStallShowsInThePercentilesOfAnOpenLoop(t *testing.T) {
	for _, tt := range []struct {
		rule     string
		open     bool
		level    float64
		p95, p99 time.Duration
	}{
		{"an open loop", true, 100, 500 * time.Millisecond, 900 * time.Millisecond},
		{"a closed loop leaves out who would have come", false, 1, 10 * time.Millisecond, 10 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &stalling{start: time.Now(), from: 5 * time.Second, to: 6 * time.Second, otherwise: 10 * time.Millisecond}
			summary, err := Plan{
				Targets: targets("http://one"), Schedule: Constant(tt.level, 10*time.Second), Open: tt.open, Transport: s, Drain: time.Minute,
			}.Run(t.Context())
			if err != nil || summary.Errors > 0 {
				t.Fatal(summary.Err, err)
			}
			l := summary.Latency
			if !about(l.P95, tt.p95) || !about(l.P99, tt.p99) || !about(l.Max, time.Second) {
				t.Errorf("%s: p95 %v, p99 %v, max %v; want about %v, %v and 1 s", tt.rule, l.P95, l.P99, l.Max, tt.p95, tt.p99)
			}
		})
	}
}

// about is whether a latency is a wanted one, to within the histogram's steps and a request
// more or less.
func about(got, want time.Duration) bool {
	return math.Abs(got.Seconds()-want.Seconds()) < 0.05*want.Seconds()+0.012
}

// A generator that is held up, as on a busy machine, sends late; the latency tells.
func TestWhatIsSentLateHasWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		held := false
		s := &stalling{start: start, otherwise: time.Millisecond}
		summary, err := Plan{
			Targets: func() []string { return []string{"http://one"} }, Schedule: Constant(100, 4*time.Second), Open: true, Transport: s, Drain: time.Minute,
			Report: func(Second) {
				if !held { // the loop that sends is the one that reports
					held = true
					time.Sleep(time.Second)
				}
			},
		}.Run(t.Context())
		if err != nil || summary.Requests != 400 {
			t.Fatalf("%d requests, %v; want 400", summary.Requests, err)
		}
		if p90 := summary.Latency.P90; p90 < 500*time.Millisecond || p90 > 700*time.Millisecond {
			t.Errorf("p90 = %v, want 0.6 s: a quarter waited up to a second", p90)
		}
	})
}

func TestAnswersAfterTheEndAreWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		rule               string
		takes, drain       time.Duration
		requests, unanswer int
		cutOff             int
	}{
		{"those that come are counted", 3 * time.Second, 10 * time.Second, 100, 0, 0},
		{"those that do not come have failed", time.Minute, 10 * time.Second, 100, 100, 0},
		{"without a time for it they are cut off", 3 * time.Second, 0, 70, 0, 30},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{takes: tt.takes, status: 200}
			summary, err := Plan{
				Targets: targets("http://one"), Schedule: Constant(10, 10*time.Second), Open: true, Transport: s, Timeout: time.Hour, Drain: tt.drain,
			}.Run(t.Context())
			if err != nil || summary.Requests != tt.requests || summary.Failures["unanswered"] != tt.unanswer || summary.CutOff != tt.cutOff {
				t.Errorf("%s: %d requests, %v, %d cut off, %v; want %d, %d unanswered, %d", tt.rule,
					summary.Requests, summary.Failures, summary.CutOff, err, tt.requests, tt.unanswer, tt.cutOff)
			}
		})
	}
}

func TestRequestsBeyondTheBoundFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: 10 * time.Second, status: 200}
		summary, err := Plan{
			Targets: targets("http://one"), Schedule: Constant(10, 10*time.Second), Open: true, Transport: s, Drain: time.Minute, InFlight: 25,
		}.Run(t.Context())
		if err != nil || s.most != 25 || summary.Failures["too many"] != 75 {
			t.Errorf("%d at once, %v, %v; want 25, and 75 too many", s.most, summary.Failures, err)
		}
	})
	plan := Plan{Targets: targets("http://one"), Schedule: Constant(30, time.Second), InFlight: 25}
	if _, err := plan.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "30 users are more than") {
		t.Errorf("30 users with 25 requests at once: %v", err)
	}
}

func TestARequestThatCannotConnectGoesToTheNextTarget(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for retry, want := range map[bool]string{true: "", false: failedToConnect} {
		r := &run{
			Plan:     Plan{Targets: targets(server.URL, gone.URL), Retry: retry},
			progress: newProgress(nil, true, nil), client: http.Client{Transport: NewTransport(nil)},
		}
		if err := r.request(t.Context(), time.Now()); kindOf(err) != want {
			t.Errorf("with retry %v: %v", retry, err)
		}
	}
}

func TestARequestIsSentAsItIsPlanned(t *testing.T) {
	var mu sync.Mutex
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, strings.Join([]string{r.Method, r.Host, r.Header.Get("Accept"), string(body)}, " "))
	}))
	defer server.Close()
	body, err := ParseTemplate("n={{.N}}")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err = Plan{
		Targets: targets(server.URL), Schedule: Constant(1, time.Minute),
		Request: Request{Method: "PUT", Header: http.Header{"Accept": {"text/html"}, "Host": {"web.test"}}, Body: &body},
		Think:   time.Millisecond,
		Report: func(Second) {
			mu.Lock()
			defer mu.Unlock()
			if len(got) > 1 {
				cancel()
			}
		},
	}.Run(ctx)
	mu.Lock() // the last request may still be under way
	defer mu.Unlock()
	if err != nil || len(got) < 2 || got[0] != "PUT web.test text/html n=1" || got[1] != "PUT web.test text/html n=2" {
		t.Errorf("%.2q, %v", got, err)
	}
}

func TestAGuardHoldsAlsoForRedirections(t *testing.T) {
	inside := httptest.NewServer(http.RedirectHandler("http://192.0.2.1/", http.StatusFound))
	defer inside.Close()
	client := http.Client{Transport: NewTransport(netip.Addr.IsLoopback)}
	_, err := client.Get(inside.URL)
	if refused, is := errors.AsType[*RefusedError](err); !is || refused.Address.String() != "192.0.2.1" || kindOf(err) != "refused" {
		t.Errorf("a redirection to elsewhere: %v", err)
	}
}

func TestALongLoadIsKeptInBoundedMemory(t *testing.T) {
	var h History
	recorder := NewRecorder(nil, time.Unix(0, 0), 1)
	const seconds = 10_000
	for n := range seconds {
		took := 0.010
		if n%10 == 0 {
			took = 0.100
		}
		h.Add(recorder.Line(Second{
			Elapsed: time.Duration(n+1) * time.Second, Length: time.Second, Requests: 12, Failures: Failures{"503": 2},
			Answers: Histogram{{Seconds: took, Count: 10}},
		}))
	}
	var all []Histogram
	total := struct{ seconds, requests, failed float64 }{}
	for _, line := range h.Lines() {
		total.seconds += line.Seconds
		total.requests += float64(line.Requests)
		total.failed += float64(line.Failures["503"])
		all = append(all, line.Histogram())
	}
	if len(h.Lines()) > mostLines || total.seconds != seconds || total.requests != 12*seconds || total.failed != 2*seconds {
		t.Errorf("%d lines of %+v", len(h.Lines()), total)
	}
	if l := Histogram(nil).Latency(all...); !about(l.P50, 10*time.Millisecond) || !about(l.P95, 100*time.Millisecond) {
		t.Errorf("latency %+v, want a median of 10 ms and a p95 of 100 ms", l)
	}
	if last := h.Lines()[len(h.Lines())-1]; !last.Time.Equal(time.Unix(seconds, 0)) {
		t.Errorf("the last line is of %v", last.Time)
	}
}
