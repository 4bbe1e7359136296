package scheduler

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"flyball/internal/page"
	"flyball/internal/service/scheduler/fault"
)

// ListSchedules lists the schedules of a group, or of all, by group and name, in pages.
func (a *API) ListSchedules(ctx context.Context, in *scheduler.ListSchedulesInput, _ ...func(*scheduler.Options)) (*scheduler.ListSchedulesOutput, error) {
	after, err := page.Key(in.NextToken)
	if err != nil {
		return nil, fault.Token()
	}
	limit, _ := page.Limit(in.MaxResults, usualPage, mostPage) // the model has the least
	out := &scheduler.ListSchedulesOutput{Schedules: []types.ScheduleSummary{}}
	a.cell.State.View(ctx, func() {
		if in.GroupName != nil {
			if _, ok := a.group(*in.GroupName); !ok {
				err = fault.NoGroup(*in.GroupName)
				return
			}
		}
		last := ""
		for _, k := range a.listed(in, after) {
			s, _ := a.schedules.Get(k)
			if !matches(&s, in) {
				continue
			}
			if len(out.Schedules) == limit {
				out.NextToken = aws.String(page.Token(last))
				return
			}
			out.Schedules = append(out.Schedules, a.summary(s))
			last = k
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// listed are the keys after another among which a call looks.
func (a *API) listed(in *scheduler.ListSchedulesInput, after string) []string {
	prefix := ""
	if in.GroupName != nil {
		prefix = key(*in.GroupName, aws.ToString(in.NamePrefix))
	}
	keys := a.schedules.Keys(prefix)
	if after == "" {
		return keys
	}
	at, found := slices.BinarySearch(keys, after)
	if found {
		at++
	}
	return keys[at:]
}

func matches(s *schedule, in *scheduler.ListSchedulesInput) bool {
	return strings.HasPrefix(s.Name, aws.ToString(in.NamePrefix)) && (in.State == "" || in.State == s.State)
}

func (a *API) summary(s schedule) types.ScheduleSummary {
	return types.ScheduleSummary{
		Arn: aws.String(a.arn(s.Group, s.Name)), CreationDate: &s.Created, GroupName: &s.Group, LastModificationDate: &s.Modified,
		Name: &s.Name, State: s.State, Target: &types.TargetSummary{Arn: s.Target.Arn},
	}
}
