package iam

import (
	"strings"

	"flyball/internal/cell"
	"flyball/internal/service/iam/fault"
	"flyball/internal/state"
)

// A directory is what the account has of one kind of resource, by name. Its rows
// are read in a View of the cell's state and changed in a Change of it.
type directory[T any] struct {
	rows  *state.Table[T] // by name in lower case
	name  func(*T) string
	quota quota
	noun  string // in "The role with name web cannot be found."
}

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

func openDirectory[T any](c *cell.Cell, kind state.Kind, q quota, noun string, name func(*T) string) (*directory[T], error) {
	rows, err := state.NewTable[T](c.State, kind)
	return &directory[T]{rows: rows, name: name, quota: q, noun: noun}, err
}

// get is the row with a name.
func (d *directory[T]) get(name string) (T, bool) { return d.rows.Get(strings.ToLower(name)) }

// find is the row with a name, or the error that there is none.
func (d *directory[T]) find(name *string) (row T, err error) {
	given := ""
	if name != nil {
		given = *name
	}
	row, ok := d.get(given)
	if !ok {
		return row, fault.NotFound(d.noun, given)
	}
	return row, nil
}

// add adds a row with a new name.
func (d *directory[T]) add(tx *state.Tx, row T) error {
	if _, taken := d.get(d.name(&row)); taken {
		return fault.AlreadyExists("%s with name %s already exists.", strings.ToUpper(d.noun[:1])+d.noun[1:], d.name(&row))
	}
	if err := d.quota.admits(d.rows.Len()); err != nil {
		return err
	}
	d.put(tx, row)
	return nil
}

func (d *directory[T]) put(tx *state.Tx, row T) { d.rows.Put(tx, strings.ToLower(d.name(&row)), row) }

func (d *directory[T]) remove(tx *state.Tx, row T) { d.rows.Delete(tx, strings.ToLower(d.name(&row))) }

// all are the rows in the order of their names.
func (d *directory[T]) all() []T { return d.rows.Rows("") }
