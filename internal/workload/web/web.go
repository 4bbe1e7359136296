// Package web is the program behind flyball/web and flyball/memory: a web server whose
// requests take CPU time, and memory.
//
// Any program that imports this package turns into that one when it is started as it, as
// soon as what is imported here is initialised.
package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"flyball/internal/workload"
)

func init() {
	workload.Become(workload.Web, func(ctx context.Context, getenv func(string) string) error {
		return run(ctx, workload.Web, getenv, "0")
	})
	workload.Become(workload.Memory, func(ctx context.Context, getenv func(string) string) error {
		return run(ctx, workload.Memory, getenv, "256")
	})
}

// run runs either until ctx ends, and then finishes the requests that it has taken. Its
// settings:
//
//	HOST       the address to listen on; all of the host's by default
//	PORT       the port to listen on, 8080 by default
//	MEMORY_MB  MiB to hold from the start: by default as many as it is told
func run(ctx context.Context, name string, getenv func(string) string, holding string) error {
	megabytes, err := parseMegabytes(cmp.Or(getenv("MEMORY_MB"), holding))
	if err != nil {
		return fmt.Errorf("MEMORY_MB: %w", err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(getenv("HOST"), cmp.Or(getenv("PORT"), "8080")))
	if err != nil {
		return err
	}
	fmt.Printf("%s: listening on %s\n", name, listener.Addr())

	web := newWeb(cmp.Or(getenv("HOSTNAME"), listener.Addr().String()))
	web.memory.hold(megabytes)
	return serve(ctx, listener, web.handler())
}

// serve answers requests until ctx ends, and then those that have begun.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	drained := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { drained <- server.Shutdown(context.Background()) })
	defer stop()

	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}

// computation is the CPU time that one request for /computation takes, unless it asks for another.
const computation = 50 * time.Millisecond

// longest is the most that a request may ask for, in milliseconds.
const longest = 10_000

// maxQueue is how many requests for /computation may wait for a processor. A
// task limited to a quarter of a virtual CPU needs 100 s to work off 500.
const maxQueue = 500

// web is the service.
type web struct {
	name       string
	memory     memory
	queue      chan struct{} // a place for each request waiting or computing
	processors chan struct{} // a place for each request computing
}

func newWeb(name string) *web {
	return &web{
		name:       name,
		queue:      make(chan struct{}, maxQueue),
		processors: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
}

func (w *web) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", w.hello)
	mux.HandleFunc("/health", w.health)
	mux.HandleFunc("/computation", w.computation)
	mux.HandleFunc("/memory", w.holdMemory)
	return mux
}

func (w *web) hello(rw http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(rw, "hello from %s\n", w.name)
}

func (w *web) health(rw http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(rw, "ok")
}

// computation burns CPU time in the order of arrival. A place in the queue is
// given up at once when the client has gone, so that an overloaded task does
// not work for nobody.
func (w *web) computation(rw http.ResponseWriter, r *http.Request) {
	takes := computation
	if text := r.FormValue("ms"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms < 1 || ms > longest {
			http.Error(rw, fmt.Sprintf("ms: %q is not a number of milliseconds from 1 to %d", text, longest), http.StatusBadRequest)
			return
		}
		takes = time.Duration(ms) * time.Millisecond
	}
	select {
	case w.queue <- struct{}{}:
		defer func() { <-w.queue }()
	default:
		rw.Header().Set("Retry-After", "1")
		http.Error(rw, "too many computations are waiting", http.StatusServiceUnavailable)
		return
	}
	select {
	case w.processors <- struct{}{}:
		defer func() { <-w.processors }()
	case <-r.Context().Done():
		return
	}
	start := time.Now()
	workload.Burn(takes)
	fmt.Fprintf(rw, "computed for %d ms in %d ms\n", takes.Milliseconds(), time.Since(start).Milliseconds())
}

func (w *web) holdMemory(rw http.ResponseWriter, r *http.Request) {
	megabytes, err := parseMegabytes(r.FormValue("mb"))
	if err != nil {
		http.Error(rw, "mb: "+err.Error(), http.StatusBadRequest)
		return
	}
	w.memory.hold(megabytes)
	fmt.Fprintf(rw, "holding %d MiB\n", megabytes)
}

// memory is memory in use for no purpose but to be measured.
type memory struct {
	mu     sync.Mutex
	chunks [][]byte // 1 MiB each
}

// hold makes the memory held n MiB, every page of it touched.
func (m *memory) hold(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n < len(m.chunks) {
		m.chunks = append([][]byte(nil), m.chunks[:n]...)
		debug.FreeOSMemory()
		return
	}
	for len(m.chunks) < n {
		chunk := make([]byte, 1<<20)
		for i := 0; i < len(chunk); i += os.Getpagesize() {
			chunk[i] = 1
		}
		m.chunks = append(m.chunks, chunk)
	}
}

// parseMegabytes reads a number of MiB between 0 and a tebibyte.
func parseMegabytes(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 1<<20 {
		return 0, fmt.Errorf("%q is not a number of MiB between 0 and %d", s, 1<<20)
	}
	return n, nil
}
