package flow

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// hasty makes tests short: what is slow is cut off after 50 ms.
var hasty = Pace{Patience: 50 * time.Millisecond, Rate: 1 << 40}

func serve(t *testing.T, p Pace, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(Handler(p, h))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func dial(t *testing.T, addr, request string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestABodyThatDoesNotComeIsGivenUp(t *testing.T) {
	ended := make(chan error, 1)
	addr := serve(t, hasty, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		ended <- err
	})
	dial(t, addr, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n{")
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading the body ended with %v", err)
	}
}

func TestABodyThatTricklesInIsGivenUp(t *testing.T) {
	ended := make(chan error, 1)
	addr := serve(t, Pace{50 * time.Millisecond, 10_000}, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		ended <- err
	})
	conn := dial(t, addr, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n")
	go func() {
		for { // a byte each 10 ms is 100 a second
			if _, err := conn.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading the body ended with %v", err)
	}
}

func TestAnAnswerMayTakeLongerThanItsRequest(t *testing.T) {
	ended := make(chan error, 1)
	addr := serve(t, hasty, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		select {
		case <-r.Context().Done():
			ended <- r.Context().Err()
		case <-time.After(6 * hasty.Patience):
			ended <- nil
		}
	})
	response, err := http.Post("http://"+addr, "text/plain", strings.NewReader("call"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if err := <-ended; err != nil {
		t.Errorf("the call ended with %v", err)
	}
}

func TestAnAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	ended := make(chan error, 1)
	addr := serve(t, hasty, func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, 64<<20)) // more than sockets keep
		ended <- err
	})
	dial(t, addr, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("sending the answer ended with %v", err)
	}
}

// A connection within a synctest bubble, so that no busy machine decides what is slow.
func TestAnAnswerMayStreamForAsLongAsItLikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		only := make(chan net.Conn, 1)
		only <- theirs
		server := &http.Server{Handler: Handler(hasty, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for i := range 5 {
				time.Sleep(hasty.Patience)
				fmt.Fprintln(w, i)
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
			}
		}))}
		defer server.Close()
		go server.Serve(piped{only})
		if _, err := io.WriteString(ours, "GET / HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(ours), nil)
		if err != nil {
			t.Fatal(err)
		}
		if all, err := io.ReadAll(response.Body); err != nil || string(all) != "0\n1\n2\n3\n4\n" {
			t.Errorf("%q came, %v", all, err)
		}
	})
}

// piped is a listener to which connections come from a channel.
type piped struct{ conns chan net.Conn }

func (p piped) Accept() (net.Conn, error) {
	if conn, ok := <-p.conns; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p piped) Close() error {
	close(p.conns)
	return nil
}

func (p piped) Addr() net.Addr { return &net.TCPAddr{} }

func TestADeadlineEndsWithItsRequest(t *testing.T) {
	addr := serve(t, hasty, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(2 * hasty.Patience)
			return // without a word, which is an answer as well
		}
		io.WriteString(w, "here")
	})
	for _, path := range []string{"/", "/slow", "/"} { // on one connection
		response, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(path, err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}

func TestAFileIsSentWhole(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", part/8) // two parts
	path := t.TempDir() + "/file"
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := serve(t, ForCalls, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })
	response, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if all, err := io.ReadAll(response.Body); err != nil || string(all) != content {
		t.Errorf("%d of %d bytes came, %v", len(all), len(content), err)
	}
}
