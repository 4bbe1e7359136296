package operator

import (
	"maps"
	"reflect"
	"sync"
	"time"

	"flyball/internal/control"
	"flyball/scaling"
)

// standings are how targets stand, by what the host has told of them.
type standings struct {
	mu  sync.Mutex
	all map[scaling.ResourceID]standing
}

// A standing is what was told of a target last.
type standing struct {
	unable   string // why its capacity cannot be looked at, or that it is not there; "": it can
	missing  bool   // it is not there
	blind    string // why a metric cannot be read
	refused  string // why what is remembered cannot be read, or written
	held     string // why a scale-in is held back
	paused   string // why nothing is done, as what is scaled is marked
	decision *scaling.Decision
	activity *scaling.Activity // that was told last
	scaled   time.Time         // when the capacity was set last

	forecasts map[string]forecast // of predictive policies, by name; not changed
}

func newStandings() *standings { return &standings{all: map[scaling.ResourceID]standing{}} }

func (s *standings) of(id scaling.ResourceID) standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[id]
}

func (s *standings) drop(id scaling.ResourceID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
}

// note takes over a record.
func (s *standings) note(r control.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[r.Target] = s.all[r.Target].after(r)
}

// after is what becomes of a standing with a record.
func (s standing) after(r control.Record) standing {
	if r.Decision != nil {
		s.decision = r.Decision
	}
	if a := r.Activity; a != nil {
		s.activity = a
		if a.Status == scaling.InProgress || a.Status == scaling.Successful {
			s.scaled = a.Start
		}
	}
	if f := r.Forecast; f != nil {
		all := maps.Clone(s.forecasts)
		if all == nil {
			all = map[string]forecast{}
		}
		all[f.Policy] = all[f.Policy].after(r)
		s.forecasts = all
	}
	switch r.Event {
	case control.Blind:
		s.blind = r.Reason
	case control.Sighted:
		s.blind = ""
	case control.Unseen, control.Unkept:
		s.unable, s.missing = r.Reason, false
	case control.Missing:
		s.unable, s.missing = r.Reason, true
	case control.Found, control.Kept:
		s.unable, s.missing = "", false
	case control.Refused:
		s.refused = r.Reason
	case control.Taken:
		s.refused, s.held = "", ""
	case control.Paused:
		s.paused = r.Reason
	case control.Resumed:
		s.paused = ""
	case control.Held:
		s.held = r.Reason
	case control.Decided:
		s.held = ""
	}
	return s
}

// silent reports whether nothing was told.
func (s standing) silent() bool { return reflect.ValueOf(s).IsZero() }
