package balancer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// raw sends bytes and returns all that comes back until the balancer closes.
func (b *bench) raw(request string) string {
	b.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		b.t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		b.t.Fatalf("%v after %q", err, all)
	}
	return string(all)
}

// echo answers with the body of the request while it comes.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).EnableFullDuplex()
	io.Copy(w, r.Body)
})

func TestBodiesGoThrough(t *testing.T) {
	b := newBench(t, echo)
	for _, size := range []int{0, 1, 4 << 10, 16 << 10, 16<<10 + 1, 100 << 10, 3 << 20} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, chunked %v", size, chunked), func(t *testing.T) {
				want := make([]byte, size)
				rand.Read(want)
				var body io.Reader = bytes.NewReader(want)
				if chunked {
					body = io.MultiReader(body)
				}
				r, err := http.Post(b.url, "application/octet-stream", body)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Body.Close()
				got, err := io.ReadAll(r.Body)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes came back, %v; want the same %d", len(got), err, len(want))
				}
			})
		}
	}
}

func TestTheConnectionIsUsedAgain(t *testing.T) {
	b := newBench(t, echo)
	got := b.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" +
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ndef\r\n0\r\n\r\n" +
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if strings.Count(got, "HTTP/1.1 200 OK") != 3 || !strings.Contains(got, "abc") || !strings.Contains(got, "def") {
		t.Errorf("got %q", got)
	}
}

func TestAClientThatWaitsIsToldToProceed(t *testing.T) {
	b := newBench(t, echo)
	got := b.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nabc")
	if !strings.HasPrefix(got, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n") || !strings.HasSuffix(got, "abc") {
		t.Errorf("got %q", got)
	}
}

func TestHTTP10Clients(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "a")
		w.(http.Flusher).Flush() // so that the length is not known
		io.WriteString(w, "b")
	}))
	got := b.raw("GET / HTTP/1.0\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 200 OK") || !strings.HasSuffix(got, "\r\n\r\nab") || strings.Contains(got, "chunked") {
		t.Errorf("got %q", got)
	}
}

func TestHeadResponsesKeepTheirLength(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1234")
	}))
	got := b.raw("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if !strings.Contains(got, "Content-Length: 1234\r\n") || !strings.HasSuffix(got, "\r\n\r\n") {
		t.Errorf("got %q", got)
	}
}

func TestTrailersOfResponses(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
	}))
	got := b.raw("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if !strings.HasSuffix(got, "1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n") {
		t.Errorf("got %q", got)
	}
}

func TestWhatComesIsPassedOnAtOnce(t *testing.T) {
	more := make(chan struct{})
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/events" {
			return
		}
		io.WriteString(w, "first\n")
		w.(http.Flusher).Flush()
		<-more
		io.WriteString(w, "second\n")
	}))
	r, err := http.Get(b.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	lines := bufio.NewReader(r.Body)
	if line, err := lines.ReadString('\n'); line != "first\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	close(more)
	if line, err := lines.ReadString('\n'); line != "second\n" {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestATargetMayAnswerBeforeTheBodyEnds(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			http.NewResponseController(w).EnableFullDuplex()
			http.Error(w, "too much", http.StatusRequestEntityTooLarge)
		}
	}))
	got := b.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc")
	if !strings.HasPrefix(got, "HTTP/1.1 413 ") {
		t.Errorf("got %q", got)
	}
}

func TestRequestsThatAreNotServed(t *testing.T) {
	b := newBench(t, echo)
	for name, c := range map[string]struct {
		raw  string
		want int
	}{
		"malformed":           {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
		"TRACE":               {"TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405},
		"CONNECT":             {"CONNECT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400},
		"a long request line": {"GET /" + strings.Repeat("a", 17<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
		"too many addresses":  {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: " + strings.Repeat("1.1.1.1,", 30) + "1.1.1.1\r\n\r\n", 463},
		"gRPC to HTTP/1.1":    {"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\nContent-Type: application/grpc\r\n\r\n", 464},
		"an encoding":         {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
		"a version":           {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505},
		"a malformed chunk":   {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.raw(c.raw)
			want := fmt.Sprintf("HTTP/1.1 %d %s\r\nServer: awselb/2.0\r\n", c.want, statusText(c.want))
			if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, html(c.want)) || !strings.Contains(got, "Connection: close\r\n") {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestNothingIsSmuggled sends requests with a second one hidden in them. The target must
// see one request at most, and the client one response.
func TestNothingIsSmuggled(t *testing.T) {
	var seen atomic.Int64
	var paths sync.Map
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") != userAgent {
			seen.Add(1)
			paths.Store(r.URL.Path, true)
		}
		io.Copy(w, r.Body)
	}))
	const hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, c := range map[string]struct {
		raw  string
		want string // in the first line of the response
	}{
		"CL.TE":                   {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 38\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, "200"},
		"TE.CL":                   {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n21\r\n" + hidden + "\r\n0\r\n\r\n", "200"},
		"TE.TE with a space":      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding : chunked\r\n\r\n21\r\n" + hidden + "\r\n0\r\n\r\n", "400"},
		"TE.TE with a fold":       {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding:\r\n chunked\r\n\r\n21\r\n" + hidden + "\r\n0\r\n\r\n", "400"},
		"TE.TE with a second one": {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + hidden, "400"},
		"an underscore":           {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer_Encoding: chunked\r\n\r\n21\r\n" + hidden, "400"},
		"two lengths":             {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 33\r\n\r\n" + hidden, "400"},
		"one length twice":        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n" + hidden, "200"},
		"GET with a body":         {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 33\r\n\r\n" + hidden, "200"},
		"a bare line feed":        {"POST / HTTP/1.1\r\nHost: x\r\nA: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, "400"},
		"a target with a newline": {"GET /a%0d%0a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n" + hidden, "200"},
	} {
		t.Run(name, func(t *testing.T) {
			seen.Store(0)
			got := b.raw(c.raw)
			if strings.Count(got, "HTTP/1.1 ") != 1 || !strings.HasPrefix(got, "HTTP/1.1 "+c.want) {
				t.Errorf("got %q", got)
			}
			if _, ok := paths.Load("/hidden"); ok || seen.Load() > 1 {
				t.Errorf("the target saw %d requests, the hidden one: %v", seen.Load(), ok)
			}
		})
	}
}

// TestWhatHTTP2LetsThroughIsChecked has what net/http takes for requests, and what
// targets would read as others.
func TestWhatHTTP2LetsThroughIsChecked(t *testing.T) {
	b := newBench(t, echo)
	b.waitHealthy(1)
	for name, c := range map[string]struct {
		method, target, host string
		header               http.Header
		want                 int
	}{
		"a request":                           {"GET", "/a", "x", nil, 200},
		"the host a second time":              {"GET", "/", "x", http.Header{"Host": {"x"}}, 200},
		"another host":                        {"GET", "/", "x", http.Header{"Host": {"y"}}, 400},
		"a space in the path":                 {"GET", "/a HTTP/1.1", "x", nil, 400},
		"a fragment":                          {"GET", "/a#b", "x", nil, 400},
		"a path in the method":                {"GET /a HTTP/1.1", "/", "x", nil, 400},
		"a space in the host":                 {"GET", "/", "x y", nil, 400},
		"a path in the host":                  {"GET", "/", "x/y", nil, 400},
		"a name that normalizes to another":   {"GET", "/", "x", http.Header{"Transfer_encoding": {"chunked"}}, 400},
		"a length that normalizes to another": {"GET", "/", "x", http.Header{"Content_length": {"5"}}, 400},
		"CONNECT":                             {"CONNECT", "x:80", "x:80", nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.ProtoMajor, r.Method, r.RequestURI, r.Host = 2, c.method, c.target, c.host
			maps.Copy(r.Header, c.header)
			w := httptest.NewRecorder()
			b.Handler(testBalancer).ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("%d, want %d: %s", w.Code, c.want, w.Body)
			}
		})
	}
}

func TestAConnectionIsKeptAfterABodyThatNobodyRead(t *testing.T) {
	b := newBench(t)
	const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
	got := b.raw(post + strings.Replace(post, "Host", "Connection: close\r\nHost", 1))
	if strings.Count(got, "HTTP/1.1 503 ") != 2 {
		t.Errorf("got %q", got)
	}
}

func TestDesyncMitigation(t *testing.T) {
	b := newBench(t, echo)
	const ambiguous = "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"
	const acceptable = "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	for mode, want := range map[string]string{
		"defensive": "HTTP/1.1 200 OK",
		"monitor":   "HTTP/1.1 200 OK",
		"strictest": "HTTP/1.1 400 Bad Request",
	} {
		t.Run(mode, func(t *testing.T) {
			b.lb.Attributes["routing.http.desync_mitigation_mode"] = mode
			b.apply()
			for _, raw := range []string{ambiguous, acceptable} {
				if got := statusLine(b.raw(raw)); got != want {
					t.Errorf("%q: %s, want %s", raw, got, want)
				}
			}
		})
	}
}

func TestTargetsThatFail(t *testing.T) {
	listen := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go serve(c)
			}
		}()
		return l.Addr().String()
	}
	says := func(response string) func(net.Conn) {
		return func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, response)
			c.Close()
		}
	}
	for name, address := range map[string]string{
		"not there":                 "127.0.0.1:1",
		"closes":                    listen(func(c net.Conn) { c.Close() }),
		"closes after the request":  listen(says("")),
		"says something else":       listen(says("SSH-2.0-OpenSSH\r\n\r\n")),
		"has a header without end":  listen(says("HTTP/1.1 200 OK\r\nA: b\r\n")),
		"has too long a head":       listen(says("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 33<<10) + "\r\n\r\n")),
		"has a length that is none": listen(says("HTTP/1.1 200 OK\r\nContent-Length: 1,1\r\n\r\na")),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.addTarget(address)
			b.apply()
			if status, body := b.get("/"); status != 502 || body != html(502) {
				t.Errorf("got %d, %q", status, body)
			}
		})
	}
	t.Run("ends while a client still sends", func(t *testing.T) {
		b := newBench(t)
		b.addTarget(listen(says("")))
		b.apply()
		got := b.raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc")
		if line := statusLine(got); line != "HTTP/1.1 502 Bad Gateway" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("ends in the middle of a body", func(t *testing.T) {
		b := newBench(t)
		b.addTarget(listen(says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")))
		b.apply()
		r, err := http.Get(b.url)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if body, err := io.ReadAll(r.Body); err == nil {
			t.Errorf("got %q as if it were whole", body)
		}
	})
}

// TestStaleConnectionsAreNoErrors has a target that closes each connection after one
// response without saying so.
func TestStaleConnectionsAreNoErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				c.Read(make([]byte, 4096))
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				c.Close()
			}()
		}
	}()
	b := newBench(t)
	b.addTarget(l.Addr().String())
	b.apply()
	for i := range 200 {
		if status, _ := b.get("/"); status != 200 {
			t.Fatalf("request %d: %d", i, status)
		}
	}
}

func TestAClientThatLeavesEndsItsRequest(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	b := newBench(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			close(began)
			<-r.Context().Done()
			close(ended)
		}
	}))
	ctx, leave := context.WithCancel(t.Context())
	q, _ := http.NewRequestWithContext(ctx, "GET", b.url+"/wait", nil)
	go http.DefaultClient.Do(q)
	<-began
	leave()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the target still works for nobody")
	}
}

func TestWebSockets(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Connection") != "Upgrade" {
			return
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nhello\n")
		io.Copy(conn, buffered)
	}))
	handler := httptest.NewServer(b.Handler(testBalancer))
	defer handler.Close()
	for name, url := range map[string]string{"its listener": b.url, "the handler": handler.URL} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly\n")
			in := bufio.NewReader(conn)
			r, err := http.ReadResponse(in, nil)
			if err != nil || r.StatusCode != 101 || r.Header.Get("Sec-WebSocket-Accept") != "x" {
				t.Fatalf("%v, %v", r, err)
			}
			io.WriteString(conn, "later\n")
			for _, want := range []string{"hello\n", "early\n", "later\n"} {
				if line, err := in.ReadString('\n'); line != want {
					t.Fatalf("got %q, %v; want %q", line, err, want)
				}
			}
		})
	}
}

func TestOtherChangesOfProtocolAreNotPassedOn(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q %q", r.Header["Upgrade"], r.Header["Connection"])
	}))
	got := b.raw("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
	if !strings.HasSuffix(got, "[] []") {
		t.Errorf("got %q", got)
	}
}

// secured makes the bench's listener an HTTPS one, and returns a client that speaks
// HTTP/2 to it.
func (b *bench) secured() *http.Client {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	certificate := server.TLS.Certificates[0]
	server.Close()
	b.options.Certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil }
	b.lb.Listeners[0].Protocol = types.ProtocolEnumHttps
	b.lb.Listeners[0].Port = aws.Int32(int32(freePort(b.t)))
	b.apply()
	b.url = strings.Replace(b.url, "http://", "https://", 1)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
}

func TestHTTPSListeners(t *testing.T) {
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.ProtoMajor, r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Amzn-Tls-Version"))
	}))
	b.lb.Attributes["routing.http.x_amzn_tls_version_and_cipher_suite.enabled"] = "true"
	for name, want := range map[string]string{"true": "HTTP/2.0", "false": "HTTP/1.1"} {
		t.Run("HTTP/2 "+name, func(t *testing.T) {
			b.lb.Attributes["routing.http2.enabled"] = name
			r, err := b.secured().Get(b.url)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			body, _ := io.ReadAll(r.Body)
			if r.Proto != want || string(body) != "1httpsTLS 1.3" {
				t.Errorf("%s, %q", r.Proto, body)
			}
		})
	}
}

// h2c serves a handler as HTTP/2 without TLS.
func h2c(t *testing.T, h http.Handler) string {
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestTargetsThatSpeakHTTP2(t *testing.T) {
	address := h2c(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Grpc-Status")
		fmt.Fprintf(w, "%d %s %s ", r.ProtoMajor, r.Host, r.URL)
		io.Copy(w, r.Body)
		w.Header().Set("Grpc-Status", "12")
	}))
	for _, version := range []string{"HTTP2", "GRPC"} {
		t.Run(version, func(t *testing.T) {
			b := newBench(t)
			b.group.ProtocolVersion = aws.String(version)
			if version == "GRPC" {
				b.group.Matcher = &types.Matcher{GrpcCode: aws.String("12")}
			}
			b.addTarget(address)
			client := b.secured()
			b.waitHealthy(1)
			r, err := client.Post(b.url+"/a?b", "application/grpc", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			body, err := io.ReadAll(r.Body)
			host := strings.TrimPrefix(b.url, "https://")
			host, _, _ = strings.Cut(host, ":")
			if want := "2 " + host + " /a?b body"; string(body) != want || r.Trailer.Get("Grpc-Status") != "12" {
				t.Errorf("got %q, %v, trailers %v; want %q", body, err, r.Trailer, want)
			}
			b.lb.Listeners[0].Protocol = types.ProtocolEnumHttp
			b.lb.Listeners[0].Port = aws.Int32(int32(freePort(t)))
			b.apply()
			if status, _ := b.get("/"); status != 464 {
				t.Errorf("HTTP/1.1: %d, want 464", status)
			}
		})
	}
}

// TestStreamsGoBothWays has a client and a target that answer each other in one request.
func TestStreamsGoBothWays(t *testing.T) {
	answers := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		in := bufio.NewReader(r.Body)
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			io.WriteString(w, "got "+line)
			w.(http.Flusher).Flush()
		}
	})
	for name, c := range map[string]struct{ version, address string }{
		"HTTP/2 to HTTP/2": {"GRPC", h2c(t, answers)},
		"HTTP/2 to HTTP/1": {"HTTP1", serveTarget(t, answers)},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.group.ProtocolVersion = &c.version
			b.group.HealthCheckEnabled = aws.Bool(false)
			b.addTarget(c.address)
			client := b.secured()
			body, out := io.Pipe()
			defer out.Close()
			r, err := client.Post(b.url, "application/octet-stream", body)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			in := bufio.NewReader(r.Body)
			for _, line := range []string{"a\n", "b\n"} {
				io.WriteString(out, line)
				if got, err := in.ReadString('\n'); got != "got "+line {
					t.Fatalf("got %q, %v", got, err)
				}
			}
		})
	}
}

func TestTargetsWithTLS(t *testing.T) {
	s := httptest.NewTLSServer(named("secret"))
	defer s.Close()
	b := newBench(t)
	b.group.Protocol, b.group.HealthCheckProtocol = types.ProtocolEnumHttps, types.ProtocolEnumHttps
	b.addTarget(s.Listener.Addr().String())
	b.apply()
	b.waitHealthy(1)
	for range 3 {
		if status, body := b.get("/"); status != 200 || body != "secret" {
			t.Errorf("%d, %q", status, body)
		}
	}
}
