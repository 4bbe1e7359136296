// Package tuning runs searches of package tune in the server's own process, started and stopped by
// calls. A search ends with the server, and is not kept over a restart.
package tuning

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"flyball/internal/tune"
)

// Bounds of searches, which take processor time from tasks beside them.
const (
	MostAtOnce     = 2
	MostCandidates = 1000
	mostKept       = 8 // after their end
)

// An Owner is who searches, and where.
type Owner struct{ Key, Account, Region string }

// A State is how far a search is.
type State string

// The states.
const (
	Running State = "running"
	Ended   State = "ended"
	Stopped State = "stopped" // before all candidates were tried
	Failed  State = "failed"
)

// A View is what is known of a search.
type View struct {
	ID      string
	State   State
	Problem string // why it failed
	Subject tune.Subject
	Began   time.Time   // in real time
	Tried   int         // candidates
	Of      int         // that are tried
	Best    *tune.Trial // so far, on the part that the search sees; nil: none yet
	Report  tune.Report // once it has ended
}

// Runs reports whether it goes on.
func (v View) Runs() bool { return v.State == Running }

// A BusyError is that of a search for which there is no room.
type BusyError struct{}

func (BusyError) Error() string {
	return fmt.Sprintf("%d searches run already, which is the most at a time: stop one, or wait for its end", MostAtOnce)
}

// Searches are those that run, and the newest that have.
type Searches struct {
	begun context.Context
	end   context.CancelFunc
	group sync.WaitGroup

	mu  sync.Mutex
	all []*search // oldest first
}

type search struct {
	owner   Owner
	stop    context.CancelFunc
	stopped bool
	view    View
	changed chan struct{} // closed at the next change
}

// New returns no searches yet.
func New() *Searches {
	s := &Searches{}
	s.begun, s.end = context.WithCancel(context.Background())
	return s
}

// Close ends all searches, and waits for their end. None begins any more: a call may be under way that
// starts one.
func (s *Searches) Close() {
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	s.group.Wait()
}

// ErrClosed is returned for searches that are started when the server ends.
var ErrClosed = errors.New("the server is ending")

// Start begins a search. The report says what is known of it before.
func (s *Searches) Start(o Owner, p tune.Problem, r tune.Report) (View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun.Err() != nil {
		return View{}, ErrClosed
	}
	running := 0
	for _, one := range s.all {
		if one.view.Runs() {
			running++
		}
	}
	if running >= MostAtOnce {
		return View{}, BusyError{}
	}
	s.forget()
	ctx, stop := context.WithCancel(s.begun)
	one := &search{
		owner: o, stop: stop, changed: make(chan struct{}),
		view: View{ID: rand.Text()[:12], State: Running, Subject: p.Subject, Began: time.Now().UTC(), Of: p.Candidates},
	}
	s.all = append(s.all, one)
	p.Workers = 1
	p.Progress = func(done int, best *tune.Trial) {
		s.change(one, func(v *View) { v.Tried, v.Best = done, best })
	}
	s.group.Go(func() { s.run(ctx, one, p, r) })
	return one.view, nil
}

// forget drops the oldest that have ended.
func (s *Searches) forget() {
	ended := 0
	for _, one := range slices.Backward(s.all) {
		if !one.view.Runs() {
			ended++
		}
	}
	s.all = slices.DeleteFunc(s.all, func(one *search) bool {
		drop := !one.view.Runs() && ended >= mostKept
		if drop {
			ended--
		}
		return drop
	})
}

// run searches, and checks what was found. One that is stopped tells of the best so far.
func (s *Searches) run(ctx context.Context, one *search, p tune.Problem, r tune.Report) {
	defer one.stop()
	out, err := tune.Search(ctx, p)
	if err == nil {
		err = r.Complete(s.begun, p, out) // which a stop does not end
	}
	s.change(one, func(v *View) {
		switch {
		case err != nil:
			v.State, v.Problem = Failed, err.Error()
		case one.stopped:
			v.State, v.Report = Stopped, r
		default:
			v.State, v.Report = Ended, r
		}
	})
}

// change changes what is known, and tells those who follow.
func (s *Searches) change(one *search, f func(*View)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&one.view)
	close(one.changed)
	one.changed = make(chan struct{})
}

func (s *Searches) find(o Owner, id string) *search {
	i := slices.IndexFunc(s.all, func(one *search) bool { return one.owner == o && one.view.ID == id })
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// Find is a search of somebody.
func (s *Searches) Find(o Owner, id string) (View, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.find(o, id); one != nil {
		return one.view, true
	}
	return View{}, false
}

// List are the searches of somebody about a resource, newest first.
func (s *Searches) List(o Owner, resource string) (all []View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range slices.Backward(s.all) {
		if one.owner == o && one.view.Subject.ResourceID == resource {
			all = append(all, one.view)
		}
	}
	return all
}

// Stop ends a search, which keeps the best so far.
func (s *Searches) Stop(o Owner, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.find(o, id)
	if one == nil {
		return false
	}
	one.stopped = one.view.Runs()
	one.stop()
	return true
}

// Follow tells of a search whenever it has changed, first of how it is, until it has ended, the
// context has, or the function returns an error.
func (s *Searches) Follow(ctx context.Context, o Owner, id string, tell func(View) error) error {
	for {
		s.mu.Lock()
		one := s.find(o, id)
		var view View
		var changed chan struct{}
		if one != nil {
			view, changed = one.view, one.changed
		}
		s.mu.Unlock()
		if one == nil {
			return nil
		}
		if err := tell(view); err != nil || !view.Runs() {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.begun.Done():
			return s.begun.Err()
		}
	}
}
