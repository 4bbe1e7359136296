//go:build unix

package descriptors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// limited makes the test's process one that may have few descriptors, which stays so: the
// tests that need it run in a process of their own.
func limited(t *testing.T, limit int) bool {
	t.Helper()
	if os.Getenv("DESCRIPTORS") == strconv.Itoa(limit) {
		return true
	}
	cmd := exec.Command("/bin/sh", "-c", fmt.Sprintf("ulimit -n %d; exec %q -test.run '^%s$' -test.v -test.timeout=5m", limit, os.Args[0], t.Name()))
	cmd.Env = append(os.Environ(), "DESCRIPTORS="+strconv.Itoa(limit))
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Errorf("with %d descriptors: %v\n%s", limit, err, out)
	}
	return false
}

// fill opens files until so many descriptors are left.
func fill(t *testing.T, left uint64, r *Reserve) (release func()) {
	t.Helper()
	var files []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		if uint64(f.Fd())+left+1 >= r.limit {
			return func() {
				for _, f := range files {
					f.Close()
				}
			}
		}
	}
}

// A journal may be read while it is written.
type journal struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.String()
}

func newReserve(t *testing.T) (*Reserve, *journal) {
	t.Helper()
	var log journal
	r, err := New(slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, &log
}

func TestTasksLeaveDescriptorsToCallsAndTheServer(t *testing.T) {
	if !limited(t, 64) {
		return
	}
	r, log := newReserve(t)
	leave, err := r.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leave()
	release := fill(t, 2*least-1, r)
	for range 3 {
		if _, err := r.Enter(t.Context()); !errors.Is(err, ErrShort) {
			t.Errorf("with the last descriptors: %v", err)
		}
	}
	if said := log.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "ulimit -n") || !strings.Contains(said, "limit=64") {
		t.Errorf("the log says %q", said)
	}
	release()
	if leave, err = r.Enter(t.Context()); err != nil {
		t.Errorf("with descriptors again: %v", err)
	}
	leave()
}

func TestOnlySoManyTakeDescriptorsAtATime(t *testing.T) {
	r, _ := newReserve(t)
	r.entered = make(chan struct{}, 1)
	leave, err := r.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := r.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second one was let in: %v", err)
	}
	leave()
	if _, err := r.Enter(t.Context()); err != nil {
		t.Error(err)
	}
}

// serve serves over connections of a reserve.
func serve(t *testing.T, r *Reserve) (addr string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := r.Connections()
	server := &http.Server{
		ConnState: open.Note,
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "here") }),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(open.Listener(l)) }()
	return l.Addr().String(), func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			return err
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}

func TestIdleConnectionsMakeRoomForNewOnes(t *testing.T) {
	if !limited(t, 64) {
		return
	}
	r, log := newReserve(t)
	addr, stop := serve(t, r)
	// The clients' ends are descriptors of this process as well.
	var held []net.Conn
	for i := range 60 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			break // the process has none left
		}
		held = append(held, c)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
		patience := 5 * time.Second // later ones may be left without an answer
		if i < 10 {
			patience = time.Minute
		}
		c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 512)); err != nil && i < 10 {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	if len(held) < 25 {
		t.Errorf("only %d connections were made", len(held))
	}
	held[0].SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := held[0].Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("the connection that was idle for longest is open: %v", err)
	}
	if !strings.Contains(log.String(), "file descriptors run short") {
		t.Error("nothing was said")
	}
	if err := stop(); err != nil {
		t.Errorf("the stop: %v", err)
	}
	for _, c := range held {
		c.Close()
	}
}

func TestAcceptingEndsWithItsListenerWithoutDescriptors(t *testing.T) {
	if !limited(t, 64) {
		return
	}
	r, _ := newReserve(t)
	addr, stop := serve(t, r)
	release := fill(t, 1, r)
	defer release()
	c, err := net.Dial("tcp", addr) // with the last one
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestWithDescriptorsConnectionsAreAccepted(t *testing.T) {
	r, log := newReserve(t)
	addr, stop := serve(t, r)
	for range 3 {
		response, err := http.Get("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	if err := stop(); err != nil || log.String() != "" {
		t.Errorf("%v, and the log says %q", err, log)
	}
}
