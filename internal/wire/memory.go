package wire

import (
	"bytes"
	"context"
	"net/http"
	"reflect"
	"runtime"
	"time"

	"flyball/internal/flow"
)

// The memory of calls that are under way, in bytes. Bodies and what is decoded of them are
// counted as they come. Their largest, the archive of a function of Lambda, takes half of it.
const (
	bodiesMemory  = 256 << 20
	answersMemory = 64 << 20
	resultsMemory = 160 << 20 // of answers that tell of what has been done
)

// How long calls wait for it, in real time. Bodies of which each waits for what another one
// has are given up soon; answers that nobody takes are given up meanwhile.
const (
	bodiesPatience  = 5 * time.Second
	answersPatience = 10 * time.Second
)

func newBodies() *flow.Budget   { return flow.NewBudget(bodiesMemory, bodiesPatience) }
func newAnswers() *flow.Budget  { return flow.NewBudget(answersMemory, answersPatience) }
func newResults() *flow.Budget  { return flow.NewBudget(resultsMemory, answersPatience) }
func newFindings() *flow.Budget { return flow.NewBudget(findings*mostAnswer, answersPatience) }

// decode decodes a value of the call's, within what all calls may take together.
func (x *exchange) decode(r reader, p *plan, v reflect.Value) error {
	return x.h.decodeWithin(x.takeMore, x.service, r, p, v)
}

// takeMore reports whether the input may take so many bytes beside the body.
func (x *exchange) takeMore(bytes int) bool {
	x.taken = int64(bytes)
	held := x.taken
	if x.body != nil {
		held += int64(x.body.Cap())
	}
	return x.memory.Grow(x.r.Context(), held)
}

// dropBody gives the body's buffer back, which may be several times what came. A call may
// wait long for its answer, with an input that takes about as much as its body.
func (x *exchange) dropBody() {
	if x.body == nil || x.op.inPlan.streams() {
		return
	}
	x.memory.Set(int64(x.body.Len()) + x.taken)
	keep(x.body)
	x.body = nil
}

// readers are the verbs of operations that are called for their answers. Others have small
// ones, or wait for them themselves, as functions do.
var readers = []string{"BatchGet", "Describe", "Filter", "Get", "List"}

// An operation is known to have large answers once it has had one. An answer takes what was
// found, and about as much again as it is sent.
const (
	largeAnswer  = 64 << 10
	answerCopies = 2
	mostAnswer   = answersMemory / answerCopies
)

// carried is how many calls with large answers are carried out at a time, of all operations: as
// many as there are processors for. What each looks through may be many times its answer, and
// those that wait for their clients do not count.
func carried() int64 { return int64(max(8, runtime.GOMAXPROCS(0))) }

func newCarried() *flow.Budget { return flow.NewBudget(carried()*mostAnswer, answersPatience) }

// findings bounds how many calls of an operation that reads are carried out at a time whose
// answers were small so far: any of them may be the first large one.
const findings = 16

// expect waits for its turn, and until there is room for an answer as large as the largest of the operation
// so far. The call is not begun before: what it finds would take the memory. Calls with
// small answers do not wait for those that nobody takes.
func (x *exchange) expect(ctx context.Context) bool {
	if !x.op.reads {
		return true
	}
	if x.op.largest.Load() < largeAnswer {
		x.finding = x.op.findings.Share()
		if !x.finding.Grow(ctx, mostAnswer) {
			return false
		}
		if x.op.largest.Load() < largeAnswer { // not one of those before it, either
			return true
		}
		x.finding.Set(0)
	}
	x.finding = x.h.carried.Share()
	if x.finding.Grow(ctx, mostAnswer) && x.reply.Grow(ctx, answerCopies*min(x.op.largest.Load(), mostAnswer)) {
		return true
	}
	x.finding.Set(0)
	return false
}

// note counts an answer as what it takes until it is sent. One that nobody expected to be
// large is sent whether there is room or not: it is there. What a call tells of that it has done, such
// as what a function has answered, cannot be asked for again: it has room of its own, for which nobody waits.
func (x *exchange) note(answer *bytes.Buffer) {
	size := int64(answer.Len())
	if x.op != nil && !x.op.reads {
		x.reply = x.h.results.Share()
	}
	if x.op != nil && size > x.op.largest.Load() {
		x.op.largest.Store(size)
	}
	x.finding.Set(0)
	x.reply.Set(int64(answer.Cap()))
}

// throttling are the errors of services that have others than most for calls beyond what
// they serve at a time.
var throttling = map[string]fault{
	"ec2":       {code: "RequestLimitExceeded", status: http.StatusServiceUnavailable, message: "Request limit exceeded."},
	"lambda":    {code: "TooManyRequestsException", status: http.StatusTooManyRequests, message: "Rate Exceeded."},
	"scheduler": {code: "ThrottlingException", status: http.StatusTooManyRequests, message: "Rate exceeded"},
	"sqs":       {code: "RequestThrottled", query: "RequestThrottled", status: http.StatusForbidden, message: "Request is throttled."},
}

// throttled is the fault of a call for which there is no memory now. Clients come again
// by themselves.
func (s *service) throttled() *fault {
	if s != nil {
		if f, ok := throttling[s.name]; ok {
			return &f
		}
	}
	return &fault{code: "ThrottlingException", query: "Throttling", status: http.StatusBadRequest, message: "Rate exceeded"}
}
