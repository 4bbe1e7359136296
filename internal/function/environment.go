package function

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"

	"flyball/internal/task"
	"flyball/internal/task/process"
)

// A state is what an environment's runtime does, as the Runtime API sees it.
type state int

const (
	starting state = iota // it has not asked for an invocation yet
	failed                // it has told why it cannot start
	waiting               // it has asked for one
	running               // it has one
	answered              // it has answered, and not asked again
)

// String is the name that Lambda gives the state in its errors.
func (s state) String() string {
	return [...]string{"Started", "InitError", "Ready", "Running", "RuntimeResponseSentState"}[s]
}

// An environment is a task that runs a function's invocations, one at a time.
type environment struct {
	host    *Host
	fn      Function
	id      string
	layout  *layout
	kind    string // how it has come to be started
	begun   time.Time
	task    *process.Task
	gate    *gate
	log     *logWriter
	memory  meter
	storage storage
	ended   chan struct{} // closed when its processes are gone
	ready   chan struct{} // closed when it has asked for its first invocation
	refused chan struct{} // closed when it has told that it cannot start
	calls   chan *invocation
	started time.Duration // how long its start took

	// Under the host's lock.
	used        time.Time // when it became idle
	fresh       bool      // it has answered nothing yet
	provisioned bool      // it is kept, whether it is used or not

	mu       sync.Mutex
	state    state
	current  *invocation // unless it waits
	obstacle *failure    // why it could not be started, in its own words
}

// An invocation is a call that an environment answers.
type invocation struct {
	call     Call
	deadline time.Time
	done     chan struct{} // closed when the environment has answered and asked again

	answered bool
	response []byte
	failure  *failure
}

// take takes the response out of an invocation that is over.
func (v *invocation) take() []byte {
	response := v.response
	v.response = nil
	return response
}

// ask notes that the environment asks for an invocation: the one before it is over.
func (e *environment) ask() (from state, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch e.state {
	case starting:
		close(e.ready)
	case answered:
		close(e.current.done)
	case waiting: // again, since the connection was lost
	default:
		return e.state, false
	}
	e.state = waiting
	return waiting, true
}

// admits says whether the environment may answer the invocation that a request names.
func (e *environment) admits(w http.ResponseWriter, r *http.Request, to state) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.current == nil || e.current.call.RequestID != r.PathValue("id"):
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return false
	case e.state != running:
		refuseTransition(w, e.state, to)
		return false
	}
	return true
}

// answer takes what the environment answers.
func (e *environment) answer(response []byte, failure *failure) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state != running {
		return // another request was faster
	}
	e.state = answered
	v := e.current
	v.answered, v.response, v.failure = true, response, failure
}

// fail takes the reason why the environment cannot start.
func (e *environment) fail(why *failure) (from state, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state != starting {
		return e.state, false
	}
	e.state, e.obstacle = failed, why
	close(e.refused)
	return failed, true
}

// take notes that the environment has been given the invocation.
func (e *environment) take(v *invocation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current, e.state = v, running
}

// run has a waiting environment answer a call. It returns when the environment waits
// again, or will never; taken says whether it has been given the call at all.
func (e *environment) run(v *invocation) (taken bool) {
	limit := time.NewTimer(time.Until(v.deadline))
	defer limit.Stop()
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	e.calls <- v
	for {
		select {
		case <-v.done:
			return true
		case <-e.ended:
			return e.leave(v, e.why())
		case <-limit.C:
			e.end()
			e.leave(v, timeout(e.fn.Timeout))
			return true
		case <-look.C:
			if why := e.look(); why != nil {
				e.end()
				e.leave(v, why)
				return true
			}
		}
	}
}

// leave gives an invocation up that the environment will not finish. What it has answered
// already stays its answer.
func (e *environment) leave(v *invocation, why *failure) (taken bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if taken = e.current == v; taken && v.answered {
		return true
	}
	v.failure, v.answered = why, true // what comes now is too late
	e.state = failed
	return taken
}

// await returns when the environment has started, or why it could not.
func (e *environment) await(limit time.Duration) *failure {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		select {
		case <-e.ready:
			e.started = time.Since(e.begun)
			return e.limitCPU()
		case <-e.refused:
			e.end() // or it might not
			return e.why()
		case <-e.ended:
			return e.why()
		case <-timer.C:
			e.end()
			return timeout(limit)
		case <-look.C:
			if why := e.look(); why != nil {
				e.end()
				return why
			}
		}
	}
}

// lookInterval is the time between two looks at what a running environment does.
const lookInterval = 100 * time.Millisecond

// look takes what the environment has written to its log, and says why it has to end: it
// has taken more than it may have.
func (e *environment) look() *failure {
	e.log.take()
	if why := e.storage.look(e); why != nil {
		return why
	}
	if e.memory.look(e.task); e.memory.megabytes() > e.fn.Memory { // where nothing limits it
		return exited(task.Exit{Reason: task.OutOfMemory})
	}
	return nil
}

// limitCPU gives the environment its share of CPU, once it has started: until then it has
// what there is, as in Lambda.
func (e *environment) limitCPU() *failure {
	if e.host.opts.PerCPU < 0 {
		return nil
	}
	if err := e.task.LimitCPU(max(2, e.fn.Memory*1024/e.host.opts.PerCPU)); err != nil {
		select {
		case <-e.ended: // since it was ready
			return e.why()
		default:
			e.host.log.Warn("cannot limit the CPU of an environment", "function", e.fn.ARN, "error", err)
		}
	}
	return nil
}

// why is the failure of an environment that has ended.
func (e *environment) why() *failure {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.obstacle != nil {
		return e.obstacle
	}
	exits := e.task.Exits()
	if len(exits) == 0 {
		return exited(task.Exit{})
	}
	return exited(exits[0])
}

// end ends the environment's processes and removes what is kept of it.
func (e *environment) end() {
	_ = e.task.Stop(context.Background()) // which ends with the task, not before
	<-e.ended
}

// watch tells of the environment's end, and clears up after it.
func (e *environment) watch() {
	<-e.task.Done()
	close(e.ended)
	e.gate.shut()
	e.log.detach()
	if err := e.task.Remove(); err != nil {
		e.host.log.Warn("cannot delete what is kept of an environment", "function", e.fn.ARN, "error", err)
	}
	e.clear()
	e.host.gone(e)
}

// clear removes what the environment has written.
func (e *environment) clear() {
	if e.layout == nil {
		return
	}
	if err := os.RemoveAll(e.layout.own); err != nil {
		e.host.log.Warn("cannot delete what an environment has written", "function", e.fn.ARN, "error", err)
	}
}
