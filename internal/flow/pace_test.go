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
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		call := connect(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			select {
			case <-r.Context().Done():
				ended <- r.Context().Err()
			case <-time.After(6 * hasty.Patience):
				ended <- nil
			}
		})
		call("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\ncall")
		if err := <-ended; err != nil {
			t.Errorf("the call ended with %v", err)
		}
	})
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

func TestAnAnswerMayStreamForAsLongAsItLikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call := connect(t, func(w http.ResponseWriter, _ *http.Request) {
			for i := range 5 {
				time.Sleep(hasty.Patience)
				fmt.Fprintln(w, i)
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
			}
		})
		if got := call("GET / HTTP/1.1\r\nHost: test\r\n\r\n"); got != "0\n1\n2\n3\n4\n" {
			t.Errorf("%q came", got)
		}
	})
}

// connect has a handler serve one connection within a synctest bubble, so that no busy machine decides what is
// slow. What it returns sends a request, and reads the answer to its end.
func connect(t *testing.T, h http.HandlerFunc) (call func(request string) string) {
	t.Helper()
	ours, theirs := net.Pipe()
	only := make(chan net.Conn, 1)
	only <- theirs
	server := &http.Server{Handler: Handler(hasty, h)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(piped{only}) }()
	t.Cleanup(func() {
		ours.Close()
		server.Close()
		<-ended
	})
	answers := bufio.NewReader(ours)
	return func(request string) string {
		t.Helper()
		if _, err := io.WriteString(ours, request); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(response.Body)
		if err != nil {
			t.Error(err)
		}
		return string(all)
	}
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
	synctest.Test(t, func(t *testing.T) {
		call := connect(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				time.Sleep(2 * hasty.Patience)
				return // without a word, which is an answer as well
			}
			io.WriteString(w, "here")
		})
		for _, tt := range []struct{ path, want string }{{"/", "here"}, {"/slow", ""}, {"/", "here"}} {
			if got := call("GET " + tt.path + " HTTP/1.1\r\nHost: test\r\n\r\n"); got != tt.want {
				t.Errorf("%s: %q came", tt.path, got)
			}
			time.Sleep(2 * hasty.Patience)
		}
	})
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
