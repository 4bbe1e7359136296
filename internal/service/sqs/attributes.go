package sqs

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/queue"
	"flyball/internal/service/sqs/fault"
	"flyball/internal/service/sqs/rules"
)

// SetQueueAttributes changes attributes of a queue.
func (a *API) SetQueueAttributes(ctx context.Context, in *sqs.SetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.SetQueueAttributesOutput, error) {
	owner, r, err := a.at(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Attributes) == 0 {
		return nil, fault.Missing("Attribute.Name")
	}
	err = owner.change(ctx, r.Name, func(ctx context.Context, now *row) (err error) {
		if now.Attributes, err = rules.Merge(now.Attributes, in.Attributes, now.fifo()); err != nil {
			return err
		}
		now.Modified, r = owner.now(), *now
		return owner.checkRedrive(ctx, *now)
	})
	if err != nil {
		return nil, err
	}
	if owner.broker.Has(r.ID) {
		_, err = owner.messages(r) // which are told of the settings
	}
	return &sqs.SetQueueAttributesOutput{}, err
}

// GetQueueAttributes tells attributes of a queue.
func (a *API) GetQueueAttributes(ctx context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	owner, r, err := a.at(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	known := types.QueueAttributeNameAll.Values()
	for _, name := range in.AttributeNames {
		if !slices.Contains(known, name) {
			return nil, fault.Attribute(string(name))
		}
	}
	all, err := owner.attributes(r)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(in.AttributeNames, types.QueueAttributeNameAll) {
		maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(in.AttributeNames, types.QueueAttributeName(name)) })
	}
	if len(all) == 0 {
		all = nil
	}
	return &sqs.GetQueueAttributesOutput{Attributes: all}, nil
}

// counts are how many messages a queue has.
func (a *API) counts(r row) (queue.Counts, error) {
	if !a.broker.Has(r.ID) {
		return queue.Counts{}, nil
	}
	q, err := a.messages(r)
	if err != nil {
		return queue.Counts{}, err
	}
	return q.Measure().Counts, nil
}

// attributes are all that a queue has.
func (a *API) attributes(r row) (map[string]string, error) {
	counts, err := a.counts(r)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(r.Attributes)
	for name, value := range map[types.QueueAttributeName]string{
		types.QueueAttributeNameApproximateNumberOfMessages:           strconv.FormatInt(counts.Visible, 10),
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: strconv.FormatInt(counts.InFlight, 10),
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    strconv.FormatInt(counts.Delayed, 10),
		types.QueueAttributeNameCreatedTimestamp:                      strconv.FormatInt(r.Created.Unix(), 10),
		types.QueueAttributeNameLastModifiedTimestamp:                 strconv.FormatInt(r.Modified.Unix(), 10),
		types.QueueAttributeNameQueueArn:                              a.arn(r.Name),
	} {
		all[string(name)] = value
	}
	return all, nil
}
