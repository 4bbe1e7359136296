package web

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

func TestBadSettingsAreErrors(t *testing.T) {
	for _, env := range []map[string]string{
		{"MEMORY_MB": "much"},
		{"MEMORY_MB": "-1"},
		{"PORT": "eighty"},
		{"PORT": "70000"},
	} {
		getenv := func(name string) string {
			if name == "HOST" {
				return "127.0.0.1"
			}
			return env[name]
		}
		if err := run(t.Context(), "web", getenv, "0"); err == nil {
			t.Errorf("run with %v succeeded, want an error", env)
		}
	}
}

func TestAnswers(t *testing.T) {
	handler := newWeb("task-1").handler()
	for _, tt := range []struct {
		url    string
		status int
		body   string
	}{
		{"/", 200, "hello from task-1\n"},
		{"/health", 200, "ok\n"},
		{"/memory?mb=3", 200, "holding 3 MiB\n"},
		{"/memory?mb=1", 200, "holding 1 MiB\n"},
		{"/memory", 400, ""},
		{"/memory?mb=-1", 400, ""},
		{"/memory?mb=99999999", 400, ""},
		{"/computation?ms=1", 200, ""},
		{"/computation?ms=0", 400, "ms: \"0\" is not a number of milliseconds from 1 to 10000\n"},
		{"/computation?ms=10001", 400, ""},
		{"/computation?ms=soon", 400, ""},
		{"/elsewhere", 404, ""},
	} {
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, httptest.NewRequest("GET", tt.url, nil))
		if rec.Code != tt.status || tt.body != "" && rec.Body.String() != tt.body {
			t.Errorf("GET %s = %d %q, want %d %q", tt.url, rec.Code, rec.Body, tt.status, tt.body)
		}
	}
}

func TestComputationsBeyondTheQueueAreRefused(t *testing.T) {
	w := newWeb("task-1")
	for range maxQueue {
		w.queue <- struct{}{}
	}
	rec := httptest.NewRecorder()
	w.handler().ServeHTTP(rec, httptest.NewRequest("GET", "/computation", nil))
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
		t.Errorf("with a full queue: %d, Retry-After %q; want 503 with Retry-After", rec.Code, rec.Header().Get("Retry-After"))
	}
}

func TestNothingIsComputedForAClientThatHasGone(t *testing.T) {
	w := newWeb("task-1")
	for range cap(w.processors) {
		w.processors <- struct{}{}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	rec := httptest.NewRecorder()
	w.handler().ServeHTTP(rec, httptest.NewRequest("GET", "/computation", nil).WithContext(gone))
	if rec.Body.Len() != 0 || len(w.queue) != 0 {
		t.Errorf("wrote %q and left %d in the queue, want nothing of either", rec.Body, len(w.queue))
	}
}

func TestMemoryIsTouchedAndGivenBack(t *testing.T) {
	var m memory
	m.hold(8)
	for i, chunk := range m.chunks {
		if chunk[0] != 1 || chunk[len(chunk)/2] != 1 {
			t.Errorf("chunk %d is untouched", i)
		}
	}
	m.hold(2)
	if len(m.chunks) != 2 {
		t.Errorf("holding %d MiB, want 2", len(m.chunks))
	}
}

func TestRequestsThatHaveBegunAreFinishedAtTheEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun, finish := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		fmt.Fprint(w, "done")
	})
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, slow) }()

	var answer string
	var wg sync.WaitGroup
	wg.Go(func() {
		resp, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer = string(body)
	})
	<-begun
	cancel()
	close(finish)
	wg.Wait()
	if answer != "done" {
		t.Errorf("answer = %q, want %q", answer, "done")
	}
	select {
	case err := <-served:
		if err != nil {
			t.Errorf("serve = %v, want nil", err)
		}
	case <-time.After(time.Minute):
		t.Error("serve did not return")
	}
}
