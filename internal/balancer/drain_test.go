package balancer

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const askOnce = "GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

func statusLine(response string) string {
	line, _, _ := strings.Cut(response, "\r\n")
	return line
}

// slow answers health checks at once and others after a while.
func slow(d time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			select {
			case <-time.After(d):
			case <-r.Context().Done():
			}
		}
	})
}

func TestDraining(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration
		want  string
	}{
		"a request that ends in time":             {20 * time.Second, "HTTP/1.1 200 OK"},
		"a request that runs when the delay ends": {40 * time.Second, "HTTP/1.1 502 Bad Gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n network
				n.serve(t, "10.0.0.1:80", slow(c.takes))
				p, g := virtual(t, &n, at("10.0.0.1"))
				synctest.Wait()
				var got atomic.Pointer[string]
				go func() {
					response := ask(p, askOnce)
					got.Store(&response)
				}()
				synctest.Wait()
				g.Targets[0].DrainUntil = time.Now().Add(30 * time.Second)
				p.SetGroup(g)
				if other := statusLine(ask(p, askOnce)); other != "HTTP/1.1 503 Service Temporarily Unavailable" {
					t.Errorf("a new request while it drains: %s", other)
				}
				time.Sleep(31 * time.Second)
				synctest.Wait()
				response := got.Load()
				if response == nil {
					t.Fatal("no response yet")
				}
				if line := statusLine(*response); line != c.want {
					t.Errorf("got %s, want %s", line, c.want)
				}
			})
		})
	}
}

func TestTheLastRequestOfADrainingTargetIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		n.serve(t, "10.0.0.1:80", slow(5*time.Second))
		var told atomic.Int64
		p, g := virtual(t, &n)
		p.group(testGroup).changed = func() { told.Add(1) }
		g.Targets = []Target{at("10.0.0.1")}
		p.SetGroup(g)
		synctest.Wait()
		before := told.Load()
		go ask(p, askOnce)
		synctest.Wait()
		g.Targets[0].DrainUntil = time.Now().Add(time.Minute)
		p.SetGroup(g)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if told.Load() != before {
			t.Error("told while the request runs")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if told.Load() != before+1 {
			t.Errorf("told %d times, want once", told.Load()-before)
		}
	})
}

func TestSilentTargetsAre504(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		n.serve(t, "10.0.0.1:80", slow(2*time.Minute))
		p, _ := virtual(t, &n, at("10.0.0.1"))
		synctest.Wait()
		began := time.Now()
		if line := statusLine(ask(p, askOnce)); line != "HTTP/1.1 504 Gateway Time-out" {
			t.Errorf("got %s", line)
		}
		if took := time.Since(began).Round(time.Second); took != time.Minute {
			t.Errorf("after %v, want the idle time-out", took)
		}
	})
}

func TestClientsThatFallSilent(t *testing.T) {
	for name, c := range map[string]struct{ raw, want string }{
		"in the head":               {"GET / HTTP/1.1\r\nHost", "HTTP/1.1 408 Request Timeout"},
		"in the body":               {"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 408 Request Timeout"},
		"in a body that is sent on": {"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "HTTP/1.1 408 Request Timeout"},
		"before they say anything":  {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n network
				n.serve(t, "10.0.0.1:80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/read" {
						r.ParseForm()
						buf := make([]byte, 100)
						for {
							if _, err := r.Body.Read(buf); err != nil {
								panic(http.ErrAbortHandler)
							}
						}
					}
				}))
				p, _ := virtual(t, &n, at("10.0.0.1"))
				synctest.Wait()
				if line := statusLine(ask(p, c.raw)); line != c.want {
					t.Errorf("got %q, want %q", line, c.want)
				}
			})
		})
	}
}

// TestAHeadThatTricklesIn has a client that sends a byte of a field now and then, and one that sends all of a
// request after having been silent for long.
func TestAHeadThatTricklesIn(t *testing.T) {
	for name, c := range map[string]struct {
		begin, rest string // what is sent at once, and a byte each 9 seconds after another 9
		want        string
	}{
		"without an end":    {"GET / HTTP/1.1\r\nX: ", strings.Repeat("x", 20), "HTTP/1.1 408 Request Timeout"},
		"within a minute":   {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close", "\r\n\r\n", "HTTP/1.1 200 OK"},
		"of later requests": {"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nX: ", strings.Repeat("x", 20), "HTTP/1.1 408 Request Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n network
				n.serve(t, "10.0.0.1:80", slow(0))
				p, _ := virtual(t, &n, at("10.0.0.1"))
				synctest.Wait()
				client, server := net.Pipe()
				go newClientConn(listenerFor(p), server).serve()
				began := time.Now()
				var sender sync.WaitGroup
				sender.Go(func() {
					io.WriteString(client, c.begin)
					for i := range c.rest {
						time.Sleep(9 * time.Second)
						io.WriteString(client, c.rest[i:i+1])
					}
				})
				all, _ := io.ReadAll(client)
				last := all[max(0, strings.LastIndex(string(all), "HTTP/1.1 ")):]
				if line := statusLine(string(last)); line != c.want || time.Since(began) > 70*time.Second {
					t.Errorf("got %q after %v, want %q within 70 s", line, time.Since(began), c.want)
				}
				client.Close()
				sender.Wait()
			})
		})
	}
}

// TestASlowReaderIsNotIdle has a target that reads a long body at less than its pace for
// minutes, and a client that takes a long response in the same way.
func TestASlowReaderIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		n.serve(t, "10.0.0.1:80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			buf := make([]byte, 10_000)
			for {
				time.Sleep(20 * time.Second)
				if _, err := io.ReadFull(r.Body, buf); err != nil {
					break
				}
				if r.Context().Err() != nil {
					return
				}
			}
			for _, gap := range []time.Duration{30, 55, 55} { // longer than an old deadline leaves
				time.Sleep(gap * time.Second)
				io.WriteString(w, "a")
				w.(http.Flusher).Flush()
			}
		}))
		p, g := virtual(t, &n, at("10.0.0.1"))
		g.HealthCheckEnabled = aws.Bool(false)
		p.SetGroup(g)
		got := ask(p, "POST /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("x", 100_000))
		if statusLine(got) != "HTTP/1.1 200 OK" || !strings.HasSuffix(got, "0\r\n\r\n") {
			t.Errorf("got %q", got)
		}
	})
}

func TestAConnectionEndsAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		n.serve(t, "10.0.0.1:80", slow(0))
		p, _ := virtual(t, &n, at("10.0.0.1"))
		synctest.Wait()
		l := listenerFor(p)
		compiled := *l.plan.Load()
		compiled.keepAlive = 100 * time.Second
		l.plan.Store(&compiled)
		client, server := net.Pipe()
		defer client.Close()
		go newClientConn(l, server).serve()
		in := bufio.NewReader(client)
		for _, last := range []bool{false, false, true} {
			go io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Close != last {
				t.Errorf("a response ends the connection: %v, want %v", r.Close, last)
			}
			time.Sleep(50 * time.Second)
		}
	})
}
