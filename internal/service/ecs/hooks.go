package ecs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/lifecycle"
	"flyball/internal/state"
)

// hookTimeout is how long a hook is waited for when nobody has said how long.
const hookTimeout = 24 * time.Hour

// planHook is a hook of a configuration as a deployment follows it.
func planHook(h types.DeploymentLifecycleHook) lifecycle.Hook {
	planned := lifecycle.Hook{Timeout: hookTimeout, OnTimeout: types.DeploymentLifecycleHookActionRollback}
	if h.TargetType != types.DeploymentLifecycleHookTargetTypePause {
		planned.Function, planned.Role = aws.ToString(h.HookTargetArn), aws.ToString(h.RoleArn)
	}
	if t := h.TimeoutConfiguration; t != nil {
		planned.OnTimeout = cmp.Or(t.Action, planned.OnTimeout)
		planned.Timeout = cmp.Or(minutes(t.TimeoutInMinutes), planned.Timeout)
	}
	for _, stage := range h.LifecycleStages {
		planned.Stages = append(planned.Stages, lifecycle.Stage(stage))
	}
	return planned
}

// hookID is the ID of a hook that a deployment has come to: the same one whenever it
// is asked for.
func (r *rollout) hookID(w lifecycle.Wait) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%s/%d", r.ID, w.Hook, w.Stage, w.Step))
	kind := "ecs-pause-"
	if r.Plan.Hooks[w.Hook].Function != "" {
		kind = "ecs-lambda-"
	}
	return kind + base64.RawURLEncoding.EncodeToString(sum[:])
}

// hookDetails are the hooks that a deployment has come to.
func (r *rollout) hookDetails() []types.DeploymentLifecycleHookDetail {
	var details []types.DeploymentLifecycleHookDetail
	for _, w := range r.Position.Waits {
		hook := r.Plan.Hooks[w.Hook]
		detail := types.DeploymentLifecycleHookDetail{
			ExpiresAt:     aws.Time(w.Expires),
			HookId:        aws.String(r.hookID(w)),
			Status:        w.Status,
			TargetType:    types.DeploymentLifecycleHookTargetTypePause,
			TimeoutAction: hook.OnTimeout,
		}
		if hook.Function != "" {
			detail.TargetType, detail.TargetArn = types.DeploymentLifecycleHookTargetTypeAwsLambda, aws.String(hook.Function)
		}
		details = append(details, detail)
	}
	return details
}

// ContinueServiceDeployment lets a deployment go on that waits for a hook, or sends it
// back.
func (a *API) ContinueServiceDeployment(ctx context.Context, in *ecs.ContinueServiceDeploymentInput, _ ...func(*ecs.Options)) (*ecs.ContinueServiceDeploymentOutput, error) {
	out := &ecs.ContinueServiceDeploymentOutput{ServiceDeploymentArn: in.ServiceDeploymentArn}
	return answer(out, a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		s, r, ok := a.findRollout(aws.ToString(in.ServiceDeploymentArn))
		if !ok {
			return &types.ServiceDeploymentNotFoundException{Message: aws.String("Service deployment not found.")}
		}
		i := slices.IndexFunc(r.Position.Waits, func(w lifecycle.Wait) bool { return r.hookID(w) == aws.ToString(in.HookId) })
		switch {
		case in.Action != "" && !slices.Contains(in.Action.Values(), in.Action):
			return fault.InvalidParameter("The action %s is not valid.", in.Action)
		case i < 0:
			return fault.InvalidParameter("The service deployment has no lifecycle hook with the hookId %s.", aws.ToString(in.HookId))
		case r.Status != types.ServiceDeploymentStatusInProgress || r.Position.Waits[i].Status != types.DeploymentLifecycleHookStatusAwaitingAction:
			return fault.InvalidParameter("The lifecycle hook %s is not awaiting an action.", *in.HookId)
		}
		return a.answerHook(tx, s, i, in.Action)
	}))
}

// answerHook ends the wait for a hook.
func (a *API) answerHook(tx *state.Tx, s *service, wait int, action types.DeploymentLifecycleHookAction) error {
	s.keep(tx)
	r := s.history[0]
	if action != types.DeploymentLifecycleHookActionRollback {
		r.Position = r.Position.Continue(wait)
		r.save(tx, s)
		a.reconcileSoon(s)
		return nil
	}
	target, ok := s.rollbackTarget()
	if !ok {
		return fault.InvalidParameter("%s", nothingToReturnTo)
	}
	a.rollBackByUser(tx, s, target)
	return nil
}

// tellHooks tells of the hooks that a deployment has come to since a position.
func (a *API) tellHooks(tx *state.Tx, s *service, before lifecycle.Position) {
	r := s.history[0]
	for _, w := range r.Position.Waits[len(before.Waits):] {
		if w.Asks() {
			continue
		}
		a.publishAction(tx, s, EventHook, Action{
			EventType: "INFO", EventName: "HOOK_AWAITING_ACTION", DeploymentID: s.primary().ID,
			Reason: "Lifecycle hook " + r.hookID(w) + " awaits an action at " + string(w.Stage) + ".",
		})
	}
}
