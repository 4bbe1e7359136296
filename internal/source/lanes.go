package source

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// lanesEach is how many calls of one source are under way at a time. A Prometheus answers 20 together, unless it was
// told otherwise, and others ask it, too.
const lanesEach = 16

// lanes are the calls of one reading of a source: some at a time, and none any more once as many in a row
// had no answer. Each of these may have taken as long as an answer may.
type lanes struct {
	all  sync.WaitGroup
	room chan struct{}
	vain atomic.Int32 // calls in a row that had no answer
}

// run makes a call when there is room, or skips it and says why. What the call returns is its error.
func (l *lanes) run(call func() error, skip func(error)) {
	if l.room == nil {
		l.room = make(chan struct{}, lanesEach)
	}
	l.room <- struct{}{}
	if n := l.vain.Load(); n >= lanesEach {
		<-l.room
		skip(fmt.Errorf("it was not asked, since %d calls before it had no answer from there", n))
		return
	}
	l.all.Go(func() {
		defer func() { <-l.room }()
		if err := call(); isSilent(err) {
			l.vain.Add(1)
		} else {
			l.vain.Store(0)
		}
	})
}

// wait returns when all calls have ended.
func (l *lanes) wait() { l.all.Wait() }

// silent is that nobody answered, for whatever reason.
type silent struct{ error }

// Unwrap is the reason.
func (s silent) Unwrap() error { return s.error }

func isSilent(err error) bool { return errors.As(err, new(silent)) }
