package sqs

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/service/sqs/fault"
	"flyball/internal/tags"
)

// TagQueue adds or replaces tags of a queue.
func (a *API) TagQueue(ctx context.Context, in *sqs.TagQueueInput, _ ...func(*sqs.Options)) (*sqs.TagQueueOutput, error) {
	owner, r, err := a.at(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, fault.Missing("Tags")
	}
	err = owner.change(ctx, r.Name, func(_ context.Context, r *row) error { return r.addTags(in.Tags) })
	if err != nil {
		return nil, err
	}
	owner.periodsMayHaveChanged()
	return &sqs.TagQueueOutput{}, nil
}

// UntagQueue removes tags of a queue.
func (a *API) UntagQueue(ctx context.Context, in *sqs.UntagQueueInput, _ ...func(*sqs.Options)) (*sqs.UntagQueueOutput, error) {
	owner, r, err := a.at(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, fault.Parameter("Tag keys must be between 1 and 128 characters in length.")
	}
	err = owner.change(ctx, r.Name, func(_ context.Context, r *row) error {
		r.Tags = tags.Remove(r.Tags, in.TagKeys)
		return nil
	})
	if err != nil {
		return nil, err
	}
	owner.periodsMayHaveChanged()
	return &sqs.UntagQueueOutput{}, nil
}

// ListQueueTags tells the tags of a queue.
func (a *API) ListQueueTags(ctx context.Context, in *sqs.ListQueueTagsInput, _ ...func(*sqs.Options)) (*sqs.ListQueueTagsOutput, error) {
	_, r, err := a.at(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	out := &sqs.ListQueueTagsOutput{}
	if len(r.Tags) > 0 {
		out.Tags = r.Tags
	}
	return out, nil
}

// addTags gives the queue tags, or says what is wrong with them and gives it none.
func (r *row) addTags(add map[string]string) error {
	if err := checkPeriodTag(add); err != nil {
		return err
	}
	merged, err := tags.Merge(r.Tags, add, tags.Most)
	switch {
	case errors.Is(err, tags.ErrTooMany):
		return fault.Parameter("Too many tags added for queue %s.", r.Name)
	case err != nil:
		return fault.Parameter("%s", err)
	}
	r.Tags = merged
	return nil
}

// Resource is the tags of a queue, by its ARN, for those who judge.
func (a *API) Resource(ctx context.Context, arn string) (tags map[string]string, policy string, ok bool) {
	name, ok := a.cell.Parse("sqs", arn)
	if !ok {
		return nil, "", false
	}
	r, err := a.row(ctx, name)
	return r.Tags, r.Attributes["Policy"], err == nil
}
