package console

import (
	"context"
	"sync"
	"time"

	"flyball/internal/status"
)

// fresh is for how long a state that was read is shown to the same visitors again, in real time:
// many pages of one do not cost more than one.
const fresh = time.Second

// mostSnapshots bounds how many are kept.
const mostSnapshots = 100

// snapshots are the newest states, each by whom it was read for.
type snapshots struct {
	mu  sync.Mutex
	all map[snapshotKey]*snapshot
}

type snapshotKey struct{ access, account, region string }

// A snapshot is a state that is being read, or was.
type snapshot struct {
	mu    sync.Mutex
	state *status.Status
	at    time.Time
}

func newSnapshots() *snapshots { return &snapshots{all: map[snapshotKey]*snapshot{}} }

// of is the state that a visitor sees. It must not be changed.
func (s *snapshots) of(ctx context.Context, v Visitor) (*status.Status, error) {
	one := s.find(snapshotKey{v.Key, v.Account, v.Region})
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.state != nil && time.Since(one.at) < fresh {
		return one.state, nil
	}
	state, err := status.Read(ctx, v.Client)
	if err != nil {
		return nil, err
	}
	one.state, one.at = state, time.Now()
	return state, nil
}

// forget has what is shown next be read anew: something was changed.
func (s *snapshots) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.all)
}

func (s *snapshots) find(key snapshotKey) *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.all[key]
	if one == nil {
		if len(s.all) >= mostSnapshots {
			clear(s.all)
		}
		one = &snapshot{}
		s.all[key] = one
	}
	return one
}
