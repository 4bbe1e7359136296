package logs

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/logs/fault"
)

// ListLogGroups lists groups in short by name, in pages.
func (a *API) ListLogGroups(ctx context.Context, in *cloudwatchlogs.ListLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.ListLogGroupsOutput, error) {
	rows := a.groupRows(ctx, func(g group) bool {
		return matchesAny(aws.ToString(in.LogGroupNamePattern), g.Name) && (in.LogGroupClass == "" || g.Class == in.LogGroupClass) &&
			g.hasTags(in.LogGroupTags) && len(in.DataSources)+len(in.FieldIndexNames) == 0
	})
	rows, next, err := page.Of(rows, func(g group) string { return g.Name }, in.NextToken, int(optional.Or(in.Limit, 50)))
	if err != nil {
		return nil, fault.InvalidToken()
	}
	out := &cloudwatchlogs.ListLogGroupsOutput{NextToken: next, LogGroups: []types.LogGroupSummary{}}
	for _, g := range rows {
		out.LogGroups = append(out.LogGroups, types.LogGroupSummary{LogGroupName: &g.Name, LogGroupArn: aws.String(a.groupARN(g.Name)), LogGroupClass: g.Class})
	}
	return out, nil
}

// matchesAny tells whether a name has one of the texts that are parted by |, at its
// beginning if the text begins with ^.
func matchesAny(pattern, name string) bool {
	for part := range strings.SplitSeq(pattern, "|") {
		if prefix, anchored := strings.CutPrefix(part, "^"); anchored && strings.HasPrefix(name, prefix) || !anchored && strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// hasTags tells whether a group has all of some tags, each with one of its values if
// any is given. Values that end with * stand for all that begin so.
func (g group) hasTags(filters []types.TagFilter) bool {
	return !slices.ContainsFunc(filters, func(f types.TagFilter) bool {
		value, has := g.Tags[aws.ToString(f.Key)]
		return !has || len(f.Values) > 0 && !slices.ContainsFunc(f.Values, func(wanted string) bool {
			prefix, wildcard := strings.CutSuffix(wanted, "*")
			return wanted == value || wildcard && strings.HasPrefix(value, prefix)
		})
	})
}
