package balancer

import "flyball/internal/balancer/http1"

// A tunnelEnd is one end of a connection that no longer speaks HTTP.
type tunnelEnd struct {
	*stream
	in *http1.Reader // with what has been read already
}

func (e tunnelEnd) Read(p []byte) (int, error) { return e.in.Read(p) }

// join connects client and target after a change of protocol, until either goes or
// nothing came from both for the idle time-out.
func (x *exchange) join(a answer) {
	back := a.tunnel()
	h := &head{status: 101, fields: x.back}
	for _, f := range a.response().Fields {
		if !f.Hop() || f.Is("Upgrade") || f.Is("Connection") {
			h.fields = append(h.fields, f)
		}
	}
	front, err := x.reply.tunnel(h)
	if err != nil {
		x.reply.cut()
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		x.carry(back, front)
	}()
	x.carry(front, back)
	<-ended
}

// carry copies what comes from one end to the other. When that ends, for whatever
// reason, both do: half of a tunnel is of no use to WebSockets.
func (x *exchange) carry(to, from tunnelEnd) {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for {
		n, err := from.Read(*b)
		if n > 0 {
			to.touch()
			x.plan.balancer.counts.add(processedBytes, int64(n))
			if _, werr := to.Write((*b)[:n]); werr != nil {
				err = werr
			}
			from.touch()
		}
		if err != nil {
			break
		}
	}
	to.Close()
	from.Close()
}
