package replica

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// What a replica tells the owner of a call that it forwards, in headers that are read of replicas alone.
const (
	clientHeader = "Flyball-Client" // the address of the caller
	localHeader  = "Flyball-Local"  // the address that the call came to
	secureHeader = "Flyball-Secure" // whether it came over TLS
	notHere      = "Flyball-Not-Owner"
)

const (
	dialTimeout = time.Second
	// mostKept is how long a call may be to be kept until it is answered, so that it can be made again.
	mostKept = 256 << 10
)

// A Forwarder makes calls to the owner on behalf of callers. Its methods may be called from several goroutines.
type Forwarder struct{ transport *http.Transport }

// NewForwarder returns one that shows an identity.
func NewForwarder(client *tls.Config) *Forwarder {
	return &Forwarder{&http.Transport{
		DialContext:     (&net.Dialer{Timeout: dialTimeout, KeepAlive: 5 * time.Second}).DialContext,
		TLSClientConfig: client, TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute,
		DisableCompression: true, // what is sent is signed
	}}
}

// Close ends idle connections.
func (f *Forwarder) Close() { f.transport.CloseIdleConnections() }

// ErrNotTaken is returned by Forward for a call that the owner has not taken: it can be made again.
var ErrNotTaken = errors.New("the replica does not take the call")

// Keep reads a call that is short into memory, so that it can be forwarded more than once.
func Keep(r *http.Request) error {
	if r.ContentLength < 0 || r.ContentLength > mostKept {
		return nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, mostKept))
	if err != nil {
		return err
	}
	r.Body = keep(body)
	return nil
}

// A kept body can be read again.
type kept struct {
	*bytes.Reader
	all []byte
}

func keep(body []byte) kept { return kept{bytes.NewReader(body), body} }

func (kept) Close() error { return nil }

// Again has a call be as it was before it was forwarded, if Keep has kept it. It is another body: who did not take the
// call may still be being sent the one before.
func Again(r *http.Request) {
	if body, ok := r.Body.(kept); ok {
		r.Body = keep(body.all)
	}
}

// Forward makes a call to a replica and passes its answer on. With an error nothing was answered; one that is
// ErrNotTaken leaves the call as it was.
func (f *Forwarder) Forward(w http.ResponseWriter, r *http.Request, to string) error {
	_, again := r.Body.(kept)
	Again(r)
	var sent atomic.Bool
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	var failure error
	proxy := httputil.ReverseProxy{
		Transport:     f.transport,
		FlushInterval: -1, // streams pass as they come
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL = &url.URL{Scheme: "https", Host: to, Path: p.In.URL.Path, RawPath: p.In.URL.RawPath, RawQuery: p.In.URL.RawQuery, ForceQuery: p.In.URL.ForceQuery}
			p.Out.Host = p.In.Host
			p.Out.Body = io.NopCloser(p.In.Body)
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				if value, there := p.In.Header[name]; there {
					p.Out.Header[name] = value // a caller may have signed it
				}
			}
			describe(p.Out.Header, p.In)
		},
		ModifyResponse: func(answer *http.Response) error {
			if answer.StatusCode == http.StatusMisdirectedRequest && answer.Header.Get(notHere) != "" {
				return ErrNotTaken
			}
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failure = err },
	}
	proxy.ServeHTTP(w, r.WithContext(ctx))
	switch {
	case failure == nil:
		return nil
	case errors.Is(failure, ErrNotTaken) && (again || r.ContentLength == 0), !sent.Load() && r.Context().Err() == nil:
		return ErrNotTaken
	case errors.Is(failure, ErrNotTaken):
		return errors.New("it was not taken, and cannot be sent again") // its body is read
	}
	return failure
}

// describe tells of a call what the owner cannot see.
func describe(h http.Header, r *http.Request) {
	h.Set(clientHeader, r.RemoteAddr)
	h.Set(secureHeader, strconv.FormatBool(r.TLS != nil))
	h.Del(localHeader)
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		h.Set(localHeader, local.String())
	}
}

// A Call is what another replica tells of a call that it forwards.
type Call struct {
	Client string // the caller's address, with its port
	Secure bool
}

// Received is what is told of a call that a replica has forwarded, and the call as its caller has made it.
func Received(r *http.Request) (Call, *http.Request) {
	c := Call{Client: r.Header.Get(clientHeader), Secure: r.Header.Get(secureHeader) == "true"}
	ctx := r.Context()
	if local, err := net.ResolveTCPAddr("tcp", r.Header.Get(localHeader)); err == nil {
		ctx = context.WithValue(ctx, http.LocalAddrContextKey, local)
	}
	r = r.WithContext(ctx)
	r.RemoteAddr = c.Client
	if !c.Secure {
		r.TLS = nil // that of the way between replicas; answers lead a caller back by its own
	}
	for _, name := range []string{clientHeader, localHeader, secureHeader} {
		r.Header.Del(name)
	}
	return c, r
}

// Refuse tells a replica that this one does not own what a call is about.
func Refuse(w http.ResponseWriter) {
	w.Header().Set(notHere, "true")
	w.WriteHeader(http.StatusMisdirectedRequest)
}
