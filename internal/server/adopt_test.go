package server

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/task"
	"flyball/internal/task/idle"
)

// A hostRuntime runs tasks that do nothing on a host that outlives its servers.
type hostRuntime struct {
	idle.Runtime
	mu    sync.Mutex
	tasks []task.Task
}

func (r *hostRuntime) Start(ctx context.Context, spec task.Spec) (task.Task, error) {
	t, err := r.Runtime.Start(ctx, spec)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tasks = append(r.tasks, t)
	return t, err
}

func (r *hostRuntime) Recover(context.Context) ([]task.Task, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tasks, nil
}

// alive counts the tasks that run.
func (r *hostRuntime) alive() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, t := range r.tasks {
		select {
		case <-t.Done():
		default:
			n++
		}
	}
	return n
}

// reborn is the host as the runtime of a server's next life finds it: the same
// tasks, all running.
func (r *hostRuntime) reborn() *hostRuntime {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := &hostRuntime{}
	for _, t := range r.tasks {
		// An idle task that is started cannot fail.
		_, _ = next.Start(context.Background(), task.Spec{ID: t.ID()})
	}
	return next
}

// killed is the data folder and the host of a server that was killed while it ran
// a service web of some tasks.
func killed(t *testing.T, tasks int) (string, *hostRuntime) {
	t.Helper()
	dir, host := t.TempDir(), &hostRuntime{}
	s := open(t, dir, func(c *Config) { c.Tasks = host })
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.home().ecs.CreateCluster(ctx, &ecs.CreateClusterInput{}))
	must(s.home().ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family:               aws.String("web"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("web"), Memory: aws.Int32(16)}},
	}))
	must(s.home().ecs.CreateService(ctx, &ecs.CreateServiceInput{
		ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(int32(tasks)),
	}))
	for deadline := time.Now().Add(time.Minute); runningTasks(t, s) < tasks; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the tasks never ran")
		}
	}
	return imageOf(t, dir), host.reborn()
}

func runningTasks(t *testing.T, s *Server) int {
	t.Helper()
	out, err := s.home().ecs.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Services: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	return int(out.Services[0].RunningCount)
}

// imageOf copies the state of a server that runs, which is what a kill leaves.
func imageOf(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "flyball.db*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no state is there", err)
	}
	image := t.TempDir()
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(image, filepath.Base(f)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return image
}

func TestAServerThatEndsAtOnceStopsTheTasksOfItsLastLife(t *testing.T) {
	dir, host := killed(t, 20)
	stray, err := host.Start(t.Context(), task.Spec{ID: "stray"})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, func(c *Config) { c.Tasks = host })
	ctx, end := context.WithCancel(t.Context())
	end()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
	<-stray.Done()
	if n := host.alive(); n != 0 {
		t.Errorf("%d tasks are left", n)
	}
}

func TestTasksAreAdoptedBeforeTheFirstCall(t *testing.T) {
	dir, host := killed(t, 3)
	s := open(t, dir, func(c *Config) { c.Tasks = host })
	defer s.Close()
	if n := runningTasks(t, s); n != 3 {
		t.Errorf("%d tasks run, want 3", n)
	}
	if _, err := s.home().ecs.StopTask(t.Context(), &ecs.StopTaskInput{Task: aws.String(host.tasks[0].ID())}); err != nil {
		t.Error(err)
	}
}
