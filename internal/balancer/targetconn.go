package balancer

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"flyball/internal/balancer/http1"
)

const (
	connectTimeout = 10 * time.Second
	// maxIdleTime is how long a connection to a target is kept without a request.
	maxIdleTime = time.Minute
)

// dialer makes connections to targets. It holds constants only.
var dialer = net.Dialer{Timeout: connectTimeout}

// A targetConn is a connection to a target that speaks HTTP/1.1, with the response
// that is read from it.
type targetConn struct {
	stream
	target *target
	count  *tally
	raw    net.Conn // under TLS
	in     *http1.Reader
	res    http1.Response
	body   http1.Body
	out    []byte
	since  time.Time // when it became idle
	reused bool
	x      *exchange

	upload  chan error // the end of a request's body that is sent meanwhile
	failed  bool       // to send the body
	waiting bool       // for the head of the response
	fault   atomic.Pointer[failure]
	closed  atomic.Bool
	unwatch func()
}

// connect makes a connection.
func connect(r *roster, t *target, idle time.Duration) (*targetConn, error) {
	conn, err := t.group.dial(context.Background(), "tcp", t.address.String())
	if err != nil {
		status := 502
		if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
			status = 504
		}
		return nil, &failure{status: status, connect: true, err: err}
	}
	c := &targetConn{target: t, count: t.tally.Load(), raw: conn}
	c.Conn = conn
	if r.secure {
		if c.Conn, err = handshake(conn); err != nil {
			conn.Close()
			c.count.tlsErrors.Add(1)
			return nil, &failure{status: 502, err: err}
		}
	}
	c.idle, c.glance = idle, c.watch
	c.in = http1.NewReader(&c.stream)
	if !t.run(c) {
		conn.Close()
		return nil, &failure{status: 502, err: net.ErrClosed}
	}
	c.count.connections.Add(1)
	return c, nil
}

// handshake does not look at certificates: AWS does not either ("Target groups for your
// Application Load Balancers").
func handshake(conn net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	return secure, secure.HandshakeContext(ctx)
}

// Close closes the connection, once.
func (c *targetConn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.count.connections.Add(-1)
	}
	return c.stream.Close()
}

// usable says whether a connection that was idle still is one. One that was used a
// moment ago is asked only if it has to be sure, since that takes a system call.
func (c *targetConn) usable(sure bool) bool {
	if c.in.Buffered() > 0 {
		return false // a response that nobody asked for
	}
	return !sure && time.Since(c.since) < askAfter || alive(c.raw)
}

const askAfter = 10 * time.Millisecond

// send writes the request and reads the head of the response.
func (c *targetConn) send(x *exchange, short *shortBody) error {
	c.x, c.upload, c.failed, c.body = x, nil, false, http1.Body{}
	c.idle = x.plan.idle
	c.waiting = true
	c.appendRequest(short)
	if n, err := c.Write(c.out); err != nil {
		if n == 0 {
			err = errors.Join(errUnsent, err)
		}
		return c.blame(errors.Join(errUnanswered, err))
	}
	if x.body != nil && short == nil {
		c.upload = make(chan error, 1)
		go func() { c.upload <- c.sendBody() }()
	}
	sent := time.Now()
	err := c.readHead()
	c.endWatch()
	if err != nil {
		return c.blame(err)
	}
	c.count.latency.add(time.Since(sent))
	c.body = c.in.Body(c.res.Framing)
	return nil
}

// appendRequest makes the bytes of the request's head and of a short body.
func (c *targetConn) appendRequest(short *shortBody) {
	x := c.x
	b := append(c.out[:0], x.method...)
	b = append(b, ' ')
	b = append(b, x.target...)
	b = append(b, " HTTP/1.1\r\n"...)
	for _, f := range x.outgoing() {
		b = http1.AppendField(b, f.Name, f.Value)
	}
	if x.body != nil || x.method == "POST" || x.method == "PUT" || x.method == "PATCH" {
		b = http1.AppendFraming(b, http1.Framing{Length: x.length})
	}
	if x.upgrade != "" {
		b = http1.AppendField(b, "Connection", "Upgrade")
		b = http1.AppendField(b, "Upgrade", x.upgrade)
	} else if x.flaw.Ambiguous() {
		b = http1.AppendField(b, "Connection", "close")
	}
	b = append(b, "\r\n"...)
	if short != nil {
		b = append(b, short.bytes...)
	}
	c.out = b
}

// readHead reads the head of the response, past those that are only on the way to it.
func (c *targetConn) readHead() error {
	for {
		err := c.in.ReadResponse(&c.res, c.x.method)
		if err != nil {
			if c.in.Buffered() == 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
				return errors.Join(errUnanswered, err)
			}
			return err
		}
		if c.res.Status == 101 && c.x.upgrade == "" {
			return errors.New("a change of protocol that nobody asked for")
		}
		if c.res.Status >= 200 || c.res.Status == 101 {
			return nil
		}
	}
}

// blame finds out whether it was the client that did not do its part.
func (c *targetConn) blame(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && c.upload != nil {
		c.uploaded(time.After(lingerFor)) // the client's time-out is as long
	}
	if f := c.fault.Load(); f != nil {
		return f
	}
	return err
}

// sendBody sends the body of the request while the response may come already. That the
// client fails ends the connection, and with it the wait for a response.
func (c *targetConn) sendBody() error {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	w := writers.Get().(*bufio.Writer)
	w.Reset(&c.stream)
	defer func() {
		w.Reset(nil) // so that it holds no connection
		writers.Put(w)
	}()
	x := c.x
	for {
		n, err := x.body.Read(*b)
		switch {
		case n == 0:
		case x.length < 0:
			http1.WriteChunk(w, (*b)[:n])
		default:
			w.Write((*b)[:n])
		}
		switch {
		case err == io.EOF && x.length < 0:
			http1.WriteLastChunk(w, nil)
			return w.Flush()
		case err == io.EOF:
			return w.Flush()
		case err != nil:
			c.fault.CompareAndSwap(nil, clientFailure(err))
			c.Close()
			return err
		case x.body.Waits():
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
}

// uploaded says whether the body has been sent, or does not go on being sent.
func (c *targetConn) uploaded(wait <-chan time.Time) bool {
	if c.upload == nil {
		return true
	}
	select {
	case err := <-c.upload:
		c.upload, c.failed = nil, c.failed || err != nil
		return true
	default:
	}
	if wait == nil {
		return false
	}
	select {
	case err := <-c.upload:
		c.upload, c.failed = nil, c.failed || err != nil
		return true
	case <-wait:
		return false
	}
}

// watch looks after the client while the target keeps it waiting.
func (c *targetConn) watch() {
	if c.waiting && c.unwatch == nil && c.uploaded(nil) {
		c.unwatch = c.x.reply.watch(c.abandon)
	}
}

func (c *targetConn) endWatch() {
	c.waiting = false
	if c.unwatch != nil {
		c.unwatch()
		c.unwatch = nil
	}
}

// abandon ends the exchange of a client that has left.
func (c *targetConn) abandon() {
	c.fault.CompareAndSwap(nil, &failure{err: errors.New("the client has left")})
	c.Close()
}

// abort implements running.
func (c *targetConn) abort() {
	c.fault.CompareAndSwap(nil, &failure{status: 502, err: errors.New("the target's time is over")})
	c.Close()
}

func (c *targetConn) response() *http1.Response  { return &c.res }
func (c *targetConn) Read(p []byte) (int, error) { return c.body.Read(p) }
func (c *targetConn) Waits() bool                { return c.body.Waits() }
func (c *targetConn) trailers() []http1.Field    { return c.body.Trailers }
func (c *targetConn) tunnel() tunnelEnd          { return tunnelEnd{&c.stream, c.in} }

// done implements answer. A target may answer before it has got the whole body; what
// is left of it may go on for a moment.
func (c *targetConn) done() {
	c.endWatch()
	if c.upload != nil && !(c.body.Ended() && c.uploaded(time.After(lingerFor))) {
		c.x.body.stop()
		c.Close()
		<-c.upload
		c.failed = true
	}
	again := c.body.Ended() && !c.failed && !c.res.Close && c.res.Status != 101 && !c.x.flaw.Ambiguous() && c.fault.Load() == nil
	c.x = nil
	if again {
		c.reused = true
		c.target.keep(c)
		return
	}
	c.target.ended(c)
	c.Close()
}
