package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"flyball/internal/service/ecs/lifecycle"
	"flyball/internal/state"
)

// Functions are asked by hooks of deployments (Amazon ECS Developer Guide, "Lambda hooks
// for Amazon ECS service deployments").
type Functions interface {
	// Ask invokes a function for a service, in a role, and returns what it answers. That
	// it has failed is an error.
	Ask(ctx context.Context, serviceARN, role, function string, payload []byte) ([]byte, error)
}

type noFunctions struct{}

func (noFunctions) Ask(_ context.Context, _, _, function string, _ []byte) ([]byte, error) {
	return nil, fmt.Errorf("the function %s does not exist", function)
}

// A question is one that a deployment has for the function of a hook that it waits for.
type question struct {
	service *service
	rollout string
	wait    int
}

const (
	questionsAtOnce = 64
	askAgain        = 30 * time.Second // unless the function says when
	longestDelay    = 24 * time.Hour
)

// askHooks has the functions asked that a deployment waits for. Nothing of that is stored:
// after a restart they are asked again.
func (a *API) askHooks(s *service, now time.Time) {
	r := s.history[0]
	for i, w := range r.Position.Waits {
		q := question{s, r.ID, i}
		if !w.Asks() || a.asked[q] {
			continue
		}
		a.asked[q] = true
		at := w.Ask
		if at.Before(now) {
			at = now
		}
		a.questions.Set(q, at)
	}
}

// askAll asks functions, each for as long as it takes: others are asked meanwhile.
func (a *API) askAll(ctx context.Context, due []question) {
	for _, q := range due {
		a.cell.Clock.Go(ctx, &a.drivers, func(ctx context.Context) { a.ask(ctx, q) })
	}
}

// ask asks one function, and has its answer followed.
func (a *API) ask(ctx context.Context, q question) {
	var hook lifecycle.Hook
	var payload []byte
	var asking string
	a.cell.State.View(ctx, func() {
		if r, ok := q.open(); ok {
			asking = q.service.arn()
			hook, payload = r.Plan.Hooks[r.Position.Waits[q.wait].Hook], a.hookPayload(q.service, r, q.wait)
		}
	})
	var said hookAnswer
	if payload != nil {
		var answer []byte
		var err error
		a.cell.Clock.Outside(ctx, func() { answer, err = a.cfg.Functions.Ask(ctx, asking, hook.Role, hook.Function, payload) })
		if ctx.Err() != nil {
			return // the next life asks
		}
		said = readHookAnswer(answer, err)
	}
	err := a.cell.State.Maintain(ctx, func(_ context.Context, tx *state.Tx) error {
		delete(a.asked, q)
		if r, ok := q.open(); ok && payload != nil {
			a.followHook(tx, q, r, said)
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		a.cell.Log.Error("the answer of a deployment's lifecycle hook could not be kept", "function", hook.Function, "error", err)
	}
}

// open is the deployment of a question, if it still waits for the answer.
func (q question) open() (*rollout, bool) {
	if !q.service.there() || len(q.service.history) == 0 {
		return nil, false
	}
	r := q.service.history[0]
	return r, r.ID == q.rollout && r.running() && q.wait < len(r.Position.Waits) && r.Position.Waits[q.wait].Asks()
}

// followHook does what the function of a hook has said.
func (a *API) followHook(tx *state.Tx, q question, r *rollout, said hookAnswer) {
	s, now := q.service, a.now()
	s.keep(tx)
	before := r.Position
	switch said.Status {
	case hookSucceeded:
		r.Position = before.Continue(q.wait)
	case hookInProgress:
		r.Position = before.Again(q.wait, now.Add(said.delay()), said.Details)
		a.askHooks(s, now)
	default:
		r.Position = before.Fail(r.Plan, q.wait, now)
		a.turned(tx, s, before, failedHook(said.Reason), now)
	}
	r.UpdatedAt = now
	r.save(tx, s)
	a.reconcileSoon(s)
}

// failedHook is why a deployment fails that a function does not let go on.
func failedHook(reason string) cause {
	return cause{"ECS deployment lifecycle hook", reason, "a lifecycle hook failed"}
}

// What functions say.
const (
	hookSucceeded  = "SUCCEEDED"
	hookInProgress = "IN_PROGRESS"
	hookFailed     = "FAILED"
)

// A hookAnswer is what the function of a hook says.
type hookAnswer struct {
	Status  string          `json:"hookStatus"`
	Delay   *float64        `json:"callBackDelay"` // seconds
	Details json.RawMessage `json:"hookDetails"`
	Reason  string          `json:"-"` // why it counts as failed
}

// readHookAnswer reads what a function has answered. What it is not known to say is a
// failure.
func readHookAnswer(answer []byte, err error) (said hookAnswer) {
	if err == nil {
		if json.Unmarshal(answer, &said) != nil {
			err = errors.New("the function did not answer with a JSON object that has a hookStatus")
		}
	}
	switch known := slices.Contains([]string{hookSucceeded, hookInProgress, hookFailed}, said.Status); {
	case err != nil:
		return hookAnswer{Status: hookFailed, Reason: err.Error() + "."}
	case !known:
		return hookAnswer{Status: hookFailed, Reason: fmt.Sprintf("the function answered with the hookStatus %q.", said.Status)}
	case said.Status == hookFailed:
		said.Reason = "the function answered with the hookStatus FAILED."
	}
	return said
}

// delay is when the function wants to be asked again.
func (h hookAnswer) delay() time.Duration {
	if h.Delay == nil || *h.Delay < 0 {
		return askAgain
	}
	return time.Duration(min(*h.Delay, longestDelay.Seconds()) * float64(time.Second))
}

// A hookEvent is what the function of a hook is told. The members of the details stand
// beside them, too, as the developer guide has it.
type hookEvent struct {
	hookDetails
	Execution   hookDetails     `json:"executionDetails"`
	ExecutionID string          `json:"executionId"`
	Stage       lifecycle.Stage `json:"lifecycleStage"`
	Resource    string          `json:"resourceArn"`
	Details     json.RawMessage `json:"hookDetails,omitempty"`
}

type hookDetails struct {
	Service    string             `json:"serviceArn"`
	Target     string             `json:"targetServiceRevisionArn"`
	Test       map[string]float64 `json:"testTrafficWeights"`
	Production map[string]float64 `json:"productionTrafficWeights"`
}

// hookPayload is the event for the function of a hook. Its execution ID is the same each
// time that the function is asked for one wait.
func (a *API) hookPayload(s *service, r *rollout, wait int) []byte {
	w := r.Position.Waits[wait]
	at, rest := r.Position.Traffic, r.Position.Traffic.Rest()
	d := hookDetails{
		Service: s.arn(), Target: *a.revisionARN(s, r.Target.Number),
		Test: map[string]float64{}, Production: map[string]float64{},
	}
	for _, share := range []struct {
		revision string
		traffic  lifecycle.Traffic
	}{{r.Target.Number, at}, {r.Source, rest}} {
		if share.revision == "" {
			continue
		}
		if share.traffic.Test > 0 && at.Test > 0 {
			d.Test[*a.revisionARN(s, share.revision)] = share.traffic.Test
		}
		if share.traffic.Production > 0 {
			d.Production[*a.revisionARN(s, share.revision)] = share.traffic.Production
		}
	}
	payload, err := json.Marshal(hookEvent{
		hookDetails: d, Execution: d, Stage: w.Stage, Resource: a.arn("service-deployment", s.cluster.name, s.name, r.ID), Details: w.Details,
		ExecutionID: uuid.NewSHA1(uuid.NameSpaceURL, []byte(r.hookID(w))).String(),
	})
	if err != nil {
		panic("a hook's event is strings, numbers and JSON: " + err.Error())
	}
	return payload
}
