package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"flyball/internal/client"
)

const (
	sharedWriters = 4
	// sharedCooldown is that of the policies of the scaled service, at the pace of the wall clock.
	sharedCooldown = time.Second
	// mostLost is how long before an end datapoints may be that are lost with it.
	mostLost = 1500 * time.Millisecond
	// sharedVisibility is the visibility timeout of the queue.
	sharedVisibility = 5 * time.Second
	// callTakes is how long a call may wait for an owner.
	callTakes = 30 * time.Second
)

// A sharedLoad is what is asked of replicas, and what they have acknowledged.
type sharedLoad struct {
	fellows      []*fellow
	writers      []*sharedWriter
	rng          *rand.Rand // of who is called; guarded by mu
	mu           sync.Mutex
	queue        string
	probes       atomic.Int64
	acknowledged atomic.Int64
	blamed       []fault // calls that were refused as their callers' fault; guarded by mu
	breaching    *rand.Rand
}

// A sharedWriter has things of its own, and makes one call at a time.
type sharedWriter struct {
	name string
	n    int
	// By name of an alarm: the threshold that was acknowledged, and the highest that was asked for.
	alarms, asked map[string]int
	messages      map[string]bool // acknowledged, and not yet received
	mayBe         map[string]bool // sent, and not acknowledged
	events        []string        // acknowledged log events
	refused       map[string]bool // messages and events of calls of which nothing was kept
	points        []time.Time     // when datapoints were acknowledged
	tried         int             // datapoints, in all
	padding       string          // of messages
	heard         func(answer)    // of each call; nil: nobody hears
}

// An answer is what a caller was told, and after how long.
type answer struct {
	operation string
	took      time.Duration
	err       error
}

// keptNothing tells whether a call was refused as a whole for want of room.
func keptNothing(err error) bool {
	return err != nil && strings.Contains(err.Error(), "nothing of this call was kept")
}

func newSharedLoad(fellows []*fellow, newRand func() *rand.Rand) *sharedLoad {
	l := &sharedLoad{fellows: fellows, rng: newRand(), breaching: newRand()}
	for i := range sharedWriters {
		l.writers = append(l.writers, &sharedWriter{
			name: fmt.Sprint("w", i), alarms: map[string]int{}, asked: map[string]int{}, messages: map[string]bool{}, mayBe: map[string]bool{},
			refused: map[string]bool{},
		})
	}
	return l
}

// newOnceAs is a client that tries each call once.
func newOnceAs(url, region string, key aws.Credentials) *client.Client {
	c := client.New(client.Config{Endpoint: url, Region: region, Credentials: key})
	once := aws.NopRetryer{}
	c.AutoScaling = applicationautoscaling.New(c.AutoScaling.Options(), func(o *applicationautoscaling.Options) { o.Retryer = once })
	c.CloudWatch = cloudwatch.New(c.CloudWatch.Options(), func(o *cloudwatch.Options) { o.Retryer = once })
	c.ECS = ecs.New(c.ECS.Options(), func(o *ecs.Options) { o.Retryer = once })
	c.Logs = cloudwatchlogs.New(c.Logs.Options(), func(o *cloudwatchlogs.Options) { o.Retryer = once })
	return c
}

// queues is a client of SQS that tries each call once.
func (f *fellow) queues() *sqs.Client {
	return sqs.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + f.addr), Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		HTTPClient:  f.once.ECS.Options().HTTPClient, // see onceConfig
		Credentials: credentials.NewStaticCredentialsProvider(replicaKey.AccessKeyID, replicaKey.SecretAccessKey, ""),
	})
}

// someone is one of the replicas that can be called.
func (l *sharedLoad) someone() *fellow {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if f := pick(l.rng, l.fellows); !f.down.Load() {
			return f
		}
	}
}

// setUp makes what is there for the whole run.
func (l *sharedLoad) setUp(ctx context.Context) error {
	c := l.fellows[0].once
	if err := setUpShared(ctx, c, nil); err != nil {
		return err
	}
	if err := createService(ctx, c, scaledName, scaledLeast, nil); err != nil {
		return err
	}
	_, err := c.AutoScaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: namespace, ScalableDimension: dimension, ResourceId: resourceID(scaledName),
		MinCapacity: aws.Int32(scaledLeast), MaxCapacity: aws.Int32(scaledMost),
	})
	for policy, adjustment := range adjustments {
		arn, failed := putStep(ctx, c, scaledName, policy, int32(sharedCooldown/time.Second), adjustment)
		err = errors.Join(err, failed, putAlarm(ctx, c, alarmOf(policy), 1, []string{arn}, nil))
	}
	for _, w := range l.writers {
		_, failed := c.Logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(clusterName), LogStreamName: &w.name})
		err = errors.Join(err, failed)
	}
	out, failed := l.fellows[1].queues().CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String("shared"), Attributes: map[string]string{"VisibilityTimeout": fmt.Sprint(int(sharedVisibility / time.Second))},
	})
	if failed == nil {
		l.queue = *out.QueueUrl
	}
	return errors.Join(err, failed)
}

// start has the writers call, and alarms ask for more or fewer tasks, until stop is called.
func (l *sharedLoad) start(ctx context.Context) (stop func()) {
	ending := make(chan struct{})
	var all sync.WaitGroup
	until := func(step func()) {
		all.Go(func() {
			for {
				select {
				case <-ending:
					return
				default:
					step()
				}
			}
		})
	}
	for _, w := range l.writers {
		until(func() { l.write(ctx, w) })
	}
	until(func() {
		policy := pick(l.breaching, []string{outPolicy, inPolicy})
		state := pick(l.breaching, []cwtypes.StateValue{cwtypes.StateValueAlarm, cwtypes.StateValueAlarm, cwtypes.StateValueOk})
		within, cancel := context.WithTimeout(ctx, callTakes)
		defer cancel()
		_ = setState(within, l.someone().once, policy, state) // what comes of it is seen in the activities
		pause(ctx, time.Duration(l.breaching.IntN(60))*time.Millisecond)
	})
	return sync.OnceFunc(func() { close(ending); all.Wait() })
}

// write makes a writer's next call.
func (l *sharedLoad) write(ctx context.Context, w *sharedWriter) {
	ctx, cancel := context.WithTimeout(ctx, callTakes)
	defer cancel()
	f := l.someone()
	w.n++
	text := fmt.Sprintf("%s-%d", w.name, w.n)
	var err error
	began, operation := time.Now(), []string{"PutMetricAlarm", "SendMessage", "PutLogEvents", "PutMetricData"}[w.n%4]
	switch w.n % 4 {
	case 0:
		name := own(w.name, fmt.Sprint(w.n/4%5))
		w.asked[name] = w.n
		if err = putAlarm(ctx, f.once, name, float64(w.n), nil, nil); err == nil {
			w.alarms[name] = w.n
		}
	case 1:
		text += w.padding
		w.mayBe[text] = true
		if _, err = f.queues().SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &l.queue, MessageBody: &text}); err == nil {
			delete(w.mayBe, text)
			w.messages[text] = true
		}
	case 2:
		_, err = f.once.Logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: aws.String(clusterName), LogStreamName: &w.name,
			LogEvents: []logtypes.InputLogEvent{{Message: &text, Timestamp: aws.Int64(time.Now().UnixMilli())}},
		})
		if err == nil {
			w.events = append(w.events, text)
		}
	case 3:
		w.tried++
		_, err = f.once.CloudWatch.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
			Namespace: aws.String("Shared"), MetricData: []cwtypes.MetricDatum{{MetricName: &w.name, Value: aws.Float64(1)}},
		})
		if err == nil {
			w.points = append(w.points, time.Now())
		}
	}
	if w.heard != nil {
		w.heard(answer{operation, time.Since(began), err})
	}
	if err != nil {
		l.noteBlame(err)
		if w.refused[text] = keptNothing(err); w.refused[text] {
			pause(ctx, 200*time.Millisecond) // there is no room so soon
		}
		pause(ctx, 20*time.Millisecond)
		return
	}
	l.acknowledged.Add(1)
}

// noteBlame notes a refusal that says that the caller is at fault, such as for its signature. Clients do not try again then.
func (l *sharedLoad) noteBlame(err error) {
	refusal, ok := errors.AsType[smithy.APIError](err)
	if !ok || refusal.ErrorFault() == smithy.FaultServer || strings.Contains(err.Error(), "StatusCode: 5") {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blamed = append(l.blamed, fault{wrongAnswer, refusal.ErrorCode(), err.Error()})
}

// probe makes a call that changes something.
func (l *sharedLoad) probe(ctx context.Context, f *fellow) error {
	ctx, cancel := context.WithTimeout(ctx, callTakes)
	defer cancel()
	return putAlarm(ctx, f.once, "probe", float64(l.probes.Add(1)), nil, nil)
}

// check compares what replicas show with what was acknowledged. The last end was at a time.
func (l *sharedLoad) check(ctx context.Context, ended time.Time) (faults []fault) {
	l.mu.Lock()
	faults, l.blamed = l.blamed, nil
	l.mu.Unlock()
	for _, look := range []func(context.Context, *fellow) ([]fault, error){
		l.checkAlarms, l.checkMessages, l.checkEvents,
		func(ctx context.Context, f *fellow) ([]fault, error) { return l.checkPoints(ctx, f, ended) },
		l.checkScaled,
	} {
		found, err := look(ctx, l.someone())
		if err != nil && ctx.Err() == nil {
			found = append(found, fault{lost, err.Error(), "a look at what is there: " + err.Error()})
		}
		faults = append(faults, found...)
	}
	return faults
}

func (l *sharedLoad) checkAlarms(ctx context.Context, f *fellow) (faults []fault, err error) {
	there := map[string]int{}
	pages := cloudwatch.NewDescribeAlarmsPaginator(f.once.CloudWatch, &cloudwatch.DescribeAlarmsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range page.MetricAlarms {
			there[*a.AlarmName] = int(*a.Threshold)
		}
	}
	for _, w := range l.writers {
		for name, least := range w.alarms {
			if is := there[name]; is < least || is > w.asked[name] {
				faults = append(faults, fault{lost, name, fmt.Sprintf("the threshold of alarm %s is %d, acknowledged was %d, asked for %d", name, is, least, w.asked[name])})
			}
			w.alarms[name] = max(least, there[name]) // what was shown stays
		}
	}
	return faults, nil
}

// checkMessages takes all messages out of the queue.
func (l *sharedLoad) checkMessages(ctx context.Context, f *fellow) (faults []fault, err error) {
	missing := func() (n int) {
		for _, w := range l.writers {
			n += len(w.messages)
		}
		return n
	}
	// What was received and not deleted comes back.
	for began := time.Now(); missing() > 0 && time.Since(began) < 3*sharedVisibility && ctx.Err() == nil; {
		out, err := f.queues().ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &l.queue, MaxNumberOfMessages: 10})
		if err != nil {
			return nil, err
		}
		if len(out.Messages) == 0 {
			pause(ctx, 50*time.Millisecond)
		}
		for _, m := range out.Messages {
			for _, w := range l.writers {
				delete(w.messages, *m.Body)
				delete(w.mayBe, *m.Body)
				if w.refused[*m.Body] {
					faults = append(faults, fault{refusedKept, *m.Body, "message " + *m.Body + " was refused and is received"})
				}
			}
			if _, err := f.queues().DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &l.queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return nil, err
			}
		}
	}
	for _, w := range l.writers {
		for text := range w.messages {
			faults = append(faults, fault{lost, text, "message " + text + " was acknowledged and is not received"})
		}
		clear(w.messages)
	}
	return faults, nil
}

func (l *sharedLoad) checkEvents(ctx context.Context, f *fellow) (faults []fault, err error) {
	for _, w := range l.writers {
		there := map[string]bool{}
		in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String(clusterName), LogStreamName: &w.name, StartFromHead: aws.Bool(true)}
		for {
			out, err := f.once.Logs.GetLogEvents(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, e := range out.Events {
				there[*e.Message] = true
			}
			if len(out.Events) == 0 || aws.ToString(out.NextForwardToken) == aws.ToString(in.NextToken) {
				break
			}
			in.NextToken = out.NextForwardToken
		}
		for text := range w.refused {
			if w.refused[text] && there[text] {
				faults = append(faults, fault{refusedKept, "event " + text, "log event " + text + " was refused and is there"})
			}
		}
		for _, text := range w.events {
			if !there[text] {
				faults = append(faults, fault{lost, "event " + text, "log event " + text + " was acknowledged and is not there"})
			}
		}
	}
	return faults, nil
}

// checkPoints counts datapoints: those are there that were acknowledged some time before the end, and those after.
func (l *sharedLoad) checkPoints(ctx context.Context, f *fellow, ended time.Time) (faults []fault, err error) {
	now := time.Now()
	for _, w := range l.writers {
		out, err := f.once.CloudWatch.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("Shared"), MetricName: &w.name, Period: aws.Int32(3600), Statistics: []cwtypes.Statistic{cwtypes.StatisticSampleCount},
			StartTime: aws.Time(now.Add(-24 * time.Hour)), EndTime: aws.Time(now.Add(time.Hour)),
		})
		if err != nil {
			return nil, err
		}
		is, least := 0, 0
		for _, p := range out.Datapoints {
			is += int(*p.SampleCount)
		}
		for _, at := range w.points {
			if at.Before(ended.Add(-mostLost)) {
				least++
			}
		}
		if is < least || is > w.tried {
			faults = append(faults, fault{lost, fmt.Sprint(w.name, " ", ended), fmt.Sprintf(
				"metric %s has %d datapoints; %d were acknowledged, %d of them longer than %v before the end, and %d tried", w.name, is, len(w.points), least, mostLost, w.tried)})
		}
		// Those that are lost stay lost.
		w.points = slices.Repeat([]time.Time{{}}, is)
	}
	return faults, nil
}

// checkScaled has the service come to rest, and looks whether each activity has moved it once.
func (l *sharedLoad) checkScaled(ctx context.Context, f *fellow) ([]fault, error) {
	if err := rest(ctx, f.once); err != nil {
		return nil, err
	}
	var faults []fault
	for began := time.Now(); time.Since(began) < callTakes && ctx.Err() == nil; pause(ctx, 100*time.Millisecond) {
		w := newWorld()
		out, err := f.once.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(clusterName), Services: []string{scaledName}})
		if err = errors.Join(err, w.readActivities(ctx, f.once)); err != nil {
			return nil, err
		}
		desired := out.Services[0].DesiredCount
		if faults = scaled(w.activities, desired, sharedCooldown-10*time.Millisecond); len(faults) == 0 && !slices.ContainsFunc(w.activities, func(a activity) bool { return !a.ended() }) {
			return nil, nil
		}
	}
	return faults, nil
}
