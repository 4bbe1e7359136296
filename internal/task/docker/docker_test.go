package docker

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
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"golang.org/x/sync/singleflight"

	"flyball/internal/task"
	"flyball/internal/workload"
)

// program builds the program in testdata, once for all tests.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(built, "program")
	build := exec.Command("go", "build", "-o", path, "./testdata/program")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building testdata/program: %w\n%s", err, out)
	}
	return path, nil
})

// built is the directory for it.
var built string

func TestMain(m *testing.M) {
	http.DefaultClient = &http.Client{Timeout: time.Minute, Transport: &http.Transport{}} // without a proxy: tasks are on this machine
	var err error
	if built, err = os.MkdirTemp("", "flyball-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(built)
	if engine, err := connect(context.Background()); err == nil {
		for _, name := range []string{image, "flyball/web", "flyball/memory"} {
			_, _ = engine.ImageRemove(context.Background(), name, client.ImageRemoveOptions{})
		}
	}
	os.Exit(code)
}

// image is the image of the program in testdata, which does what its command says.
const image = "flyball-test/program:latest"

// newRuntime returns a runtime with that image. It skips the test where no
// engine answers. All that is the runtime's is gone when the test ends.
func newRuntime(t *testing.T) *Runtime {
	t.Helper()
	if err := Available(t.Context()); err != nil {
		t.Skip(err)
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, t.TempDir())
	loadImage.Do(func() {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := r.images.load(t.Context(), file, image, []string{`ENTRYPOINT ["/flyball"]`}); err != nil {
			t.Fatal(err)
		}
	})
	return r
}

var loadImage sync.Once

// open returns a runtime for a data directory.
func open(t *testing.T, dir string) *Runtime {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(t.Context(), Options{Dir: dir, Executable: path, Args: []string{"workload"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// spec is a task of one container that does what command says.
func spec(id string, command ...string) task.Spec {
	return task.Spec{ID: "test-" + id, Containers: []task.Container{
		{Name: "main", Image: image, Command: command, Essential: true, StopTimeout: time.Second},
	}}
}

func builtin(id, name string) task.Spec {
	return task.Spec{ID: "test-" + id, Containers: []task.Container{
		{Name: "main", Image: "flyball/" + name, Essential: true, Ports: []int{8080}},
	}}
}

// start starts a task that is removed when the test ends.
func start(t *testing.T, r *Runtime, spec task.Spec) task.Task {
	t.Helper()
	started, err := r.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.clear(context.Background(), spec.ID); err != nil {
			t.Error(err)
		}
	})
	return started
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatalf("waited a minute for %s", what)
	}
}

// awaitLine follows a container's log until it has a line.
func awaitLine(t *testing.T, running task.Task, container, prefix string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lines, err := running.Logs(ctx, container, task.LogOptions{Follow: true})
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

func readLog(t *testing.T, stopped task.Task, container string) string {
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

func get(t *testing.T, running task.Task, path string) string {
	t.Helper()
	awaitLine(t, running, "", "")
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

func TestTheBuiltInWorkloadRunsInAnImageFromScratch(t *testing.T) {
	r := newRuntime(t)
	for _, id := range []string{"one", "two"} {
		running := start(t, r, builtin(id, "web"))
		if got, want := get(t, running, "/"), "hello from test-"+id+"\n"; got != want {
			t.Errorf("GET / of task %s = %q, want %q", id, got, want)
		}
	}
}

func TestABuiltInImageIsMadeOnce(t *testing.T) {
	r := newRuntime(t)
	first, err := r.images.ensure(t.Context(), "flyball/web", "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.images.ensure(t.Context(), "flyball/web:latest", "")
	if err != nil || first != second || !strings.HasPrefix(first, "sha256:") {
		t.Errorf("made %s and then %s (%v), want the same", first, second, err)
	}
}

func TestExitsAndLogs(t *testing.T) {
	r := newRuntime(t)
	for code, id := range map[int]string{0: "zero", 3: "three"} {
		stopped := start(t, r, spec(id, "exit", fmt.Sprint(code)))
		await(t, "the end of the task", stopped.Done())
		if exits := stopped.Exits(); len(exits) != 1 || exits[0] != (task.Exit{Container: "main", Code: code, Known: true}) {
			t.Errorf("exits = %+v, want code %d", exits, code)
		}
		for _, line := range []string{"to standard output\n", "to standard error\n"} {
			if log := readLog(t, stopped, "main"); !strings.Contains(log, line) {
				t.Errorf("log = %q, want %q in it", log, line)
			}
		}
	}
}

func TestStop(t *testing.T) {
	r := newRuntime(t)
	for _, tt := range []struct {
		name, mode string
		code       int
	}{
		{"asks first", "wait", 0},
		{"kills what does not end in time", "stay", 137},
	} {
		t.Run(tt.name, func(t *testing.T) {
			running := start(t, r, spec("stop-"+tt.mode, tt.mode))
			awaitLine(t, running, "", "ready")
			if err := running.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := running.Exits()[0].Code; got != tt.code {
				t.Errorf("exit code = %d, want %d", got, tt.code)
			}
			if err := running.Remove(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestContainersOfATaskShareANetwork(t *testing.T) {
	r := newRuntime(t)
	s := spec("pair", "get", "http://127.0.0.1:8080/")
	s.Containers[0].Essential = false
	s.Containers = append(s.Containers, builtin("", "web").Containers[0])
	s.Containers[1].Name = "web"
	running := start(t, r, s)
	awaitLine(t, running, "web", "")
	await(t, "the end of the container", running.(*Task).containers[0].Ended)
	if log := readLog(t, running, "main"); log != "hello from test-pair\n" {
		t.Errorf("the other container answered %q", log)
	}
	if err := running.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheNetworkBelongsToAContainerThatRunsFirst(t *testing.T) {
	on := func(name string, essential bool, condition task.Condition, others ...string) task.Container {
		c := task.Container{Name: name, Essential: essential}
		for _, other := range others {
			c.DependsOn = append(c.DependsOn, task.Dependency{Container: other, Condition: condition})
		}
		return c
	}
	for _, tt := range []struct {
		name       string
		containers []task.Container
		owner      string
		early      []string
	}{
		{"the first essential one", []task.Container{on("log", false, ""), on("app", true, "")}, "app", nil},
		{"after its init containers", []task.Container{on("app", true, task.Succeeded, "migrate"), on("migrate", false, task.Completed, "fetch"), on("fetch", false, "")},
			"app", []string{"fetch", "migrate"}},
		{"the proxy that it waits for", []task.Container{on("app", true, task.IsHealthy, "proxy"), on("proxy", true, task.Succeeded, "init"), on("init", false, "")},
			"proxy", []string{"init"}},
	} {
		s := task.Spec{Containers: tt.containers}
		if got := s.Containers[owner(s)].Name; got != tt.owner {
			t.Errorf("%s: the owner is %s, want %s", tt.name, got, tt.owner)
		}
		if got := slices.Sorted(maps.Keys(early(s))); !slices.Equal(got, tt.early) {
			t.Errorf("%s: early are %v, want %v", tt.name, got, tt.early)
		}
	}
}

func TestAContainerWaitsForAnotherToSucceed(t *testing.T) {
	s := builtin("init", "web")
	s.Containers[0].DependsOn = []task.Dependency{{Container: "init", Condition: task.Succeeded}}
	s.Containers = append(s.Containers, task.Container{Name: "init", Image: image, Command: []string{"exit", "0"}},
		task.Container{Name: "sidecar", Image: image, Command: []string{"get", "http://127.0.0.1:8080/"}, DependsOn: []task.Dependency{{Container: "main", Condition: task.Started}}})
	running := start(t, newRuntime(t), s).(*Task)
	if !running.containers[1].hasEnded() {
		t.Error("the task was started before its init container had ended")
	}
	if got := get(t, running, "/"); got != "hello from test-init\n" {
		t.Errorf("GET / = %q", got)
	}
	await(t, "the end of the sidecar", running.containers[2].Ended)
	if err := running.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAContainerWaitsForAnotherToBeHealthy(t *testing.T) {
	s := spec("healthy", "get", "http://127.0.0.1:8080/")
	s.Containers[0].DependsOn = []task.Dependency{{Container: "web", Condition: task.IsHealthy}}
	s.Containers = append(s.Containers, builtin("", "web").Containers[0])
	s.Containers[1].Name = "web"
	s.Containers[1].HealthCheck = &task.HealthCheck{Command: []string{"CMD", "/flyball", "exit", "0"}, Interval: time.Second, Timeout: 30 * time.Second, Retries: 10}
	stopped := start(t, newRuntime(t), s)
	await(t, "the end of the task", stopped.Done())
	if log := readLog(t, stopped, "main"); log != "hello from test-healthy\n" {
		t.Errorf("the other container answered %q", log)
	}
}

func TestAContainerWhoseDependencyFailsIsNotStarted(t *testing.T) {
	s := spec("failed", "wait")
	s.Containers[0].DependsOn = []task.Dependency{{Container: "init", Condition: task.Succeeded}}
	s.Containers = append(s.Containers, task.Container{Name: "init", Image: image, Command: []string{"exit", "3"}})
	stopped := start(t, newRuntime(t), s)
	await(t, "the end of the task", stopped.Done())
	exits := stopped.Exits()
	if exits[0].Code != 143 || !strings.Contains(exits[0].Reason, "dependency did not exit successfully") || exits[1].Code != 3 {
		t.Errorf("exits = %+v", exits)
	}
	if err := stopped.Remove(); err != nil {
		t.Error(err)
	}
}

func TestATaskCanBeStoppedWhileAContainerWaits(t *testing.T) {
	r := newRuntime(t)
	s := spec("waiting", "wait")
	s.Containers[0].DependsOn = []task.Dependency{{Container: "init", Condition: task.Completed}}
	s.Containers = append(s.Containers, task.Container{Name: "init", Image: image, Command: []string{"wait"}, StopTimeout: time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, cancel)
	if _, err := r.Start(ctx, s); !errors.Is(err, context.Canceled) {
		t.Fatalf("Start = %v, want that it was cancelled", err)
	}
	if left, err := r.Recover(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestUlimitsReachTheContainer(t *testing.T) {
	s := spec("ulimits", "wait")
	s.Containers[0].Ulimits = []task.Ulimit{{Name: "nofile", Soft: 1234, Hard: 4321}}
	running := start(t, newRuntime(t), s).(*Task)
	inspected, err := running.runtime.engine.ContainerInspect(t.Context(), running.containers[0].id, client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if u := inspected.Container.HostConfig.Ulimits; len(u) != 1 || u[0].Name != "nofile" || u[0].Soft != 1234 || u[0].Hard != 4321 {
		t.Errorf("ulimits = %v", u)
	}
}

func TestTheEndOfAnEssentialContainerEndsTheOthers(t *testing.T) {
	s := spec("essential", "exit", "5")
	s.Containers = append(s.Containers, task.Container{Name: "other", Image: image, Command: []string{"wait"}, StopTimeout: time.Second})
	// The other container has the network of the first, which may be gone when
	// it starts: the task as a whole either starts, and stops, or does not.
	stopped, err := newRuntime(t).Start(t.Context(), s)
	if err != nil {
		if !strings.Contains(err.Error(), "CannotStartContainerError") {
			t.Error(err)
		}
		return
	}
	t.Cleanup(func() { stopped.(*Task).runtime.clear(context.Background(), stopped.ID()) })
	await(t, "the end of the task", stopped.Done())
	if got := stopped.Exits()[0].Code; got != 5 {
		t.Errorf("exit code = %d, want 5", got)
	}
}

func TestLimitsHold(t *testing.T) {
	r := newRuntime(t)
	s := builtin("limits", "web")
	s.CPU, s.Memory = 256, 64
	running := start(t, r, s)
	get(t, running, "/")
	base := "http://" + net.JoinHostPort(running.Address(), "8080")

	began := time.Now()
	first, err := running.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 { // 0.4 s of CPU time, which take 1.6 s
		wg.Go(func() {
			resp, err := http.Get(base + "/computation")
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	wg.Wait()
	second, err := running.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	used := second.CPU - first.CPU
	// The time is from before the first look until after the second, however long
	// they took.
	if cpus := float64(used) / float64(time.Since(began)); used < 400*time.Millisecond || cpus > 0.3 {
		t.Errorf("a task limited to 0.25 CPUs used %v, %.3f CPUs", used, cpus)
	}

	if resp, err := http.Get(base + "/memory?mb=128"); err == nil {
		resp.Body.Close()
		t.Errorf("GET /memory?mb=128 within a limit of 64 = %s", resp.Status)
	}
	await(t, "the end of the task", running.Done())
	if exit := running.Exits()[0]; exit.Code != 137 || exit.Reason != "OutOfMemoryError: Container killed due to memory usage" {
		t.Errorf("exit = %+v, want 137 and OutOfMemoryError", exit)
	}
	if last, err := running.Usage(t.Context()); err != nil || last.CPU < second.CPU || last.Memory != 0 {
		t.Errorf("the stopped task used %+v, %v; want no less CPU time than %v", last, err, second.CPU)
	}
}

func TestMemoryIsMeasured(t *testing.T) {
	running := start(t, newRuntime(t), builtin("memory", "web"))
	get(t, running, "/memory?mb=64")
	usage, err := running.Usage(t.Context())
	if mib := usage.Memory >> 20; err != nil || mib < 64 || mib > 96 {
		t.Errorf("a task that holds 64 MiB uses %d MiB, %v", mib, err)
	}
}

func TestTheEnginesStatisticsAgreeWithTheCgroup(t *testing.T) {
	running := start(t, newRuntime(t), builtin("statistics", "web")).(*Task)
	get(t, running, "/memory?mb=64")
	get(t, running, "/computation")
	c := running.containers[0]
	if running.meter(t.Context(), c) == nil {
		t.Skip("the engine's cgroups are out of sight")
	}
	byCgroup, err := running.measure(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	byEngine, err := running.statistics(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if byEngine.At.IsZero() || (byEngine.CPU-byCgroup.CPU).Abs() > 50*time.Millisecond || max(byEngine.Memory-byCgroup.Memory, byCgroup.Memory-byEngine.Memory) > 4<<20 {
		t.Errorf("by the engine %+v, by the cgroup %+v", byEngine, byCgroup)
	}
}

func TestHealthChecks(t *testing.T) {
	r := newRuntime(t)
	for name, tt := range map[string]struct {
		url  string
		want task.Health
	}{
		"well": {"http://127.0.0.1:8080/health", task.Healthy},
		"ill":  {"http://127.0.0.1:1/health", task.Unhealthy},
	} {
		s := builtin(name, "web")
		s.Containers[0].HealthCheck = &task.HealthCheck{
			Command: []string{"CMD", "/flyball", "get", tt.url}, Interval: time.Second, Timeout: 5 * time.Second, Retries: 1,
		}
		running := start(t, r, s)
		for deadline := time.Now().Add(time.Minute); running.Health() != tt.want; {
			if time.Now().After(deadline) {
				t.Fatalf("health of the %s task = %s, want %s", name, running.Health(), tt.want)
			}
			<-time.After(50 * time.Millisecond)
		}
	}
}

func TestAnImageThatCannotBePulledIsExplained(t *testing.T) {
	s := spec("pull", "exit", "0")
	s.Containers[0].Image = "127.0.0.1:1/no/such/image:1.2"
	_, err := newRuntime(t).Start(t.Context(), s)
	if !errors.Is(err, task.ErrNoImage) || !strings.Contains(err.Error(), "CannotPullContainerError: Error response from daemon: ") {
		t.Errorf("Start = %v, want CannotPullContainerError", err)
	}
}

func TestATaskThatCannotStartLeavesNothing(t *testing.T) {
	r := newRuntime(t)
	s := spec("broken", "wait")
	s.Containers = append(s.Containers, task.Container{Name: "other", Image: image, EntryPoint: []string{"/no/such/program"}})
	if _, err := r.Start(t.Context(), s); err == nil || !strings.Contains(err.Error(), "CannotStartContainerError") {
		t.Errorf("Start = %v, want CannotStartContainerError", err)
	}
	left, err := r.engine.ContainerList(t.Context(), client.ContainerListOptions{
		All: true, Filters: client.Filters{}.Add("label", labelInstance+"="+r.instance),
	})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("left: %v, %v", left.Items, err)
	}
}

func TestTasksAreRecoveredByTheirLabels(t *testing.T) {
	r := newRuntime(t)
	dir := t.TempDir()
	first := open(t, dir)
	before := start(t, first, spec("running", "wait"))
	ended := start(t, first, spec("ended", "exit", "4"))
	await(t, "the end of a task", ended.Done())
	start(t, r, spec("elsewhere", "wait")) // another server's

	second := open(t, dir)
	recovered, err := second.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]task.Task{}
	for _, after := range recovered {
		ids[after.ID()] = after
	}
	if len(ids) != 2 || ids["test-running"] == nil || ids["test-ended"] == nil {
		t.Fatalf("recovered %v, want two tasks", ids)
	}
	await(t, "the end of a task", ids["test-ended"].Done())
	if exits := ids["test-ended"].Exits(); exits[0].Code != 4 || !exits[0].Known {
		t.Errorf("exits = %+v, want code 4", exits)
	}
	running := ids["test-running"]
	if running.Address() != before.Address() || running.Address() == "" {
		t.Errorf("address = %q, want %q", running.Address(), before.Address())
	}
	if err := running.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, after := range recovered {
		if err := after.Remove(); err != nil {
			t.Error(err)
		}
	}
	if again, err := second.Recover(t.Context()); err != nil || len(again) != 0 {
		t.Errorf("Recover after Remove = %v, %v; want nothing", again, err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.engine.NetworkInspect(t.Context(), second.instance, client.NetworkInspectOptions{}); !errdefs.IsNotFound(err) {
		t.Errorf("the network is left: %v", err)
	}
}

func TestATaskThatWasNotStartedWholeIsRemoved(t *testing.T) {
	r := newRuntime(t)
	s := spec("part", "wait")
	s.Containers = append(s.Containers, task.Container{Name: "other", Image: image, Command: []string{"wait"}})
	if _, err := r.ensureNetwork(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := newTask(r, s)
	if err := begun.startContainer(t.Context(), 0, image, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.clear(context.Background(), s.ID) })
	if recovered, err := r.Recover(t.Context()); err != nil || len(recovered) != 0 {
		t.Errorf("Recover = %v, %v; want nothing", recovered, err)
	}
	if left, err := r.list(t.Context(), labelInstance+"="+r.instance); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestTasksReachTheServerThroughTheBridgeAndOthersDoNot(t *testing.T) {
	r := newRuntime(t)
	listener, err := r.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello, task") })}
	go server.Serve(listener)
	defer server.Close()

	stopped := start(t, r, spec("caller", "get", "http://"+listener.Addr().String()))
	await(t, "the end of the task", stopped.Done())
	if log := readLog(t, stopped, ""); log != "hello, task\n" {
		t.Errorf("the task was answered %q", log)
	}

	// From another network of this machine, which can be routed to the bridge.
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}
	elsewhere := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}, Timeout: 5 * time.Second}
	if resp, err := elsewhere.Get("http://" + listener.Addr().String()); err == nil {
		resp.Body.Close()
		t.Errorf("from elsewhere: %s, want no answer", resp.Status)
	}
}

func TestTheRuntimesNetworkIsRemovedWithTheLastTask(t *testing.T) {
	r := newRuntime(t)
	running := start(t, r, spec("last", "wait"))
	inspect := func() error {
		_, err := r.engine.NetworkInspect(t.Context(), r.instance, client.NetworkInspectOptions{})
		return err
	}
	r.removeNetwork(t.Context())
	if err := inspect(); err != nil {
		t.Errorf("the network of a running task: %v", err)
	}
	if err := running.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.removeNetwork(t.Context())
	if err := inspect(); err == nil {
		t.Error("the network is left")
	}
}

func TestOnlyAStaticLinuxProgramMakesAnImage(t *testing.T) {
	if err := static(strings.NewReader("#!/bin/sh\n")); err == nil {
		t.Error("a script was accepted")
	}
	path, err := program()
	if err != nil {
		t.Skip(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := static(file); err != nil {
		t.Error(err)
	}
}

func TestAProgramOfThisMachineIsNoContainer(t *testing.T) {
	_, err := images{once: new(singleflight.Group)}.ensure(t.Context(), workload.Program, "")
	if !errors.Is(err, task.ErrNoImage) || !strings.Contains(err.Error(), "--runtime process") {
		t.Error(err)
	}
}

func TestBuiltInImages(t *testing.T) {
	for image, want := range map[string]string{
		"flyball/web": "web", "flyball/web:latest": "web", "flyball/memory:1": "memory",
		"flyball/other": "", "web": "", "example.com/flyball/web": "",
	} {
		if name, ok := workload.BuiltIn(image); ok != (want != "") || ok && name != want {
			t.Errorf("BuiltIn(%s) = %q, %t; want %q", image, name, ok, want)
		}
	}
}

func TestConnectionsFromElsewhereAreClosed(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := &bridgeListener{Listener: inner, network: netip.MustParsePrefix("127.0.0.2/32")}
	defer listener.Close()
	dial := func(from string) net.Conn {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := dialer.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Skip("this machine has one loopback address: ", err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	stranger, neighbour := dial("127.0.0.3"), dial("127.0.0.2")
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got, want := conn.RemoteAddr().String(), neighbour.LocalAddr().String(); got != want {
		t.Errorf("accepted %s, want %s", got, want)
	}
	if _, err := stranger.Read(make([]byte, 1)); err == nil {
		t.Error("the connection from elsewhere is open")
	}
}

func TestTheOwnerOfTheNetworkIsTheFirstEssentialContainer(t *testing.T) {
	s := task.Spec{Containers: []task.Container{{Name: "a"}, {Name: "b", Essential: true}, {Name: "c", Essential: true}}}
	if got := owner(s); got != 1 {
		t.Errorf("owner = %d, want 1", got)
	}
	if got := owner(task.Spec{Containers: s.Containers[:1]}); got != 0 {
		t.Errorf("owner without an essential container = %d, want 0", got)
	}
	if !slices.Equal(allPorts(s), nil) {
		t.Error("ports without any")
	}
}
