package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"flyball/internal/image/imagetest"
	"flyball/internal/task"
)

// A serverOrder says what a server of a test's own is to do.
type serverOrder struct {
	Dir       string
	NoCgroups bool
	Network   NetworkMode
	Specs     []task.Spec // started one after the other
	Hold      step        // beyond which the start of a task does not come
	Churn     bool        // start and stop the tasks again and again
}

// A step is one of the start of a task, at which something is done.
type step string

// The steps.
const (
	beforeRecord step = "before its process is recorded"
	beforePlace  step = "before its process is in its place"
	beforeRun    step = "before its process runs the command"
)

// A server is another process that runs a runtime.
type server struct{ cmd *exec.Cmd }

// startServer returns when the server is ready: its tasks are started, held or churned.
func startServer(t *testing.T, order serverOrder) server {
	t.Helper()
	text, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	s := server{exec.Command(os.Args[0], "server", string(text))}
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || ready != "ready\n" {
		t.Errorf("the server said %q, %v", ready, err)
	}
	return s
}

func (s server) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() // says that it was killed
}

// crashed starts tasks in a server of its own, which is then killed.
func crashed(t *testing.T, opts Options, specs ...task.Spec) {
	t.Helper()
	startServer(t, serverOrder{Dir: opts.Dir, NoCgroups: opts.NoCgroups, Network: opts.Network, Specs: specs}).kill(t)
}

// serve is what a server does. It ends by itself when a test forgets it.
func serve(text string) error {
	var order serverOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		return err
	}
	r, err := New(Options{
		Dir: order.Dir, NoCgroups: order.NoCgroups, Network: order.Network, Args: []string{"workload"}, Images: map[string]string{"sh": "/bin/sh -c"},
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	if order.Hold != "" {
		r.host = steppedHost{r.host, order.Hold, ready}
	}
	if order.Churn {
		churn(r, order.Specs)
	}
	for _, spec := range order.Specs {
		started, err := r.Start(context.Background(), spec)
		if err != nil {
			return err
		}
		if strings.HasPrefix(spec.ID, "short") {
			<-started.Done()
		}
	}
	ready()
	return nil
}

// ready says that the server is, and waits to be killed.
func ready() {
	fmt.Println("ready")
	<-time.After(time.Minute)
	os.Exit(1)
}

// churn starts and stops tasks like those of specs from now on, each kind in turns
// of its own.
func churn(r *Runtime, specs []task.Spec) {
	for i, spec := range specs {
		go func() {
			for n := 0; ; n++ {
				spec.ID = fmt.Sprintf("task-%d-%d", i, n)
				started, err := r.Start(context.Background(), spec)
				if err == nil && n%2 == 0 {
					err = errors.Join(started.Stop(context.Background()), started.Remove())
				}
				if err != nil {
					panic(err)
				}
			}
		}()
	}
	ready()
}

// steppedHost is a host that does something at a step.
type steppedHost struct {
	host
	at step
	do func()
}

func (h steppedHost) create(spec task.Spec) (group, error) {
	g, err := h.host.create(spec)
	return steppedGroup{g, h.at, h.do}, err
}

type steppedGroup struct {
	group
	at step
	do func()
}

func (g steppedGroup) reach(s step) {
	if g.at == s {
		g.do()
	}
}

func (g steppedGroup) where() map[string]string {
	g.reach(beforeRecord)
	return g.group.where()
}

func (g steppedGroup) take(pid, container int) error {
	g.reach(beforePlace)
	err := g.group.take(pid, container)
	g.reach(beforeRun)
	return err
}

// awaitGone waits until no process of a runtime's tasks is left.
func awaitGone(t *testing.T, dir string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		pids := processesUnder(t, dir)
		if len(pids) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes %v are left", pids)
		}
		<-time.After(time.Millisecond)
	}
}

// processesUnder are the processes of all tasks of a runtime.
func processesUnder(t *testing.T, dir string) []int {
	t.Helper()
	instance, err := task.Instance(dir)
	if err != nil {
		t.Fatal(err)
	}
	pids, err := processesWhere(func(environ []byte) bool { return valueOf(environ, markRuntime) == instance })
	if err != nil {
		t.Fatal(err)
	}
	return pids
}

func TestAKillDuringAStartLeavesNothing(t *testing.T) {
	for _, at := range []step{beforeRecord, beforePlace, beforeRun} {
		t.Run(string(at), func(t *testing.T) {
			onEachHost(t, func(t *testing.T, opts Options) {
				trace := filepath.Join(t.TempDir(), "trace")
				order := serverOrder{Dir: opts.Dir, NoCgroups: opts.NoCgroups, Network: opts.Network, Hold: at}
				order.Specs = []task.Spec{script("task", "touch '"+trace+"'; exec sleep 1000")}
				s := startServer(t, order)
				if pids := processesUnder(t, opts.Dir); len(pids) != 1 {
					t.Errorf("processes %v of the task, want one", pids)
				}
				s.kill(t)
				awaitGone(t, opts.Dir) // without a restart, too

				r := newRuntime(t, opts)
				if recovered := recoverAll(t, r); len(recovered) > 0 {
					t.Errorf("recovered %v, want no task", recovered)
				}
				wantNothing(t, r)
				if _, err := os.Stat(trace); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the command has run: %v", err)
				}
			})
		})
	}
}

// The image of a server that is killed while it unpacks is none for the next life.
func TestAKillDuringAPullLeavesNoImage(t *testing.T) {
	halfway := make(chan struct{})
	content := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
			content.ServeHTTP(w, r)
			return
		}
		whole := httptest.NewRecorder()
		content.ServeHTTP(whole, r)
		if whole.Body.Len() < 100_000 { // a configuration
			_, _ = w.Write(whole.Body.Bytes())
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(whole.Body.Len()))
		_, _ = w.Write(whole.Body.Next(whole.Body.Len() / 2))
		_ = http.NewResponseController(w).Flush()
		close(halfway)
		<-r.Context().Done()
	}))
	defer host.Close()
	reference := strings.TrimPrefix(host.URL, "http://") + "/app:latest"
	imagetest.Push(t, reference, imagetest.Image(t, v1.Config{Entrypoint: []string{"/program"}}, scratch(t)))

	opts := options(t)
	opts.NoCgroups, opts.Network = true, NetworkLoopback
	order, err := json.Marshal(serverOrder{Dir: opts.Dir, NoCgroups: true, Network: NetworkLoopback, Specs: []task.Spec{running("task", reference)}})
	if err != nil {
		t.Fatal(err)
	}
	s := server{exec.Command(os.Args[0], "server", string(order))}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "half of the image", halfway)
	if partial, _ := filepath.Glob(filepath.Join(opts.Dir, "images", "partial-*")); len(partial) != 1 {
		t.Errorf("while it is unpacked there is %v", partial)
	}
	s.kill(t)
	r := newRuntime(t, opts)
	recoverAll(t, r)
	if left, err := os.ReadDir(filepath.Join(opts.Dir, "images")); err != nil || len(left) > 0 {
		t.Errorf("images are left: %v, %v", left, err)
	}
}

func TestARestartEndsAProcessThatIsNotRecorded(t *testing.T) {
	for _, at := range []step{beforeRecord, beforePlace, beforeRun} {
		t.Run(string(at), func(t *testing.T) {
			onEachHost(t, func(t *testing.T, opts Options) {
				s := startServer(t, serverOrder{
					Dir: opts.Dir, NoCgroups: opts.NoCgroups, Network: opts.Network, Hold: at, Specs: []task.Spec{script("task", "exec sleep 1000")},
				})
				for _, pid := range processesUnder(t, opts.Dir) {
					if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil { // or it would end by itself
						t.Fatal(err)
					}
				}
				s.kill(t)
				r := newRuntime(t, opts)
				recoverAll(t, r)
				awaitGone(t, opts.Dir)
				wantNothing(t, r)
			})
		})
	}
}

// A server may be killed while it takes the cgroup of a stopped task away. Its next
// life keeps the task, stopped from the first moment, and takes away what is left.
func TestARestartRemovesTheCgroupsOfTasksThatHaveStopped(t *testing.T) {
	needCgroups(t)
	for name, gone := range map[string]string{"all of it": "none", "a part of it": "main"} {
		t.Run(name+" is left", func(t *testing.T) {
			opts, spec := options(t), script("short", "exit 4")
			crashed(t, opts, spec)
			r := newRuntime(t, opts)
			if _, err := r.host.create(spec); err != nil {
				t.Fatal(err)
			}
			for _, dir := range cgroupsOf(r) {
				if err := os.Remove(filepath.Join(dir, gone)); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			recovered := recoverAll(t, r)
			if len(recovered) != 1 || !isClosed(recovered[0].Done()) || len(recovered[0].Exits()) != 1 || recovered[0].Exits()[0].Code != 4 {
				t.Errorf("recovered %v, want the task, stopped with exit code 4", recovered)
			}
			if cgroups := cgroupsOf(r); len(cgroups) > 0 {
				t.Errorf("cgroups are left: %v", cgroups)
			}
		})
	}
}

// cgroupsOf are the cgroups of a runtime's tasks.
func cgroupsOf(r *Runtime) []string {
	var all []string
	for _, pattern := range []string{"/sys/fs/cgroup/*/", "/sys/fs/cgroup/"} {
		found, _ := filepath.Glob(pattern + string(r.mark) + "/*/") // the pattern is right
		all = append(all, found...)
	}
	return all
}

// devicesOf are the devices of this machine that lead to a runtime's tasks.
func devicesOf(r *Runtime) []string {
	found, _ := filepath.Glob("/sys/class/net/" + bridgeName(string(r.mark)) + "/brif/*") // the pattern is right
	return found
}

// wantNothing fails the test if a runtime keeps anything.
func wantNothing(t *testing.T, r *Runtime) {
	t.Helper()
	if entries, err := os.ReadDir(filepath.Join(r.dir, "tasks")); err != nil || len(entries) > 0 {
		t.Errorf("directories are left: %v, %v", entries, err)
	}
	if cgroups := cgroupsOf(r); len(cgroups) > 0 {
		t.Errorf("cgroups are left: %v", cgroups)
	}
	if len(held(r)) > 0 {
		t.Errorf("addresses are in use: %v", held(r))
	}
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(time.Millisecond) {
		devices := devicesOf(r) // which Linux removes soon
		if len(devices) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("devices are left: %v", devices)
		}
	}
}

// kills is how often TestKillsUnderLoad kills a server with each host.
var kills = flag.Int("kills", 30, "how many servers are killed under load")

func TestKillsUnderLoadLeaveNothing(t *testing.T) {
	image := pushed(t, v1.Config{Entrypoint: []string{"/program"}}, scratch(t))
	onEachHost(t, func(t *testing.T, opts Options) {
		specs := []task.Spec{
			running("", image, "sleep"),
			script("", "exec sleep 1000"),
			script("", "sleep 1000 & wait"),
			dependent(task.Container{}, "exec sleep 1000", task.Started),
		}
		for i := range *kills {
			s := startServer(t, serverOrder{Dir: opts.Dir, NoCgroups: opts.NoCgroups, Network: opts.Network, Specs: specs, Churn: true})
			// At any time: what is looked for are the moments that nobody thought of.
			<-time.After(time.Duration(rand.IntN(50_000)) * time.Microsecond)
			s.kill(t)

			r := newRuntime(t, opts)
			for _, running := range recoverAll(t, r) {
				if err := errors.Join(running.Stop(t.Context()), running.Remove()); err != nil {
					t.Error(err)
				}
			}
			awaitGone(t, opts.Dir)
			wantNothing(t, r)
			if t.Failed() {
				t.Fatalf("after %d kills", i+1)
			}
			r.Close()
		}
	})
}
