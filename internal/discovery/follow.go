package discovery

import (
	"context"
	"sync/atomic"
	"time"
)

// A Follower knows where a subject answers, and looks again from time to time.
type Follower struct {
	finder   Finder
	subject  Subject
	interval time.Duration
	place    atomic.Pointer[Place]
	err      atomic.Pointer[error] // of the last look
}

// Follow finds a subject, and looks for it again each interval until ctx ends.
func (f Finder) Follow(ctx context.Context, s Subject, interval time.Duration) (*Follower, error) {
	w := &Follower{finder: f, subject: s, interval: interval}
	if err := w.look(ctx); err != nil {
		return nil, err
	}
	go w.follow(ctx)
	return w, nil
}

// Place is where the subject answered when it was last looked at.
func (w *Follower) Place() Place { return *w.place.Load() }

// Err is why the last look did not succeed; nil if it did.
func (w *Follower) Err() error {
	if err := w.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (w *Follower) follow(ctx context.Context) {
	ticker := time.NewTicker(w.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			w.err.Store(&err)
		} else {
			w.err.Store(nil)
		}
	}
}

// look looks again. What was known stays known if that fails.
func (w *Follower) look(ctx context.Context) error {
	known := w.place.Load()
	if known != nil && known.fixed {
		return w.lookAtService(ctx, *known)
	}
	if known != nil { // the service behind a target group stays
		w.subject.Cluster, w.subject.Service = known.Cluster, known.Service
	}
	place, err := w.finder.Find(ctx, w.subject)
	if err != nil {
		return err
	}
	w.place.Store(&place)
	return nil
}

// lookAtService looks at the tasks behind a load balancer, which itself stays where it is.
func (w *Follower) lookAtService(ctx context.Context, place Place) error {
	if place.Service == "" {
		return nil
	}
	service, err := w.finder.describe(ctx, place.Cluster, place.Service)
	if err != nil {
		return err
	}
	place.of(service, place.Cluster)
	w.place.Store(&place)
	return nil
}
