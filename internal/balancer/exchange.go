package balancer

import (
	"strconv"
	"time"

	"flyball/internal/balancer/http1"
)

// An exchange is one request and what comes of it.
type exchange struct {
	plan *plan
	request
	reply reply

	sent []http1.Field // to the target; kept for the next request
	back []http1.Field // to the client
}

// A reply is the way back to the client.
type reply interface {
	// begin sends the head of the response.
	begin(h *head) error
	Write(p []byte) (int, error)
	flush() error
	// end ends the body.
	end(trailers []http1.Field) error
	// cut ends the connection in the middle of a response, so that the client sees that
	// it is not whole.
	cut()
	// tunnel sends the head of a 101 response and hands the connection over.
	tunnel(h *head) (tunnelEnd, error)
	// watch calls gone when the client leaves while its target works. It returns what
	// ends the watch.
	watch(gone func()) (stop func())
}

// A head is the head of a response on its way to the client.
type head struct {
	status int
	reason string
	fields []http1.Field // without those of framing
	length int64         // of the body, as http1.Framing has it
	// stated is the length that a response without a body speaks of, to HEAD.
	stated string
	own    bool // the balancer's, and not a target's
}

// answer sends a page of the balancer's own.
func (x *exchange) answer(p page) {
	x.plan.balancer.counts.addStatus(p.status)
	h := &head{own: true, status: p.status, reason: statusText(p.status), length: int64(len(p.body))}
	h.fields = append(h.fields, http1.NewField("Server", "awselb/2.0"), http1.NewField("Date", httpDate(time.Now())))
	if p.contentType != "" && p.body != "" {
		h.fields = append(h.fields, http1.NewField("Content-Type", p.contentType))
	}
	if p.location != "" {
		h.fields = append(h.fields, http1.NewField("Location", p.location))
	}
	h.fields = x.plan.response.apply(h.fields)
	if x.method == "HEAD" {
		h.stated, h.length = strconv.Itoa(len(p.body)), 0
		p.body = ""
	}
	if x.reply.begin(h) != nil {
		return
	}
	if _, err := x.reply.Write([]byte(p.body)); err == nil {
		x.reply.end(nil)
	}
}

// refuse answers with an error of the balancer's own.
func (x *exchange) refuse(status int) { x.answer(errorPage(status)) }
