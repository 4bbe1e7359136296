package autoscaling

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/state"
	"flyball/scaling"
)

// The world's time is Monday 2026-03-02 17:00 UTC.

// scheduling is a request for an action that sets bounds; -1 leaves one out.
func scheduling(name, expression string, min, max int32) *applicationautoscaling.PutScheduledActionInput {
	in := &applicationautoscaling.PutScheduledActionInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		ScheduledActionName: aws.String(name), Schedule: aws.String(expression), ScalableTargetAction: &types.ScalableTargetAction{},
	}
	if min >= 0 {
		in.ScalableTargetAction.MinCapacity = aws.Int32(min)
	}
	if max >= 0 {
		in.ScalableTargetAction.MaxCapacity = aws.Int32(max)
	}
	return in
}

func (w *world) schedule(in *applicationautoscaling.PutScheduledActionInput) {
	w.t.Helper()
	if _, err := w.PutScheduledAction(w.ctx, in); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) actions(change func(*applicationautoscaling.DescribeScheduledActionsInput)) *applicationautoscaling.DescribeScheduledActionsOutput {
	w.t.Helper()
	in := &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: types.ServiceNamespaceEcs}
	if change != nil {
		change(in)
	}
	out, err := w.DescribeScheduledActions(w.ctx, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) deleteAction(name string) error {
	_, err := w.DeleteScheduledAction(w.ctx, &applicationautoscaling.DeleteScheduledActionInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount, ScheduledActionName: aws.String(name),
	})
	return err
}

// setFailure is how UpdateService fails from now on; nil lets it work.
func (c *containers) setFailure(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = err
}

// until sleeps to a time of the clock, and lets everything that it starts end.
func (w *world) until(text string) {
	w.t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(at.Sub(w.now()))
	synctest.Wait()
}

func (w *world) wantBounds(min, max int32) {
	w.t.Helper()
	if t := w.lookup(w.ctx, web); t.Min != min || t.Max != max {
		w.t.Fatalf("the bounds are %d to %d, want %d to %d", t.Min, t.Max, min, max)
	}
}

// told are the activities as "description, cause: status message", sorted.
func (w *world) told() []string {
	w.t.Helper()
	var told []string
	for _, a := range w.activities(false) {
		told = append(told, fmt.Sprintf("%s | %s | %s | %s", *a.Description, *a.Cause, a.StatusCode, aws.ToString(a.StatusMessage)))
	}
	slices.Sort(told)
	return told
}

func (w *world) wantTold(want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if got := w.told(); !slices.Equal(got, want) {
		w.t.Errorf("activities\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAScheduledActionRaisesTheCapacityToANewMinimum(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ecs.instant = true
		w.register(1, 20)
		w.schedule(scheduling("morning", "at(2026-03-02T18:00:00)", 15, 30))
		w.until("2026-03-02 17:59:59")
		w.wantBounds(1, 20)
		w.wantDesired(10)
		w.until("2026-03-02 18:00:00")
		w.wantBounds(15, 30)
		w.wantDesired(15)
		w.until("2026-03-02 18:00:02")
		w.wantTold(
			"Setting min capacity to 15 and max capacity to 30 | scheduled action name morning was triggered | Successful | Successfully set min capacity to 15 and max capacity to 30",
			"Setting desired count to 15. | minimum capacity was set to 15 | Successful | Successfully set desired count to 15. Change successfully fulfilled by ecs.",
		)
		for _, a := range w.activities(false) {
			if strings.HasPrefix(*a.Description, "Setting min") && a.EndTime != nil {
				t.Errorf("a change of bounds has an end: %v", a.EndTime)
			}
		}
	})
}

// Start and end times are those of recurring schedules. AWS takes an at
// expression before the start, as Terraform's acceptance tests have it.
func TestAnAtExpressionRunsWhateverTheStartTime(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		in := scheduling("once", "at(2026-03-02T18:00:00)", 5, -1)
		in.StartTime, in.EndTime = aws.Time(w.now().Add(48*time.Hour)), aws.Time(w.now().Add(72*time.Hour))
		w.schedule(in)
		w.until("2026-03-02 17:59:59")
		w.wantBounds(1, 20)
		w.until("2026-03-02 18:00:00")
		w.wantBounds(5, 20)
	})
}

func TestAScheduledActionLowersTheCapacityToANewMaximum(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ecs.instant = true
		w.register(1, 20)
		w.schedule(scheduling("night", "at(2026-03-02T18:00:00)", -1, 4))
		w.until("2026-03-02 18:00:02")
		w.wantBounds(1, 4)
		w.wantDesired(4)
		w.wantTold(
			"Setting max capacity to 4 | scheduled action name night was triggered | Successful | Successfully set max capacity to 4",
			"Setting desired count to 4. | maximum capacity was set to 4 | Successful | Successfully set desired count to 4. Change successfully fulfilled by ecs.",
		)
	})
}

func TestACapacityInsideTheNewBoundsStays(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.schedule(scheduling("noon", "at(2026-03-02T18:00:00)", 5, -1))
		w.until("2026-03-02 18:00:02")
		w.wantBounds(5, 20)
		w.wantDesired(10)
		w.wantTold("Setting min capacity to 5 | scheduled action name noon was triggered | Successful | Successfully set min capacity to 5")
	})
}

// "You must specify a new minimum and maximum capacity, and not just the
// minimum", if it is above the maximum when the action runs.
func TestAMinimumAboveTheMaximumOfTheTimeFails(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.schedule(scheduling("morning", "rate(1 hour)", 25, -1))
		w.until("2026-03-02 18:00:02")
		w.wantBounds(1, 20)
		w.wantDesired(10)
		w.wantTold("Setting min capacity to 25 | scheduled action name morning was triggered | Failed | Failed to set min capacity to 25. Reason: maximum capacity cannot be less than minimum capacity (20 is less than 25)")
	})
}

func TestCooldownsDoNotHoldScheduledActions(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ecs.instant = true
		w.tracked()
		w.state.Later(func(tx *state.Tx) {
			t := w.rows.targets[web]
			p := *t.policies[0]
			p.Cooldown = scaling.Cooldown{Direction: scaling.In}
			w.rows.put(tx, t.withPolicy(&p))
		})
		w.schedule(scheduling("down", "at(2026-03-02T17:00:30)", 1, 2))
		w.schedule(scheduling("up", "at(2026-03-02T17:01:00)", 8, 9))
		w.until("2026-03-02 17:00:30")
		w.wantDesired(2)
		w.until("2026-03-02 17:01:00")
		w.wantDesired(8)
	})
}

func TestAFailureToSetTheCapacityKeepsTheBoundsAndTheNextRun(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.ecs.setFailure(errors.New("no"))
		w.schedule(scheduling("up", "rate(1 hour)", 12, -1))
		w.until("2026-03-02 18:00:00")
		w.wantBounds(12, 20)
		w.wantDesired(10)
		w.ecs.setFailure(nil)
		w.until("2026-03-02 19:00:00")
		w.wantDesired(12)
	})
}

// "Application Auto Scaling does not initiate the actions that are scheduled to
// run during the suspension, and on resume only evaluates those whose time has
// not yet passed."
func TestRunsOfASuspendedTargetAreSkipped(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ecs.instant = true
		w.register(1, 20)
		suspend := func(yes bool) {
			_, err := w.RegisterScalableTarget(w.ctx, registration(func(in *applicationautoscaling.RegisterScalableTargetInput) {
				in.SuspendedState = &types.SuspendedState{ScheduledScalingSuspended: aws.Bool(yes)}
			}))
			if err != nil {
				t.Fatal(err)
			}
		}
		w.schedule(scheduling("up", "rate(1 hour)", 12, -1))
		suspend(true)
		w.until("2026-03-02 18:30:00")
		w.wantDesired(10)
		suspend(false)
		w.restart()
		w.until("2026-03-02 18:59:59")
		w.wantDesired(10)
		w.until("2026-03-02 19:00:00")
		w.wantDesired(12)
	})
}

func TestOfTheRunsMissedWhileDownEachActionsLastCounts(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ecs.instant = true
		w.register(1, 20)
		w.schedule(scheduling("morning", "cron(0 8 * * ? *)", 14, 20))
		w.schedule(scheduling("night", "cron(0 20 * * ? *)", 1, 3))
		w.schedule(scheduling("once", "at(2026-03-03T12:00:00)", -1, 30))
		w.stop()
		w.until("2026-03-06 09:00:00")
		w.start()
		synctest.Wait()
		w.wantBounds(14, 20)
		w.wantDesired(14)
		var causes []string
		for _, a := range w.activities(false) {
			if strings.HasPrefix(*a.Cause, "scheduled") {
				causes = append(causes, *a.Cause)
			}
		}
		if len(causes) != 3 {
			t.Errorf("runs: %v", causes)
		}
		w.until("2026-03-06 20:00:00")
		w.wantDesired(3)
	})
}

func TestNothingRunsTwiceAfterARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.schedule(scheduling("up", "rate(1 hour)", 5, -1))
		w.until("2026-03-02 18:00:00")
		w.restart()
		w.until("2026-03-02 18:59:00")
		if told := w.told(); len(told) != 1 {
			t.Errorf("activities: %q", told)
		}
	})
}

func TestARunThatTheServersEndCutsShortIsRepeated(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.schedule(scheduling("up", "at(2026-03-02T18:00:00)", 12, -1))
		w.ecs.setHang(func() {
			go w.stop()
			<-w.ctx.Done()
			w.ecs.setFailure(w.ctx.Err())
		})
		w.until("2026-03-02 18:00:00")
		w.wantDesired(10)
		w.ecs.setFailure(nil)
		w.start()
		synctest.Wait()
		w.wantBounds(12, 20)
		w.wantDesired(12)
		w.restart()
		synctest.Wait()
		if n := len(w.told()); n != 3 { // a change of the bounds, a failure and a success
			t.Errorf("activities: %q", w.told())
		}
	})
}

func TestOneScheduledActionAfterTheOther(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		// At the same time the one that was made first runs first.
		w.schedule(scheduling("b", "at(2026-03-02T18:00:00)", 5, -1))
		time.Sleep(time.Second)
		w.schedule(scheduling("a", "at(2026-03-02T18:00:00)", 6, -1))
		w.until("2026-03-02 18:00:01")
		w.wantBounds(6, 20)
	})
}

func TestRatesCountFromTheStartOrTheCreation(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.schedule(scheduling("created", "rate(10 minutes)", 2, -1))
		in := scheduling("started", "rate(10 minutes)", -1, 18)
		in.StartTime, in.EndTime = aws.Time(w.now().Add(12*time.Minute)), aws.Time(w.now().Add(25*time.Minute))
		w.schedule(in)
		w.until("2026-03-02 17:55:00")
		var at []string
		for _, a := range w.activities(false) {
			at = append(at, a.StartTime.Format("15:04")+" "+strings.Fields(*a.Cause)[3])
		}
		slices.Sort(at)
		if got, want := strings.Join(at, ", "), "17:10 created, 17:12 started, 17:20 created, 17:22 started, 17:30 created, 17:40 created, 17:50 created"; got != want {
			t.Errorf("runs\n%s\nwant\n%s", got, want)
		}
	})
}

func TestADeletedActionDoesNotRun(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.schedule(scheduling("up", "rate(1 hour)", 12, -1))
		if err := w.deleteAction("up"); err != nil {
			t.Fatal(err)
		}
		wantError(t, w.deleteAction("up"), "ObjectNotFoundException",
			"No scheduled action found for service namespace: ecs, resource ID: service/default/web, scalable dimension: ecs:service:DesiredCount, scheduled action name: up")
		w.restart()
		w.until("2026-03-02 19:00:00")
		w.wantDesired(10)
	})
}

func TestDeregisteringDeletesScheduledActions(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.schedule(scheduling("up", "rate(1 hour)", 12, -1))
		_, err := w.DeregisterScalableTarget(w.ctx, &applicationautoscaling.DeregisterScalableTargetInput{
			ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String(web), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.restart()
		w.register(1, 20)
		if got := w.actions(nil).ScheduledActions; len(got) > 0 {
			t.Errorf("left: %v", got)
		}
		w.until("2026-03-02 19:00:00")
		w.wantDesired(10)
	})
}

func TestAnUpdateKeepsWhatIsNotGivenButTheTimes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		in := scheduling("up", "cron(0 18 * * ? *)", 2, 12)
		in.Timezone, in.StartTime, in.EndTime = aws.String("America/New_York"), aws.Time(w.now()), aws.Time(w.now().Add(time.Hour))
		w.schedule(in)
		before := w.actions(nil).ScheduledActions[0]
		if *before.Timezone != "America/New_York" || !before.StartTime.Equal(w.now()) || !before.EndTime.Equal(w.now().Add(time.Hour)) {
			t.Errorf("made: %+v", before)
		}
		time.Sleep(time.Minute)
		in = scheduling("up", "", -1, 14)
		in.Schedule = nil
		w.schedule(in)
		w.restart()
		after := w.actions(nil).ScheduledActions[0]
		switch {
		case *after.Schedule != "cron(0 18 * * ? *)" || *after.Timezone != "America/New_York":
			t.Errorf("the schedule is not kept: %+v", after)
		case after.StartTime != nil || after.EndTime != nil:
			t.Errorf("the times are kept: %+v", after)
		case after.ScalableTargetAction.MinCapacity != nil || *after.ScalableTargetAction.MaxCapacity != 14:
			t.Errorf("the capacities are not those of the update: %+v", after)
		case !after.CreationTime.Equal(*before.CreationTime) || *after.ScheduledActionARN != *before.ScheduledActionARN:
			t.Errorf("it is another action: %+v", after)
		}
		w.until("2026-03-02 22:59:59")
		w.wantBounds(1, 20)
		w.until("2026-03-02 23:00:00")
		w.wantBounds(1, 14)
	})
}

func TestDescribeScheduledActions(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ecs.add("service/default/api", 1, 1)
		w.register(1, 20)
		_, err := w.RegisterScalableTarget(w.ctx, registration(func(in *applicationautoscaling.RegisterScalableTargetInput) {
			in.ResourceId = aws.String("service/default/api")
		}))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"c", "a", "b"} {
			w.schedule(scheduling(name, "rate(1 hour)", 1, -1))
		}
		in := scheduling("a", "at(2026-03-02T18:00:00)", 1, -1)
		in.ResourceId = aws.String("service/default/api")
		w.schedule(in)
		w.until("2026-03-02 19:00:00")

		names := func(change func(*applicationautoscaling.DescribeScheduledActionsInput)) string {
			var names []string
			for _, c := range w.actions(change).ScheduledActions {
				names = append(names, strings.TrimPrefix(*c.ResourceId, "service/default/")+"/"+*c.ScheduledActionName)
			}
			return strings.Join(names, " ")
		}
		type input = applicationautoscaling.DescribeScheduledActionsInput
		for _, tt := range []struct {
			name, want string
			change     func(*input)
		}{
			{"all, even one that has run", "api/a web/a web/b web/c", nil},
			{"of a target", "web/a web/b web/c", func(in *input) { in.ResourceId = aws.String(web) }},
			{"of a target and dimension", "api/a", func(in *input) {
				in.ResourceId, in.ScalableDimension = aws.String("service/default/api"), types.ScalableDimensionECSServiceDesiredCount
			}},
			{"by name", "api/a web/a web/c", func(in *input) { in.ScheduledActionNames = []string{"c", "a", "x"} }},
			{"a page", "api/a web/a", func(in *input) { in.MaxResults = aws.Int32(2) }},
			{"of another service", "", func(in *input) { in.ServiceNamespace = types.ServiceNamespaceDynamodb }},
		} {
			if got := names(tt.change); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		}
		first := w.actions(func(in *input) { in.MaxResults = aws.Int32(3) })
		if got := names(func(in *input) { in.NextToken = first.NextToken }); got != "web/c" {
			t.Errorf("the second page is %s", got)
		}
	})
}

func TestADescribedActionHasAWSShape(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.schedule(scheduling("my-action", "rate(5 minutes)", 3, -1))
		w.schedule(scheduling("other", "rate(5 minutes)", 3, -1))
		got := w.actions(nil).ScheduledActions
		c := got[0]
		head, tail := "arn:aws:autoscaling:us-east-1:123456789012:scheduledAction:", ":resource/ecs/service/default/web:scheduledActionName/my-action"
		if arn := *c.ScheduledActionARN; !strings.HasPrefix(arn, head) || !strings.HasSuffix(arn, tail) || len(arn) != len(head)+36+len(tail) {
			t.Error(arn)
		}
		if strings.TrimSuffix(*c.ScheduledActionARN, "my-action") != strings.TrimSuffix(*got[1].ScheduledActionARN, "other") {
			t.Error("the actions of a target do not share the id in their ARNs")
		}
		if c.Timezone != nil || c.StartTime != nil || c.EndTime != nil || c.ScalableTargetAction.MaxCapacity != nil || *c.ScalableTargetAction.MinCapacity != 3 ||
			c.ScalableDimension != types.ScalableDimensionECSServiceDesiredCount || *c.Schedule != "rate(5 minutes)" || !c.CreationTime.Equal(w.now()) {
			t.Errorf("%+v", c)
		}
	})
}

func TestPutScheduledActionRefuses(t *testing.T) {
	type input = applicationautoscaling.PutScheduledActionInput
	tests := []struct {
		name          string
		change        func(*input)
		code, message string
	}{
		{"an unknown target", func(in *input) { in.ResourceId = aws.String("service/default/x") }, "ObjectNotFoundException",
			"No scalable target registered for service namespace: ecs, resource ID: service/default/x, scalable dimension: ecs:service:DesiredCount"},
		{"no name", func(in *input) { in.ScheduledActionName = nil }, "ValidationException", "ScheduledActionName must be specified"},
		{"a time in the past", func(in *input) { in.Schedule = aws.String("at(2026-03-02T17:00:00)") }, "ValidationException",
			"Invalid schedule expression. Details: at(2026-03-02T17:00:00) is in the past."},
		{"an unknown zone", func(in *input) { in.Timezone = aws.String("Mars/Olympus") }, "ValidationException", "Time zone Mars/Olympus is not valid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.register(1, 20)
				in := scheduling("up", "rate(1 hour)", 1, 20)
				tt.change(in)
				_, err := w.PutScheduledAction(w.ctx, in)
				wantError(t, err, tt.code, tt.message)
				if got := w.actions(nil).ScheduledActions; len(got) > 0 {
					t.Errorf("an action is there all the same: %v", got)
				}
			})
		})
	}
}

func TestARefusedUpdateChangesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.schedule(scheduling("up", "rate(1 hour)", 12, -1))
		_, err := w.PutScheduledAction(w.ctx, scheduling("up", "rate(2 hours)", 5, 4))
		wantError(t, err, "ValidationException", "")
		if got := w.actions(nil).ScheduledActions[0]; *got.Schedule != "rate(1 hour)" {
			t.Errorf("%+v", got)
		}
		w.until("2026-03-02 18:00:00")
		w.wantDesired(12)
	})
}

// An action that has run can be changed without giving its schedule again.
func TestAnActionInThePastCanBeUpdated(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.schedule(scheduling("once", "at(2026-03-02T18:00:00)", 5, -1))
		w.until("2026-03-02 19:00:00")
		w.schedule(scheduling("once", "at(2026-03-02T18:00:00)", 6, -1))
		time.Sleep(time.Hour)
		w.wantBounds(5, 20)
	})
}

func TestATargetHasTwoHundredScheduledActions(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		for i := range 200 {
			w.schedule(scheduling(fmt.Sprint(i), "rate(1 day)", 1, -1))
		}
		_, err := w.PutScheduledAction(w.ctx, scheduling("one more", "rate(1 day)", 1, -1))
		wantError(t, err, "LimitExceededException", "The limit of 200 scheduled actions for a scalable target is reached.")
		w.schedule(scheduling("0", "rate(2 days)", 1, -1))
	})
}

func TestExplainTellsTheNextRun(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(1, 20)
		w.schedule(scheduling("later", "rate(2 hours)", 1, -1))
		w.schedule(scheduling("soon", "at(2026-03-02T18:00:00)", 5, 10))
		e, err := w.Explain(w.ctx, web)
		if err != nil {
			t.Fatal(err)
		}
		if want := "scheduled  2026-03-02 18:00:00 soon sets min capacity to 5 and max capacity to 10\n"; !strings.Contains(e.String(), want) {
			t.Errorf("%s\nwant %s", e, want)
		}
		w.until("2026-03-02 18:30:00")
		if e, err = w.Explain(w.ctx, web); err != nil || e.Scheduled == nil || e.Scheduled.Action != "later" {
			t.Errorf("%+v %v", e.Scheduled, err)
		}
	})
}

// A year in virtual time, with clocks that change in it: every run comes, at its
// instant, and no other.
func TestAYearOfSchedules(t *testing.T) {
	if testing.Short() {
		t.Skip("a year takes some seconds")
	}
	inWorld(t, func(w *world) {
		w.register(1, 20)
		schedules := []struct{ name, expression, zone string }{
			{"office", "cron(0 9 ? * MON-FRI *)", "America/New_York"},
			{"gap", "cron(30 2 * * ? *)", "Europe/Berlin"},
			{"month end", "cron(0 18 LW * ? *)", "Australia/Lord_Howe"},
			{"fridays", "cron(15 17 ? * 6#5 *)", "Asia/Kathmandu"},
			{"rate", "rate(36 hours)", ""},
			{"leap", "cron(0 0 29 2 ? *)", "UTC"},
			{"christmas", "at(2026-12-24T18:00:00)", "Europe/Rome"},
		}
		for _, s := range schedules {
			in := scheduling(s.name, s.expression, 1, -1)
			if s.zone != "" {
				in.Timezone = aws.String(s.zone)
			}
			w.schedule(in)
		}
		start, end := w.now(), w.now().AddDate(1, 0, 0)
		got := map[string]map[time.Time]bool{}
		for w.now().Before(end) {
			time.Sleep(20*24*time.Hour + time.Second) // activities are kept for six weeks
			for _, a := range w.everyActivity() {
				name := strings.TrimSuffix(strings.TrimPrefix(*a.Cause, "scheduled action name "), " was triggered")
				if got[name] == nil {
					got[name] = map[time.Time]bool{}
				}
				got[name][a.StartTime.UTC()] = !a.StartTime.After(end)
			}
		}
		for _, s := range schedules {
			want := runsByTheMinute(t, s.name, start, end)
			for _, at := range want {
				if !got[s.name][at] {
					t.Errorf("%s did not run at %v", s.name, at)
				}
				delete(got[s.name], at)
			}
			for at, inTime := range got[s.name] {
				if inTime {
					t.Errorf("%s ran at %v", s.name, at)
				}
			}
			if len(want) == 0 && s.name != "leap" {
				t.Errorf("%s has no run to see", s.name)
			}
		}
	})
}

func (w *world) everyActivity() []types.ScalingActivity {
	w.t.Helper()
	synctest.Wait()
	var activities []types.ScalingActivity
	in := &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: types.ServiceNamespaceEcs}
	for {
		out, err := w.DescribeScalingActivities(w.ctx, in)
		if err != nil {
			w.t.Fatal(err)
		}
		activities = append(activities, out.ScalingActivities...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return activities
		}
	}
}

// runsByTheMinute are the runs of TestAYearOfSchedules, from what its schedules
// mean: it looks at what the clocks show every minute.
func runsByTheMinute(t *testing.T, name string, from, to time.Time) []time.Time {
	t.Helper()
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	newYork, berlin, lordHowe, kathmandu, rome := zone("America/New_York"), zone("Europe/Berlin"), zone("Australia/Lord_Howe"), zone("Asia/Kathmandu"), zone("Europe/Rome")
	shows := func(at time.Time, clock string) bool { return at.Format("15:04") == clock }
	var runs []time.Time
	shown := map[string]bool{} // the second showing of an hour does not count
	for at := from.Add(time.Minute); !at.After(to); at = at.Add(time.Minute) {
		var is bool
		switch name {
		case "office":
			l := at.In(newYork)
			is = shows(l, "09:00") && l.Weekday() != time.Saturday && l.Weekday() != time.Sunday
		case "gap":
			l := at.In(berlin)
			is = shows(l, "02:30") && !shown[l.Format(time.DateTime)]
			shown[l.Format(time.DateTime)] = true
		case "month end":
			l := at.In(lordHowe)
			if !shows(l, "18:00") || l.Weekday() == time.Saturday || l.Weekday() == time.Sunday {
				continue
			}
			is = true
			for d := l.AddDate(0, 0, 1); d.Month() == l.Month(); d = d.AddDate(0, 0, 1) {
				is = is && (d.Weekday() == time.Saturday || d.Weekday() == time.Sunday)
			}
		case "fridays":
			l := at.In(kathmandu)
			is = shows(l, "17:15") && l.Weekday() == time.Friday && l.Day() > 28
		case "rate":
			is = at.Sub(from)%(36*time.Hour) == 0
		case "leap":
			is = at.Format("01-02 15:04") == "02-29 00:00"
		case "christmas":
			is = at.In(rome).Format("2006-01-02 15:04") == "2026-12-24 18:00"
		}
		if is {
			runs = append(runs, at)
		}
	}
	return runs
}
