package logs

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/logs/fault"
	"flyball/internal/state"
	"flyball/internal/tags"
)

// A group is a log group: a row, and its document. Times are in milliseconds since 1970.
type group struct {
	Name      string
	Number    uint32
	Created   int64
	Class     types.LogGroupClass
	Retention int32             `json:",omitempty"` // days; 0 keeps for good
	KMSKey    string            `json:",omitempty"`
	Protected bool              `json:",omitempty"` // from being deleted
	Tags      map[string]string `json:",omitempty"`
}

var kindGroup = state.Kind{Name: "logs.group", Version: 1}

// deliveryDays is how long groups of class DELIVERY keep events ("Log classes").
const deliveryDays = 1

// groupARN is a group's ARN; those of policies and of DescribeLogGroups end with :*.
func (a *API) groupARN(name string) string { return a.cell.ARN("logs", "log-group:"+name) }

// CreateLogGroup creates a group.
func (a *API) CreateLogGroup(ctx context.Context, in *cloudwatchlogs.CreateLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.CreateLogGroupOutput, error) {
	name := *in.LogGroupName
	if strings.HasPrefix(name, "aws/") {
		return nil, fault.Invalid("Log groups starting with AWS/ are reserved for AWS.")
	}
	merged, err := a.mergeTags(nil, in.Tags, a.groupARN(name))
	if err != nil {
		return nil, err
	}
	row := group{
		Name: name, Created: a.now(), Class: cmp.Or(in.LogGroupClass, types.LogGroupClassStandard), Tags: merged,
		KMSKey: aws.ToString(in.KmsKeyId), Protected: aws.ToBool(in.DeletionProtectionEnabled),
	}
	if row.Class == types.LogGroupClassDelivery {
		row.Retention = deliveryDays
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, taken := a.groups.Get(name); taken {
			return fault.Exists("log group")
		}
		row.Number = a.newNumber(tx)
		a.groups.Put(tx, name, row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.CreateLogGroupOutput{}, nil
}

// DeleteLogGroup deletes a group with all that is in it.
func (a *API) DeleteLogGroup(ctx context.Context, in *cloudwatchlogs.DeleteLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteLogGroupOutput, error) {
	name := *in.LogGroupName
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		row, exists := a.groups.Get(name)
		if !exists {
			return fault.NoGroup()
		}
		if row.Protected {
			return fault.Validation("Log group %s cannot be deleted because deletion protection is enabled.", name)
		}
		a.groups.Delete(tx, name)
		for _, key := range slices.Clone(a.streams.Keys(streamKey(name, ""))) {
			a.streams.Delete(tx, key)
		}
		for _, key := range slices.Clone(a.filters.Keys(streamKey(name, ""))) {
			a.filters.Delete(tx, key)
		}
		tx.After(func() { a.events.DeleteGroup(row.Number) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteLogGroupOutput{}, nil
}

// changeGroup changes the row of a group.
func (a *API) changeGroup(ctx context.Context, name string, change func(*group) error) error {
	return a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		row, exists := a.groups.Get(name)
		if !exists {
			return fault.NoGroup()
		}
		if err := change(&row); err != nil {
			return err
		}
		a.groups.Put(tx, name, row)
		return nil
	})
}

// groupName is the name of the group that one of two members names.
func (a *API) groupName(name, identifier *string) (string, error) {
	switch {
	case name != nil && identifier != nil:
		return "", fault.Validation("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
	case name != nil:
		return *name, nil
	case identifier == nil:
		return "", fault.Invalid("Either LogGroup name or LogGroup identifier must be given.")
	}
	return a.identified(*identifier)
}

// identified is the name of the group that a name or an ARN is of.
func (a *API) identified(identifier string) (string, error) {
	if !strings.HasPrefix(identifier, "arn:") {
		return identifier, nil
	}
	resource, ok := a.cell.Parse("logs", identifier)
	name, is := strings.CutPrefix(resource, "log-group:")
	if !ok || !is {
		return "", fault.NoGroup()
	}
	return strings.TrimSuffix(name, ":*"), nil
}

// DescribeLogGroups lists groups by name, in pages.
func (a *API) DescribeLogGroups(ctx context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	prefix, pattern := aws.ToString(in.LogGroupNamePrefix), aws.ToString(in.LogGroupNamePattern)
	if prefix != "" && pattern != "" {
		return nil, fault.Invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	wanted, err := a.identifiedAll(in.LogGroupIdentifiers)
	if err != nil {
		return nil, err
	}
	rows := a.groupRows(ctx, func(g group) bool {
		return strings.HasPrefix(g.Name, prefix) && strings.Contains(g.Name, pattern) &&
			(in.LogGroupClass == "" || g.Class == in.LogGroupClass) && (wanted == nil || wanted[g.Name])
	})
	rows, next, err := page.Of(rows, func(g group) string { return g.Name }, in.NextToken, int(optional.Or(in.Limit, 50)))
	if err != nil {
		return nil, fault.InvalidToken()
	}
	out := &cloudwatchlogs.DescribeLogGroupsOutput{NextToken: next, LogGroups: []types.LogGroup{}}
	for _, g := range rows {
		described := a.describeGroup(ctx, g)
		if pattern != "" {
			// As AWS does with a pattern.
			described.StoredBytes, described.DeletionProtectionEnabled, described.RetentionInDays, described.KmsKeyId = nil, nil, nil, nil
		}
		out.LogGroups = append(out.LogGroups, described)
	}
	return out, nil
}

// identifiedAll are the names of groups, or nil if none was given.
func (a *API) identifiedAll(identifiers []string) (map[string]bool, error) {
	if len(identifiers) == 0 {
		return nil, nil
	}
	names := map[string]bool{}
	for _, id := range identifiers {
		name, err := a.identified(id)
		if err != nil {
			return nil, err
		}
		names[name] = true
	}
	return names, nil
}

// groupRows are the groups of which something is true, by name.
func (a *API) groupRows(ctx context.Context, wanted func(group) bool) (rows []group) {
	a.cell.State.View(ctx, func() { rows = a.groups.Rows("") })
	return slices.DeleteFunc(rows, func(g group) bool { return !wanted(g) })
}

func (a *API) describeGroup(ctx context.Context, g group) types.LogGroup {
	filters := 0
	a.cell.State.View(ctx, func() { filters = len(a.filters.Keys(streamKey(g.Name, ""))) })
	arn := a.groupARN(g.Name)
	described := types.LogGroup{
		Arn: aws.String(arn + ":*"), LogGroupArn: &arn, LogGroupName: &g.Name, LogGroupClass: g.Class,
		CreationTime: &g.Created, KmsKeyId: optional.String(g.KMSKey), StoredBytes: aws.Int64(a.events.Bytes(g.Number)),
		DeletionProtectionEnabled: &g.Protected, MetricFilterCount: aws.Int32(int32(filters)),
	}
	if g.Retention > 0 {
		described.RetentionInDays = &g.Retention
	}
	return described
}

// mergeTags adds tags to those of a resource.
func (a *API) mergeTags(have, add map[string]string, arn string) (map[string]string, error) {
	merged, err := tags.Merge(have, add, tags.Most)
	if err != nil {
		return nil, refusedTags(err, arn)
	}
	return merged, nil
}
