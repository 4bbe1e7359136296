package balancer

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"flyball/internal/balancer/http1"
)

// A handlerReply is the way back to a client whose connection net/http serves: one that
// speaks HTTP/2, or one that came by another address.
type handlerReply struct {
	w       http.ResponseWriter
	request *http.Request
	begun   bool
	x       *exchange
}

// serveHTTP serves a request that net/http has read.
func (p *plan) serveHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{plan: p}
	x.reply = &handlerReply{w: w, request: r, x: x}
	x.method, x.target, x.host, x.major = r.Method, r.RequestURI, r.Host, r.ProtoMajor
	x.length, x.tls = r.ContentLength, r.TLS
	x.client = addrPort(textAddress(r.RemoteAddr))
	size := len(x.method) + len(x.target)
	for name, values := range r.Header {
		for _, v := range values {
			if name == "Host" && v == r.Host {
				continue // HTTP/2 may say it twice
			}
			x.fields = append(x.fields, http1.NewField(name, v))
			size += len(name) + len(v)
		}
	}
	if r.ProtoMajor == 1 {
		http.NewResponseController(w).EnableFullDuplex() // a target may answer early
	}
	if r.ContentLength != 0 {
		x.body = &handlerBody{ReadCloser: r.Body, p: p}
	}
	if r.ProtoMajor == 1 && http1.HasToken(r.Header.Get("Connection"), "upgrade") {
		x.upgrade = webSocket(r.Header.Get("Upgrade"))
	}
	p.balancer.noteTraffic()
	p.balancer.counts.add(processedBytes, int64(size))
	if http1.Check(x.method, x.target, x.host, x.fields) != nil {
		x.refuse(http.StatusBadRequest)
		return
	}
	x.originForm()
	p.serve(x)
}

// A textAddress is the address of a client as net/http gives it.
type textAddress string

func (a textAddress) Network() string { return "tcp" }
func (a textAddress) String() string  { return string(a) }

func (r *handlerReply) begin(h *head) error {
	r.begun = true
	header := r.w.Header()
	for _, f := range h.fields {
		header.Add(f.Name, f.Value)
	}
	switch {
	case h.stated != "":
		header.Set("Content-Length", h.stated)
	case h.length >= 0 && h.status != 204 && h.status != 304 && r.request.Method != "HEAD":
		header["Content-Length"] = []string{strconv.FormatInt(h.length, 10)}
	}
	if _, dated := header["Date"]; !dated {
		header["Date"] = nil // the target's, or none
	}
	if _, typed := header["Content-Type"]; !typed {
		header["Content-Type"] = nil // nothing is guessed
	}
	r.w.WriteHeader(h.status)
	return nil
}

func (r *handlerReply) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.w.Write(p)
	r.x.plan.balancer.counts.add(processedBytes, int64(n))
	return n, err
}

func (r *handlerReply) flush() error { return http.NewResponseController(r.w).Flush() }

func (r *handlerReply) end(trailers []http1.Field) error {
	for _, f := range trailers {
		r.w.Header().Add(http.TrailerPrefix+f.Name, f.Value)
	}
	return nil
}

func (r *handlerReply) cut() { panic(http.ErrAbortHandler) }

// tunnel implements reply.
func (r *handlerReply) tunnel(h *head) (tunnelEnd, error) {
	conn, buffered, err := http.NewResponseController(r.w).Hijack()
	if err != nil {
		return tunnelEnd{}, err
	}
	s := &stream{Conn: conn, idle: r.x.plan.idle}
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	rest := io.MultiReader(strings.NewReader(string(early)), s)
	s.touch()
	_, err = s.Write(appendTunnelHead(nil, h))
	return tunnelEnd{stream: s, in: http1.NewReader(rest)}, err
}

// watch implements reply: net/http says when the client has gone.
func (r *handlerReply) watch(gone func()) (stop func()) {
	ended := make(chan struct{})
	go func() {
		select {
		case <-r.request.Context().Done():
			gone()
		case <-ended:
		}
	}()
	return func() { close(ended) }
}

// A handlerBody is the body of a request that net/http reads.
type handlerBody struct {
	io.ReadCloser
	p *plan
}

func (b *handlerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.p.balancer.counts.add(processedBytes, int64(n))
	return n, err
}

// Waits is not known: what has come is passed on.
func (b *handlerBody) Waits() bool { return true }

func (b *handlerBody) stop() { b.Close() }
