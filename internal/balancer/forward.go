package balancer

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/balancer/http1"
)

// A forward is an action that passes requests on to the targets of a group.
type forward struct {
	groups  []weighted
	total   int // of the weights
	sticky  bool
	binding time.Duration // how long a client stays with one group
}

type weighted struct {
	*group
	weight int
	token  string
}

func (p *plan) newForward(a types.Action) action {
	f := &forward{}
	add := func(arn string, weight int) {
		f.groups = append(f.groups, weighted{p.groupOf(arn), weight, newToken(arn)})
		f.total += weight
	}
	c := a.ForwardConfig
	if c == nil || len(c.TargetGroups) == 0 {
		add(aws.ToString(a.TargetGroupArn), 1)
		return f
	}
	for _, g := range c.TargetGroups {
		weight := 1
		if g.Weight != nil {
			weight = int(*g.Weight)
		}
		add(aws.ToString(g.TargetGroupArn), weight)
	}
	if s := c.TargetGroupStickinessConfig; s != nil && aws.ToBool(s.Enabled) {
		f.sticky, f.binding = true, time.Duration(aws.ToInt32(s.DurationSeconds))*time.Second
	}
	return f
}

// serve chooses a group and a target, and passes the request on.
func (f *forward) serve(x *exchange) {
	x.back = x.back[:0]
	w := f.choose(&x.request)
	if w == nil {
		x.refuse(503)
		return
	}
	r := w.roster.Load()
	if !r.speaks(&x.request) {
		x.refuse(464)
		return
	}
	var t *target
	if r.sticky.cookie != "" {
		t = r.sticky.find(&x.request, r)
	}
	if t == nil {
		t = r.choose()
	}
	if t == nil {
		x.refuse(503)
		return
	}
	if f.sticky {
		x.back = appendCookies(x.back, groupCookie, w.token)
	}
	x.pass(r, t)
}

// choose returns a group by its weight, or the one that the client is bound to. It is
// nil when no group has a weight.
func (f *forward) choose(q *request) *weighted {
	if len(f.groups) == 1 && f.total > 0 {
		return &f.groups[0]
	}
	if f.total == 0 {
		return nil
	}
	if f.sticky {
		if w := f.bound(q); w != nil {
			return w
		}
	}
	n := rand.IntN(f.total)
	for i := range f.groups {
		if n -= f.groups[i].weight; n < 0 {
			return &f.groups[i]
		}
	}
	return nil
}

// bound returns the group that a cookie names, unless it gets no traffic any more.
func (f *forward) bound(q *request) (found *weighted) {
	tokenOf(q.fields, groupCookie, f.binding, func(token string) bool {
		for i := range f.groups {
			if w := &f.groups[i]; w.token == token && w.weight > 0 {
				found = w
			}
		}
		return found != nil
	})
	return found
}

// speaks says whether a request can be passed to targets of the group's version
// ("HTTP 464").
func (r *roster) speaks(q *request) bool {
	contentType, _ := http1.Get(q.fields, "Content-Type")
	grpc := strings.HasPrefix(contentType, "application/grpc")
	switch r.version {
	case "GRPC":
		return q.major == 2 && q.method == "POST"
	case "HTTP2":
		return q.major == 2
	default:
		return !grpc
	}
}

// An answer is the response of a target, whose head has been read.
type answer interface {
	response() *http1.Response
	io.Reader
	// Waits says whether the next Read may have to wait.
	Waits() bool
	trailers() []http1.Field
	// tunnel is the connection after a 101 response.
	tunnel() tunnelEnd
	// done ends the exchange. The connection may be used again if all went well.
	done()
}

// A failure is why there is no answer of a target.
type failure struct {
	status  int  // what the client is told; 0 when it is not there to be told
	connect bool // there was no connection
	err     error
}

func (f *failure) Error() string { return f.err.Error() }

var buffers = sync.Pool{New: func() any { b := make([]byte, 16<<10); return &b }}

// pass sends the request to a target and the answer to the client.
func (x *exchange) pass(r *roster, t *target) {
	count := t.tally.Load()
	count.requests.Add(1)
	if r.failOpen {
		count.failOpen.Add(1)
	}
	t.begin()
	defer t.end()
	a, err := x.send(r, t)
	if err != nil {
		x.fail(err, count)
		return
	}
	defer a.done()
	res := a.response()
	if class := res.Status / 100; class < len(count.classes) {
		count.classes[class].Add(1)
	}
	if res.Status == 101 {
		x.join(a)
		return
	}
	x.relay(a, x.headOf(res, r, t))
}

// send passes the request on in the protocol of the group.
func (x *exchange) send(r *roster, t *target) (answer, error) {
	if r.version != "HTTP1" {
		return x.sendStream(r, t)
	}
	return x.sendHTTP1(r, t)
}

// fail answers for a target that did not.
func (x *exchange) fail(err error, count *tally) {
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{status: 502, err: err}
	}
	if f.connect {
		count.connectionErrors.Add(1)
	}
	if f.status == 0 {
		x.plan.balancer.counts.addStatus(460)
		x.reply.cut()
		return
	}
	x.refuse(f.status)
}

// headOf is the head of the target's response as the client gets it.
func (x *exchange) headOf(res *http1.Response, r *roster, t *target) *head {
	fields := x.back
	for _, f := range res.Fields {
		if !f.Hop() {
			fields = append(fields, f)
		}
	}
	if s := r.sticky; s.cookie != "" && s.renews(res.Fields) {
		fields = appendCookies(fields, s.cookie, t.token)
	}
	fields = x.plan.response.apply(fields)
	x.back = fields
	h := &head{status: res.Status, reason: res.Reason, fields: fields, length: res.Length}
	if x.method == "HEAD" || res.Status == 304 {
		h.stated, _ = http1.Get(res.Fields, "Content-Length")
	}
	return h
}

// relay copies the answer to the client. What has come is sent on when the target
// makes the next part wait.
func (x *exchange) relay(a answer, h *head) {
	err := x.reply.begin(h)
	if err == nil && h.length != 0 && a.Waits() {
		err = x.reply.flush()
	}
	if err != nil {
		x.reply.cut()
		return
	}
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for {
		n, err := a.Read(*b)
		if n > 0 {
			if _, werr := x.reply.Write((*b)[:n]); werr != nil {
				err = werr
			} else if err == nil && a.Waits() {
				err = x.reply.flush()
			}
		}
		switch {
		case err == io.EOF:
			x.reply.end(a.trailers())
			return
		case err != nil:
			x.reply.cut()
			return
		}
	}
}
