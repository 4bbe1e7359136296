package store

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgtype"
)

const (
	// mostAhead is how many documents of a kind are read ahead. A kind that has more is asked for.
	mostAhead = 5000
	// largestAhead is how many bytes a document may have for its kind to be read ahead.
	largestAhead = 16 << 10
)

// An ahead is documents that were read before anybody has asked for them. The kinds in it are known as a whole.
type ahead struct {
	mu      sync.Mutex
	kinds   map[string][]document // in the order of keys; nil: nothing was read ahead
	unknown map[string]bool       // kinds that are not known as a whole
}

// A document is one as it is in the database.
type document struct {
	key   string
	value []byte
	sum   int64
}

// aheadQuery reads up to $1 documents of each kind, without the values that are longer than $2. It goes from one kind to the
// next by the index.
const aheadQuery = `WITH RECURSIVE kinds AS (
		SELECT min(kind) AS kind FROM flyball.document
		UNION ALL SELECT (SELECT min(d.kind) FROM flyball.document d WHERE d.kind > k.kind) FROM kinds k WHERE k.kind IS NOT NULL)
	SELECT k.kind, d.key, d.value, d.sum FROM kinds k CROSS JOIN LATERAL (
		SELECT key, CASE WHEN octet_length(value) <= $2 THEN value END AS value, sum
		FROM flyball.document WHERE kind = k.kind ORDER BY key LIMIT $1) d
	WHERE k.kind <> ALL($3::text[])`

// ReadAhead reads, in one statement, what a start asks for kind by kind and region by region: each question is a way to the
// database and back, which takes its time on a busy machine or to one that is far away. What it has read answers questions until done is
// called. Kinds that are long are asked for all the same, as are those that are named.
func (s *Postgres) ReadAhead(ctx context.Context, except ...string) (done func(), err error) {
	var kinds map[string][]document
	unknown := map[string]bool{}
	if except == nil {
		except = []string{}
	}
	for _, kind := range except {
		unknown[kind] = true
	}
	err = s.again(func() error {
		kinds = map[string][]document{}
		rows, err := s.db.Query(ctx, aheadQuery, mostAhead+1, largestAhead, except)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var kind string
			var key, value pgtype.DriverBytes
			var d document
			if err := rows.Scan(&kind, &key, &value, &d.sum); err != nil {
				return err
			}
			if unknown[kind] {
				continue
			}
			if value == nil || len(kinds[kind]) == mostAhead {
				unknown[kind] = true
				delete(kinds, kind)
				continue
			}
			d.key, d.value = string(key), slices.Clone(value)
			kinds[kind] = append(kinds[kind], d)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	s.ahead.set(kinds, unknown)
	return func() { s.ahead.set(nil, nil) }, nil
}

func (a *ahead) set(kinds map[string][]document, unknown map[string]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kinds, a.unknown = kinds, unknown
}

// forget has the kinds of changes be asked for again, before the changes are made.
func (a *ahead) forget(changes []change) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kinds == nil {
		return
	}
	for i := range changes {
		a.unknown[changes[i].kind] = true
		delete(a.kinds, changes[i].kind)
	}
}

// of is all documents of a kind, in order, and whether they are known.
func (a *ahead) of(kind string) (all []document, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kinds == nil || a.unknown[kind] {
		return nil, false
	}
	return a.kinds[kind], true
}

// place is where a document with a key is, or would be.
func place(all []document, key string) (at int, found bool) {
	return slices.BinarySearchFunc(all, key, func(d document, key string) int { return strings.Compare(d.key, key) })
}

// find is a document of a kind that is known, or nil.
func find(all []document, key string) *document {
	if i, found := place(all, key); found {
		return &all[i]
	}
	return nil
}

// within are the documents of a range, in its order.
func within(all []document, r Range) []document {
	from, _ := place(all, r.From)
	to := len(all)
	if r.To != "" {
		to, _ = place(all, r.To)
	}
	part := all[from:max(from, to)]
	if r.Reverse {
		part = slices.Clone(part)
		slices.Reverse(part)
	}
	return part
}
