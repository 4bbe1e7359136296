package events

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/events/fault"
	"flyball/internal/state"
)

// A bus is a row, and its document. The default bus is there without one.
type bus struct {
	Name        string
	Description string                  `json:",omitempty"`
	Key         string                  `json:",omitempty"` // KmsKeyIdentifier
	DeadLetter  *types.DeadLetterConfig `json:",omitempty"`
	Log         *types.LogConfig        `json:",omitempty"`
	Policy      string                  `json:",omitempty"`
	Tags        map[string]string       `json:",omitempty"`
	Created     time.Time
	Modified    time.Time
}

// Quotas of an account in a region, and of a page ("Amazon EventBridge quotas").
const (
	defaultBus  = "default"
	mostBuses   = 100
	mostRules   = 300 // of a bus
	mostTargets = 5   // of a rule
	mostPage    = 100
)

func (a *API) busARN(name string) string { return a.cell.ARN("events", "event-bus/"+name) }

// busName is the name of a bus that is given by its name, by its ARN in this cell, or not
// at all.
func (a *API) busName(given *string) (string, error) {
	name := aws.ToString(given)
	switch {
	case name == "":
		return defaultBus, nil
	case !strings.HasPrefix(name, "arn:"):
		return name, nil
	}
	resource, ok := a.cell.Parse("events", name)
	if name, isBus := strings.CutPrefix(resource, "event-bus/"); ok && isBus {
		return name, nil
	}
	return "", fault.NoBus(name[strings.LastIndexByte(name, '/')+1:])
}

// bus is the row of a bus, under the lock.
func (a *API) bus(name string) (bus, error) {
	b, ok := a.buses.Get(name)
	switch {
	case ok:
		return b, nil
	case name == defaultBus:
		return bus{Name: defaultBus}, nil
	}
	return bus{}, fault.NoBus(name)
}

// changeBus changes the row of a bus that exists.
func (a *API) changeBus(ctx context.Context, name string, change func(*bus) error) error {
	return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		b, err := a.bus(name)
		if err != nil {
			return err
		}
		if err := change(&b); err != nil {
			return err
		}
		b.Modified = a.cell.Clock.Now()
		if b.Created.IsZero() {
			b.Created = b.Modified
		}
		a.buses.Put(tx, name, b)
		return nil
	})
}

// CreateEventBus creates a bus.
func (a *API) CreateEventBus(ctx context.Context, in *eventbridge.CreateEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.CreateEventBusOutput, error) {
	name := *in.Name
	switch {
	case in.EventSourceName != nil:
		return nil, fault.NotFound("Event source %s does not exist.", *in.EventSourceName)
	case strings.Contains(name, "/"):
		return nil, fault.Invalid("Event bus name must not contain '/'.")
	}
	now := a.cell.Clock.Now()
	b := bus{
		Name: name, Description: aws.ToString(in.Description), Key: aws.ToString(in.KmsKeyIdentifier),
		DeadLetter: in.DeadLetterConfig, Log: in.LogConfig, Created: now, Modified: now,
	}
	var err error
	if b.Tags, err = mergeTags(nil, in.Tags); err != nil {
		return nil, err
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, err := a.bus(name); err == nil {
			return fault.BusExists(name)
		}
		if a.buses.Len() >= mostBuses {
			return fault.TooMany()
		}
		a.buses.Put(tx, name, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.CreateEventBusOutput{
		EventBusArn: aws.String(a.busARN(name)), Description: in.Description, KmsKeyIdentifier: in.KmsKeyIdentifier,
		DeadLetterConfig: in.DeadLetterConfig, LogConfig: in.LogConfig,
	}, nil
}

// UpdateEventBus changes what is given of a bus.
func (a *API) UpdateEventBus(ctx context.Context, in *eventbridge.UpdateEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.UpdateEventBusOutput, error) {
	name, err := a.busName(in.Name)
	if err != nil {
		return nil, err
	}
	var after bus
	err = a.changeBus(ctx, name, func(b *bus) error {
		optional.Set(&b.Description, in.Description)
		optional.Set(&b.Key, in.KmsKeyIdentifier)
		if in.DeadLetterConfig != nil {
			b.DeadLetter = in.DeadLetterConfig
		}
		if in.LogConfig != nil {
			b.Log = in.LogConfig
		}
		after = *b
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.UpdateEventBusOutput{
		Name: &name, Arn: aws.String(a.busARN(name)), Description: optional.String(after.Description),
		KmsKeyIdentifier: optional.String(after.Key), DeadLetterConfig: after.DeadLetter, LogConfig: after.Log,
	}, nil
}

// DescribeEventBus tells what a bus is.
func (a *API) DescribeEventBus(ctx context.Context, in *eventbridge.DescribeEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error) {
	name, err := a.busName(in.Name)
	if err != nil {
		return nil, err
	}
	var b bus
	a.cell.State.View(ctx, func() { b, err = a.bus(name) })
	if err != nil {
		return nil, err
	}
	return &eventbridge.DescribeEventBusOutput{
		Name: &b.Name, Arn: aws.String(a.busARN(name)), Description: optional.String(b.Description),
		KmsKeyIdentifier: optional.String(b.Key), DeadLetterConfig: b.DeadLetter, LogConfig: b.Log, Policy: optional.String(b.Policy),
		CreationTime: timeOf(b.Created), LastModifiedTime: timeOf(b.Modified),
	}, nil
}

// timeOf is a time, or nil for none: nobody knows when the default bus was created.
func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// ListEventBuses lists buses by name, in pages.
func (a *API) ListEventBuses(ctx context.Context, in *eventbridge.ListEventBusesInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListEventBusesOutput, error) {
	prefix := aws.ToString(in.NamePrefix)
	var rows []bus
	a.cell.State.View(ctx, func() {
		rows = a.buses.Rows(prefix)
		if _, kept := a.buses.Get(defaultBus); !kept && strings.HasPrefix(defaultBus, prefix) {
			at, _ := slices.BinarySearchFunc(rows, defaultBus, func(b bus, name string) int { return strings.Compare(b.Name, name) })
			rows = slices.Insert(rows, at, bus{Name: defaultBus})
		}
	})
	rows, next, err := pageOf(rows, func(b bus) string { return b.Name }, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eventbridge.ListEventBusesOutput{NextToken: next, EventBuses: []types.EventBus{}}
	for _, b := range rows {
		out.EventBuses = append(out.EventBuses, types.EventBus{
			Name: &b.Name, Arn: aws.String(a.busARN(b.Name)), Description: optional.String(b.Description), Policy: optional.String(b.Policy),
			CreationTime: timeOf(b.Created), LastModifiedTime: timeOf(b.Modified),
		})
	}
	return out, nil
}

// pageOf is a page of a listing.
func pageOf[T any](rows []T, key func(T) string, token *string, asked *int32) ([]T, *string, error) {
	limit, ok := page.Limit(asked, mostPage, mostPage)
	if !ok {
		return nil, nil, fault.Invalid("Limit must be 1 at least.")
	}
	rows, next, err := page.Of(rows, key, token, limit)
	if err != nil {
		return nil, nil, fault.Invalid("Invalid NextToken.")
	}
	return rows, next, nil
}

// DeleteEventBus deletes a bus without rules, if there is one.
func (a *API) DeleteEventBus(ctx context.Context, in *eventbridge.DeleteEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.DeleteEventBusOutput, error) {
	name := *in.Name
	if name == defaultBus {
		return nil, fault.Invalid("Cannot delete event bus default.")
	}
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if len(a.rules.Keys(ruleKey(name, ""))) > 0 {
			return fault.Invalid("Event bus %s cannot be deleted since it has rules.", name)
		}
		a.buses.Delete(tx, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.DeleteEventBusOutput{}, nil
}
