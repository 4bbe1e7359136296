package load

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A service answers each request after a time, in the time of the test.
type service struct {
	takes  time.Duration
	status int
	fail   error

	mu       sync.Mutex
	busy     int
	most     int
	requests map[string]int // by host
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.busy++
	s.most = max(s.most, s.busy)
	if s.requests == nil {
		s.requests = map[string]int{}
	}
	s.requests[r.URL.Host]++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy--
		s.mu.Unlock()
	}()
	select {
	case <-time.After(s.takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if s.fail != nil {
		return nil, s.fail
	}
	return &http.Response{StatusCode: s.status, Status: http.StatusText(s.status), Body: io.NopCloser(strings.NewReader("hello"))}, nil
}

func targets(urls ...string) func() []string { return func() []string { return urls } }

func TestUsersWaitForTheirAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: 100 * time.Millisecond, status: 200}
		var seconds []Second
		summary, err := Plan{
			Targets: targets("http://one"), Schedule: Constant(5, 10*time.Second), Transport: s,
			Report: func(second Second) { seconds = append(seconds, second) },
		}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// 5 users with a request each 100 ms make 50 a second.
		if summary.Requests < 490 || summary.Requests > 500 || summary.Errors != 0 || s.most != 5 {
			t.Errorf("%d requests, %d errors, %d at once; want about 500, none, 5", summary.Requests, summary.Errors, s.most)
		}
		if p50 := summary.Latency.P50; p50 < 98*time.Millisecond || p50 > 102*time.Millisecond {
			t.Errorf("P50 = %v, want 100 ms", p50)
		}
		total := 0
		for _, second := range seconds {
			total += second.Requests
		}
		if len(seconds) < 10 || total != summary.Requests {
			t.Errorf("%d seconds of %d requests, want 10 of %d", len(seconds), total, summary.Requests)
		}
	})
}

func TestUsersThink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: 100 * time.Millisecond, status: 200}
		summary, err := Plan{
			Targets: targets("http://one"), Schedule: Constant(5, 10*time.Second), Transport: s, Think: 400 * time.Millisecond,
		}.Run(t.Context())
		// A round takes 300 to 700 ms, 500 on average.
		if err != nil || summary.Requests < 75 || summary.Requests > 125 {
			t.Errorf("%d requests, %v; want about 100", summary.Requests, err)
		}
	})
}

func TestUsersDoNotKeepInStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: time.Millisecond, status: 200}
		var last Second
		_, err := Plan{
			Targets: targets("http://one"), Schedule: Constant(100, 60*time.Second), Transport: s, Think: 4 * time.Second,
			Report: func(second Second) {
				// They all begin at once, and would all ask again in every fourth second.
				if second.Elapsed > 40*time.Second && second.Elapsed < 59*time.Second && second.Requests == 0 {
					t.Errorf("nothing was asked in the second until %v", second.Elapsed)
				}
				last = second
			},
		}.Run(t.Context())
		if err != nil || last.Elapsed == 0 {
			t.Fatal(err)
		}
	})
}

func TestUsersComeAndGoByTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// No answer comes at the very instant of a report.
		s := &service{takes: 10*time.Millisecond + 7*time.Microsecond, status: 200}
		var inFlight []int
		_, err := Plan{
			Targets: targets("http://one"), Schedule: Ramp(10, 5*time.Second, 5*time.Second, 5*time.Second), Transport: s,
			Report: func(second Second) { inFlight = append(inFlight, second.InFlight) },
		}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.most != 10 || inFlight[0] > 3 || inFlight[7] != 10 || inFlight[13] > 3 {
			t.Errorf("users at work each second: %v, at most %d; want 2 ... 10 ... 2", inFlight, s.most)
		}
	})
}

func TestAnOpenLoopDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: 2 * time.Second, status: 200}
		summary, err := Plan{
			Targets: targets("http://one"), Schedule: Constant(100, 10*time.Second), Open: true, Transport: s,
		}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// 1,000 were sent; those of the last 2 s had no answer yet.
		if sent := s.requests["one"]; sent < 990 || sent > 1000 {
			t.Errorf("%d requests sent, want about 1000", sent)
		}
		if summary.Requests < 790 || summary.Requests > 800 {
			t.Errorf("%d requests answered, want about 800", summary.Requests)
		}
	})
}

func TestRequestsAreSpreadOverTheTargetsOfTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: 10 * time.Millisecond, status: 200}
		start := time.Now()
		_, err := Plan{
			Targets: func() []string {
				if time.Since(start) < 5*time.Second {
					return []string{"http://one"}
				}
				return []string{"http://one", "http://two"}
			},
			Schedule: Constant(1, 10*time.Second), Transport: s,
		}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if one, two := s.requests["one"], s.requests["two"]; one < 700 || one > 760 || two < 240 || two > 260 {
			t.Errorf("%d and %d requests, want about 750 and 250", one, two)
		}
	})
}

func TestErrorsAreCountedAndSlowUsersDown(t *testing.T) {
	for _, tt := range []struct {
		name    string
		service *service
		targets []string
		want    string
	}{
		{"a refused connection", &service{fail: errors.New("connection refused")}, []string{"http://one"}, "connection refused"},
		{"a bad status", &service{status: 503}, []string{"http://one"}, "Service Unavailable"},
		{"a bad URL", &service{status: 200}, []string{"http://one:port"}, "invalid port"},
		{"no target", &service{status: 200}, nil, "there is no target"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				summary, err := Plan{Targets: targets(tt.targets...), Schedule: Constant(1, 10*time.Second), Transport: tt.service}.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if summary.Requests != summary.Errors || summary.Errors < 99 || summary.Errors > 101 {
					t.Errorf("%d requests, %d errors; want about 100 of both", summary.Requests, summary.Errors)
				}
				if !strings.Contains(summary.Err, tt.want) {
					t.Errorf("error = %q, want %q in it", summary.Err, tt.want)
				}
			})
		})
	}
}

func TestARequestThatTakesTooLongFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{takes: time.Hour, status: 200}
		summary, err := Plan{Targets: targets("http://one"), Schedule: Constant(1, 10*time.Second), Transport: s, Timeout: 2 * time.Second}.Run(t.Context())
		if err != nil || summary.Errors != 4 {
			t.Errorf("%d errors, %v; want 4", summary.Errors, err)
		}
	})
}

func TestALoadCanBeEndedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		s := &service{takes: 100 * time.Millisecond, status: 200}
		for _, open := range []bool{false, true} {
			summary, err := Plan{Targets: targets("http://one"), Schedule: Constant(10, time.Hour), Open: open, Transport: s}.Run(ctx)
			if err != nil || summary.Elapsed > 3*time.Second {
				t.Errorf("ended after %v, %v; want 3 s", summary.Elapsed, err)
			}
		}
	})
}

func TestAPlanThatCannotBeCarriedOutIsRefused(t *testing.T) {
	for name, p := range map[string]Plan{
		"no targets":        {Schedule: Constant(1, time.Second)},
		"no duration":       {Targets: targets("http://one")},
		"a negative level":  {Targets: targets("http://one"), Schedule: Constant(-1, time.Second)},
		"no number":         {Targets: targets("http://one"), Schedule: Constant(math.NaN(), time.Second)},
		"too high a level":  {Targets: targets("http://one"), Schedule: Constant(math.Inf(1), time.Second)},
		"a negative length": {Targets: targets("http://one"), Schedule: Constant(1, -time.Second)},
	} {
		if _, err := p.Run(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	const enough = 200
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	requests, connections := 0, map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		connections[r.RemoteAddr] = true
		if requests++; requests == enough {
			cancel()
		}
	}))
	defer server.Close()
	summary, err := Plan{Targets: targets(server.URL), Schedule: Constant(4, 10*time.Minute)}.Run(ctx)
	if err != nil || summary.Errors > 0 {
		t.Fatalf("%d errors, %v: %s", summary.Errors, err, summary.Err)
	}
	server.Close() // waits for the handlers of requests that the plan's end cut off
	if len(connections) > enough/4 {
		t.Errorf("%d requests on %d connections, want about one connection for each of 4 users", requests, len(connections))
	}
}

func TestSchedule(t *testing.T) {
	ramp := Ramp(50, 10*time.Second, 20*time.Second, 10*time.Second)
	for elapsed, want := range map[time.Duration]struct{ level, total float64 }{
		-time.Second:     {0, 0},
		0:                {0, 0},
		5 * time.Second:  {25, 62.5},
		10 * time.Second: {50, 250},
		30 * time.Second: {50, 1250},
		35 * time.Second: {25, 1437.5},
		40 * time.Second: {0, 1500},
		time.Hour:        {0, 1500},
	} {
		if level, total := ramp.Level(elapsed), ramp.Total(elapsed); level != want.level || total != want.total {
			t.Errorf("after %v: level %v, total %v; want %v, %v", elapsed, level, total, want.level, want.total)
		}
	}
	if got := Constant(7, time.Minute); got.Level(0) != 7 || got.Total(time.Minute) != 420 {
		t.Errorf("a constant 7 begins at %v and makes %v in a minute, want 7 and 420", got.Level(0), got.Total(time.Minute))
	}
}

func TestTheTotalOfAScheduleIsTheSumOfItsLevels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Schedule(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Stage {
			return Stage{For: time.Duration(rapid.IntRange(0, 20).Draw(t, "for")) * time.Second, To: float64(rapid.IntRange(0, 100).Draw(t, "to"))}
		}), 1, 5).Draw(t, "schedule"))
		const step = 10 * time.Millisecond
		sum := 0.0
		for at := step / 2; at < s.Duration(); at += step {
			sum += s.Level(at) * step.Seconds()
		}
		if total := s.Total(s.Duration()); math.Abs(total-sum) > 1e-6*(1+sum) {
			t.Fatalf("total = %v, the sum of levels is %v", total, sum)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	transport := NewTransport(nil)
	defer transport.CloseIdleConnections()
	r := &run{Plan: Plan{Targets: targets(server.URL)}, progress: newProgress(nil, false, nil), client: http.Client{Transport: transport}}
	b.ReportAllocs()
	for b.Loop() {
		if err := r.request(b.Context(), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRequestsOfAnOpenLoopGoOutWhenTheyAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var sent []time.Duration
		s := &service{takes: time.Millisecond, status: 200}
		_, err := Plan{
			Targets: func() []string {
				mu.Lock()
				defer mu.Unlock()
				sent = append(sent, time.Since(start))
				return []string{"http://one"}
			},
			Schedule: Constant(8, 2*time.Second), Open: true, Transport: s,
		}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range sent {
			if want := time.Duration(i+1) * 125 * time.Millisecond; at != want {
				t.Errorf("request %d went out after %v, want %v", i+1, at, want)
			}
		}
	})
}

func TestWhenATotalIsReached(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Schedule(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Stage {
			return Stage{For: time.Duration(rapid.IntRange(0, 20).Draw(t, "for")) * time.Second, To: float64(rapid.IntRange(0, 100).Draw(t, "to"))}
		}), 1, 5).Draw(t, "schedule"))
		whole := s.Total(s.Duration())
		if at := s.When(whole + 1); at != math.MaxInt64 {
			t.Fatalf("more than all is there after %v", at)
		}
		part := whole * rapid.Float64Range(0, 1).Draw(t, "part")
		at := s.When(part)
		if got := s.Total(at); math.Abs(got-part) > 1e-4 {
			t.Fatalf("%v of %v is there after %v, when there is %v", part, whole, at, got)
		}
	})
}

func TestAFasterScheduleHasTheSameLevelsSooner(t *testing.T) {
	s := Ramp(50, 5*time.Minute, 15*time.Minute, 0)
	fast := s.Faster(10)
	if fast.Duration() != 2*time.Minute || fast.Level(15*time.Second) != 25 || s.Duration() != 20*time.Minute {
		t.Errorf("ten times faster it takes %v and has %v users after 15 s, want 2 min and 25", fast.Duration(), fast.Level(15*time.Second))
	}
}
