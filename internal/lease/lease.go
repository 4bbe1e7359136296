// Package lease says which of the replicas of a server owns what: a lease in PostgreSQL, with an epoch that
// grows with each owner.
//
//	m, err := lease.Join(ctx, db, lease.Options{Scope: "server", Address: address})
//	go m.Run(ctx)
//	fence, held := m.Held() // the epoch that each write checks, see Fence
//	owner := m.Owner()      // who has it, where it is reached
//
// A replica beats: once a second it writes the database's time into its row. A lease is its holder's as long
// as that row is there. A replica that has not beaten for TTL may be declared dead by another one, which
// deletes its row and takes its lease in one transaction. So either a beat comes first, and nobody takes
// the lease, or the beat finds no row, and the replica knows that it has nothing any more.
//
// No two replicas need the same time. A row's age is told by the database's clock, and a replica counts by
// its own, from before it beat, how long it may take the lease for its own; that clock is not set by anybody.
package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"flyball/internal/postgres"
)

const (
	// TTL is how long a replica that does not beat keeps its lease.
	TTL = 5 * time.Second
	// Beat is from one beat to the next.
	Beat = time.Second
	// trust is how long after the beginning of a beat its replica takes the lease for its own. What is left
	// of TTL is for clocks that run at different speeds.
	trust = TTL * 9 / 10
	// answerTime is how long a beat waits for the database.
	answerTime = 2 * time.Second
	// apartBy is within which time those who wait for a lease ask for it.
	apartBy = 40 * time.Millisecond
	// forgetAfter is when the row of a replica is deleted that owns nothing.
	forgetAfter = time.Minute
)

// ErrDead is returned to a replica that others have declared dead: it begins anew.
var ErrDead = errors.New("this replica did not reach the database for too long, and others count on it no more")

// Options say what is leased, and by whom.
type Options struct {
	Scope   string // what the lease is of
	Address string // where other replicas reach this one
	Release string
	// Ready tells whether this replica could do now what the lease is for. It does not ask for the lease while it
	// could not; nil: always.
	Ready func() bool
	// Forwarded is how many calls this replica has handed on, which it tells the others; nil: none.
	Forwarded func() int64
	// Refused is how many writes of this replica were refused, since another one had the lease; nil: none.
	Refused func() int64
	Wall    func() time.Time // this machine's clock, of which it is told if it is wrong; nil: time.Now
	Log     *slog.Logger
}

// A Fence is the right to write, until the epoch is over.
type Fence struct {
	Scope  string
	Epoch  int64
	Holder string
}

// An Owner is who has the lease.
type Owner struct {
	ID, Address string
	Epoch       int64
}

// A Member is one replica. Its methods may be called from several goroutines.
type Member struct {
	Options
	ID string
	db *postgres.DB

	beating sync.Mutex    // held by one beat, or by who gives the lease back; taken before mu
	newer   bool          // the schema is one of a later release; only beats use it
	waited  time.Duration // for answers to beats; only they use it
	meek    bool          // the database lets this replica end no sessions; only beats use it

	mu      sync.Mutex
	owner   Owner         // as the last beat saw it; zero: nobody
	until   time.Duration // by boot: how long the lease is certainly this member's
	follow  time.Duration // by boot: the lease is not asked for until then
	changed chan struct{} // closed when the owner has changed
	wall    wall
}

// Join makes a replica known. It has no lease yet.
func Join(ctx context.Context, db *postgres.DB, id string, o Options) (*Member, error) {
	m := &Member{Options: o, ID: id, db: db, changed: make(chan struct{})}
	if m.Wall == nil {
		m.Wall = time.Now
	}
	if m.Ready == nil {
		m.Ready = func() bool { return true }
	}
	if m.Forwarded == nil {
		m.Forwarded = func() int64 { return 0 }
	}
	if m.Refused == nil {
		m.Refused = func() int64 { return 0 }
	}
	began := sinceBoot()
	var now time.Time
	err := db.QueryRow(ctx, `INSERT INTO flyball.replica (id, address, release, seen)
		VALUES ($1, $2, $3, clock_timestamp()) RETURNING clock_timestamp()`, m.ID, o.Address, o.Release).Scan(&now)
	if err != nil {
		return nil, fmt.Errorf("join the other replicas: %w", err)
	}
	m.tellWall(m.wall.set(now, began, sinceBoot()))
	_, err = db.Exec(ctx, `INSERT INTO flyball.lease (scope, epoch, since) VALUES ($1, 0, clock_timestamp()) ON CONFLICT DO NOTHING`, o.Scope)
	return m, err
}

// NewID names a replica.
func NewID() string { return uuid.NewString() }

// Held is the fence of the lease, and whether the lease is certainly this member's at this moment.
func (m *Member) Held() (Fence, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Fence{m.Scope, m.owner.Epoch, m.ID}, m.owner.ID == m.ID && sinceBoot() < m.until
}

// Owner is who has the lease, as far as is known; the zero Owner is nobody. Changed is closed when it has
// changed.
func (m *Member) Owner() (owner Owner, changed <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.owner, m.changed
}

// Now is the time of the database's clock, which is that of all replicas.
func (m *Member) Now() time.Time { return m.wall.now() }

// Run beats until the context ends, or others have declared this replica dead. Then what it had is not
// its own any more.
func (m *Member) Run(ctx context.Context) error {
	defer m.set(Owner{}, 0)
	next := time.NewTimer(0)
	defer next.Stop()
	silent := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		wait, err := m.beat(ctx)
		switch {
		case errors.Is(err, ErrDead):
			return err
		case err != nil && ctx.Err() == nil && !silent:
			m.Log.Warn("the database does not answer; calls wait until it does", "reason", err)
		case err == nil && silent:
			m.Log.Info("the database answers again")
		}
		silent = err != nil
		next.Reset(wait)
	}
}

// beat tells that this replica is alive, sees who has the lease, and takes it if nobody does. The next beat
// is due after a while.
func (m *Member) beat(ctx context.Context) (next time.Duration, err error) {
	m.beating.Lock()
	defer m.beating.Unlock()
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	began := sinceBoot()
	now, seen, err := m.lookAlive(ctx)
	m.waited += sinceBoot() - began
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, ErrDead
	}
	if err != nil {
		return Beat / 4, err
	}
	m.tellWall(m.wall.set(now, began, sinceBoot()))
	if m.knows(seen.version) && seen.vacant() && m.asks() {
		if seen, err = m.take(ctx, seen); err != nil {
			return Beat / 4, err
		}
	}
	owner := seen.Owner
	if seen.vacant() {
		owner = Owner{Epoch: seen.Epoch}
	}
	m.set(owner, began+trust)
	if owner.ID != m.ID && owner.ID != "" {
		// The moment at which the holder may be declared dead is not missed by a whole beat, nor met by all at once.
		return min(Beat, max(seen.left, 0)+10*time.Millisecond+rand.N(apartBy)), nil
	}
	return Beat, m.forget(ctx)
}

// set notes who has the lease, and until when that is certain if it is this member.
func (m *Member) set(owner Owner, until time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.until = until
	if owner == m.owner {
		return
	}
	m.owner = owner
	close(m.changed)
	m.changed = make(chan struct{})
}

// knows tells whether this program knows the schema of a version, and says once if it does not.
func (m *Member) knows(version int) bool {
	newer := version > postgres.Version
	if newer && !m.newer {
		m.Log.Warn("a later release has brought the schema of the database to a version that this one does not know: it asks for no lease any more, and forwards calls once another replica answers them; upgrade it",
			"version", version, "known", postgres.Version)
	}
	m.newer = newer
	return !newer
}

// asks tells whether this replica takes a lease that nobody has.
func (m *Member) asks() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return sinceBoot() >= m.follow && m.Ready()
}

// Resign gives the lease back, and does not ask for it again for a while, so that another replica has it.
func (m *Member) Resign(ctx context.Context, pause time.Duration) error {
	m.beating.Lock()
	defer m.beating.Unlock()
	m.mu.Lock()
	epoch, held := m.owner.Epoch, m.owner.ID == m.ID
	m.follow = sinceBoot() + pause
	m.mu.Unlock()
	m.set(Owner{Epoch: epoch}, 0)
	if !held {
		return nil
	}
	_, err := m.db.Exec(ctx, `UPDATE flyball.lease SET holder = NULL, since = clock_timestamp() WHERE scope = $1 AND epoch = $2 AND holder = $3`, m.Scope, epoch, m.ID)
	return err
}

// Leave gives back what the replica has, and has the others forget it.
func (m *Member) Leave(ctx context.Context) error {
	err := m.Resign(ctx, TTL)
	_, gone := m.db.Exec(ctx, `DELETE FROM flyball.replica WHERE id = $1`, m.ID)
	return errors.Join(err, gone)
}
