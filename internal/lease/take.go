package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"flyball/internal/postgres"
)

// A sight is a lease as it was seen.
type sight struct {
	Owner
	left    time.Duration // until the holder may be declared dead
	version int           // of the schema
}

// vacant tells whether the lease may be taken.
func (s *sight) vacant() bool { return s.ID == "" || s.left <= 0 }

// sightQuery reads a lease. A holder that has no row any more is none.
const sightQuery = `SELECT l.epoch, coalesce(r.id::text, ''), coalesce(r.address, ''),
		coalesce(extract(epoch FROM r.seen + $2 * interval '1 second' - clock_timestamp()), 0)::float8, (SELECT version FROM flyball.schema)
	FROM flyball.lease l LEFT JOIN flyball.replica r ON r.id = l.holder WHERE l.scope = $1`

// look reads the lease.
func (m *Member) look(ctx context.Context) (s sight, err error) {
	return s, s.read(m.db.QueryRow(ctx, sightQuery, m.Scope, TTL.Seconds()))
}

// read takes a sight from a row, behind other columns.
func (s *sight) read(row pgx.Row, before ...any) error {
	var left float64
	err := row.Scan(append(before, &s.Epoch, &s.ID, &s.Address, &left, &s.version)...)
	s.left = time.Duration(left * float64(time.Second))
	return err
}

// lookAlive tells that this replica is alive, and reads the lease and the database's clock, in one statement: with many
// replicas there are many of these. The error is pgx.ErrNoRows where others have declared it dead.
func (m *Member) lookAlive(ctx context.Context) (now time.Time, s sight, err error) {
	const query = `WITH beat AS (UPDATE flyball.replica SET seen = clock_timestamp(), beats = beats + 1, forwarded = $4, refused = $5, waited = $6 WHERE id = $3
			RETURNING clock_timestamp() AS now)
		SELECT beat.now, sight.* FROM beat, (` + sightQuery + `) AS sight`
	err = s.read(m.db.QueryRow(ctx, query, m.Scope, TTL.Seconds(), m.ID, m.Forwarded(), m.Refused(), m.waited.Seconds()), &now)
	if s.ID == m.ID {
		s.left = TTL // what was read of its own row is from before
	}
	return now, s, err
}

// errTaken is returned where another replica was faster, or the holder is alive after all.
var errTaken = errors.New("the lease is another's")

// take takes a lease that seemed vacant, and returns it as it is then.
func (m *Member) take(ctx context.Context, seen sight) (sight, error) {
	err := m.takeAtOnce(ctx, seen)
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == "42501" && !m.meek {
		m.Log.Debug("the sessions of the replica before could not be ended", "reason", err)
		m.meek = true
		err = m.takeAtOnce(ctx, seen)
	}
	if errors.Is(err, errTaken) {
		return m.look(ctx)
	}
	if err != nil {
		return seen, fmt.Errorf("take the lease: %w", err)
	}
	if seen.ID != "" {
		m.Log.Warn("a replica has not been heard of, and its lease is taken over", "replica", seen.ID, "address", seen.Address, "epoch", seen.Epoch+1)
	}
	seen.ID, seen.Address, seen.left = m.ID, m.Address, TTL
	seen.Epoch++
	return seen, nil
}

// takeAtOnce declares the holder dead, and takes its lease, unless it has beaten meanwhile. Writes of the
// holder that are under way hold the row of the lease; so they are there before the new epoch begins, or
// are refused. What it still has open besides, such as a transaction whose rest does not come, is ended before.
//
// All of it is one message to the database, and so one transaction: each message more is a time at which a busy machine
// lets this replica wait.
func (m *Member) takeAtOnce(ctx context.Context, seen sight) error {
	batch := &pgx.Batch{}
	if seen.ID != "" {
		// Who is not allowed to end its sessions goes on without: where they are another user's, or nobody may end any.
		if !m.meek {
			batch.Queue(`SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.application_name = $1 AND pg_has_role(a.usesysid, 'USAGE')
				AND EXISTS (SELECT FROM flyball.replica r WHERE r.id = $2 AND r.seen < clock_timestamp() - $3 * interval '1 second')`,
				postgres.SessionOf(seen.ID), seen.ID, TTL.Seconds())
		}
		batch.Queue(`DELETE FROM flyball.replica WHERE id = $1 AND seen < clock_timestamp() - $2 * interval '1 second'`, seen.ID, TTL.Seconds())
	}
	taken := false
	batch.Queue(`UPDATE flyball.lease SET epoch = epoch + 1, holder = $3, since = clock_timestamp()
		WHERE scope = $1 AND epoch = $2 AND NOT EXISTS (SELECT FROM flyball.replica r WHERE r.id = lease.holder)
			AND EXISTS (SELECT FROM flyball.replica r WHERE r.id = $3)`, m.Scope, seen.Epoch, m.ID).
		Exec(func(done pgconn.CommandTag) error { taken = done.RowsAffected() > 0; return nil })
	if err := m.db.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	if !taken {
		return errTaken
	}
	return nil
}

// forget deletes the rows of replicas that have not been heard of for long.
func (m *Member) forget(ctx context.Context) error {
	_, err := m.db.Exec(ctx, `DELETE FROM flyball.replica r WHERE r.seen < clock_timestamp() - $1 * interval '1 second'
		AND NOT EXISTS (SELECT FROM flyball.lease l WHERE l.holder = r.id)`, forgetAfter.Seconds())
	return err
}
