package lease

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Peer is one of the replicas on a database, as its last beat has told of it.
type Peer struct {
	Address, Release string
	Owner            bool          // it has the lease
	Silent           time.Duration // since its last beat
	Beats, Forwarded int64         // how often it has beaten, and how many calls it has handed on
	Refused          int64         // writes of it that were refused
	Waited           time.Duration // for the answers to its beats
}

// Peers are the replicas that are known, this one among them, by their addresses. Of two at the same address the one
// before, which was killed, is left out.
func (m *Member) Peers(ctx context.Context) ([]Peer, error) {
	const query = `SELECT DISTINCT ON (r.address) r.address, r.release, l.holder IS NOT NULL,
			extract(epoch FROM clock_timestamp() - r.seen)::float8, r.beats, r.forwarded, r.refused, r.waited
		FROM flyball.replica r LEFT JOIN flyball.lease l ON l.holder = r.id AND l.scope = $1
		ORDER BY r.address, r.seen DESC`
	rows, err := m.db.Query(ctx, query, m.Scope)
	if err != nil {
		return nil, fmt.Errorf("read which replicas there are: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Peer, err error) {
		var silent, waited float64
		err = row.Scan(&p.Address, &p.Release, &p.Owner, &silent, &p.Beats, &p.Forwarded, &p.Refused, &waited)
		p.Silent, p.Waited = time.Duration(silent*float64(time.Second)), time.Duration(waited*float64(time.Second))
		return p, err
	})
}
