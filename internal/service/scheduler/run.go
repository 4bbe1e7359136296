package scheduler

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/smithy-go"

	"flyball/internal/deliver"
	"flyball/internal/delivery"
	"flyball/internal/service/scheduler/rules"
	"flyball/internal/state"
)

// Run makes the runs of schedules when they are due, and publishes metrics, until ctx
// ends.
func (a *API) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	clk := a.cell.Clock
	clk.Go(ctx, &loops, a.counts.Run)
	clk.Go(ctx, &loops, func(ctx context.Context) { a.agenda.Run(ctx, clk, mostDue, a.runDue) })
	clk.Idle(ctx, loops.Wait)
	return nil
}

// mostDue is how many schedules run with one write.
const mostDue = 1000

// again is how long is waited, in the server's time, when runs could not be handed on.
const again = time.Second

// expect makes a schedule due for the run after its last, or for none.
func (a *API) expect(s *schedule, last time.Time) {
	at, ok := a.next(s, last)
	if !ok {
		a.agenda.Drop(s.key())
		return
	}
	a.agenda.Set(s.key(), at.Add(a.delay(s)))
}

// next is the run after the last of a schedule, if it has another and is enabled.
func (a *API) next(s *schedule, last time.Time) (time.Time, bool) {
	if s.State != types.ScheduleStateEnabled {
		return time.Time{}, false
	}
	runs, err := s.Timing.Compile(&a.zones)
	if err != nil {
		a.cell.Log.Error("a schedule cannot be read", "schedule", s.key(), "error", err)
		return time.Time{}, false
	}
	return runs.After(last)
}

func (a *API) delay(s *schedule) time.Duration {
	return rules.Delay(a.arn(s.Group, s.Name), s.Timing.Window)
}

// A dueRun is a run that is to be made, or that was missed and is too old.
type dueRun struct {
	schedule
	at  time.Time
	old bool
}

// runDue makes the runs that are due of some schedules: it has them delivered, and then
// notes that they were.
func (a *API) runDue(ctx context.Context, keys []string) {
	runs := a.dueRuns(ctx, keys)
	var deliveries []delivery.Delivery
	for i := range runs {
		if runs[i].old {
			a.counts.add(runs[i].Group, dropped)
			continue
		}
		deliveries = append(deliveries, a.deliveryOf(&runs[i]))
	}
	err := a.cfg.Deliveries.Deliver(ctx, deliveries...)
	if err == nil {
		err = a.note(ctx, runs)
	}
	if err != nil && ctx.Err() == nil {
		a.cell.Log.Error("runs of schedules are made again", "error", err)
		for i := range runs {
			a.agenda.Set(runs[i].key(), a.cell.Clock.Now().Add(again))
		}
	}
}

// dueRuns are the runs of some schedules that are due now. Those that are not, because
// the schedule has changed, wait for the next.
func (a *API) dueRuns(ctx context.Context, keys []string) (runs []dueRun) {
	now := a.cell.Clock.Now()
	a.cell.State.View(ctx, func() {
		for _, k := range keys {
			s, ok := a.schedules.Get(k)
			if !ok {
				continue
			}
			last, _ := a.runs.Get(k)
			if run, ok := a.dueRun(&s, last, now); ok {
				runs = append(runs, run)
			} else {
				a.expect(&s, last)
			}
		}
	})
	return runs
}

// dueRun is the run of a schedule that is due. Of those that were missed while the
// server did not run, or its machine was asleep, it is the last; and that is not made any more when it is older than
// the target's maximum age of an event.
func (a *API) dueRun(s *schedule, last, now time.Time) (run dueRun, ok bool) {
	at, ok := a.next(s, last)
	delay := a.delay(s)
	if !ok || at.Add(delay).After(now) {
		return run, false
	}
	run = dueRun{schedule: *s, at: at}
	if missed := a.awake().Add(-delay); at.Before(missed) {
		runs, _ := s.Timing.Compile(&a.zones) // as next has done
		run.at, _ = runs.Last(last, missed)
		run.old = now.Sub(run.at.Add(delay)) > maxAge(s)
	}
	return run, true
}

// awake is the time from which on no run was missed.
func (a *API) awake() time.Time {
	if landed := a.cell.Clock.Landed(); landed.After(a.opened) {
		return landed
	}
	return a.opened
}

// maxAge is the maximum age of the schedule's events.
func maxAge(s *schedule) time.Duration {
	return time.Duration(*s.Target.RetryPolicy.MaximumEventAgeInSeconds) * time.Second
}

// refresh makes schedules due for their next runs.
func (a *API) refresh(keys ...string) {
	a.cell.State.View(context.Background(), func() {
		for _, k := range keys {
			if s, ok := a.schedules.Get(k); ok {
				last, _ := a.runs.Get(k)
				a.expect(&s, last)
			}
		}
	})
}

// note notes the runs that were made, and expects the next. A schedule that has had its
// last run is deleted, if it is to be.
func (a *API) note(ctx context.Context, made []dueRun) error {
	if len(made) == 0 {
		return nil
	}
	var keys []string
	err := a.cell.State.Maintain(ctx, func(_ context.Context, tx *state.Tx) error {
		for i := range made {
			s, ok := a.schedules.Get(made[i].key())
			if !ok || !s.Timing.Since.Equal(made[i].Timing.Since) {
				continue // it is another one now
			}
			keys = append(keys, s.key())
			if _, more := a.next(&s, made[i].at); !more && s.After == types.ActionAfterCompletionDelete && s.State == types.ScheduleStateEnabled {
				a.remove(tx, s.key())
				continue
			}
			a.runs.Put(tx, s.key(), made[i].at)
		}
		return nil
	})
	if err == nil {
		a.refresh(keys...)
	}
	return err
}

// remove removes a schedule.
func (a *API) remove(tx *state.Tx, k string) {
	a.schedules.Delete(tx, k)
	a.runs.Delete(tx, k)
	a.agenda.Drop(k)
}

// owner is the name of the service's deliveries.
const owner = "scheduler"

// deliveryOf is what a run sends.
func (a *API) deliveryOf(d *dueRun) delivery.Delivery {
	t := &d.Target
	kind, _ := rules.KindOf(*t.Arn) // it was checked
	run := rules.Run{Schedule: a.arn(d.Group, d.Name), Account: a.cell.Account, Region: a.cell.Region, At: d.at, Since: d.Timing.Since}
	to := delivery.Delivery{
		Owner: owner, To: *t.Arn,
		Invocation: deliver.Invocation{
			ID: run.ID(), Principal: principal, Source: a.groupARN(d.Group), Role: *t.RoleArn,
			Body: run.Input(kind, t), Parameters: rules.Parameters(t), StartedBy: "chronos-schedule/" + d.Name,
		},
		Retry: delivery.Retry{MaxAge: maxAge(&d.schedule), Retries: int(*t.RetryPolicy.MaximumRetryAttempts)},
		Attributes: map[string]string{
			"EXECUTION_ID": run.Execution(), "IS_PAYLOAD_TRUNCATED": "false", "SCHEDULED_TIME": run.Time(),
			"SCHEDULE_ARN": run.Schedule, "TARGET_ARN": *t.Arn,
		},
		Note: []byte(d.Group),
	}
	if t.DeadLetterConfig != nil {
		to.DeadLetter, to.LetterRole = aws.ToString(t.DeadLetterConfig.Arn), *t.RoleArn
	}
	return to
}

// take makes an attempt, whose number is put into what is sent. Dead letters tell the
// error code of the operation that was called, as AWS's do.
func (a *API) take(ctx context.Context, d delivery.Delivery) error {
	d.Invocation.Body = rules.Attempt(d.Invocation.Body, d.Invocation.Attempt)
	err := a.cfg.Router.Deliver(ctx, d.To, d.Invocation)
	_, refused := errors.AsType[*deliver.Refused](err)
	if operation, ok := errors.AsType[smithy.APIError](err); refused && ok {
		return &deliver.Refused{Code: operation.ErrorCode(), Err: errors.New(operation.ErrorMessage())}
	}
	return err
}
