package sqs

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/cell"
	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/sqs/fault"
	"flyball/internal/service/sqs/rules"
	"flyball/internal/state"
)

// deletedTime is how long the name of a deleted queue cannot be used ("DeleteQueue").
const deletedTime = 60 * time.Second

// CreateQueue creates a queue, or finds the one that has the name and the same
// attributes.
func (a *API) CreateQueue(ctx context.Context, in *sqs.CreateQueueInput, _ ...func(*sqs.Options)) (*sqs.CreateQueueOutput, error) {
	name := aws.ToString(in.QueueName)
	if name == "" {
		return nil, fault.Missing("QueueName")
	}
	fifo := strings.EqualFold(in.Attributes[rules.FifoQueue], "true")
	if v, given := in.Attributes[rules.FifoQueue]; given && !fifo {
		return nil, notFIFO(v)
	}
	if err := rules.Name(name, fifo); err != nil {
		return nil, err
	}
	err := a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		if old, exists := a.rows.Get(name); exists {
			return same(old, in.Attributes)
		}
		return a.create(ctx, tx, name, fifo, in)
	})
	if err != nil {
		return nil, err
	}
	a.periodsMayHaveChanged()
	return &sqs.CreateQueueOutput{QueueUrl: a.urlOf(ctx, name)}, nil
}

// notFIFO answers a value of FifoQueue with which no queue is made.
func notFIFO(value string) error {
	if strings.EqualFold(value, "false") {
		return fault.Attribute(rules.FifoQueue)
	}
	return fault.AttributeValue(rules.FifoQueue, "")
}

// same checks that a queue has the attributes with which it is to be created.
func same(old row, given map[string]string) error {
	if _, err := rules.Merge(rules.Defaults(old.fifo()), given, old.fifo()); err != nil {
		return err
	}
	if name, is := rules.Different(old.Attributes, given); is {
		return fault.QueueExists(name)
	}
	return nil
}

func (a *API) create(ctx context.Context, tx *state.Tx, name string, fifo bool, in *sqs.CreateQueueInput) error {
	now := a.now()
	if at, ended := a.ended.Get(name); ended && now.Sub(at) < deletedTime {
		return fault.DeletedRecently()
	}
	attributes, err := rules.Merge(rules.Defaults(fifo), in.Attributes, fifo)
	if err != nil {
		return err
	}
	r := row{
		Name: name, ID: cell.NewID("q-", 32), Secret: make([]byte, 16),
		Created: now, Modified: now, Attributes: attributes,
	}
	_, _ = rand.Read(r.Secret) // it never fails
	if err := r.addTags(in.Tags); err != nil {
		return err
	}
	if err := a.checkRedrive(ctx, r); err != nil {
		return err
	}
	a.forgetEnded(tx, now)
	a.rows.Put(tx, name, r)
	return nil
}

// forgetEnded forgets the queues whose names can be used again.
func (a *API) forgetEnded(tx *state.Tx, now time.Time) {
	for _, name := range slices.Clone(a.ended.Keys("")) {
		if at, _ := a.ended.Get(name); now.Sub(at) >= deletedTime {
			a.ended.Delete(tx, name)
		}
	}
}

// DeleteQueue deletes a queue with all its messages.
func (a *API) DeleteQueue(ctx context.Context, in *sqs.DeleteQueueInput, _ ...func(*sqs.Options)) (*sqs.DeleteQueueOutput, error) {
	owner, r, err := a.at(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if owner != a {
		return nil, fault.NoQueue()
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if now, exists := a.rows.Get(r.Name); !exists || now.ID != r.ID {
			return fault.NoQueue()
		}
		a.rows.Delete(tx, r.Name)
		a.kept.Delete(tx, r.ID)
		a.ended.Put(tx, r.Name, a.now())
		tx.After(func() {
			if err := a.broker.Remove(r.ID); err != nil {
				a.cell.Log.Warn("the messages of a deleted queue could not be removed", "queue", r.Name, "reason", err)
			}
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &sqs.DeleteQueueOutput{}, nil
}

// GetQueueUrl finds a queue by its name.
func (a *API) GetQueueUrl(ctx context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	if aws.ToString(in.QueueName) == "" {
		return nil, fault.Missing("QueueName")
	}
	owner := a
	if account := aws.ToString(in.QueueOwnerAWSAccountId); account != "" && account != a.cell.Account {
		if owner = a.other(account); owner == nil {
			return nil, fault.NoQueue()
		}
	}
	r, err := owner.row(ctx, *in.QueueName)
	if err != nil {
		return nil, err
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: owner.urlOf(ctx, r.Name)}, nil
}

// mostListed is how many queues a listing has, and a page of one at most.
const mostListed = 1000

// ListQueues lists queues by their names. Without a number of results there is one page,
// and no token.
func (a *API) ListQueues(ctx context.Context, in *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	var names []string
	a.cell.State.View(ctx, func() { names = slices.Clone(a.rows.Keys(aws.ToString(in.QueueNamePrefix))) })
	names, next, err := listed(names, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &sqs.ListQueuesOutput{QueueUrls: a.urlsOf(ctx, names), NextToken: next}, nil
}

// listed is a page of names.
func listed(names []string, most *int32, token *string) ([]string, *string, error) {
	if most != nil && (*most < 1 || *most > mostListed) {
		return nil, nil, fault.Value(*most, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
	}
	names, next, err := page.Of(names, func(n string) string { return n }, token, int(optional.Or(most, mostListed)))
	if err != nil {
		return nil, nil, fault.Parameter("Invalid or expired next token.")
	}
	if most == nil {
		next = nil
	}
	return names, next, nil
}

func (a *API) urlsOf(ctx context.Context, names []string) []string {
	var urls []string
	for _, name := range names {
		urls = append(urls, *a.urlOf(ctx, name))
	}
	return urls
}

// PurgeQueue deletes the messages of a queue.
func (a *API) PurgeQueue(ctx context.Context, in *sqs.PurgeQueueInput, _ ...func(*sqs.Options)) (*sqs.PurgeQueueOutput, error) {
	owner, r, q, err := a.open(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	err = owner.change(ctx, r.Name, func(_ context.Context, r *row) error {
		now := owner.cell.Clock.Now()
		if now.Sub(r.Purged) < purgeTime {
			return fault.PurgeInProgress(r.Name)
		}
		r.Purged = now
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := state.Patiently(ctx, q.Purge); err != nil {
		return nil, closed(err)
	}
	return &sqs.PurgeQueueOutput{}, nil
}

// purgeTime is how long a queue cannot be purged again ("PurgeQueue").
const purgeTime = 60 * time.Second

// change changes what a queue is.
func (a *API) change(ctx context.Context, name string, f func(context.Context, *row) error) error {
	return a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		r, exists := a.rows.Get(name)
		if !exists {
			return fault.NoQueue()
		}
		if err := f(ctx, &r); err != nil {
			return err
		}
		a.rows.Put(tx, name, r)
		return nil
	})
}

// isDeadLetters tells whether a queue names another as that of its dead letters.
func isDeadLetters(r row, arn string) bool {
	redrive, ok := rules.ReadRedrive(r.Attributes[rules.RedrivePolicy])
	return ok && strings.EqualFold(redrive.Target, arn)
}
