package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/client"
)

// The wall clock of a server that is tortured with it.
const (
	asleep   = 8 * time.Hour
	setBack  = time.Hour
	runsOn   = 10 * time.Minute // once the wall clock has caught up
	noticed  = 5 * time.Second  // within which a jump shows
	sightGap = 50 * time.Millisecond
)

// The queues that schedules and a delay fill, and the bound that a scheduled action sets.
const (
	ruled, scheduled, delayed = "ruled", "scheduled", "delayed"
	actedLeast                = 2
)

// jumps plays a suspend and a wall clock that is set back and put right, and then has the lead
// given up.
type jumps struct {
	*run
	c     *client.Client
	shift string // the file of the wall clock
	by    time.Duration
	tasks []string
	round int // of the play
}

// jumpsOfTheClock plays jumps of the wall clock with servers, and checks that they go with them.
func jumpsOfTheClock(ctx context.Context, r *run) error {
	shift := filepath.Join(r.dir, "shift")
	r.speed, r.flags = 1, []string{"--wall-shift", shift}
	return r.repeat(ctx, func(ctx context.Context, n int) error {
		if err := os.RemoveAll(r.data); err != nil {
			return err
		}
		j := &jumps{run: r, round: n, shift: shift, c: client.New(client.Config{Endpoint: "http://" + r.addr, Region: "us-east-1"})}
		return j.play(ctx)
	})
}

func (j *jumps) play(ctx context.Context) error {
	if err := j.to(0); err != nil {
		return err
	}
	p, err := j.start(ctx, j.round)
	if err != nil {
		return err
	}
	defer func() { p.kill() }()
	if err := j.setUp(ctx); err != nil {
		return err
	}
	for _, step := range []struct {
		by    time.Duration
		check func(context.Context) error
	}{
		{asleep, j.awake},
		{asleep - setBack, j.stands},
		{asleep + runsOn, j.caughtUp},
	} {
		if err := j.to(step.by); err != nil {
			return err
		}
		if err := step.check(ctx); err != nil {
			return err
		}
		j.alive(ctx)
	}
	if p, err = j.giveUp(ctx, p); err != nil {
		return err
	}
	return p.terminate()
}

// to shifts the wall clock.
func (j *jumps) to(by time.Duration) error {
	j.by = by
	next := j.shift + ".next"
	if err := os.WriteFile(next, []byte(by.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(next, j.shift)
}

// wall is what the server's wall clock shows.
func (j *jumps) wall() time.Time { return time.Now().Add(j.by) }

// wrong counts what the server got wrong.
func (j *jumps) wrong(subject, format string, args ...any) {
	j.report(j.round, fault{wrongTime, subject, fmt.Sprintf(format, args...)})
}

// eventually waits until a condition holds, which is to be soon.
func (j *jumps) eventually(ctx context.Context, subject string, holds func() (bool, string)) {
	for began := time.Now(); ; pause(ctx, sightGap) {
		ok, seen := holds()
		if ok || ctx.Err() != nil {
			return
		}
		if time.Since(began) > j.within(noticed) {
			j.wrong(subject, "%s: after %v %s", subject, j.within(noticed), seen)
			return
		}
	}
}

// clockShows checks what the server's clock shows, to within the time that a call takes.
func (j *jumps) clockShows(ctx context.Context, want time.Time) {
	j.eventually(ctx, "clock", func() (bool, string) {
		c, err := j.c.Clock(ctx)
		off := c.Now.Sub(want).Abs()
		return err == nil && off < j.within(2*noticed), fmt.Sprintf("the clock shows %v, not %v (%v)", c.Now, want, err)
	})
}

// awake checks a server whose machine was asleep.
func (j *jumps) awake(ctx context.Context) error {
	woke := j.wall()
	j.clockShows(ctx, j.wall())
	j.takesTrueTimes(ctx)
	for _, queue := range []string{ruled, scheduled} {
		// The last run that was missed, and at most one whose time has come meanwhile.
		n := 0
		j.eventually(ctx, queue, func() (bool, string) {
			n += j.receive(ctx, queue)
			return n > 0, "no run of the schedule has come"
		})
		pause(ctx, time.Second)
		if n += j.receive(ctx, queue); n > 2 {
			j.wrong(queue, "%s: %d runs have come after a suspend", queue, n)
		}
	}
	j.eventually(ctx, delayed, func() (bool, string) { return j.receive(ctx, delayed) == 1, "the delayed message has not come" })
	j.eventually(ctx, "scheduled action", func() (bool, string) {
		out, err := j.c.AutoScaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: namespace})
		ok := err == nil && len(out.ScalableTargets) == 1 && aws.ToInt32(out.ScalableTargets[0].MinCapacity) == actedLeast
		return ok, fmt.Sprintf("the scheduled action has not run (%v)", err)
	})
	return j.nothingInvented(ctx, woke)
}

// takesTrueTimes checks that a datapoint with the wall clock's time is taken.
func (j *jumps) takesTrueTimes(ctx context.Context) {
	_, err := j.c.CloudWatch.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
		Namespace:  aws.String("torture"),
		MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("m"), Timestamp: aws.Time(j.wall()), Value: aws.Float64(1)}},
	})
	if err != nil {
		j.wrong("true timestamps", "a true timestamp is refused: %v", err)
	}
}

// nothingInvented checks that there are no datapoints of the time that the machine was asleep.
func (j *jumps) nothingInvented(ctx context.Context, woke time.Time) error {
	out, err := j.c.CloudWatch.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/ECS"), MetricName: aws.String("CPUUtilization"), Period: aws.Int32(60),
		StartTime: aws.Time(woke.Add(-asleep + 2*time.Minute)), EndTime: aws.Time(woke.Add(-noticed).Truncate(time.Minute)),
		Statistics: []cwtypes.Statistic{cwtypes.StatisticAverage},
		Dimensions: []cwtypes.Dimension{
			{Name: aws.String("ClusterName"), Value: aws.String(clusterName)}, {Name: aws.String("ServiceName"), Value: aws.String(steadyName)},
		},
	})
	if err == nil && len(out.Datapoints) > 0 {
		j.wrong("datapoints", "%d datapoints of the time asleep", len(out.Datapoints))
	}
	return err
}

// stands checks a server whose wall clock was set back.
func (j *jumps) stands(ctx context.Context) error {
	j.clockShows(ctx, j.wall().Add(setBack))
	before, err := j.c.Clock(ctx)
	if err != nil {
		return err
	}
	pause(ctx, 2*time.Second)
	after, err := j.c.Clock(ctx)
	if err != nil {
		return err
	}
	if !after.Now.Equal(before.Now) {
		j.wrong("standing", "the clock goes from %v to %v while the wall clock has to catch up", before.Now, after.Now)
	}
	j.takesTrueTimes(ctx)
	return nil
}

// caughtUp checks a server whose wall clock was put right.
func (j *jumps) caughtUp(ctx context.Context) error {
	j.clockShows(ctx, j.wall())
	j.takesTrueTimes(ctx)
	return nil
}

// giveUp starts the server again with the wall clock of this machine: its clock is ahead until
// it is told to give that up.
func (j *jumps) giveUp(ctx context.Context, p *program) (*program, error) {
	ahead := j.by
	if err := j.to(0); err != nil {
		return p, err
	}
	for _, clock := range []string{"auto", "wall"} {
		if err := p.terminate(); err != nil {
			return p, err
		}
		flags := j.flags
		if clock == "wall" {
			ahead = 0
		}
		j.flags = append(slices.Clip(flags), "--clock", clock)
		next, err := j.start(ctx, j.round)
		j.flags = flags
		if err != nil {
			return p, err
		}
		p = next
		j.clockShows(ctx, j.wall().Add(ahead))
		j.takesTrueTimes(ctx)
	}
	return p, nil
}

// alive checks that the tasks are those that were there before.
func (j *jumps) alive(ctx context.Context) {
	j.eventually(ctx, steadyName, func() (bool, string) {
		tasks, err := j.running(ctx)
		return err == nil && (j.tasks == nil || slices.Equal(tasks, j.tasks)), fmt.Sprintf("the tasks are %v, not %v (%v)", tasks, j.tasks, err)
	})
}

// running are the tasks of the service that nobody touches.
func (j *jumps) running(ctx context.Context) ([]string, error) {
	out, err := j.c.ECS.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String(clusterName), ServiceName: aws.String(steadyName)})
	if err != nil {
		return nil, err
	}
	slices.Sort(out.TaskArns)
	return out.TaskArns, nil
}

// receive takes all messages that are in a queue, and returns how many there were.
func (j *jumps) receive(ctx context.Context, queue string) (n int) {
	for {
		out, err := j.c.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(j.queueURL(queue)), MaxNumberOfMessages: 10})
		if err != nil || len(out.Messages) == 0 {
			return n
		}
		n += len(out.Messages)
	}
}

func (j *jumps) queueURL(name string) string { return "http://" + j.addr + "/123456789012/" + name }

func queueARN(name string) string { return "arn:aws:sqs:us-east-1:123456789012:" + name }

// setUp makes what time is to act on.
func (j *jumps) setUp(ctx context.Context) error {
	for _, name := range []string{ruled, scheduled, delayed} {
		if _, err := j.c.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"VisibilityTimeout": "43200"}}); err != nil {
			return err
		}
	}
	_, err := j.c.SQS.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(j.queueURL(delayed)), MessageBody: aws.String("m"), DelaySeconds: 900})
	if err != nil {
		return err
	}
	if err := j.setUpSchedules(ctx); err != nil {
		return err
	}
	if err := setUpShared(ctx, j.c, nil); err != nil {
		return err
	}
	if err := createService(ctx, j.c, steadyName, actedLeast, nil); err != nil {
		return err
	}
	if err := j.setUpAction(ctx); err != nil {
		return err
	}
	j.eventually(ctx, "tasks", func() (bool, string) {
		j.tasks, err = j.running(ctx)
		return err == nil && len(j.tasks) == actedLeast, fmt.Sprintf("there are %v (%v)", j.tasks, err)
	})
	return nil
}

// setUpSchedules makes a rule and a schedule that send a message each minute.
func (j *jumps) setUpSchedules(ctx context.Context) error {
	cfg := onceConfig(j.addr)
	const each = "rate(1 minute)"
	_, err := scheduler.NewFromConfig(cfg).CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: aws.String(scheduled), ScheduleExpression: aws.String(each),
		FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		Target:             &schedulertypes.Target{Arn: aws.String(queueARN(scheduled)), RoleArn: aws.String("arn:aws:iam::123456789012:role/torture")},
	})
	if err != nil {
		return err
	}
	rules := eventbridge.NewFromConfig(cfg)
	if _, err := rules.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String(ruled), ScheduleExpression: aws.String(each)}); err != nil {
		return err
	}
	_, err = rules.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String(ruled), Targets: []ebtypes.Target{{Id: aws.String("1"), Arn: aws.String(queueARN(ruled))}}})
	return err
}

// setUpAction makes a scheduled action that is due while the machine is asleep.
func (j *jumps) setUpAction(ctx context.Context) error {
	target := resourceID(steadyName)
	_, err := j.c.AutoScaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: namespace, ScalableDimension: dimension, ResourceId: target, MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(actedLeast),
	})
	if err != nil {
		return err
	}
	at := time.Now().Add(asleep / 2).UTC().Format("2006-01-02T15:04:05")
	_, err = j.c.AutoScaling.PutScheduledAction(ctx, &applicationautoscaling.PutScheduledActionInput{
		ServiceNamespace: namespace, ScalableDimension: dimension, ResourceId: target, ScheduledActionName: aws.String(scheduled),
		Schedule:             aws.String("at(" + at + ")"),
		ScalableTargetAction: &astypes.ScalableTargetAction{MinCapacity: aws.Int32(actedLeast)},
	})
	return err
}
