package balancer

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load sends requests on several connections until it is stopped, and returns how many
// there were and what failed.
func (b *bench) load(clients int) (stop func() (sent int, failed []string)) {
	var ended atomic.Bool
	var wg sync.WaitGroup
	var mu sync.Mutex
	var sent int
	var failed []string
	url := b.url
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	for range clients {
		wg.Go(func() {
			for !ended.Load() {
				failure := ""
				r, err := client.Get(url)
				if err != nil {
					failure = err.Error()
				} else {
					if _, err := io.Copy(io.Discard, r.Body); err != nil {
						failure = err.Error()
					} else if r.StatusCode != 200 {
						failure = r.Status
					}
					r.Body.Close()
				}
				if failure == "" {
					b.served.Add(1)
				}
				mu.Lock()
				sent++
				if failure != "" {
					failed = append(failed, failure)
				}
				mu.Unlock()
			}
		})
	}
	return func() (int, []string) {
		ended.Store(true)
		wg.Wait()
		return sent, failed
	}
}

// serve waits until the load has had a number of good answers more.
func (b *bench) serve(more int64) {
	b.t.Helper()
	until := b.served.Load() + more
	b.wait("good answers", func() bool { return b.served.Load() >= until })
}

// TestNoRequestFailsWhileTargetsComeAndGo goes the way of a service: a target comes when
// it is ready, is deregistered, and ends when its delay is over.
func TestNoRequestFailsWhileTargetsComeAndGo(t *testing.T) {
	work := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Millisecond)
		io.WriteString(w, "ok")
	})
	b := newBench(t, work)
	stop := b.load(8)
	for range 5 {
		s := httptest.NewServer(work)
		defer s.Close()
		b.addTarget(s.Listener.Addr().String())
		b.apply()
		b.waitHealthy(2)
		b.serve(50)
		last := &b.group.Targets[len(b.group.Targets)-1]
		last.DrainUntil = time.Now().Add(time.Second)
		b.apply()
		b.wait("the end of the delay", func() bool { return time.Now().After(last.DrainUntil) })
		b.group.Targets = b.group.Targets[:len(b.group.Targets)-1]
		b.apply()
		s.Close()
	}
	sent, failed := stop()
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed: %v", len(failed), sent, failed)
	}
}

// TestACrashCostsWhatIsInFlight ends a target without a word: at most one request of
// each client is on it, and those that come before it is deregistered are 502, too.
func TestACrashCostsWhatIsInFlight(t *testing.T) {
	b := newBench(t, named("a"))
	s := httptest.NewServer(named("b"))
	b.addTarget(s.Listener.Addr().String())
	b.apply()
	b.waitHealthy(2)
	stop := b.load(8)
	b.serve(50)
	s.Listener.Close()
	s.CloseClientConnections()
	b.group.Targets = b.group.Targets[:1]
	b.apply()
	b.serve(50)
	sent, failed := stop()
	for _, f := range failed {
		if f != "502 Bad Gateway" {
			t.Errorf("a request failed with %s", f)
		}
	}
	t.Logf("%d of %d requests failed", len(failed), sent)
	s.Close()
}

// TestPlansChangeUnderLoad replaces rules and listeners while requests come.
func TestPlansChangeUnderLoad(t *testing.T) {
	b := newBench(t, named("a"), named("b"))
	stop := b.load(4)
	for i := range 50 {
		b.lb.Attributes["idle_timeout.timeout_seconds"] = fmt.Sprint(30 + i)
		b.lb.Listeners[0].Rules = b.lb.Listeners[0].Rules[:1:1]
		b.apply()
		b.Take(time.Now())
		b.Health(testGroup)
	}
	if sent, failed := stop(); len(failed) > 0 {
		t.Errorf("%d of %d requests failed: %v", len(failed), sent, failed)
	}
}
