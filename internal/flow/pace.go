// Package flow bounds what requests that are under way can cost a server: how long they
// and their answers may take to move, and the memory that they have meanwhile.
//
//	server.Handler = flow.Handler(flow.ForCalls, handler) // slow ones are cut off
//
//	bodies := flow.NewBudget(256<<20, 2*time.Second)
//	share := bodies.Share()
//	defer share.Set(0)
//	if !share.Grow(ctx, int64(len(body))) {
//		// the caller is asked to come again
//	}
package flow

import (
	"io"
	"net/http"
	"time"
)

// A Pace is how fast bodies of requests and answers have to move. One wait of the server's for
// the other side may take Patience; all together may take that, and a second more for each Rate
// bytes that have moved. Time that the server takes itself, or in which there is nothing to send, does
// not count: an answer may stream for days.
type Pace struct {
	Patience time.Duration // in real time
	Rate     int64         // bytes a second
}

// ForCalls is the pace of calls. A body of 6 MiB has six minutes to come, one of which
// nothing more comes 20 seconds.
var ForCalls = Pace{Patience: 20 * time.Second, Rate: 16 << 10}

// Handler ends the connections of requests that come too slowly, and of clients that do not
// take their answers. http.Server takes the deadline of an answer away when that has been sent.
func Handler(p Pace, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{control: *http.NewResponseController(w)}
		x.writer = writer{w, pacing{pace: p, control: &x.control, write: true}}
		if r.Body != nil && r.Body != http.NoBody {
			x.body = body{ReadCloser: r.Body, pace: pacing{pace: p, control: &x.control}}
			defer x.body.leave()
			r.Body = &x.body
		}
		next.ServeHTTP(&x.writer, r)
	})
}

// An exchange is both sides of a request, in one piece of memory.
type exchange struct {
	control http.ResponseController
	body    body
	writer  writer
}

// A pacing adds up how long one side waits for the other.
type pacing struct {
	pace    Pace
	control *http.ResponseController
	write   bool // the server is the one that sends
	waited  time.Duration
	moved   int64
	until   time.Time // the deadline of the last wait
}

// set sets a deadline. Without a connection, in tests, there is none: the errors say no more
// than that.
func (p *pacing) set(deadline time.Time) {
	if p.write {
		_ = p.control.SetWriteDeadline(deadline)
		return
	}
	_ = p.control.SetReadDeadline(deadline)
}

// leeway is how much sooner than it might a wait ends, as a share of the patience, so that a
// deadline need not be set for each of many short ones.
const leeway = 100

// begin bounds the wait that begins.
func (p *pacing) begin() time.Time {
	now := time.Now()
	bonus := time.Duration(float64(p.moved) / float64(p.pace.Rate) * float64(time.Second))
	until := now.Add(p.pace.Patience + min(bonus-p.waited, 0))
	if sooner := until.Sub(p.until); sooner < 0 || sooner > p.pace.Patience/leeway {
		p.until = until
		p.set(until)
	}
	return now
}

// end is told what has moved in the wait.
func (p *pacing) end(began time.Time, bytes int64) {
	p.waited += time.Since(began)
	p.moved += bytes
}

// A body is one of a request.
type body struct {
	io.ReadCloser
	pace  pacing
	whole bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	began := b.pace.begin()
	n, err := b.ReadCloser.Read(p)
	b.pace.end(began, int64(n))
	if err == io.EOF && !b.whole {
		b.whole = true
		b.pace.set(time.Time{}) // the answer may take as long as it likes
	}
	return n, err
}

// leftFor is how long what nobody has read of a body may take to come: the server reads some
// of it to keep the connection for the next request.
const leftFor = 2 * time.Second

// leave is for bodies that were not read to their end.
func (b *body) leave() {
	if !b.whole {
		b.pace.set(time.Now().Add(leftFor))
	}
}

// part is how much of an answer is sent in one go, in bytes: the pace is looked at between
// two.
const part = 256 << 10

// A file goes in larger parts while the other side takes them quickly.
const (
	largePart = 1 << 20
	quickly   = 100 * time.Millisecond
)

// A writer sends an answer.
type writer struct {
	http.ResponseWriter
	pace pacing
}

// Unwrap lets http.ResponseController find the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	w.pace.begin() // the header may be all that there is
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *writer) Write(p []byte) (written int, err error) {
	for {
		n := min(len(p)-written, part)
		began := w.pace.begin()
		n, err = w.ResponseWriter.Write(p[written : written+n])
		w.pace.end(began, int64(n))
		if written += n; err != nil || written == len(p) {
			return written, err
		}
	}
}

// ReadFrom implements io.ReaderFrom, by which files are sent without being read here.
func (w *writer) ReadFrom(from io.Reader) (total int64, err error) {
	whole, bounded := from.(*io.LimitedReader)
	if !bounded {
		whole = &io.LimitedReader{R: from, N: 1<<63 - 1}
	}
	size := int64(part)
	for whole.N > 0 {
		some := &io.LimitedReader{R: whole.R, N: min(whole.N, size)} // a file within one is known as such
		began := w.pace.begin()
		n, err := io.Copy(w.ResponseWriter, some)
		w.pace.end(began, n)
		total, whole.N = total+n, whole.N-n
		if err != nil || some.N > 0 {
			return total, err
		}
		if size = part; time.Since(began) < quickly {
			size = largePart
		}
	}
	return total, nil
}

// Flush implements http.Flusher.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is Flush with its error, for http.ResponseController.
func (w *writer) FlushError() error {
	began := w.pace.begin()
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.pace.end(began, 0)
	return err
}
