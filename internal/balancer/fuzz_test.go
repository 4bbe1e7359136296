package balancer

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A witness is a target that counts the requests that net/http reads on its
// connections.
type witness struct {
	seen atomic.Int64
	wg   sync.WaitGroup
}

func (w *witness) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	w.wg.Go(func() {
		defer server.Close()
		in := bufio.NewReader(server)
		for {
			q, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			w.seen.Add(1)
			if _, err := io.Copy(io.Discard, q.Body); err != nil {
				return
			}
			if _, err := io.WriteString(server, "HTTP/1.1 204 No Content\r\n\r\n"); err != nil {
				return
			}
		}
	})
	return client, nil
}

// FuzzConnection sends anything to a balancer, and holds that the target sees no request
// that the balancer did not mean to send.
func FuzzConnection(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 38\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding : chunked\r\n\r\n21\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n\r\n0\r\n\r\n",
		"GET http://a/b?c HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1\r\nCookie: AWSALB=x\r\nConnection: upgrade, x-amzn-trace-id\r\nUpgrade: websocket\r\n\r\n",
		"OPTIONS * HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		w := &witness{}
		p := New(Options{})
		p.dial = w.dial
		g := testTG()
		g.HealthCheckEnabled = aws.Bool(false)
		g.Targets = []Target{at("10.0.0.1")}
		p.group(testGroup).use(true, "")
		p.SetGroup(g)
		client, server := net.Pipe()
		c := newClientConn(listenerFor(p), server)
		ended := make(chan struct{})
		go func() {
			c.serve()
			close(ended)
		}()
		go io.Copy(io.Discard, client)
		client.Write(raw)
		client.Close()
		<-ended
		p.Close(t.Context())
		w.wg.Wait()
		if meant := p.group(testGroup).tallyOf("").requests.Load(); w.seen.Load() > meant {
			t.Errorf("the target saw %d requests of the %d that were sent to it", w.seen.Load(), meant)
		}
	})
}
