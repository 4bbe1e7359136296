package lease_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"flyball/internal/lease"
	"flyball/internal/postgres"
	"flyball/internal/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// A member is a replica that beats until it is stopped.
type member struct {
	*lease.Member
	db   *postgres.DB
	stop context.CancelFunc
	over chan error
}

func join(t testing.TB, url string, changes ...func(*lease.Options)) *member {
	t.Helper()
	id := lease.NewID()
	db, err := postgres.Open(t.Context(), url, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	o := lease.Options{Scope: "server", Address: id, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, change := range changes {
		change(&o)
	}
	m, err := lease.Join(t.Context(), db, id, o)
	if err != nil {
		t.Fatal(err)
	}
	started := &member{Member: m, db: db}
	started.run(t)
	return started
}

// run has the member beat.
func (m *member) run(t testing.TB) {
	ctx, stop := context.WithCancel(t.Context())
	m.stop, m.over = stop, make(chan error, 1)
	go func() { m.over <- m.Run(ctx) }()
	t.Cleanup(stop)
}

// silence has a member beat no more, as if it were suspended.
func (m *member) silence(t testing.TB) {
	t.Helper()
	m.stop()
	if err := <-m.over; err != nil {
		t.Errorf("a member ends with %v", err)
	}
}

// awaitHolder waits until one of the members has the lease. Never do two: one that has had it may have lost
// it before it is found with another.
func awaitHolder(t testing.TB, members ...*member) (holder *member, fence lease.Fence) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for _, m := range members {
			f, held := m.Held()
			if !held {
				continue
			}
			if holder != nil {
				if now, still := holder.Held(); still && now == fence {
					t.Fatalf("two have the lease: %+v and %+v", fence, f)
				}
			}
			holder, fence = m, f
		}
		if holder != nil {
			return holder, fence
		}
	}
	t.Fatal("nobody has the lease")
	return nil, fence
}

func without(members []*member, gone *member) (rest []*member) {
	for _, m := range members {
		if m != gone {
			rest = append(rest, m)
		}
	}
	return rest
}

func TestOneOfManyHasTheLeaseAndAnotherOneAfterIt(t *testing.T) {
	url := postgrestest.Database(t)
	var members []*member
	for range 4 {
		members = append(members, join(t, url))
	}
	first, fence := awaitHolder(t, members...)
	for _, m := range members {
		for owner, changed := m.Owner(); owner.Epoch < fence.Epoch; owner, changed = m.Owner() {
			select {
			case <-changed:
			case <-time.After(time.Minute):
				t.Fatalf("after a minute %+v is the owner to a member, and %+v has the lease", owner, fence)
			}
		}
	}
	if err := first.Resign(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, held := first.Held(); held {
		t.Error("it is held after it was given back")
	}
	// On a busy machine it may have been another one's before.
	second, next := awaitHolder(t, members...)
	if second == first || next.Epoch <= fence.Epoch {
		t.Errorf("%+v comes after %+v", next, fence)
	}
}

// A member that is not heard of loses the lease, knows so by itself before another one has it, and is told when it
// is back.
func TestASilentHolderIsDeclaredDead(t *testing.T) {
	url := postgrestest.Database(t)
	members := []*member{join(t, url), join(t, url), join(t, url)}
	first, fence := awaitHolder(t, members...)
	began := time.Now()
	first.silence(t)
	_, next := awaitHolder(t, without(members, first)...)
	t.Logf("taken over after %v", time.Since(began))
	if next.Epoch <= fence.Epoch {
		t.Errorf("epoch %d comes after %d", next.Epoch, fence.Epoch)
	}
	if _, err := first.db.Exec(t.Context(), `SELECT flyball.fence($1, $2, $3)`, fence.Scope, fence.Epoch, fence.Holder); err == nil || !strings.Contains(err.Error(), "FB001") {
		t.Errorf("its next write: %v", err)
	}
	first.run(t)
	if err := <-first.over; !errors.Is(err, lease.ErrDead) {
		t.Errorf("it is told %v", err)
	}
}

// A holder whose database was away for long goes on in its epoch, if it is the first to be back.
// The lease is taken over, too, where the database lets nobody but its administrators end sessions, as some do that
// others run.
func TestTheLeaseIsTakenOverWithoutTheRightToEndSessions(t *testing.T) {
	url := postgrestest.Database(t)
	administrator, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer administrator.Close(t.Context())
	for _, statement := range []string{
		`CREATE ROLE plain LOGIN`, `GRANT CREATE ON DATABASE ` + administrator.Config().Database + ` TO plain`, `REVOKE EXECUTE ON FUNCTION pg_terminate_backend FROM PUBLIC`,
	} {
		if _, err := administrator.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	url = strings.Replace(url, "//flyball@", "//plain@", 1)
	first := join(t, url)
	_, fence := awaitHolder(t, first)
	second := join(t, url)
	first.silence(t)
	if _, next := awaitHolder(t, second); next.Epoch <= fence.Epoch {
		t.Errorf("epoch %d comes after %d", next.Epoch, fence.Epoch)
	}
}

func TestAHolderIsNoLongerSureWhileTheDatabaseIsAway(t *testing.T) {
	cluster := postgrestest.Shared(t)
	m := join(t, postgrestest.Database(t))
	_, fence := awaitHolder(t, m)
	if err := cluster.Stop(t.Context(), "fast"); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		looked := time.Now()
		if _, held := m.Held(); !held {
			break
		}
		if looked.Sub(began) > lease.TTL {
			t.Fatal("it takes the lease for its own for longer than others do")
		}
	}
	if err := cluster.StartAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, next := awaitHolder(t, m); next != fence {
		t.Errorf("%+v comes after %+v", next, fence)
	}
}

// A member that could not do what the lease is for leaves it to others, and takes it when it can.
func TestAMemberThatIsNotReadyLeavesTheLeaseToOthers(t *testing.T) {
	url := postgrestest.Database(t)
	var ready atomic.Bool
	var asked atomic.Int64
	first := join(t, url, func(o *lease.Options) {
		o.Ready = func() bool { asked.Add(1); return ready.Load() }
	})
	deadline := time.Now().Add(time.Minute)
	for asked.Load() < 2 { // beats found a lease that nobody has
		if time.Now().After(deadline) {
			t.Fatalf("in a minute it was asked %d times whether it is ready", asked.Load())
		}
		time.Sleep(lease.Beat / 100)
	}
	if fence, held := first.Held(); held {
		t.Errorf("it has the lease: %+v", fence)
	}
	second := join(t, url)
	if holder, _ := awaitHolder(t, first, second); holder != second {
		t.Error("the one that is not ready has taken the lease")
	}
	ready.Store(true)
	if err := second.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitHolder(t, first)
}

func TestAMemberOfAnEarlierReleaseDoesNotAskForTheLease(t *testing.T) {
	url := postgrestest.Database(t)
	first := join(t, url)
	awaitHolder(t, first)
	second := join(t, url)
	if _, err := second.db.Exec(t.Context(), `UPDATE flyball.schema SET version = version + 1`); err != nil {
		t.Fatal(err)
	}
	if err := first.Resign(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * lease.Beat)
	if _, held := second.Held(); held {
		t.Error("it has the lease on a schema that it does not know")
	}
	if _, err := postgres.Open(t.Context(), url, lease.NewID()); err == nil || !errors.As(err, new(*postgres.NewerError)) || !strings.Contains(err.Error(), "use the release that made it") {
		t.Errorf("a program of an earlier release opens it: %v", err)
	}
}

// The time of a member is the database's, whatever this machine's clock shows.
func TestMembersHaveOneTime(t *testing.T) {
	url := postgrestest.Database(t)
	const off = 2 * time.Second // a beat that is answered late makes half of that time of it
	for _, m := range []*member{join(t, url), join(t, url)} {
		var before, after time.Time
		err1 := m.db.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&before)
		shown := m.Now()
		err2 := m.db.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&after)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if shown.Before(before.Add(-off)) || shown.After(after.Add(off)) {
			t.Errorf("a member shows %v between %v and %v of the database", shown, before, after)
		}
	}
}
