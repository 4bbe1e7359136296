package logs

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/service/logs/fault"
)

// retentions are how many days a group can keep events ("PutRetentionPolicy").
var retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// PutRetentionPolicy sets how long a group keeps events.
func (a *API) PutRetentionPolicy(ctx context.Context, in *cloudwatchlogs.PutRetentionPolicyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutRetentionPolicyOutput, error) {
	days := *in.RetentionInDays
	if !slices.Contains(retentions, days) {
		return nil, fault.Invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: %s", days, enumerated(retentions))
	}
	return &cloudwatchlogs.PutRetentionPolicyOutput{}, a.retain(ctx, *in.LogGroupName, days)
}

// DeleteRetentionPolicy has a group keep events for good.
func (a *API) DeleteRetentionPolicy(ctx context.Context, in *cloudwatchlogs.DeleteRetentionPolicyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteRetentionPolicyOutput, error) {
	return &cloudwatchlogs.DeleteRetentionPolicyOutput{}, a.retain(ctx, *in.LogGroupName, 0)
}

func (a *API) retain(ctx context.Context, name string, days int32) error {
	return a.changeGroup(ctx, name, func(g *group) error {
		if g.Class == types.LogGroupClassDelivery {
			return fault.Invalid("The retention of log groups of class %s cannot be changed.", g.Class)
		}
		g.Retention = days
		return nil
	})
}

func enumerated(values []int32) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = strconv.Itoa(int(v))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// PutLogGroupDeletionProtection protects a group from being deleted, or no more.
func (a *API) PutLogGroupDeletionProtection(ctx context.Context, in *cloudwatchlogs.PutLogGroupDeletionProtectionInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogGroupDeletionProtectionOutput, error) {
	name, err := a.identified(*in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutLogGroupDeletionProtectionOutput{}, a.changeGroup(ctx, name, func(g *group) error {
		g.Protected = *in.DeletionProtectionEnabled
		return nil
	})
}

// AssociateKmsKey notes a key with a group. Nothing is encrypted with it.
func (a *API) AssociateKmsKey(ctx context.Context, in *cloudwatchlogs.AssociateKmsKeyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.AssociateKmsKeyOutput, error) {
	return &cloudwatchlogs.AssociateKmsKeyOutput{}, a.setKey(ctx, in.LogGroupName, in.ResourceIdentifier, *in.KmsKeyId)
}

// DisassociateKmsKey forgets the key of a group.
func (a *API) DisassociateKmsKey(ctx context.Context, in *cloudwatchlogs.DisassociateKmsKeyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DisassociateKmsKeyOutput, error) {
	return &cloudwatchlogs.DisassociateKmsKeyOutput{}, a.setKey(ctx, in.LogGroupName, in.ResourceIdentifier, "")
}

func (a *API) setKey(ctx context.Context, name, identifier *string, key string) error {
	if (name == nil) == (identifier == nil) {
		return fault.Invalid("Exactly one of logGroupName and resourceIdentifier must be specified.")
	}
	groupName := aws.ToString(name)
	if identifier != nil {
		resource, ok := a.cell.Parse("logs", *identifier)
		if !ok || !strings.HasPrefix(resource, "log-group:") {
			return fault.NotServed("Keys for the results of queries are")
		}
		groupName = strings.TrimSuffix(strings.TrimPrefix(resource, "log-group:"), ":*")
	}
	return a.changeGroup(ctx, groupName, func(g *group) error {
		g.KMSKey = key
		return nil
	})
}

// expireEvery is how often old events are removed, in real time at the least.
const expireEvery = time.Minute

// expire removes the events that groups do not keep any longer, until ctx ends. A
// search does not show them before that, either.
func (a *API) expire(ctx context.Context) {
	every := max(expireEvery, a.cell.Clock.Real(time.Hour))
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		a.expireNow(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (a *API) expireNow(ctx context.Context) {
	now := a.now()
	for _, g := range a.groupRows(ctx, func(g group) bool { return g.Retention > 0 }) {
		a.events.Expire(g.Number, g.keptSince(now))
	}
}
