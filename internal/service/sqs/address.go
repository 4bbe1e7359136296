package sqs

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/broker"
	"flyball/internal/endpoint"
	"flyball/internal/service/sqs/fault"
)

// The URL of a queue has the host that whoever asked for it used, the account and the
// name. The region is that of the call's signature, as everywhere in the server.

// urlOf is the URL of a queue for a caller.
func (a *API) urlOf(ctx context.Context, name string) *string {
	return aws.String(endpoint.URL(ctx, a.cfg.Endpoint) + "/" + a.cell.Account + "/" + name)
}

// Address is the account and the name of the queue that a URL or a path names. A name
// alone has no account.
func Address(address string) (account, name string, ok bool) {
	path := address
	if strings.Contains(address, "://") {
		u, err := url.Parse(address)
		if err != nil {
			return "", "", false
		}
		path = u.Path
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	name = parts[len(parts)-1]
	if len(parts) == 1 {
		return "", name, name != "" && path == address
	}
	account = parts[len(parts)-2]
	return account, name, len(account) == 12 && strings.Trim(account, "0123456789") == "" && name != ""
}

// at is the service whose queue a URL names, and the queue.
func (a *API) at(ctx context.Context, address *string) (*API, row, error) {
	if aws.ToString(address) == "" {
		return nil, row{}, fault.Missing("QueueUrl")
	}
	account, name, ok := Address(*address)
	switch {
	case !ok && name == "":
		return nil, row{}, fault.NoQueue()
	case !ok:
		return nil, row{}, fault.Address(*address)
	}
	owner := a
	if account != "" && account != a.cell.Account {
		if owner = a.other(account); owner == nil {
			return nil, row{}, fault.NoQueue()
		}
	}
	r, err := owner.row(ctx, name)
	return owner, r, err
}

// other is the service of another account, or nil.
func (a *API) other(account string) *API {
	if a.cfg.Account == nil {
		return nil
	}
	if owner, ok := a.cfg.Account(account); ok {
		return owner
	}
	return nil
}

// row is the queue of a name.
func (a *API) row(ctx context.Context, name string) (r row, err error) {
	found := false
	a.cell.State.View(ctx, func() { r, found = a.rows.Get(name) })
	if !found {
		return r, fault.NoQueue()
	}
	return r, nil
}

// open is the queue that a URL names, with its messages.
func (a *API) open(ctx context.Context, address *string) (*API, row, *broker.Queue, error) {
	owner, r, err := a.at(ctx, address)
	if err != nil {
		return nil, r, nil, err
	}
	q, err := owner.messages(r)
	return owner, r, q, err
}

// named is the queue that an ARN names, with its messages, in the region and whatever
// account.
func (a *API) named(ctx context.Context, arn string) (*API, row, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "sqs" || parts[3] != a.cell.Region {
		return nil, row{}, fault.NoQueue()
	}
	owner := a
	if parts[4] != a.cell.Account {
		if owner = a.other(parts[4]); owner == nil {
			return nil, row{}, fault.NoQueue()
		}
	}
	r, err := owner.row(ctx, parts[5])
	return owner, r, err
}

// closed is the answer for a queue that is deleted while it is used.
func closed(err error) error {
	if errors.Is(err, broker.ErrRemoved) {
		return fault.NoQueue()
	}
	return err
}

func (r *row) number(attribute string) int {
	n, _ := strconv.Atoi(r.Attributes[attribute])
	return n
}
