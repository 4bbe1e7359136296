package ecs

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/optional"
	"flyball/internal/service/ecs/fault"
	"flyball/internal/state"
)

// The protection of a task lasts two hours unless said otherwise, and at most
// two days.
const (
	usualProtection   = 120 // minutes
	longestProtection = 2880
)

// UpdateTaskProtection protects tasks of services from scale-in and deployments
// for a time, or ends that.
func (a *API) UpdateTaskProtection(ctx context.Context, in *ecs.UpdateTaskProtectionInput, _ ...func(*ecs.Options)) (*ecs.UpdateTaskProtectionOutput, error) {
	minutes := int32(usualProtection)
	if in.ExpiresInMinutes != nil {
		minutes = *in.ExpiresInMinutes
	}
	switch n := len(in.Tasks); {
	case n == 0 || n > 10:
		return nil, fault.InvalidParameter("Tasks must have between 1 and 10 items.")
	case minutes < 1 || minutes > longestProtection:
		return nil, fault.InvalidParameter("expiresInMinutes must be between 1 and %d.", longestProtection)
	}
	out := &ecs.UpdateTaskProtectionOutput{ProtectedTasks: []types.ProtectedTask{}, Failures: []types.Failure{}}
	return answer(out, a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return err
		}
		now := a.now()
		for _, ref := range in.Tasks {
			t, failure := a.protectable(c, ref)
			if failure != nil {
				out.Failures = append(out.Failures, *failure)
				continue
			}
			keep(tx, &t.protectedUntil)
			t.protectedUntil = time.Time{}
			if in.ProtectionEnabled {
				t.protectedUntil = now.Add(time.Duration(minutes) * time.Minute)
			}
			t.save(tx)
			a.reconcileSoon(t.service)
			out.ProtectedTasks = append(out.ProtectedTasks, t.protection(now))
		}
		return nil
	}))
}

// protectable returns a running task of a service, or why it cannot be protected.
func (a *API) protectable(c *cluster, ref string) (*task, *types.Failure) {
	fail := func(reason, detail string) (*task, *types.Failure) {
		return nil, &types.Failure{
			Arn:    aws.String(a.reference("task", ref, c.name)),
			Reason: aws.String(reason),
			Detail: optional.String(detail),
		}
	}
	t, ok := a.findTask(c, ref)
	switch {
	case !ok:
		return fail("MISSING", "")
	case t.service == nil:
		return fail("TASK_NOT_VALID", "The specified task is not valid for task protection: it does not belong to a service.")
	case t.askedToStop() || t.status() != statusRunning:
		return fail("TASK_NOT_VALID", "The specified task is not running.")
	}
	return t, nil
}

func (t *task) protection(now time.Time) types.ProtectedTask {
	p := types.ProtectedTask{TaskArn: t.api.TaskArn}
	if t.protectedUntil.After(now) {
		p.ProtectionEnabled = true
		p.ExpirationDate = aws.Time(t.protectedUntil)
	}
	return p
}

// GetTaskProtection tells which tasks are protected; without a list, of all the
// cluster's service tasks those that are.
func (a *API) GetTaskProtection(ctx context.Context, in *ecs.GetTaskProtectionInput, _ ...func(*ecs.Options)) (*ecs.GetTaskProtectionOutput, error) {
	if len(in.Tasks) > 100 {
		return nil, fault.InvalidParameter("Tasks can have at most 100 items.")
	}
	out := &ecs.GetTaskProtectionOutput{ProtectedTasks: []types.ProtectedTask{}, Failures: []types.Failure{}}
	return read(ctx, a, func() (*ecs.GetTaskProtectionOutput, error) {
		c, err := a.activeCluster(in.Cluster)
		if err != nil {
			return nil, err
		}
		now := a.now()
		if len(in.Tasks) == 0 {
			for _, id := range slices.Sorted(maps.Keys(c.tasks)) {
				if t := c.tasks[id]; !t.askedToStop() && t.protectedUntil.After(now) {
					out.ProtectedTasks = append(out.ProtectedTasks, t.protection(now))
				}
			}
			return out, nil
		}
		for _, ref := range in.Tasks {
			t, failure := a.protectable(c, ref)
			if failure != nil {
				out.Failures = append(out.Failures, *failure)
				continue
			}
			out.ProtectedTasks = append(out.ProtectedTasks, t.protection(now))
		}
		return out, nil
	})
}
