package scheduler

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"flyball/internal/page"
	"flyball/internal/service/scheduler/fault"
	"flyball/internal/state"
)

// defaultGroup is a group that is always there.
const defaultGroup = "default"

// mostGroups is the quota of groups.
const mostGroups = 500

// group finds a group. The default one is no row until it has tags.
func (a *API) group(name string) (g group, ok bool) {
	if g, ok = a.groups.Get(name); !ok && name == defaultGroup {
		return group{Name: name}, true
	}
	return g, ok
}

// CreateScheduleGroup makes a group. A call that is made again with its token answers as
// the first.
func (a *API) CreateScheduleGroup(ctx context.Context, in *scheduler.CreateScheduleGroupInput, _ ...func(*scheduler.Options)) (*scheduler.CreateScheduleGroupOutput, error) {
	now := a.cell.Clock.Now()
	g := group{Name: aws.ToString(in.Name), Token: aws.ToString(in.ClientToken), Created: now, Modified: now}
	if g.Name == defaultGroup {
		return nil, fault.Invalid("This operation cannot be performed on schedule group default.")
	}
	var err error
	if g.Tags, err = mergeTags(nil, in.Tags); err != nil {
		return nil, err
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if have, taken := a.group(g.Name); taken {
			if g.Token != "" && have.Token == g.Token && maps.Equal(have.Tags, g.Tags) {
				return nil
			}
			return fault.GroupExists(g.Name)
		}
		if a.groups.Len() >= mostGroups {
			return fault.TooMany("schedule groups", mostGroups)
		}
		a.groups.Put(tx, g.Name, g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &scheduler.CreateScheduleGroupOutput{ScheduleGroupArn: aws.String(a.groupARN(g.Name))}, nil
}

// GetScheduleGroup tells a group.
func (a *API) GetScheduleGroup(ctx context.Context, in *scheduler.GetScheduleGroupInput, _ ...func(*scheduler.Options)) (*scheduler.GetScheduleGroupOutput, error) {
	var g group
	var ok bool
	a.cell.State.View(ctx, func() { g, ok = a.group(aws.ToString(in.Name)) })
	if !ok {
		return nil, fault.NoGroup(aws.ToString(in.Name))
	}
	return &scheduler.GetScheduleGroupOutput{
		Arn: aws.String(a.groupARN(g.Name)), CreationDate: given(g.Created), LastModificationDate: given(g.Modified),
		Name: &g.Name, State: types.ScheduleGroupStateActive,
	}, nil
}

// DeleteScheduleGroup deletes a group and all its schedules, at once: AWS has a group in
// the state DELETING until that is done.
func (a *API) DeleteScheduleGroup(ctx context.Context, in *scheduler.DeleteScheduleGroupInput, _ ...func(*scheduler.Options)) (*scheduler.DeleteScheduleGroupOutput, error) {
	name := aws.ToString(in.Name)
	if name == defaultGroup {
		return nil, fault.Invalid("This operation cannot be performed on schedule group default.")
	}
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, ok := a.groups.Get(name); !ok {
			return fault.NoGroup(name)
		}
		a.groups.Delete(tx, name)
		for _, k := range slices.Clone(a.schedules.Keys(name + "/")) {
			a.remove(tx, k)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &scheduler.DeleteScheduleGroupOutput{}, nil
}

// The sizes of pages.
const (
	usualPage = 100
	mostPage  = 100
)

// ListScheduleGroups lists groups by name, in pages.
func (a *API) ListScheduleGroups(ctx context.Context, in *scheduler.ListScheduleGroupsInput, _ ...func(*scheduler.Options)) (*scheduler.ListScheduleGroupsOutput, error) {
	var groups []group
	a.cell.State.View(ctx, func() { groups = a.groupsWith(aws.ToString(in.NamePrefix)) })
	limit, _ := page.Limit(in.MaxResults, usualPage, mostPage) // the model has the least
	groups, next, err := page.Of(groups, func(g group) string { return g.Name }, in.NextToken, limit)
	if errors.Is(err, page.ErrToken) {
		return nil, fault.Token()
	}
	out := &scheduler.ListScheduleGroupsOutput{NextToken: next, ScheduleGroups: []types.ScheduleGroupSummary{}}
	for _, g := range groups {
		out.ScheduleGroups = append(out.ScheduleGroups, types.ScheduleGroupSummary{
			Arn: aws.String(a.groupARN(g.Name)), CreationDate: given(g.Created), LastModificationDate: given(g.Modified),
			Name: &g.Name, State: types.ScheduleGroupStateActive,
		})
	}
	return out, err
}

// groupsWith are the groups whose names begin with a prefix, by name.
func (a *API) groupsWith(prefix string) []group {
	groups := a.groups.Rows(prefix)
	if _, stored := a.groups.Get(defaultGroup); !stored && strings.HasPrefix(defaultGroup, prefix) {
		g, _ := a.group(defaultGroup)
		at, _ := slices.BinarySearchFunc(groups, g, func(a, b group) int { return cmp.Compare(a.Name, b.Name) })
		groups = slices.Insert(groups, at, g)
	}
	return groups
}
