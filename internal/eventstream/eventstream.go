// Package eventstream sends what happens on a server to whoever listens, as server-sent events
// (WHATWG HTML, "Server-sent events").
//
//	id: 7ZQK-42
//	event: change
//	data: {"number":42,"at":"…","source":"aws.ecs","type":"ECS Task State Change","resource":"…","detail":{…}}
//
// A reader that comes back names the last event that it has seen, and is told of those after
// it. One that was away or slow for so long that some of them are not kept any more is told how
// many it has missed, and one that comes back to another life of the server that it has begun anew:
// both read again what they show.
package eventstream

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"flyball/internal/event"
)

// The bounds of streams.
const (
	mostStreams = 1000             // at a time
	mostOfOne   = 128              // of one access key, or of those without
	beat        = 15 * time.Second // between signs of life, in real time
)

// A Server serves one stream of events to many readers. What each of them costs is its
// connection: events are kept once for all.
type Server struct {
	events *event.Stream
	life   string // of the server; tells event numbers of different ones apart

	mu    sync.Mutex
	total int
	of    map[string]int // by access key
}

// New serves the events of a stream.
func New(events *event.Stream) *Server {
	return &Server{events: events, life: rand.Text()[:8], of: map[string]int{}}
}

// Serve sends the events that pick picks, as what it returns for them, until the reader leaves. Reader is
// the access key that it came with.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, reader string, pick func(event.Event) (any, bool)) {
	if !s.enter(reader) {
		w.Header().Set("Retry-After", "5")
		http.Error(w, fmt.Sprintf("There are %d event streams, or %d with this access key, which is the most at a time. Close some.", mostStreams, mostOfOne), http.StatusTooManyRequests)
		return
	}
	defer s.leave(reader)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // of a proxy
	l := listener{server: s, out: http.NewResponseController(w), w: w, pick: pick}
	l.listen(r.Context(), r.Header.Get("Last-Event-ID"))
}

func (s *Server) enter(reader string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= mostStreams || s.of[reader] >= mostOfOne {
		return false
	}
	s.total++
	s.of[reader]++
	return true
}

func (s *Server) leave(reader string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.of[reader]--; s.of[reader] == 0 {
		delete(s.of, reader)
	}
}

// id names an event of this life of the server.
func (s *Server) id(number uint64) string { return s.life + "-" + strconv.FormatUint(number, 10) }

// number is that of an event of this life.
func (s *Server) number(id string) (number uint64, ok bool) {
	life, text, _ := strings.Cut(id, "-")
	number, err := strconv.ParseUint(text, 10, 64)
	return number, err == nil && life == s.life && number <= s.events.Last()
}

// A listener is one reader of the stream.
type listener struct {
	server *Server
	out    *http.ResponseController
	w      io.Writer
	pick   func(event.Event) (any, bool)
}

// listen sends events from the one after which the reader comes back, or from now on.
func (l *listener) listen(ctx context.Context, last string) {
	after, ok := l.server.number(last)
	kind := "begin"
	if !ok {
		after = l.server.events.Last()
		if last != "" {
			kind = "restart"
		}
	}
	if l.send(after, kind, struct{}{}) != nil || l.flush() != nil {
		return
	}
	for {
		events, err := l.next(ctx, after)
		if err != nil {
			return
		}
		if err := l.tell(&after, events); err != nil {
			return
		}
	}
}

// next waits for events, or for the time of a sign of life.
func (l *listener) next(ctx context.Context, after uint64) ([]event.Event, error) {
	wait, cancel := context.WithTimeout(ctx, beat)
	defer cancel()
	events, err := l.server.events.Next(wait, after)
	if err != nil && ctx.Err() == nil {
		return nil, nil
	}
	return events, err
}

// tell sends some events, and first how many are missing before them.
func (l *listener) tell(after *uint64, events []event.Event) error {
	if len(events) == 0 {
		if err := l.write(": \n\n"); err != nil {
			return err
		}
		return l.flush()
	}
	if missed := events[0].Number - *after - 1; missed > 0 {
		if err := l.send(events[0].Number-1, "missed", map[string]uint64{"missed": missed}); err != nil {
			return err
		}
	}
	for _, e := range events {
		*after = e.Number
		if _, err := json.Marshal(e.Detail); err != nil {
			e.Detail = nil // that it happened is told all the same
		}
		told, ok := l.pick(e)
		if !ok {
			continue
		}
		if err := l.send(e.Number, "change", told); err != nil {
			return err
		}
	}
	return l.flush()
}

func (l *listener) send(number uint64, kind string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return l.write(fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", l.server.id(number), kind, text))
}

func (l *listener) write(text string) error {
	_, err := io.WriteString(l.w, text)
	return err
}

func (l *listener) flush() error { return l.out.Flush() }
