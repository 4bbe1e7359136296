package eventstream

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"flyball/internal/event"
)

// A bench has a server of events, and readers of it.
type bench struct {
	*testing.T
	events *event.Stream
	url    string
}

func serve(t *testing.T, events *event.Stream) bench {
	s := New(events)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Serve(w, r, r.FormValue("as"), func(e event.Event) (any, bool) { return e, e.Region == "here" })
	}))
	t.Cleanup(server.Close)
	return bench{t, events, server.URL}
}

// read opens a stream, from after an event.
func (b bench) read(last string) (next func() (id, kind, data string), stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, b.url, nil)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(res.Body)
	return func() (id, kind, data string) {
		b.Helper()
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				id = value
			case "event":
				kind = value
			case "data":
				data = value
			case "":
				if kind != "" {
					return id, kind, data
				}
			}
		}
		b.Fatalf("the stream ended: %v", lines.Err())
		return
	}, func() { cancel(); res.Body.Close() }
}

func (b bench) publish(n int, region string) {
	for i := range n {
		b.events.Publish(event.Event{Region: region, Type: fmt.Sprint(i)})
	}
}

func TestAReaderIsToldOfWhatItMaySee(t *testing.T) {
	b := serve(t, &event.Stream{})
	next, stop := b.read("")
	defer stop()
	if _, kind, _ := next(); kind != "begin" {
		t.Fatalf("a stream begins with %q", kind)
	}
	b.publish(1, "elsewhere")
	b.publish(1, "here")
	if _, kind, data := next(); kind != "change" || !strings.Contains(data, `"number":2,`) {
		t.Errorf("%s %s, want the second event alone", kind, data)
	}
}

func TestAReaderThatComesBackMissesNothingThatIsKept(t *testing.T) {
	b := serve(t, &event.Stream{})
	next, stop := b.read("")
	next()
	b.publish(1, "here")
	id, _, _ := next()
	stop()
	b.publish(2, "here")
	next, stop = b.read(id)
	defer stop()
	if _, kind, _ := next(); kind != "begin" {
		t.Fatalf("the stream goes on with %q", kind)
	}
	for _, want := range []string{`"number":2,`, `"number":3,`} {
		if _, kind, data := next(); kind != "change" || !strings.Contains(data, want) {
			t.Errorf("%s %s, want %s", kind, data, want)
		}
	}
}

func TestASlowReaderIsToldHowManyItHasMissed(t *testing.T) {
	b := serve(t, &event.Stream{})
	next, stop := b.read("")
	next()
	b.publish(1, "here")
	id, _, _ := next()
	stop()
	b.publish(5000, "here") // of which 4,096 are kept
	next, stop = b.read(id)
	defer stop()
	next()
	if _, kind, data := next(); kind != "missed" || data != `{"missed":904}` {
		t.Errorf("%s %s, want 904 missed", kind, data)
	}
	if _, kind, data := next(); kind != "change" || !strings.Contains(data, `"number":906,`) {
		t.Errorf("%s %s, want the oldest that is kept", kind, data)
	}
}

func TestAReaderOfAnEarlierLifeIsToldThatItIsOver(t *testing.T) {
	for _, id := range []string{"ABCDEFGH-1", "nonsense", "-", strings.Repeat("9", 100)} {
		b := serve(t, &event.Stream{})
		b.publish(3, "here")
		next, stop := b.read(id)
		if _, kind, _ := next(); kind != "restart" {
			t.Errorf("after %q the stream begins with %q, want restart", id, kind)
		}
		stop()
	}
}

func TestStreamsAreBoundedByReader(t *testing.T) {
	s := New(&event.Stream{})
	for range mostOfOne {
		if !s.enter("one") {
			t.Fatal("a stream was refused too early")
		}
	}
	w := httptest.NewRecorder()
	s.Serve(w, httptest.NewRequest(http.MethodGet, "/", nil), "one", nil)
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("one more stream: %d %s", w.Code, w.Body)
	}
	for i := range mostStreams - mostOfOne {
		if !s.enter(fmt.Sprint(i)) {
			t.Fatal("others pay for one")
		}
	}
	if s.enter("another") {
		t.Error("there is no bound for all together")
	}
	s.leave("one")
	if !s.enter("another") {
		t.Error("a stream that has ended counts")
	}
}

// A page that is open costs the server its connection. BenchmarkStreams reports what each of a
// hundred streams keeps in memory, with both ends of the connection in this process.
func BenchmarkStreams(b *testing.B) {
	s := New(&event.Stream{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Serve(w, r, "one", func(e event.Event) (any, bool) { return e, true })
	}))
	defer server.Close()
	s.events.Publish(event.Event{}) // the ring is there once for all
	const streams = 100
	for b.Loop() {
		before := inUse()
		var open []*http.Response
		for range streams {
			res, err := http.Get(server.URL)
			if err != nil {
				b.Fatal(err)
			}
			open = append(open, res)
		}
		b.ReportMetric((inUse()-before)/streams/1024, "KiB/stream")
		for _, res := range open {
			res.Body.Close()
		}
		for { // until the handlers have left
			s.mu.Lock()
			left := s.total
			s.mu.Unlock()
			if left == 0 {
				break
			}
			runtime.Gosched()
		}
	}
}

// inUse is the memory of objects and stacks.
func inUse() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}
