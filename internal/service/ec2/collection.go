package ec2

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/cell"
	"flyball/internal/page"
	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
	"flyball/internal/state"
)

// A resource is what all rows have.
type resource struct {
	ID   string
	Tags map[string]string `json:",omitempty"`
}

func (r *resource) base() *resource { return r }

// tagList is what a resource's Tags are in an answer.
func (r *resource) tagList() []types.Tag { return rules.TagList(r.Tags) }

// A collection is the resources of a type, by their ids.
type collection[T any, P interface {
	*T
	base() *resource
}] struct {
	rows *state.Table[T]
	kind types.ResourceType
	// What a call is told that names one that is not there: the code, and a message
	// with the id; and the code for what cannot be an id, if EC2 has one.
	code, missing, malformed string
	prefix                   string // of ids
}

func (c *collection[T, P]) open(of *cell.Cell, kind types.ResourceType, prefix, code, missing, malformed string) (err error) {
	c.kind, c.prefix, c.code, c.missing, c.malformed = kind, prefix, code, missing, malformed
	c.rows, err = state.NewTable[T](of.State, state.Kind{Name: "ec2." + string(kind), Version: 1})
	return err
}

// newID makes an id. Source: Amazon EC2 User Guide, "Resource IDs": 17 hexadecimal
// digits.
func (c *collection[T, P]) newID() string { return cell.NewID(c.prefix, idDigits) }

// find is the resource with an id.
func (c *collection[T, P]) find(id *string) (row T, err error) {
	row, ok := c.rows.Get(aws.ToString(id))
	if !ok {
		return row, c.none(aws.ToString(id))
	}
	return row, nil
}

// none is the refusal of an id that nothing has. Source: "Error codes for the Amazon EC2 API",
// where an id that is malformed has another code than one that is not found.
func (c *collection[T, P]) none(id string) error {
	digits, ours := strings.CutPrefix(id, c.prefix)
	switch {
	case c.malformed != "" && !ours:
		return fault.New(c.malformed, `Invalid id: "%s" (expecting "%s...")`, id, c.prefix)
	case c.malformed != "" && strings.Trim(digits, "0123456789abcdef") != "":
		return fault.New(c.malformed, `Invalid id: "%s"`, id)
	}
	return fault.New(c.code, c.missing, id)
}

// some are the resources that pass a test, by their ids.
func (c *collection[T, P]) some(test func(T) bool) []T {
	return slices.DeleteFunc(c.rows.Rows(""), func(row T) bool { return !test(row) })
}

// one is the resource that passes a test, if there is one.
func (c *collection[T, P]) one(test func(T) bool) (row T, ok bool) {
	if found := c.some(test); len(found) > 0 {
		return found[0], true
	}
	return row, false
}

func (c *collection[T, P]) put(tx *state.Tx, row T) { c.rows.Put(tx, P(&row).base().ID, row) }

func (c *collection[T, P]) remove(tx *state.Tx, row T) { c.rows.Delete(tx, P(&row).base().ID) }

// resourceType is the type of resource in tags and ARNs.
func (c *collection[T, P]) resourceType() types.ResourceType { return c.kind }

// owns tells whether an id has the form of those in the collection.
func (c *collection[T, P]) owns(id string) bool { return strings.HasPrefix(id, c.prefix) }

// tagged are the tags of each resource, by its id.
func (c *collection[T, P]) tagged() (all []resource) {
	for _, row := range c.rows.Rows("") {
		all = append(all, *P(&row).base())
	}
	return all
}

// look is what a resource has in common with all others, if there is one with an id.
func (c *collection[T, P]) look(id string) (resource, bool) {
	row, ok := c.rows.Get(id)
	return *P(&row).base(), ok
}

// retag changes the tags of a resource.
func (c *collection[T, P]) retag(tx *state.Tx, id string, change func(map[string]string) (map[string]string, error)) error {
	row, err := c.find(&id)
	if err != nil {
		return err
	}
	base := P(&row).base()
	if base.Tags, err = change(base.Tags); err != nil {
		return err
	}
	c.put(tx, row)
	return nil
}

// A question is what a Describe operation is asked.
type question struct {
	ids     []string
	filters []types.Filter
	most    *int32
	token   *string
	dryRun  *bool
}

// usualPage is how many resources an answer has at most.
const usualPage = 1000

// describe answers a question with resources, by their ids, and the token of the next
// page. All that were named must be there.
func describe[T any, P interface {
	*T
	base() *resource
}](ctx context.Context, a *API, c *collection[T, P], q question, fields rules.Fields[T]) (found []T, next *string, err error) {
	passes, err := rules.Tags(fields, func(row T) map[string]string { return P(&row).base().Tags }).Match(q.filters)
	if err != nil {
		return nil, nil, err
	}
	err = a.read(ctx, q.dryRun, func() error {
		if found, err = c.named(q.ids); err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(row T) bool { return !passes(row) })
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return paged(found, func(row T) string { return P(&row).base().ID }, q)
}

// named are the resources with some ids, or all of them if none are given.
func (c *collection[T, P]) named(ids []string) (found []T, err error) {
	if len(ids) == 0 {
		return c.rows.Rows(""), nil
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		row, err := c.find(&id)
		if err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, nil
}

// paged is the page of a listing that a question asks for.
func paged[T any](all []T, key func(T) string, q question) ([]T, *string, error) {
	limit, ok := page.Limit(q.most, usualPage, usualPage)
	if !ok {
		return nil, nil, fault.Invalid("Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than 0.", *q.most)
	}
	found, next, err := page.Of(all, key, q.token, limit)
	if errors.Is(err, page.ErrToken) {
		err = fault.New("InvalidNextToken", "The token '%s' is invalid", aws.ToString(q.token))
	}
	return found, next, err
}

// shown is a listing as the SDK's type has it.
func shown[T, S any](rows []T, show func(T) S) []S {
	all := make([]S, len(rows))
	for i, row := range rows {
		all[i] = show(row)
	}
	return all
}

// flag is a value of a filter.
func flag(b bool) []string {
	if b {
		return []string{"true"}
	}
	return []string{"false"}
}
