package balancer

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"flyball/internal/balancer/http1"
)

// A clientConn is a client's connection that speaks HTTP/1. It serves one request after
// the other.
type clientConn struct {
	stream
	listener *listener
	in       *http1.Reader
	out      *bufio.Writer // while there is something to be sent
	request  http1.Request
	x        exchange
	body     clientBody
	began    time.Time // when the connection was made
	busy     atomic.Int32

	keep    bool // another request may follow
	chunked bool // the body of the response is sent in chunks
	bodied  bool // the response has a body
	broken  bool // the response ends with the connection
}

// What busy says.
const (
	waiting int32 = iota // for a request, so that it may be closed
	serving
	closed
)

var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 4<<10) }}

func newClientConn(l *listener, conn net.Conn) *clientConn {
	c := &clientConn{listener: l, began: time.Now()}
	c.Conn = conn
	c.in = http1.NewReader(&c.stream)
	c.x.client = addrPort(conn.RemoteAddr())
	c.x.reply = c
	return c
}

func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	address, _ := netip.ParseAddrPort(a.String())
	return address
}

// serve serves requests until the connection ends.
func (c *clientConn) serve() {
	defer c.Close()
	for c.next() {
		if c.listener.closing.Load() || !c.busy.CompareAndSwap(serving, waiting) {
			return
		}
	}
}

// next serves one request, and says whether another one may follow.
func (c *clientConn) next() bool {
	c.idle = c.listener.plan.Load().idle
	c.touch()
	c.patience = fresh
	err := c.in.ReadRequest(&c.request)
	c.patience = endless
	p := c.listener.plan.Load() // there may be another since the connection began to wait
	if !c.busy.CompareAndSwap(waiting, serving) {
		return false
	}
	c.prepare(p)
	if err != nil {
		c.reject(err)
		return false
	}
	p.balancer.noteTraffic()
	p.serve(&c.x)
	c.finish()
	if c.broken {
		return false
	}
	if !c.keep {
		c.linger()
	}
	return c.keep
}

// prepare makes the exchange of the request that was read.
func (c *clientConn) prepare(p *plan) {
	q, x := &c.request, &c.x
	x.plan = p
	x.method, x.target, x.host, x.major = q.Method, q.Target, q.Host, 1
	x.fields, x.length, x.upgrade, x.flaw = q.Fields, q.Length, webSocket(q.Upgrade), q.Flaw
	x.request.body = nil
	c.chunked, c.bodied, c.broken = false, false, false
	c.keep = !q.Close && !q.Flaw.Ambiguous() && time.Since(c.began) < p.keepAlive
	c.body = clientBody{Body: c.in.Body(q.Framing), conn: c}
	if q.Length != 0 {
		x.request.body = &c.body
		if q.Expect {
			c.body.Before = c.proceed
		}
	}
	if x.target != "" {
		x.originForm()
	}
}

// proceed tells a client that waits with its body to send it.
func (c *clientConn) proceed() error {
	_, err := c.stream.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	return err
}

// reject answers what is no request that is served.
func (c *clientConn) reject(err error) {
	c.keep = false
	var refused *http1.Error
	switch {
	case errors.As(err, &refused):
		c.x.refuse(refused.Status)
	case errors.Is(err, os.ErrDeadlineExceeded) && c.in.Buffered() > 0:
		c.x.refuse(408)
	case errors.Is(err, io.ErrUnexpectedEOF):
		c.listener.plan.Load().balancer.counts.addStatus(400) // nobody is there to be told
	default:
		return
	}
	c.finish()
	c.linger()
}

// finish takes care of what the request and its response left.
func (c *clientConn) finish() {
	if c.out != nil {
		c.out.Reset(nil)
		writers.Put(c.out)
		c.out = nil
	}
	c.keep = c.keep && c.skip()
	p := c.x.plan
	p.balancer.counts.add(processedBytes, int64(c.request.Size)+c.body.read)
}

// skip reads what is left of the request's body, if it has come already. Only then can
// another request follow.
func (c *clientConn) skip() bool {
	for !c.body.Ended() {
		if c.body.Before != nil || c.body.Failed() || c.body.Waits() {
			return false
		}
		var unread [512]byte
		c.body.Read(unread[:])
	}
	return true
}

// linger ends a connection on which the client may still send: it reads for a moment,
// since a connection closed with something unread loses the response that is on its way
// (RFC 9112, section 9.6).
func (c *clientConn) linger() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.SetDeadline(time.Now().Add(lingerFor))
	io.CopyN(io.Discard, c.Conn, 1<<20)
}

const lingerFor = 500 * time.Millisecond

// begin implements reply.
func (c *clientConn) begin(h *head) error {
	w := writers.Get().(*bufio.Writer)
	w.Reset(countedWriter{&c.stream, &c.x})
	c.out = w
	if c.woken.Load() {
		c.rest() // what was to be stopped has ended
	}
	c.touch() // a time-out is answered, too
	if h.own {
		c.keep = c.keep && c.skip()
	}
	w.Write(c.appendHead(w.AvailableBuffer(), h))
	return nil // a bufio.Writer keeps its first error
}

// appendHead appends the head, with the framing that the client understands.
func (c *clientConn) appendHead(b []byte, h *head) []byte {
	c.bodied = c.x.method != "HEAD" && h.status >= 200 && h.status != 204 && h.status != 304
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(h.status), 10)
	b = append(b, ' ')
	b = append(b, h.reason...)
	b = append(b, "\r\n"...)
	for _, f := range h.fields {
		b = http1.AppendField(b, f.Name, f.Value)
	}
	switch {
	case !c.bodied:
		if h.stated != "" {
			b = http1.AppendField(b, "Content-Length", h.stated)
		}
	case h.length >= 0:
		b = http1.AppendFraming(b, http1.Framing{Length: h.length})
	case c.request.Minor == 1:
		c.chunked = true
		b = http1.AppendFraming(b, http1.Framing{Length: http1.Chunked})
	default:
		c.keep = false
	}
	if c.listener.closing.Load() {
		c.keep = false
	}
	switch {
	case !c.keep:
		b = http1.AppendField(b, "Connection", "close")
	case c.request.Minor == 0:
		b = http1.AppendField(b, "Connection", "keep-alive")
	}
	return append(b, "\r\n"...)
}

// Write implements reply.
func (c *clientConn) Write(p []byte) (int, error) {
	switch {
	case c.out == nil:
		return c.stream.Write(p)
	case !c.bodied || len(p) == 0:
		return len(p), nil
	case c.chunked:
		return len(p), http1.WriteChunk(c.out, p)
	}
	return c.out.Write(p)
}

func (c *clientConn) flush() error { return c.out.Flush() }

func (c *clientConn) end(trailers []http1.Field) error {
	if c.chunked {
		http1.WriteLastChunk(c.out, trailers)
	}
	return c.out.Flush()
}

func (c *clientConn) cut() {
	c.broken, c.keep = true, false
	if c.out != nil {
		c.out.Flush()
	}
	c.Close()
}

// tunnel implements reply.
func (c *clientConn) tunnel(h *head) (tunnelEnd, error) {
	c.keep, c.broken = false, true
	_, err := c.stream.Write(appendTunnelHead(nil, h))
	return tunnelEnd{stream: &c.stream, in: c.in}, err
}

func appendTunnelHead(b []byte, h *head) []byte {
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\n"...)
	for _, f := range h.fields {
		b = http1.AppendField(b, f.Name, f.Value)
	}
	return append(b, "\r\n"...)
}

// watch reads ahead while the target works: that fails when the client goes.
func (c *clientConn) watch(gone func()) (stop func()) {
	if c.x.request.body != nil && !c.body.Ended() {
		return func() {} // the body is still being read
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := c.in.Fill(); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			gone()
		}
	}()
	return func() {
		c.wake()
		<-ended
		c.rest()
	}
}

// A clientBody is the body of a request on a clientConn.
type clientBody struct {
	http1.Body
	conn *clientConn
	read int64
}

func (b *clientBody) Read(p []byte) (int, error) {
	n, err := b.Body.Read(p)
	b.read += int64(n)
	return n, err
}

func (b *clientBody) stop() {
	b.conn.wake()
}

// A countedWriter counts what is sent to the client.
type countedWriter struct {
	*stream
	x *exchange
}

func (w countedWriter) Write(p []byte) (int, error) {
	n, err := w.stream.Write(p)
	w.x.plan.balancer.counts.add(processedBytes, int64(n))
	return n, err
}
