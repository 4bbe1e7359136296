package events

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"flyball/internal/service/events/fault"
)

// mostEntries bounds the sizes of all entries of a call: "the total entry size must be
// less than 256KB" (PutEvents).
const mostEntries = 256 << 10

// PutEvents sends events to buses. Those that are not refused will reach the targets of
// the rules that match: the deliveries are on disk when this returns. A bus that does not
// exist takes events and does nothing with them, as on AWS.
func (a *API) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	size := 0
	for _, e := range in.Entries {
		size += sizeOf(e)
	}
	switch {
	case size >= mostEntries:
		return nil, fault.Invalid("Total size of the entries in the request is over the limit.")
	case in.EndpointId != nil:
		return nil, fault.NotFound("Endpoint %s does not exist.", *in.EndpointId)
	}
	out := &eventbridge.PutEventsOutput{Entries: make([]types.PutEventsResultEntry, len(in.Entries))}
	sent := map[*API]map[string][]*event{}
	for i, entry := range in.Entries {
		e, refusal := a.entry(entry)
		if refusal != nil {
			out.Entries[i] = *refusal
			out.FailedEntryCount++
			continue
		}
		out.Entries[i] = types.PutEventsResultEntry{EventId: &e.ID}
		if to, busName := a.destination(ctx, entry.EventBusName); to != nil {
			if sent[to] == nil {
				sent[to] = map[string][]*event{}
			}
			sent[to][busName] = append(sent[to][busName], e)
		}
	}
	a.counts.putEvents(len(in.Entries), int(out.FailedEntryCount), size)
	for to, buses := range sent {
		if err := to.dispatch(ctx, buses); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sizeOf is the size of an entry ("Calculating PutEvents event entry size").
func sizeOf(e types.PutEventsRequestEntry) int {
	n := len(aws.ToString(e.Source)) + len(aws.ToString(e.DetailType)) + len(aws.ToString(e.Detail))
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// entry is the event of an entry, or the refusal of it.
func (a *API) entry(in types.PutEventsRequestEntry) (*event, *types.PutEventsResultEntry) {
	for _, m := range []struct {
		name  string
		value *string
	}{{"Source", in.Source}, {"DetailType", in.DetailType}, {"Detail", in.Detail}} {
		if aws.ToString(m.value) == "" {
			return nil, refusal("InvalidArgument", "Parameter "+m.name+" is not valid. Reason: "+m.name+" is a required argument.")
		}
	}
	if strings.HasPrefix(*in.Source, "aws.") {
		return nil, refusal("NotAuthorizedForSourceException", "Not authorized for the source.")
	}
	happened := Event{
		Source: *in.Source, DetailType: *in.DetailType, Resources: in.Resources, Detail: json.RawMessage(*in.Detail), Trace: aws.ToString(in.TraceHeader),
	}
	if in.Time != nil {
		happened.Time = *in.Time
	}
	if !isObject(*in.Detail) {
		return nil, refusal("MalformedDetail", "Detail is malformed.")
	}
	e, err := a.event(happened)
	if err != nil {
		return nil, refusal("MalformedDetail", "Detail is malformed.")
	}
	return e, nil
}

func refusal(code, message string) *types.PutEventsResultEntry {
	return &types.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: &message}
}

// destination is the service that has a bus, which may be one of another account in the
// region, or nil.
func (a *API) destination(ctx context.Context, given *string) (*API, string) {
	to := a
	if name, err := arn.Parse(aws.ToString(given)); err == nil && name.AccountID != a.cell.Account && a.cfg.Account != nil {
		to, _ = a.cfg.Account(name.AccountID)
	}
	if to == nil {
		return nil, ""
	}
	name, err := to.busName(given)
	to.cell.State.View(ctx, func() {
		if err == nil {
			_, err = to.bus(name)
		}
	})
	if err != nil {
		return nil, ""
	}
	return to, name
}
