package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// fullDiskBytes is the size of the disk that is filled.
const fullDiskBytes = 64 << 20

// roomForWrites is the room with which a server may take writes: half of its reserve.
const roomForWrites = fullDiskBytes / 64

// staleRoom is longer than a server takes its last look at the free space for true.
const staleRoom = 200 * time.Millisecond

// recoverWithin is how soon after room is made writes have to be taken.
const recoverWithin = 5 * time.Second

// A fullDisk is a server whose disk is filled and emptied under it.
type fullDisk struct {
	*run
	server *program
	round  int

	queues *sqs.Client
	logs   *cloudwatchlogs.Client
	ecs    *ecs.Client
	url    *string // of the queue
	tasks  []string

	mu      sync.Mutex
	made    int
	written map[string]bool // what was acknowledged, and false: what was refused
}

// fullDisks fills the disk of a server again and again, with clients that write meanwhile,
// kills it on the full disk or after, and compares what is there with what was said.
func fullDisks(ctx context.Context, r *run) error {
	return onSmallDisk(r.dir, func() error {
		cfg := onceConfig(r.addr)
		f := &fullDisk{run: r, queues: sqs.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg), ecs: ecs.NewFromConfig(cfg), written: map[string]bool{}}
		var err error
		if f.server, err = r.launch(ctx); err != nil {
			return err
		}
		defer func() { _ = f.server.terminate() }()
		if err := f.prepare(ctx); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		return r.repeat(ctx, f.once)
	})
}

func (f *fullDisk) fault(k kind, subject, text string) { f.report(f.round, fault{k, subject, text}) }

// prepare makes what is written to, and tasks that have to go on.
func (f *fullDisk) prepare(ctx context.Context) error {
	q, err := f.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("full")})
	if err != nil {
		return err
	}
	f.url = q.QueueUrl
	_, err1 := f.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("full")})
	_, err2 := f.logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("full"), LogStreamName: aws.String("full")})
	_, err3 := f.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("full")})
	_, err4 := f.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("full"), Cpu: aws.String("256"), Memory: aws.String("512"), NetworkMode: ecstypes.NetworkModeAwsvpc,
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("flyball/web")}},
	})
	_, err5 := f.ecs.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("full"), ServiceName: aws.String("full"), TaskDefinition: aws.String("full"), DesiredCount: aws.Int32(2),
		NetworkConfiguration: &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
	})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return err
	}
	for deadline := time.Now().Add(f.within(settleWithin)); len(f.tasks) < 2; pause(ctx, 100*time.Millisecond) {
		if f.tasks, err = f.running(ctx); err != nil || time.Now().After(deadline) {
			return fmt.Errorf("%d tasks run, %v", len(f.tasks), err)
		}
	}
	return nil
}

// running are the tasks that run.
func (f *fullDisk) running(ctx context.Context) ([]string, error) {
	listed, err := f.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("full")})
	if err != nil || len(listed.TaskArns) == 0 {
		return nil, err
	}
	out, err := f.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("full"), Tasks: listed.TaskArns})
	if err != nil {
		return nil, err
	}
	var running []string
	for _, t := range out.Tasks {
		if aws.ToString(t.LastStatus) == "RUNNING" {
			running = append(running, *t.TaskArn)
		}
	}
	slices.Sort(running)
	return running, nil
}

// once fills the disk while clients write, looks at what the server does then, makes room, and
// kills the server at one of these moments.
func (f *fullDisk) once(ctx context.Context, n int) error {
	f.round = n
	err := f.fillUnderLoad(ctx, f.rng.IntN(2) == 0)
	if err != nil {
		return err
	}
	f.look(ctx)
	if err := os.Remove(filepath.Join(f.dir, "filler")); err != nil {
		return err
	}
	f.awaitWrites(ctx)
	if err := f.restart(ctx); err != nil {
		return err
	}
	return f.compare(ctx)
}

// fillUnderLoad fills the disk while clients write, and may kill the server then.
func (f *fullDisk) fillUnderLoad(ctx context.Context, kill bool) error {
	writing, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	for i := range 3 {
		rng := rand.New(rand.NewPCG(f.rng.Uint64(), uint64(i)))
		clients.Go(func() {
			for writing.Err() == nil {
				_ = f.write(ctx, rng.IntN(3)) // which notes what is said to it
			}
		})
	}
	pause(ctx, time.Duration(f.rng.IntN(500))*time.Millisecond)
	err := fill(filepath.Join(f.dir, "filler"))
	pause(ctx, time.Duration(f.rng.IntN(1000))*time.Millisecond)
	if kill {
		f.server.kill()
	}
	stop()
	clients.Wait()
	if err == nil && kill {
		err = f.restart(ctx)
	}
	return err
}

// restart kills the server and starts it again.
func (f *fullDisk) restart(ctx context.Context) error {
	f.server.kill()
	p, err := f.launch(ctx)
	if err != nil {
		f.fault(badStart, fmt.Sprint(f.round), err.Error())
		return err
	}
	f.server = p
	return nil
}

// fill has a file take all room that there is on its disk.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		for chunk := make([]byte, size); ; {
			if _, err := file.Write(chunk); err != nil {
				break
			}
		}
	}
	return nil
}

// write makes a write of a kind, and notes what was said to it.
func (f *fullDisk) write(ctx context.Context, which int) (err error) {
	f.mu.Lock()
	f.made++
	name := fmt.Sprintf("%d-%06d", which, f.made)
	f.mu.Unlock()
	switch which {
	case 0:
		_, err = f.queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: f.url, MessageBody: &name})
	case 1:
		_, err = f.logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: aws.String("full"), LogStreamName: aws.String("full"),
			LogEvents: []logtypes.InputLogEvent{{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: &name}},
		})
	default:
		_, err = f.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
		f.written[name] = true
	case strings.Contains(err.Error(), "nothing of this call was kept"):
		f.written[name] = false
	case answered(err) > 0:
		f.fault(halfWritten, "answer", "a write on a full disk is answered "+err.Error())
	}
	return err
}

// look looks at a server whose disk is full.
func (f *fullDisk) look(ctx context.Context) {
	for which := range 3 {
		if f.takenWithoutRoom(ctx, which) {
			// What the server knew of the room may have been older than the fill.
			if pause(ctx, staleRoom); f.takenWithoutRoom(ctx, which) {
				f.fault(lost, "room", fmt.Sprintf("a write is acknowledged on a full disk, with %d bytes of room", roomOf(f.dir)))
			}
		}
	}
	if _, err := f.read(ctx); err != nil {
		f.fault(panicked, "reads", "a read fails on a full disk: "+err.Error())
	}
	f.lookAtTasks(ctx)
	if f.server.ended() {
		f.fault(panicked, "end", "the server ends on a full disk: "+f.server.log.last())
	}
}

// takenWithoutRoom tells whether a write is acknowledged though there is no room, neither before it nor
// after: what the server gives back itself, as a log that a start has taken in, is room, and a write may
// take the last of it.
func (f *fullDisk) takenWithoutRoom(ctx context.Context, which int) bool {
	before := roomOf(f.dir)
	return f.write(ctx, which) == nil && before < roomForWrites && roomOf(f.dir) < roomForWrites
}

func (f *fullDisk) lookAtTasks(ctx context.Context) {
	if now, err := f.running(ctx); err != nil || !slices.Equal(now, f.tasks) {
		f.fault(taskLost, fmt.Sprint(f.round), fmt.Sprintf("tasks %v run, %v before: %v", now, f.tasks, err))
		if err == nil {
			f.tasks = now
		}
	}
}

// awaitWrites waits until writes are taken again.
func (f *fullDisk) awaitWrites(ctx context.Context) {
	for deadline := time.Now().Add(f.within(recoverWithin)); ; pause(ctx, 50*time.Millisecond) {
		if errors.Join(f.write(ctx, 0), f.write(ctx, 1), f.write(ctx, 2)) == nil {
			return
		}
		if time.Now().After(deadline) {
			f.fault(lost, "recovery", fmt.Sprintf("no writes %v after there is room", f.within(recoverWithin)))
			return
		}
	}
}

// compare compares what is there with what was said, and takes the messages out.
func (f *fullDisk) compare(ctx context.Context) error {
	there, err := f.read(ctx)
	if err != nil {
		return err
	}
	for {
		got, err := f.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: f.url, MaxNumberOfMessages: 10})
		if err != nil {
			return err
		}
		if len(got.Messages) == 0 {
			break
		}
		for _, m := range got.Messages {
			there[*m.Body] = true
			if _, err := f.queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: f.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return err
			}
		}
	}
	for name, acknowledged := range f.written {
		switch {
		case acknowledged && !there[name]:
			f.fault(lost, name, "write "+name+" was acknowledged")
		case !acknowledged && there[name]:
			f.fault(refusedKept, name, "write "+name+" was refused")
		}
		if strings.HasPrefix(name, "0-") {
			delete(f.written, name) // it was taken out
		}
	}
	f.lookAtTasks(ctx)
	return nil
}

// read reads groups and events.
func (f *fullDisk) read(ctx context.Context) (there map[string]bool, err error) {
	there = map[string]bool{}
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(f.logs, &cloudwatchlogs.DescribeLogGroupsInput{})
	for groups.HasMorePages() {
		page, err := groups.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.LogGroups {
			there[*g.LogGroupName] = true
		}
	}
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("full"), LogStreamName: aws.String("full"), StartFromHead: aws.Bool(true)}
	for {
		page, err := f.logs.GetLogEvents(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			there[*e.Message] = true
		}
		if aws.ToString(page.NextForwardToken) == aws.ToString(in.NextToken) {
			return there, nil
		}
		in.NextToken = page.NextForwardToken
	}
}
