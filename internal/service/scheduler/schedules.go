package scheduler

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"flyball/internal/optional"
	"flyball/internal/service/scheduler/fault"
	"flyball/internal/service/scheduler/rules"
	"flyball/internal/state"
)

// mostSchedules is the quota of schedules ("Quotas for Amazon EventBridge Scheduler").
const mostSchedules = 10_000_000

// CreateSchedule makes a schedule. A call that is made again with its token answers as
// the first.
func (a *API) CreateSchedule(ctx context.Context, in *scheduler.CreateScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error) {
	s, err := a.draft(ctx, (*scheduler.UpdateScheduleInput)(in))
	if err != nil {
		return nil, err
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, ok := a.group(s.Group); !ok {
			return fault.NoGroup(s.Group)
		}
		if have, taken := a.schedules.Get(s.key()); taken {
			if s.Token != "" && have.Token == s.Token && have.same(s) {
				return nil
			}
			return fault.ScheduleExists(s.Name)
		}
		if a.schedules.Len() >= mostSchedules {
			return fault.TooMany("schedules", mostSchedules)
		}
		a.put(tx, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &scheduler.CreateScheduleOutput{ScheduleArn: aws.String(a.arn(s.Group, s.Name))}, nil
}

// UpdateSchedule replaces all of a schedule: what is not given is as if it was never.
func (a *API) UpdateSchedule(ctx context.Context, in *scheduler.UpdateScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.UpdateScheduleOutput, error) {
	s, err := a.draft(ctx, in)
	if err != nil {
		return nil, err
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		have, ok := a.schedules.Get(s.key())
		if !ok {
			return fault.NoSchedule(s.Name)
		}
		s.Created, s.Token = have.Created, have.Token
		if have.State == s.State && have.Timing.Same(s.Timing) {
			s.Timing.Since = have.Timing.Since // its runs go on
		}
		a.put(tx, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &scheduler.UpdateScheduleOutput{ScheduleArn: aws.String(a.arn(s.Group, s.Name))}, nil
}

// put keeps a schedule and expects its next run. When it begins to count anew its runs of
// before do not matter any more.
func (a *API) put(tx *state.Tx, s schedule) {
	if have, ok := a.schedules.Get(s.key()); ok && !have.Timing.Since.Equal(s.Timing.Since) {
		a.runs.Delete(tx, s.key())
	}
	a.schedules.Put(tx, s.key(), s)
	tx.After(func() { a.refresh(s.key()) })
}

// same reports whether a schedule is what a call makes.
func (s schedule) same(made schedule) bool {
	s.Created, s.Modified, s.Timing.Since = made.Created, made.Modified, made.Timing.Since
	have, err := json.Marshal(s)
	if err != nil {
		return false
	}
	want, err := json.Marshal(made)
	return err == nil && bytes.Equal(have, want)
}

// draft is the schedule that an input tells, if it can be one.
func (a *API) draft(ctx context.Context, in *scheduler.UpdateScheduleInput) (s schedule, err error) {
	now := a.cell.Clock.Now()
	s = schedule{
		Group: groupName(in.GroupName), Name: aws.ToString(in.Name), Token: aws.ToString(in.ClientToken), Created: now, Modified: now,
		Timing: rules.Timing{
			Expression: aws.ToString(in.ScheduleExpression), Zone: cmp.Or(aws.ToString(in.ScheduleExpressionTimezone), "UTC"),
			Start: aws.ToTime(in.StartDate), End: aws.ToTime(in.EndDate), Since: now,
		},
		State: cmp.Or(in.State, types.ScheduleStateEnabled), After: cmp.Or(in.ActionAfterCompletion, types.ActionAfterCompletionNone),
		Description: in.Description, KmsKeyArn: in.KmsKeyArn, Target: *in.Target,
	}
	if s.Timing.Window, err = rules.Window(in.FlexibleTimeWindow); err != nil {
		return s, err
	}
	if err := s.Timing.Check(&a.zones); err != nil {
		return s, err
	}
	if err := rules.CheckTarget(&s.Target); err != nil {
		return s, err
	}
	if at, err := arn.Parse(*s.Target.Arn); err == nil && at.Region != "" && at.Region != a.cell.Region {
		return s, fault.Invalid("The target ARN provided does not match the current region %s.", a.cell.Region)
	}
	s.Target.RetryPolicy = rules.Retry(s.Target.RetryPolicy)
	return s, a.admit(ctx, *s.Target.RoleArn, s.Group)
}

// admit refuses a role that the service cannot take.
func (a *API) admit(ctx context.Context, role, group string) error {
	if a.cfg.Roles == nil {
		return nil
	}
	roles, err := a.cfg.Roles()
	if err != nil {
		return err
	}
	trusts, err := roles.Trusts(ctx, role, a.groupARN(group))
	if err == nil && !trusts {
		err = fault.Untrusted()
	}
	return err
}

// GetSchedule tells a schedule.
func (a *API) GetSchedule(ctx context.Context, in *scheduler.GetScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error) {
	var s schedule
	var ok bool
	a.cell.State.View(ctx, func() { s, ok = a.schedules.Get(key(groupName(in.GroupName), aws.ToString(in.Name))) })
	if !ok {
		return nil, fault.NoSchedule(aws.ToString(in.Name))
	}
	return &scheduler.GetScheduleOutput{
		ActionAfterCompletion:      s.After,
		Arn:                        aws.String(a.arn(s.Group, s.Name)),
		CreationDate:               &s.Created,
		Description:                s.Description,
		EndDate:                    given(s.Timing.End),
		FlexibleTimeWindow:         s.window(),
		GroupName:                  &s.Group,
		KmsKeyArn:                  s.KmsKeyArn,
		LastModificationDate:       &s.Modified,
		Name:                       &s.Name,
		ScheduleExpression:         &s.Timing.Expression,
		ScheduleExpressionTimezone: &s.Timing.Zone,
		StartDate:                  given(s.Timing.Start),
		State:                      s.State,
		Target:                     &s.Target,
	}, nil
}

func (s *schedule) window() *types.FlexibleTimeWindow {
	if s.Timing.Window == 0 {
		return &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff}
	}
	return &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: &s.Timing.Window}
}

// given is a date, if there is one.
func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// DeleteSchedule deletes a schedule.
func (a *API) DeleteSchedule(ctx context.Context, in *scheduler.DeleteScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.DeleteScheduleOutput, error) {
	k := key(groupName(in.GroupName), aws.ToString(in.Name))
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, ok := a.schedules.Get(k); !ok {
			return fault.NoSchedule(aws.ToString(in.Name))
		}
		a.remove(tx, k)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &scheduler.DeleteScheduleOutput{}, nil
}

// groupName is the group that an input names, or the default one.
func groupName(name *string) string { return optional.Or(name, defaultGroup) }
