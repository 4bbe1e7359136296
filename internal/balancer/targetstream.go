package balancer

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"flyball/internal/balancer/http1"
)

// newStreams makes what keeps the connections to targets that speak HTTP/2.
func newStreams(dial dialFunc) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Transport{
		Protocols: protocols, DialContext: dial, DisableCompression: true, IdleConnTimeout: maxIdleTime,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, TLSHandshakeTimeout: connectTimeout,
	}
}

// A targetStream is a request to a target that speaks HTTP/2, and its response.
type targetStream struct {
	target *target
	cancel context.CancelFunc
	fault  atomic.Pointer[failure]
	idle   *time.Timer // runs out when the target is silent
	wait   time.Duration
	http   *http.Response
	res    http1.Response
}

// sendStream passes the request on over HTTP/2.
func (x *exchange) sendStream(r *roster, t *target) (answer, error) {
	u, err := url.ParseRequestURI(x.target)
	if err != nil {
		return nil, &failure{status: 400, err: err}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &targetStream{target: t, cancel: cancel, wait: x.plan.idle}
	s.idle = time.AfterFunc(s.wait, func() { s.end(&failure{status: 504, err: errors.New("the target was silent")}) })
	if !t.run(s) {
		s.done()
		return nil, &failure{status: 502, err: net.ErrClosed}
	}
	stop := x.reply.watch(func() { s.end(&failure{err: errors.New("the client has left")}) })
	sent := time.Now()
	response, err := r.streams.RoundTrip(x.streamRequest(ctx, u, r, t, s))
	stop()
	if err != nil {
		s.done()
		return nil, s.failure(err, t.tally.Load())
	}
	t.tally.Load().latency.add(time.Since(sent))
	s.take(response)
	return s, nil
}

// streamRequest makes the request for net/http.
func (x *exchange) streamRequest(ctx context.Context, u *url.URL, r *roster, t *target, s *targetStream) *http.Request {
	scheme := "http"
	if r.secure {
		scheme = "https"
	}
	u.Scheme, u.Host = scheme, t.address.String()
	q := (&http.Request{Method: x.method, URL: u, ProtoMajor: 2, Header: http.Header{}, ContentLength: x.length}).WithContext(ctx)
	for _, f := range x.outgoing() {
		if f.Is("Host") {
			q.Host = f.Value
			continue
		}
		q.Header.Add(f.Name, f.Value)
	}
	if te, ok := http1.Get(x.fields, "TE"); ok && http1.HasToken(te, "trailers") {
		q.Header.Set("Te", "trailers")
	}
	if x.body != nil {
		q.Body = io.NopCloser(streamBody{x.body, s})
	}
	return q
}

// A streamBody keeps a stream from being taken for idle while its body is sent.
type streamBody struct {
	io.Reader
	stream *targetStream
}

func (b streamBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		b.stream.end(clientFailure(err))
	}
	b.stream.idle.Reset(b.stream.wait)
	return n, err
}

// take takes the head of the response over.
func (s *targetStream) take(response *http.Response) {
	s.http = response
	s.res.Status = response.StatusCode
	s.res.Length = response.ContentLength // -1 is http1.Chunked
	for name, values := range response.Header {
		for _, v := range values {
			s.res.Fields = append(s.res.Fields, http1.NewField(name, v))
		}
	}
}

func (s *targetStream) failure(err error, count *tally) error {
	if f := s.fault.Load(); f != nil {
		return f
	}
	f := &failure{status: 502, err: err}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		f.connect = true
		if op.Timeout() {
			f.status = 504
		}
	}
	return f
}

// end ends the exchange for a reason.
func (s *targetStream) end(f *failure) {
	s.fault.CompareAndSwap(nil, f)
	s.cancel()
}

func (s *targetStream) abort() {
	s.end(&failure{status: 502, err: errors.New("the target's time is over")})
}

func (s *targetStream) response() *http1.Response { return &s.res }

func (s *targetStream) Read(p []byte) (int, error) {
	n, err := s.http.Body.Read(p)
	s.idle.Reset(s.wait)
	return n, err
}

// Waits is not known of a stream: what has come is passed on.
func (s *targetStream) Waits() bool { return true }

func (s *targetStream) trailers() []http1.Field {
	var trailers []http1.Field
	for name, values := range s.http.Trailer {
		for _, v := range values {
			trailers = append(trailers, http1.NewField(name, v))
		}
	}
	return trailers
}

func (s *targetStream) tunnel() tunnelEnd { panic("HTTP/2 has no response 101") }

func (s *targetStream) done() {
	s.idle.Stop()
	s.target.ended(s)
	s.cancel()
	if s.http != nil {
		s.http.Body.Close()
	}
}
