package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/internal/task"
	_ "flyball/internal/workload/web"
)

// TestMain lets the test binary stand in for other programs. As the one behind the built-in
// images it does not come here.
func TestMain(m *testing.M) {
	http.DefaultClient = &http.Client{Timeout: time.Minute, Transport: &http.Transport{}} // without a proxy: tasks are on this machine
	if len(os.Args) == 3 && os.Args[1] == "get" {
		if err := fetch(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "server" {
		if err := serve(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// options are those of a runtime with a directory of its own. The image "sh"
// runs its command's one word as a shell script.
func options(t *testing.T) Options {
	return Options{
		Dir:    t.TempDir(),
		Args:   []string{"workload"},
		Images: map[string]string{"sh": "/bin/sh -c"},
		Log:    slog.New(slog.DiscardHandler),
	}
}

func newRuntime(t *testing.T, opts Options) *Runtime {
	t.Helper()
	r, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// onEachHost runs a test with cgroups, where they can be used, and network namespaces,
// where these can; and without either.
func onEachHost(t *testing.T, test func(t *testing.T, opts Options)) {
	t.Run("cgroups", func(t *testing.T) {
		needCgroups(t)
		test(t, options(t))
	})
	t.Run("process tree", func(t *testing.T) {
		opts := options(t)
		opts.NoCgroups, opts.NoSpaces = true, true
		opts.Network = NetworkLoopback
		test(t, opts)
	})
}

func needCgroups(t *testing.T) {
	t.Helper()
	h, err := newCgroupHost("flyball-test")
	if err != nil {
		t.Skip("cgroups cannot be used here:", err)
	}
	h.close()
}

// pool are the addresses that r gives to new tasks.
func pool(r *Runtime) *addresses {
	if r.networks.network == r.networks.loopback {
		return r.networks.loopback.(*loopback).addresses
	}
	return namespacePool(r)
}

// held are the addresses that tasks have, with their ids.
func held(r *Runtime) map[netip.Addr]string {
	p := pool(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	tasks := maps.Clone(p.used)
	maps.DeleteFunc(tasks, func(_ netip.Addr, id string) bool { return id == gatewayID })
	return tasks
}

// script is a task of one container that runs a shell script.
func script(id, text string) task.Spec {
	return task.Spec{ID: id, Containers: []task.Container{
		{Name: "main", Image: "sh", Command: []string{text}, Essential: true, StopTimeout: 10 * time.Second},
	}}
}

// processesOf are the processes of a task's container.
func processesOf(dir string, spec task.Spec, container int) ([]int, error) {
	instance, err := task.Instance(dir)
	if err != nil {
		return nil, err
	}
	marks := mark(instance).of(spec, container)
	return processesWhere(func(environ []byte) bool { return hasAll(environ, marks) })
}

func builtin(id, name string) task.Spec {
	return task.Spec{ID: id, Containers: []task.Container{
		{Name: "main", Image: "flyball/" + name + ":latest", Essential: true},
	}}
}

// start starts a task that is gone when the test ends.
func start(t *testing.T, r *Runtime, spec task.Spec) task.Task {
	t.Helper()
	started, err := r.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := started.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return started
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(30 * time.Second):
		t.Fatalf("waited 30 s for %s", what)
	}
}

// awaitLine follows a container's log until it has a line, and returns it.
func awaitLine(t *testing.T, running task.Task, prefix string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	lines, err := running.Logs(ctx, "", task.LogOptions{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	log := task.Text(ctx, lines)
	defer log.Close()
	var text []byte
	buffer := make([]byte, 4096)
	for {
		n, err := log.Read(buffer)
		text = append(text, buffer[:n]...)
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, prefix) && strings.HasSuffix(line, "\n") {
				return strings.TrimSpace(line)
			}
		}
		if err != nil {
			t.Fatalf("no line %q in the log, but %q: %v", prefix, text, err)
		}
	}
}

func readLogs(t *testing.T, stopped task.Task, container string) string {
	t.Helper()
	lines, err := stopped.Logs(t.Context(), container, task.LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	log := task.Text(t.Context(), lines)
	defer log.Close()
	text, err := io.ReadAll(log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// get asks a task's web server, which may need a moment until it listens.
func get(t *testing.T, running task.Task, path string) string {
	t.Helper()
	awaitLine(t, running, "")
	resp, err := http.Get("http://" + net.JoinHostPort(running.Address(), "8080") + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestTwoTasksServeTheSamePortAtAddressesOfTheirOwn(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		r := newRuntime(t, opts)
		for _, id := range []string{"one", "two"} {
			running := start(t, r, builtin(id, "web"))
			if got, want := get(t, running, "/"), "hello from "+id+"\n"; got != want {
				t.Errorf("GET / of task %s = %q, want %q", id, got, want)
			}
		}
	})
}

func TestExitCodesAreLearned(t *testing.T) {
	for _, tt := range []struct {
		script string
		want   int
	}{
		{"exit 0", 0},
		{"exit 3", 3},
		{"sh -c 'kill -KILL $$'; exit $?", 137}, // the first of a namespace does not kill itself
		{"sh -c 'kill -SEGV $$'; exit $?", 139},
	} {
		onEachHost(t, func(t *testing.T, opts Options) {
			stopped := start(t, newRuntime(t, opts), script("task", tt.script))
			await(t, "the end of the task", stopped.Done())
			if got := stopped.Exits(); len(got) != 1 || got[0].Code != tt.want || !got[0].Known || got[0].Reason != "" {
				t.Errorf("%s: exits = %+v, want code %d", tt.script, got, tt.want)
			}
		})
	}
}

func TestAContainerHasItsEnvironmentAndNotTheServers(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "the server's")
	opts := options(t)
	opts.Network = NetworkLoopback
	r := newRuntime(t, opts)
	spec := script("task", "env; pwd")
	spec.Containers[0].Env = []string{"COLOUR=green", "HOST=0.0.0.0"}
	spec.Containers[0].WorkingDir = "/"
	stopped := start(t, r, spec)
	await(t, "the end of the task", stopped.Done())

	lines := strings.Split(readLogs(t, stopped, "main"), "\n")
	has := map[string]bool{}
	for _, line := range lines {
		has[line] = true
		if strings.HasPrefix(line, "AWS_") {
			t.Errorf("the container has the server's %s", line)
		}
	}
	for _, want := range []string{"COLOUR=green", "HOST=" + stopped.Address(), "HOSTNAME=task", "/"} {
		if !has[want] {
			t.Errorf("no line %q in %q", want, lines)
		}
	}
}

func TestAnImageThatIsNotThereIsExplained(t *testing.T) {
	r := newRuntime(t, options(t))
	spec := script("task", "exit 0")
	spec.Containers[0].Image = "nginx:latest"
	_, err := r.Start(t.Context(), spec)
	if !errors.Is(err, task.ErrNoImage) {
		t.Fatalf("Start = %v, want ErrNoImage", err)
	}
	for _, part := range []string{"CannotPullContainerError: ", "nginx:latest", "flyball/web", "--image NAME=COMMAND"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func TestATaskThatCannotStartLeavesNothing(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		opts.Images["missing"] = "/no/such/program"
		r := newRuntime(t, opts)
		spec := script("task", "sleep 1000")
		spec.Containers = append(spec.Containers, task.Container{Name: "other", Image: "missing"})
		if _, err := r.Start(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "CannotStartContainerError") {
			t.Fatalf("Start = %v, want CannotStartContainerError", err)
		}
		if entries, err := os.ReadDir(filepath.Join(opts.Dir, "tasks")); err != nil || len(entries) > 0 {
			t.Errorf("the task's directory is left: %v, %v", entries, err)
		}
		if len(held(r)) > 0 {
			t.Errorf("addresses in use: %v", held(r))
		}
		if pids, err := processesOf(opts.Dir, spec, 0); err != nil || len(pids) > 0 {
			t.Errorf("processes are left: %v, %v", pids, err)
		}
	})
}

func TestStopAsksFirst(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		running := start(t, newRuntime(t, opts), script("task", "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done"))
		awaitLine(t, running, "ready")
		if err := running.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := running.Exits()[0].Code; got != 7 {
			t.Errorf("exit code = %d, want 7", got)
		}
		if log := readLogs(t, running, ""); !strings.Contains(log, "bye") {
			t.Errorf("log = %q, want a bye", log)
		}
	})
}

func TestStopKillsWhatDoesNotEndInTime(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		spec := script("task", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
		spec.Containers[0].StopTimeout = 50 * time.Millisecond
		running := start(t, newRuntime(t, opts), spec)
		awaitLine(t, running, "ready")
		if err := running.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := running.Exits()[0].Code; got != 137 {
			t.Errorf("exit code = %d, want 137", got)
		}
	})
}

func TestNoDescendantOutlivesItsContainer(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		// One stays in the process group, one begins a session of its own, and
		// one has a parent that is gone.
		spec := script("task", "sleep 1000 & setsid sleep 1000 & (setsid sh -c 'sleep 1000 & sleep 0.1' &) ; echo ready; sleep 0.3; exit 0")
		stopped := start(t, newRuntime(t, opts), spec)
		await(t, "the end of the task", stopped.Done())
		if pids, err := processesOf(opts.Dir, spec, 0); err != nil || len(pids) > 0 {
			t.Errorf("processes are left: %v, %v", pids, err)
		}
	})
}

func TestTheEndOfAnEssentialContainerEndsTheOthers(t *testing.T) {
	spec := script("task", "exit 5")
	spec.Containers = append(spec.Containers, task.Container{Name: "sidecar", Image: "sh", Command: []string{"exec sleep 1000"}})
	stopped := start(t, newRuntime(t, options(t)), spec)
	await(t, "the end of the task", stopped.Done())
	exits := stopped.Exits()
	if len(exits) != 2 || exits[0].Code != 5 || exits[1].Code != 143 {
		t.Errorf("exits = %+v, want 5 and 143", exits)
	}
}

func TestTheEndOfAnotherContainerDoesNotEndTheTask(t *testing.T) {
	spec := script("task", "echo ready; exec sleep 1000")
	spec.Containers = append(spec.Containers, task.Container{Name: "init", Image: "sh", Command: []string{"exit 0"}})
	running := start(t, newRuntime(t, options(t)), spec).(*Task)
	await(t, "the end of the container", running.containers[1].Ended)
	if isClosed(running.Done()) {
		t.Error("the task has ended with its container init")
	}
}

// dependent is a task whose essential container main waits for another, which
// runs a script and has the rest of spec.
func dependent(on task.Container, text string, condition task.Condition) task.Spec {
	spec := script("task", "echo started; exec sleep 1000")
	spec.Containers[0].DependsOn = []task.Dependency{{Container: "other", Condition: condition}}
	on.Name, on.Image, on.Command = "other", "sh", []string{text}
	spec.Containers = append(spec.Containers, on)
	return spec
}

func TestAContainerIsStartedWhenItsDependencyHasComeSoFar(t *testing.T) {
	for _, tt := range []struct {
		condition task.Condition
		script    string
		ended     bool // before main is started
	}{
		{task.Started, "exec sleep 1000", false},
		{task.Completed, "sleep 0.1; exit 3", true},
		{task.Succeeded, "sleep 0.1; exit 0", true},
		{task.IsHealthy, "exec sleep 1000", false},
	} {
		t.Run(string(tt.condition), func(t *testing.T) {
			onEachHost(t, func(t *testing.T, opts Options) {
				check := &task.HealthCheck{Command: []string{"CMD", "/bin/true"}, Interval: 50 * time.Millisecond}
				running := start(t, newRuntime(t, opts), dependent(task.Container{HealthCheck: check}, tt.script, tt.condition)).(*Task)
				if other := running.containers[1]; isClosed(other.Ended) != tt.ended {
					t.Errorf("the dependency has ended: %v", isClosed(other.Ended))
				} else if tt.condition == task.IsHealthy && other.health.state() != task.Healthy {
					t.Errorf("the dependency is %s", other.health.state())
				}
				awaitLine(t, running, "started")
			})
		})
	}
}

func TestAContainerWhoseDependencyFailsIsNotStarted(t *testing.T) {
	for _, tt := range []struct {
		name      string
		other     task.Container
		script    string
		condition task.Condition
		why       string
	}{
		{"it fails", task.Container{}, "exit 3", task.Succeeded, "dependency did not exit successfully"},
		{"it ends before it is healthy", task.Container{HealthCheck: &task.HealthCheck{Command: []string{"CMD", "/bin/true"}, Interval: time.Hour}},
			"exit 0", task.IsHealthy, "dependency ended before it was healthy"},
		{"it takes too long", task.Container{StartTimeout: 50 * time.Millisecond}, "exec sleep 1000", task.Completed, "dependency timed out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stopped := start(t, newRuntime(t, options(t)), dependent(tt.other, tt.script, tt.condition))
			await(t, "the end of the task", stopped.Done())
			want := "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [other] for target [main] as " + tt.why
			if exit := stopped.Exits()[0]; exit.Code != 143 || exit.Reason != want {
				t.Errorf("exit = %+v, want 143 and %q", exit, want)
			}
		})
	}
}

func TestATaskCanBeStoppedWhileAContainerWaits(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		r := newRuntime(t, opts)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		spec := dependent(task.Container{}, "exec sleep 1000", task.Completed)
		if _, err := r.Start(ctx, spec); !errors.Is(err, context.Canceled) {
			t.Fatalf("Start = %v, want that it was cancelled", err)
		}
		if pids, err := processesOf(opts.Dir, spec, 1); err != nil || len(pids) > 0 {
			t.Errorf("processes are left: %v, %v", pids, err)
		}
		if r.knows("task") || len(held(r)) > 0 {
			t.Error("the task is kept")
		}
	})
}

func TestContainersStopBeforeThoseTheyDependOn(t *testing.T) {
	spec := dependent(task.Container{StopTimeout: 10 * time.Second}, "trap 'exit 0' TERM; while :; do sleep 0.05; done", task.Started)
	spec.Containers[0].Command = []string{"trap 'sleep 0.2; exit 0' TERM; echo started; while :; do sleep 0.05; done"}
	running := start(t, newRuntime(t, options(t)), spec).(*Task)
	awaitLine(t, running, "started")
	go running.Stop(context.Background())
	await(t, "the end of the dependency", running.containers[1].Ended)
	if !isClosed(running.containers[0].Ended) {
		t.Error("the dependency was stopped first")
	}
}

func TestACPULimitHolds(t *testing.T) {
	needCgroups(t)
	spec := script("task", "echo ready; while :; do :; done")
	spec.CPU = 256
	spec.Containers[0].StopTimeout = time.Millisecond
	running := start(t, newRuntime(t, options(t)), spec)
	awaitLine(t, running, "ready")
	// The time is from before the first look until after the second, however long
	// they took. It only passes in reality: there is no other way than to wait.
	began := time.Now()
	before := used(t, running)
	<-time.After(time.Second)
	cpus := float64(used(t, running)-before) / float64(time.Since(began))
	if cpus == 0 || cpus > 0.30 { // on a busy machine it may get less
		t.Errorf("a task limited to 0.25 CPUs used %.3f", cpus)
	}
}

// used is the CPU time that a task has used.
func used(t *testing.T, running task.Task) time.Duration {
	t.Helper()
	usage, err := running.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return usage.CPU
}

func TestAMemoryLimitHolds(t *testing.T) {
	needCgroups(t)
	for _, tt := range []struct {
		name            string
		task, container int
	}{
		{"of the task", 64, 0},
		{"of the container", 0, 64},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := builtin("task", "memory")
			spec.Memory, spec.Containers[0].Memory = tt.task, tt.container
			spec.Containers[0].Env = []string{"MEMORY_MB=128"}
			stopped := start(t, newRuntime(t, options(t)), spec)
			await(t, "the end of the task", stopped.Done())
			exit := stopped.Exits()[0]
			if exit.Code != 137 || exit.Reason != "OutOfMemoryError: Container killed due to memory usage" {
				t.Errorf("exit = %+v, want 137 and OutOfMemoryError", exit)
			}
		})
	}
}

func TestMemoryIsMeasured(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		running := start(t, newRuntime(t, opts), builtin("task", "web"))
		get(t, running, "/memory?mb=64")
		usage, err := running.Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if mib := usage.Memory >> 20; mib < 64 || mib > 192 { // the race detector doubles it
			t.Errorf("a task that holds 64 MiB uses %d MiB", mib)
		}
	})
}

func TestTheCPUTimeOfChildrenThatHaveEndedIsNotLost(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		// Each of the children computes for some 30 ms.
		spec := script("task", "for i in 1 2 3; do sh -c 'i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done'; done; times; echo ready; exec sleep 1000")
		running := start(t, newRuntime(t, opts), spec)
		awaitLine(t, running, "ready")
		before, err := running.Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if before.CPU < 30*time.Millisecond {
			t.Errorf("used %v of CPU time, want that of the children too", before.CPU)
		}
		if err := running.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, err := running.Usage(t.Context())
		if err != nil || after.CPU < before.CPU-20*time.Millisecond {
			t.Errorf("the stopped task used %v (%v), want no less than %v", after.CPU, err, before.CPU)
		}
	})
}

func TestHealthChecks(t *testing.T) {
	well := filepath.Join(t.TempDir(), "well")
	spec := script("task", "echo ready; exec sleep 1000")
	spec.Containers[0].HealthCheck = &task.HealthCheck{
		Command: []string{"CMD-SHELL", "test -e '" + well + "'"}, Interval: 20 * time.Millisecond, Timeout: 5 * time.Second, Retries: 2,
	}
	running := start(t, newRuntime(t, options(t)), spec)
	awaitHealth(t, running, task.Unhealthy)
	if err := os.WriteFile(well, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	awaitHealth(t, running, task.Healthy)
}

func awaitHealth(t *testing.T, running task.Task, want task.Health) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); running.Health() != want; {
		if time.Now().After(deadline) {
			t.Fatalf("health = %s, want %s", running.Health(), want)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// recoverAll recovers the tasks of a crashed server, which are gone when the test ends.
func recoverAll(t *testing.T, r *Runtime) []task.Task {
	t.Helper()
	recovered, err := r.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range recovered {
		t.Cleanup(func() {
			if err := after.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	return recovered
}

func TestTasksOutliveTheServer(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		crashed(t, opts, builtin("task", "web"))
		r := newRuntime(t, opts)
		recovered := recoverAll(t, r)
		if len(recovered) != 1 || recovered[0].ID() != "task" {
			t.Fatalf("recovered %v, want one task", recovered)
		}
		after := recovered[0]
		if got := get(t, after, "/memory?mb=32"); got != "holding 32 MiB\n" {
			t.Errorf("GET /memory?mb=32 = %q", got)
		}
		if usage, err := after.Usage(t.Context()); err != nil || usage.Memory < 32<<20 || usage.CPU == 0 {
			t.Errorf("Usage = %+v, %v; want more than 32 MiB and some CPU time", usage, err)
		}
		if held(r)[after.(*Task).attachment.address()] != "task" {
			t.Error("the address of the recovered task is free for others")
		}
		if err := after.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if exits := after.Exits(); len(exits) != 1 || exits[0].Known {
			t.Errorf("exits = %+v, want one whose code is not known", exits)
		}
		if err := after.Remove(); err != nil {
			t.Fatal(err)
		}
		if entries, err := os.ReadDir(filepath.Join(opts.Dir, "tasks")); err != nil || len(entries) > 0 {
			t.Errorf("left: %v, %v", entries, err)
		}
	})
}

func TestTheLimitsOfATaskOutliveTheServer(t *testing.T) {
	needCgroups(t)
	opts := options(t)
	spec := builtin("task", "web")
	spec.Memory = 64
	crashed(t, opts, spec)
	after := recoverAll(t, newRuntime(t, opts))[0]
	awaitLine(t, after, "")
	if resp, err := http.Get("http://" + after.Address() + ":8080/memory?mb=128"); err == nil {
		resp.Body.Close()
		t.Errorf("GET /memory?mb=128 within a limit of 64 = %s", resp.Status)
	}
	await(t, "the end of the task", after.Done())
	if got := after.Exits()[0].Reason; got != "OutOfMemoryError: Container killed due to memory usage" {
		t.Errorf("reason = %q, want OutOfMemoryError", got)
	}
}

func TestATaskThatEndedBeforeIsRecoveredWithItsExitAndLogs(t *testing.T) {
	opts := options(t)
	crashed(t, opts, script("short", "echo last words; exit 4"))
	recovered := recoverAll(t, newRuntime(t, opts))
	if len(recovered) != 1 {
		t.Fatalf("recovered %v, want one task", recovered)
	}
	await(t, "the end of the task", recovered[0].Done())
	if exits := recovered[0].Exits(); len(exits) != 1 || exits[0].Code != 4 || !exits[0].Known {
		t.Errorf("exits = %+v, want code 4", exits)
	}
	if log := readLogs(t, recovered[0], ""); log != "last words\n" {
		t.Errorf("log = %q", log)
	}
}

func TestATaskWhoseEssentialContainerEndedMeanwhileIsStopped(t *testing.T) {
	opts := options(t)
	spec := script("task", "exec sleep 1000")
	spec.Containers = append(spec.Containers, task.Container{Name: "sidecar", Image: "sh", Command: []string{"exec sleep 1000"}})
	crashed(t, opts, spec)
	rec, err := readRecord(filepath.Join(opts.Dir, "tasks", "task"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(rec.Containers[0].Process.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	recovered := recoverAll(t, newRuntime(t, opts))
	await(t, "the end of the task", recovered[0].Done())
}

func TestAStartThatWasCutShortIsEndedAndRemoved(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		spec := script("task", "sleep 1000")
		crashed(t, opts, spec)
		dir := filepath.Join(opts.Dir, "tasks", "task")
		rec, err := readRecord(dir)
		if err != nil {
			t.Fatal(err)
		}
		rec.Started, rec.Containers[0].Process = false, processID{}
		if err := rec.write(dir); err != nil {
			t.Fatal(err)
		}
		if recovered := recoverAll(t, newRuntime(t, opts)); len(recovered) != 0 {
			t.Errorf("recovered %v, want no task", recovered)
		}
		if pids, err := processesOf(opts.Dir, spec, 0); err != nil || len(pids) > 0 {
			t.Errorf("processes are left: %v, %v", pids, err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("its directory: %v, want none", err)
		}
	})
}

func TestATaskWhoseRecordIsLostOrDamagedIsEndedAndRemoved(t *testing.T) {
	text := func(text string) func(dir string) error {
		return func(dir string) error { return os.WriteFile(recordPath(dir), []byte(text), 0o600) }
	}
	change := func(change func(*record)) func(dir string) error {
		return func(dir string) error {
			rec, err := readRecord(dir)
			if err != nil {
				return err
			}
			change(rec)
			return rec.write(dir)
		}
	}
	for name, harm := range map[string]func(dir string) error{
		"lost with its directory": os.RemoveAll,
		"lost":                    func(dir string) error { return os.Remove(recordPath(dir)) },
		"empty":                   text(""),
		"cut off":                 func(dir string) error { return os.Truncate(recordPath(dir), 100) },
		"another's":               change(func(rec *record) { rec.Spec.ID = "another" }),
		"without an address":      change(func(rec *record) { rec.Address = netip.Addr{} }),
		"without a container":     change(func(rec *record) { rec.Spec.Containers, rec.Containers = nil, nil }),
		"with a name that is not safe": change(func(rec *record) {
			rec.Spec.Containers[0].Name = "../other"
		}),
	} {
		t.Run(name, func(t *testing.T) {
			onEachHost(t, func(t *testing.T, opts Options) {
				spec := script("task", "exec sleep 1000")
				crashed(t, opts, spec)
				dir := filepath.Join(opts.Dir, "tasks", "task")
				if err := harm(dir); err != nil {
					t.Fatal(err)
				}
				r := newRuntime(t, opts)
				if recovered := recoverAll(t, r); len(recovered) != 0 {
					t.Errorf("recovered %v, want no task", recovered)
				}
				if pids, err := processesOf(opts.Dir, spec, 0); err != nil || len(pids) > 0 {
					t.Errorf("processes are left: %v, %v", pids, err)
				}
				if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("its directory: %v, want none", err)
				}
				// Its cgroup has gone too, or another could not have its name.
				spec.Containers[0].Command = []string{"exit 0"}
				again := start(t, r, spec)
				await(t, "the end of the task", again.Done())
			})
		})
	}
}

func TestAProcessWithATasksNumberAfterARestartOfTheMachineIsLeftAlone(t *testing.T) {
	opts := options(t)
	opts.NoCgroups = true
	rec := &record{
		Spec: script("task", "sleep 1000"), Address: netip.MustParseAddr("127.64.0.1"), Boot: "another", Started: true,
		Containers: []containerRecord{{Process: processID{PID: os.Getpid()}}},
	}
	rec.Containers[0].Process.Start, _ = startTime(os.Getpid())
	dir := filepath.Join(opts.Dir, "tasks", "task")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := rec.write(dir); err != nil {
		t.Fatal(err)
	}
	recovered, err := newRuntime(t, opts).Recover(t.Context())
	if err != nil || len(recovered) != 1 {
		t.Fatalf("Recover = %v, %v; want one task", recovered, err)
	}
	await(t, "the end of the task", recovered[0].Done())
}

func TestNoCgroupIsLeft(t *testing.T) {
	needCgroups(t)
	r := newRuntime(t, options(t))
	stopped := start(t, r, script("task", "exit 0")).(*Task)
	where := stopped.group.where()
	await(t, "the end of the task", stopped.Done())
	r.Close()
	for controller, path := range where {
		for _, dir := range []string{path, filepath.Dir(path)} {
			if _, err := os.Stat(filepath.Join("/sys/fs/cgroup", controller, dir)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("cgroup %s of controller %s: %v, want none", dir, controller, err)
			}
		}
	}
}

func TestNamesThatAreNotSafeAsFileNamesAreRefused(t *testing.T) {
	r := newRuntime(t, options(t))
	for _, name := range []string{"", "..", "a/b", "a.b", "a b", strings.Repeat("a", 300)} {
		if _, err := r.Start(t.Context(), script(name, "exit 0")); err == nil {
			t.Errorf("a task %q was started", name)
		}
		spec := script("task", "exit 0")
		spec.Containers[0].Name = name
		if _, err := r.Start(t.Context(), spec); err == nil {
			t.Errorf("a container %q was started", name)
		}
	}
}

func TestAnIDIsUsedOnce(t *testing.T) {
	r := newRuntime(t, options(t))
	stopped := start(t, r, script("task", "exit 0"))
	await(t, "the end of the task", stopped.Done())
	if _, err := r.Start(t.Context(), script("task", "exit 0")); err == nil {
		t.Error("a second task was started in the directory of the first")
	}
	if err := stopped.Remove(); err != nil {
		t.Fatal(err)
	}
	again := start(t, r, script("task", "exit 0"))
	await(t, "the end of the task", again.Done())
}

func TestAContainerRunsAsItsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may run containers as another user")
	}
	for user, want := range map[string]string{"nobody": "65534:65534", "1234:5678": "1234:5678", "0": "0:0"} {
		spec := script("task"+strconv.Itoa(len(user)), "echo $(id -u):$(id -g)")
		spec.Containers[0].User = user
		stopped := start(t, newRuntime(t, options(t)), spec)
		await(t, "the end of the task", stopped.Done())
		if got := strings.TrimSpace(readLogs(t, stopped, "")); got != want {
			t.Errorf("user %s runs as %s, want %s", user, got, want)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	for _, opts := range []Options{{Network: NetworkNamespace}, {Network: NetworkLoopback}, {Network: NetworkLoopback, NoCgroups: true}} {
		b.Run(fmt.Sprintf("%s cgroups=%t", opts.Network, !opts.NoCgroups), func(b *testing.B) { benchmarkStart(b, opts) })
	}
}

func benchmarkStart(b *testing.B, opts Options) {
	opts.Dir, opts.Args, opts.Log = b.TempDir(), []string{"workload"}, slog.New(slog.DiscardHandler)
	r, err := New(opts)
	if err != nil {
		b.Skip(err)
	}
	defer r.Close()
	for i := 0; b.Loop(); i++ {
		spec := builtin(strconv.Itoa(i), "web")
		spec.CPU, spec.Memory = 256, 512
		started, err := r.Start(b.Context(), spec)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		started.(*Task).containers[0].signal(syscall.SIGKILL)
		<-started.Done()
		b.StartTimer()
	}
}

func TestATaskIsStoppedAndRemovedBySeveralAtATime(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		r := newRuntime(t, opts)
		running := start(t, r, script("task", "exec sleep 1000"))
		var all errgroup.Group
		for range 8 {
			all.Go(func() error { return errors.Join(running.Stop(t.Context()), running.Remove(), running.Remove()) })
		}
		if err := all.Wait(); err != nil {
			t.Error(err)
		}
		wantNothing(t, r)
	})
}

func TestStoppingATaskThatHasEndedIsNoError(t *testing.T) {
	stopped := start(t, newRuntime(t, options(t)), script("task", "exit 0"))
	await(t, "the end of the task", stopped.Done())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // a select takes either case that is ready
		if err := stopped.Stop(ended); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRemovingATaskAgainLeavesTheNextOfItsID(t *testing.T) {
	r := newRuntime(t, options(t))
	first := start(t, r, script("task", "exit 0"))
	await(t, "the end of the task", first.Done())
	if err := first.Remove(); err != nil {
		t.Fatal(err)
	}
	second := start(t, r, script("task", "exec sleep 1000"))
	if err := first.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := readRecord(second.(*Task).dir); err != nil || !r.knows("task") {
		t.Errorf("the second task is not kept: %v", err)
	}
}

func TestAStartThatIsCancelledLeavesNothing(t *testing.T) {
	for _, at := range []step{beforeRecord, beforePlace, beforeRun} {
		t.Run(string(at), func(t *testing.T) {
			onEachHost(t, func(t *testing.T, opts Options) {
				r := newRuntime(t, opts)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r.host = steppedHost{r.host, at, cancel}
				if started, err := r.Start(ctx, script("task", "exec sleep 1000")); !errors.Is(err, context.Canceled) {
					t.Errorf("Start = %v, %v; want %v", started, err, context.Canceled)
				}
				awaitGone(t, opts.Dir)
				wantNothing(t, r)
				if len(r.tasks) > 0 {
					t.Errorf("tasks are kept: %v", r.tasks)
				}
			})
		})
	}
}

func TestAStartWhoseRecordCannotBeWrittenLeavesNothing(t *testing.T) {
	for _, at := range []step{beforeRecord, beforePlace} { // so that the first or the last record fails
		t.Run(string(at), func(t *testing.T) {
			onEachHost(t, func(t *testing.T, opts Options) {
				r := newRuntime(t, opts)
				r.host = steppedHost{r.host, at, func() {
					next := recordPath(filepath.Join(r.dir, "tasks", "task")) + ".next"
					if err := os.MkdirAll(next, 0o700); err != nil {
						t.Error(err)
					}
				}}
				if started, err := r.Start(t.Context(), script("task", "exec sleep 1000")); err == nil {
					t.Errorf("Start = %v, want an error", started)
				}
				awaitGone(t, opts.Dir)
				wantNothing(t, r)
			})
		})
	}
}

func TestTwoTasksWithOneAddressAreNotBothTakenUp(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		crashed(t, opts, script("one", "exec sleep 1000"), script("two", "exec sleep 1000"))
		dir := filepath.Join(opts.Dir, "tasks")
		one, err := readRecord(filepath.Join(dir, "one"))
		if err != nil {
			t.Fatal(err)
		}
		two, err := readRecord(filepath.Join(dir, "two"))
		if err != nil {
			t.Fatal(err)
		}
		two.Address = one.Address
		if err := two.write(filepath.Join(dir, "two")); err != nil {
			t.Fatal(err)
		}
		r := newRuntime(t, opts)
		recovered := recoverAll(t, r)
		if len(recovered) != 1 || recovered[0].ID() != "one" || held(r)[one.Address] != "one" {
			t.Errorf("recovered %v with addresses %v, want the first task with its address", recovered, held(r))
		}
		if pids := processesUnder(t, opts.Dir); len(pids) != 1 {
			t.Errorf("processes %v, want those of one task", pids)
		}
	})
}

func TestAStoppedTaskOfAnEarlierLifeLeavesItsAddressToOthers(t *testing.T) {
	for name, change := range map[string]func(*record){
		"its end is recorded":     func(*record) {},
		"its end is not recorded": func(rec *record) { rec.Containers[0].Exit = nil },
	} {
		t.Run(name, func(t *testing.T) {
			opts := options(t)
			opts.Network = NetworkLoopback
			crashed(t, opts, script("short", "exit 0"))
			dir := filepath.Join(opts.Dir, "tasks", "short")
			rec, err := readRecord(dir)
			if err != nil {
				t.Fatal(err)
			}
			change(rec)
			if err := rec.write(dir); err != nil {
				t.Fatal(err)
			}
			r := newRuntime(t, opts)
			pool(r).reserve(rec.Address, "another")
			stopped := recoverAll(t, r)[0]
			await(t, "the end of the task", stopped.Done())
			if err := stopped.Remove(); err != nil {
				t.Error(err)
			}
			if got := held(r)[rec.Address]; got != "another" {
				t.Errorf("the address belongs to %q", got)
			}
		})
	}
}

func TestAFileAmongTheTasksIsLeftAlone(t *testing.T) {
	opts := options(t)
	r := newRuntime(t, opts)
	note := filepath.Join(opts.Dir, "tasks", "note")
	if err := os.WriteFile(note, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if recovered := recoverAll(t, r); len(recovered) > 0 {
		t.Errorf("recovered %v, want no task", recovered)
	}
	if _, err := os.Stat(note); err != nil {
		t.Error(err)
	}
}

func BenchmarkProcesses(b *testing.B) {
	for b.Loop() {
		if _, err := processesWhere(func(environ []byte) bool { return valueOf(environ, markTask) != "" }); err != nil {
			b.Fatal(err)
		}
	}
}
