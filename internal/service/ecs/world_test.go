package ecs

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/event"
	"flyball/internal/state"
	"flyball/internal/store"
	runtime "flyball/internal/task"
	"flyball/metric"
)

// noon is when the world begins.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A world is a server for one test: an API that runs over a runtime without
// processes, in the time of a synctest bubble.
type world struct {
	*testing.T
	api     *API
	runtime *fakeRuntime
	metrics *recorder
	state   *state.State // of all cells
	store   store.Store  // of the cell
	config  Config
	strays  map[string]runtime.Task // what the API did not adopt
	end     func()                  // ends Run and waits for it
	// addressed gives a task an address of its own, in a world with load balancers.
	addressed func(*fakeTask)
}

// inWorld runs a test in a world that stands at noon of 1 March 2026.
func inWorld(t *testing.T, test func(w *world)) { inWorldAt(t, 1, test) }

// inWorldAt does so with a clock that runs faster.
func inWorldAt(t *testing.T, speed float64, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st, err := store.OpenSQLite("")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		w := &world{T: t, runtime: newFakeRuntime(), metrics: &recorder{}, state: state.New(st)}
		w.config = Config{
			Cell:    testCell(w.state, "us-east-1", clock.New(noon, speed)),
			Runtime: w.runtime, Metrics: w.metrics,
			Endpoint: "http://127.0.0.1:4566",
		}
		w.store = w.config.Cell.State.Store()
		w.boot()
		defer func() { w.end() }()
		test(w)
	})
}

// testCell is a region of an account over a store.
func testCell(st *state.State, region string, c *clock.Clock) *cell.Cell {
	const account = "123456789012"
	return &cell.Cell{
		Account: account, Region: region,
		Clock: c, State: st.Scope(cell.Scope(account, region)), Events: &event.Stream{}, Log: slog.New(slog.DiscardHandler),
	}
}

// boot starts the server on what the store holds.
func (w *world) boot() {
	w.Helper()
	w.open()
	w.run()
}

// open loads what the store holds and adopts the tasks of the runtime.
func (w *world) open() {
	w.Helper()
	api, err := New(w.config)
	if err != nil {
		w.Fatal(err)
	}
	w.api, w.strays = api, w.runtime.recovered()
	api.Adopt(w.strays)
	w.end = func() {}
}

// run has the server run until end.
func (w *world) run() {
	api := w.api
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := api.Run(ctx); err != nil {
			w.Errorf("run: %v", err)
		}
	}()
	w.end = func() {
		cancel()
		<-done
	}
	synctest.Wait()
}

// pass lets real time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// must returns what a call returned, and ends the test when it failed.
func must[T any](v T, err error) func(w *world) T {
	return func(w *world) T {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
		return v
	}
}

func (w *world) cluster(name string) {
	w.Helper()
	must(w.api.CreateCluster(w.Context(), &ecs.CreateClusterInput{ClusterName: &name}))(w)
}

// webDefinition is a Fargate task of one container.
func webDefinition(changes ...func(*ecs.RegisterTaskDefinitionInput)) *ecs.RegisterTaskDefinitionInput {
	in := &ecs.RegisterTaskDefinitionInput{
		Family:                  aws.String("web"),
		NetworkMode:             types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		Cpu:                     aws.String("256"),
		Memory:                  aws.String("512"),
		ContainerDefinitions: []types.ContainerDefinition{{
			Name:         aws.String("web"),
			Image:        aws.String("flyball/web"),
			PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(8080)}},
		}},
	}
	for _, change := range changes {
		change(in)
	}
	return in
}

func (w *world) define(changes ...func(*ecs.RegisterTaskDefinitionInput)) *types.TaskDefinition {
	w.Helper()
	return must(w.api.RegisterTaskDefinition(w.Context(), webDefinition(changes...)))(w).TaskDefinition
}

var subnets = &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}}

func webService(desired int32, changes ...func(*ecs.CreateServiceInput)) *ecs.CreateServiceInput {
	in := &ecs.CreateServiceInput{
		Cluster:              aws.String("prod"),
		ServiceName:          aws.String("web"),
		TaskDefinition:       aws.String("web"),
		LaunchType:           types.LaunchTypeFargate,
		DesiredCount:         aws.Int32(desired),
		NetworkConfiguration: subnets,
	}
	for _, change := range changes {
		change(in)
	}
	return in
}

// serve makes a cluster prod with a service web, and waits until it is steady.
func (w *world) serve(desired int32, changes ...func(*ecs.CreateServiceInput)) {
	w.Helper()
	w.cluster("prod")
	w.define()
	must(w.api.CreateService(w.Context(), webService(desired, changes...)))(w)
	w.pass(stableAfter + time.Second)
}

func (w *world) service() types.Service {
	w.Helper()
	out := must(w.api.DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"web"}}))(w)
	if len(out.Services) != 1 {
		w.Fatalf("the service is not described: %+v", out.Failures)
	}
	return out.Services[0]
}

func (w *world) update(in *ecs.UpdateServiceInput) types.Service {
	w.Helper()
	in.Cluster, in.Service = aws.String("prod"), aws.String("web")
	return *must(w.api.UpdateService(w.Context(), in))(w).Service
}

func (w *world) scale(desired int32) { w.update(&ecs.UpdateServiceInput{DesiredCount: &desired}) }

// tasks describes the tasks of the service with a desired status.
func (w *world) tasks(status types.DesiredStatus) []types.Task {
	w.Helper()
	list := must(w.api.ListTasks(w.Context(), &ecs.ListTasksInput{
		Cluster: aws.String("prod"), ServiceName: aws.String("web"), DesiredStatus: status,
	}))(w)
	if len(list.TaskArns) == 0 {
		return nil
	}
	return must(w.api.DescribeTasks(w.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: list.TaskArns}))(w).Tasks
}

// events are the messages of the service, newest first, without task and
// deployment IDs.
func (w *world) events() []string {
	w.Helper()
	var messages []string
	for _, e := range w.service().Events {
		var words []string
		for _, word := range strings.Fields(*e.Message) {
			if word != "(task" && !isID(strings.Trim(word, "().:")) {
				words = append(words, word)
			}
		}
		messages = append(messages, strings.Join(words, " "))
	}
	return messages
}

func isID(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" || strings.HasPrefix(s, "ecs-svc/")
}

// A fakeRuntime starts tasks that do nothing.
type fakeRuntime struct {
	mu      sync.Mutex
	tasks   map[string]*fakeTask
	started int
	most    int // most tasks that were in Start at once
	inStart int
	// begin decides how a start goes: it may wait, and may fail.
	begin func(ctx context.Context, spec runtime.Spec) error
	// prepare changes a task before it runs.
	prepare func(*fakeTask)
}

func newFakeRuntime() *fakeRuntime { return &fakeRuntime{tasks: map[string]*fakeTask{}} }

func (r *fakeRuntime) Name() string { return "fake" }
func (r *fakeRuntime) Close() error { return nil }

func (r *fakeRuntime) Start(ctx context.Context, spec runtime.Spec) (runtime.Task, error) {
	r.mu.Lock()
	r.inStart++
	r.most = max(r.most, r.inStart)
	begin, prepare := r.begin, r.prepare
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.inStart--
		r.mu.Unlock()
	}()
	if begin != nil {
		if err := begin(ctx, spec); err != nil {
			return nil, err
		}
	}
	t := &fakeTask{spec: spec, done: make(chan struct{}), health: runtime.HealthUnknown, began: time.Now()}
	if prepare != nil {
		prepare(t)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started++
	r.tasks[spec.ID] = t
	return t, nil
}

func (r *fakeRuntime) Recover(context.Context) ([]runtime.Task, error) {
	return slices.Collect(maps.Values(r.recovered())), nil
}

// recovered is what Recover returns, by ID.
func (r *fakeRuntime) recovered() map[string]runtime.Task {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := map[string]runtime.Task{}
	for id, t := range r.tasks {
		found[id] = t
	}
	return found
}

// lose forgets a task, as a host does that was started anew.
func (r *fakeRuntime) lose(t *fakeTask) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tasks, t.spec.ID)
}

// any is one of the tasks.
func (r *fakeRuntime) any() *fakeTask {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.tasks {
		return t
	}
	return nil
}

// alive counts the tasks that run.
func (r *fakeRuntime) alive() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, t := range r.tasks {
		if !t.stopped() {
			n++
		}
	}
	return n
}

// set changes how tasks are started from now on.
func (r *fakeRuntime) set(begin func(context.Context, runtime.Spec) error, prepare func(*fakeTask)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begin, r.prepare = begin, prepare
}

type fakeTask struct {
	spec      runtime.Spec
	address   string
	began     time.Time
	load      float64 // virtual CPUs kept busy
	memory    int64
	stopAfter time.Duration // how long it takes to stop
	ignores   bool          // Stop waits for its context to end
	asked     func()        // is called by Stop
	lost      string        // why others have ended it

	mu      sync.Mutex
	done    chan struct{}
	exits   []runtime.Exit
	health  runtime.Health
	removed atomic.Bool
}

func (t *fakeTask) ID() string            { return t.spec.ID }
func (t *fakeTask) Address() string       { return cmp.Or(t.address, "127.1.2.3") }
func (t *fakeTask) Lost() string          { return t.lost }
func (t *fakeTask) Done() <-chan struct{} { return t.done }

func (t *fakeTask) Remove() error {
	if !t.stopped() {
		return errors.New("not stopped")
	}
	t.removed.Store(true)
	return nil
}

func (t *fakeTask) Exits() []runtime.Exit {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.exits
}

func (t *fakeTask) stopped() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// exit ends the task by itself.
func (t *fakeTask) exit(code int) { t.exitFor(code, "") }

// exitFor ends the task by itself, for a reason that the runtime knows.
func (t *fakeTask) exitFor(code int, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped() {
		return
	}
	for _, c := range t.spec.Containers {
		t.exits = append(t.exits, runtime.Exit{Container: c.Name, Code: code, Known: true, Reason: reason})
	}
	close(t.done)
}

func (t *fakeTask) Stop(ctx context.Context) error {
	if t.asked != nil {
		t.asked()
	}
	if t.ignores {
		<-ctx.Done()
		return ctx.Err()
	}
	time.Sleep(t.stopAfter)
	t.exit(143)
	return nil
}

func (t *fakeTask) Usage(context.Context) (runtime.Usage, error) {
	if t.stopped() {
		return runtime.Usage{}, errors.New("stopped")
	}
	now := time.Now()
	return runtime.Usage{At: now, CPU: time.Duration(float64(now.Sub(t.began)) * t.load), Memory: t.memory}, nil
}

func (t *fakeTask) Health() runtime.Health {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.health
}

func (t *fakeTask) setHealth(h runtime.Health) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.health = h
}

func (t *fakeTask) Logs(_ context.Context, _ string, opts runtime.LogOptions) (runtime.Log, error) {
	return &fakeLog{task: t, follow: opts.Follow, read: opts.Position != ""}, nil
}

// A fakeLog has one line.
type fakeLog struct {
	task         *fakeTask
	follow, read bool
}

func (l *fakeLog) Next(ctx context.Context) (runtime.Line, error) {
	if !l.read {
		l.read = true
		return runtime.Line{Text: []byte("hello from " + l.task.spec.ID)}, nil
	}
	if l.follow {
		select {
		case <-l.task.done:
		case <-ctx.Done():
			return runtime.Line{}, ctx.Err()
		}
	}
	return runtime.Line{}, io.EOF
}

func (l *fakeLog) Position() string { return "1" }
func (l *fakeLog) Close() error     { return nil }

// A recorder keeps samples.
type recorder struct {
	mu      sync.Mutex
	samples []metric.Sample
}

func (r *recorder) Record(samples []metric.Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, samples...)
}

// of returns the samples of one metric, of the service web or, without a
// service, of the cluster.
func (r *recorder) of(namespace, name string, service bool) []metric.Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []metric.Sample
	for _, s := range r.samples {
		if s.Metric.Namespace == namespace && s.Metric.Name == name && (len(s.Metric.Dimensions) == 2) == service {
			found = append(found, s)
		}
	}
	return found
}
