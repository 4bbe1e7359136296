package iam

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/cell"
	"flyball/internal/service/iam/fault"
	"flyball/internal/state"
)

// A resource is what all that IAM keeps has alike.
type resource struct {
	Name, Path, ID string
	Created        time.Time
	Tags           map[string]string `json:",omitempty"`
}

func (r resource) name() string { return r.Name }

// key orders resources, and finds them.
func (r resource) key() string { return strings.ToLower(r.Name) }

// A row is a resource with what makes it one of its kind.
type row interface {
	name() string
	key() string
}

// A directory is what the account has of one kind of resource. Its rows are read in
// a View of the cell's state and changed in a Change of it.
type directory[T row] struct {
	rows  *state.Table[T] // by name in lower case
	quota quota
	words words
	guard func(T) error // refuses changes by users; nil allows all
}

// words are how IAM says that something is not there, and that it is.
type words struct{ missing, taken string }

// A quota is how many of something there can be, by the name that errors use
// ("IAM and AWS STS quotas").
type quota struct {
	name string
	most int
}

// admits refuses one more than the quota allows.
func (q quota) admits(count int) error {
	if count >= q.most {
		return fault.Quota(q.name, q.most)
	}
	return nil
}

// open loads a directory.
func (d *directory[T]) open(c *cell.Cell, kind string, q quota, w words) (err error) {
	d.quota, d.words = q, w
	d.rows, err = state.NewTable[T](c.State, state.Kind{Name: kind, Version: 1})
	return err
}

// get is the row with a name.
func (d *directory[T]) get(name string) (T, bool) { return d.rows.Get(strings.ToLower(name)) }

// find is the row with a name, or the error that there is none.
func (d *directory[T]) find(name *string) (T, error) {
	row, ok := d.get(aws.ToString(name))
	if !ok {
		return row, fault.NoSuchEntity(d.words.missing, aws.ToString(name))
	}
	return row, nil
}

// own is find for what users may change.
func (d *directory[T]) own(name *string) (T, error) {
	row, err := d.find(name)
	if err == nil && d.guard != nil {
		err = d.guard(row)
	}
	return row, err
}

// add adds a row with a new name.
func (d *directory[T]) add(tx *state.Tx, row T) error {
	if _, taken := d.get(row.name()); taken {
		return fault.AlreadyExists(d.words.taken, row.name())
	}
	if err := d.quota.admits(d.rows.Len()); err != nil {
		return err
	}
	d.put(tx, row)
	return nil
}

// rename puts a row that had another name.
func (d *directory[T]) rename(tx *state.Tx, before string, row T) error {
	if !strings.EqualFold(before, row.name()) {
		if _, taken := d.get(row.name()); taken {
			return fault.AlreadyExists(d.words.taken, row.name())
		}
	}
	d.rows.Delete(tx, strings.ToLower(before))
	d.put(tx, row)
	return nil
}

func (d *directory[T]) put(tx *state.Tx, row T)    { d.rows.Put(tx, row.key(), row) }
func (d *directory[T]) remove(tx *state.Tx, row T) { d.rows.Delete(tx, row.key()) }

// all are the rows in the order of their names.
func (d *directory[T]) all() []T { return d.rows.Rows("") }

// within are the rows whose paths begin with a prefix.
func within[T row](rows []T, prefix *string, path func(T) string) []T {
	if aws.ToString(prefix) == "" {
		return rows
	}
	var some []T
	for _, r := range rows {
		if strings.HasPrefix(path(r), *prefix) {
			some = append(some, r)
		}
	}
	return some
}

// change changes a row that users may change. The row is a copy: what hangs on it
// is replaced, not changed.
func change[T row](ctx context.Context, a *API, d *directory[T], name *string, f func(*T) error) error {
	return changeFound(ctx, a, d, func() (T, error) { return d.own(name) }, f)
}

// amend is change for what users may change of every row, such as its tags.
func amend[T row](ctx context.Context, a *API, d *directory[T], name *string, f func(*T) error) error {
	return changeFound(ctx, a, d, func() (T, error) { return d.find(name) }, f)
}

func changeFound[T row](ctx context.Context, a *API, d *directory[T], find func() (T, error), f func(*T) error) error {
	return a.write(ctx, func(tx *state.Tx) error {
		row, err := find()
		if err != nil {
			return err
		}
		if err := f(&row); err != nil {
			return err
		}
		d.put(tx, row)
		return nil
	})
}
