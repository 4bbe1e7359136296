package process

import (
	"errors"
	"fmt"
	"io"
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
)

// needNamespaces returns options with which tasks have networks of their own.
func needNamespaces(t *testing.T) Options {
	t.Helper()
	opts := options(t)
	opts.Network = NetworkNamespace
	r, err := New(opts)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, os.ErrPermission) {
		t.Skip("this machine does not permit network namespaces: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	return opts
}

// ordinary is a task of a web server that listens to port 8080 of all addresses, and
// of a sidecar that asks it at 127.0.0.1 and prints the answer.
func ordinary(id string) task.Spec {
	return task.Spec{ID: id, Containers: []task.Container{
		{Name: "main", Image: "sh", Command: []string{"HOST=0.0.0.0 exec '" + os.Args[0] + "' workload web"}, Essential: true},
		{Name: "sidecar", Image: "sh", Command: []string{"exec '" + os.Args[0] + "' get http://127.0.0.1:8080/"}},
	}}
}

func TestAnOrdinaryServerRunsTwentyTimes(t *testing.T) {
	opts := needNamespaces(t)
	r := newRuntime(t, opts)
	var all errgroup.Group
	tasks := make([]task.Task, 20)
	for i := range tasks {
		all.Go(func() (err error) {
			tasks[i], err = r.Start(t.Context(), ordinary("task-"+strconv.Itoa(i)))
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, running := range tasks {
		want := "hello from " + running.ID() + "\n"
		if got := get(t, running, "/"); got != want {
			t.Errorf("task %s at %s answers %q", running.ID(), running.Address(), got)
		}
		await(t, "the end of the sidecar", running.(*Task).containers[1].Ended)
		if got := readLogs(t, running, "sidecar"); got != want {
			t.Errorf("the sidecar of %s was told %q", running.ID(), got)
		}
	}
	for _, running := range tasks {
		all.Go(func() error { return errors.Join(running.Stop(t.Context()), running.Remove()) })
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
	wantNothing(t, r)
	r.Close()
	if _, err := net.InterfaceByName(bridgeName(string(r.mark))); err == nil {
		t.Error("the bridge is left")
	}
}

// A life that gives its tasks another network keeps to what the one before gave.
func TestARestartTakesTasksUpWithTheirNetworks(t *testing.T) {
	for _, mode := range []NetworkMode{NetworkNamespace, NetworkLoopback} {
		t.Run(string(mode), func(t *testing.T) {
			opts := needNamespaces(t)
			spec := ordinary("task")
			spec.Containers[0].HealthCheck = &task.HealthCheck{
				Command: []string{"CMD", os.Args[0], "get", "http://127.0.0.1:8080/"}, Interval: 50 * time.Millisecond,
			}
			crashed(t, opts, spec)
			opts.Network = mode
			r := newRuntime(t, opts)
			running := recoverAll(t, r)[0]
			if got := get(t, running, "/"); got != "hello from task\n" {
				t.Errorf("it answers %q", got)
			}
			await(t, "a health check that passes", running.(*Task).containers[0].Healthy)
			if err := errors.Join(running.Stop(t.Context()), running.Remove()); err != nil {
				t.Fatal(err)
			}
			wantNothing(t, r)
			r.Close()
			if _, err := net.InterfaceByName(bridgeName(string(r.mark))); err == nil {
				t.Error("the bridge is left")
			}
		})
	}
}

func TestTasksThatAreGoneLeaveNoNetwork(t *testing.T) {
	opts := needNamespaces(t)
	crashed(t, opts, script("task", "exec sleep 1000"))
	if err := os.RemoveAll(filepath.Join(opts.Dir, "tasks", "task")); err != nil {
		t.Fatal(err)
	}
	r := newRuntime(t, opts)
	if recovered := recoverAll(t, r); len(recovered) > 0 {
		t.Errorf("recovered %v", recovered)
	}
	wantNothing(t, r)
}

func TestHostTellsAProgramWhatToListenTo(t *testing.T) {
	for _, mode := range []NetworkMode{NetworkLoopback, NetworkNamespace} {
		t.Run(string(mode), func(t *testing.T) {
			opts := options(t)
			if mode == NetworkNamespace {
				opts = needNamespaces(t)
			}
			opts.Network = mode
			opts.Images["listen"] = "/bin/echo --listen $HOST:${PORT}"
			spec := script("task", "")
			spec.Containers[0].Image, spec.Containers[0].Command = "listen", nil
			spec.Containers[0].Env = []string{"PORT=8080"}
			stopped := start(t, newRuntime(t, opts), spec)
			await(t, "the end of the task", stopped.Done())
			want := "--listen " + stopped.Address() + ":8080\n"
			if mode == NetworkNamespace {
				want = "--listen 0.0.0.0:8080\n"
			}
			if got := readLogs(t, stopped, ""); got != want {
				t.Errorf("the command printed %q, want %q", got, want)
			}
		})
	}
}

func TestHostAndPortAreExpandedInCommands(t *testing.T) {
	env := []string{"HOST=0.0.0.0", "PORT=80", "HOSTNAME=task", "HOST=127.64.0.1"}
	for _, tt := range []struct{ word, want string }{
		{"$HOST", "127.64.0.1"},
		{"--listen=${HOST}:$PORT", "--listen=127.64.0.1:80"},
		{"$HOSTNAME", "$HOSTNAME"},
		{"$HOST_NAME ", "$HOST_NAME "},
		{"$", "$"},
		{"${HOST", "${HOST"},
		{"exec serve $HOST", "exec serve $HOST"}, // its shell expands it
	} {
		if got := expandAddress([]string{tt.word}, env)[0]; got != tt.want {
			t.Errorf("%q becomes %q, want %q", tt.word, got, tt.want)
		}
	}
	if got := expandAddress([]string{"$PORT"}, nil)[0]; got != "$PORT" {
		t.Errorf("a variable that is not there becomes %q", got)
	}
}

// A program that wants a port which another has is told from one that fails for a
// reason of its own.
func TestAProgramThatCannotListenIsTold(t *testing.T) {
	everywhere, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer everywhere.Close()
	elsewhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	for name, tt := range map[string]struct {
		listener net.Listener
		script   string
		told     bool
	}{
		"another has all addresses":            {everywhere, "exit 1", true},
		"another has one, and it wants all":    {elsewhere, "echo OSError: [Errno 98] Address already in use; exit 1", true},
		"another has one, and it fails anyway": {elsewhere, "echo no database; exit 1", false},
		"another has all, and it ends well":    {everywhere, "exit 0", false},
	} {
		t.Run(name, func(t *testing.T) {
			opts := options(t)
			opts.Network = NetworkLoopback
			spec := script("task", tt.script)
			spec.Containers[0].Ports = []int{tt.listener.Addr().(*net.TCPAddr).Port}
			stopped := start(t, newRuntime(t, opts), spec)
			await(t, "the end of the task", stopped.Done())
			reason := stopped.Exits()[0].Reason
			if told := strings.HasPrefix(reason, task.PortInUse+": ") && strings.Contains(reason, "$HOST"); told != tt.told {
				t.Errorf("the reason is %q", reason)
			}
		})
	}
}

func TestNetworksThatCannotBeAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"an unknown mode":                 func(opts *Options) { opts.Network = "host" },
		"a range without a network":       func(opts *Options) { opts.Range = netip.MustParsePrefix("100.64.0.0/30") },
		"addresses that are not loopback": func(opts *Options) { opts.Addresses = netip.MustParsePrefix("10.0.0.0/8") },
	} {
		opts := options(t)
		change(&opts)
		if r, err := New(opts); err == nil {
			t.Errorf("%s was accepted", name)
			r.Close()
		}
	}
}

// The range is one to which this machine has a route, its own loopback addresses, so
// that no bridge can have a network.
func TestTasksShareTheMachinesNetworkWhereTheyCannotHaveTheirOwn(t *testing.T) {
	opts := options(t)
	opts.Range = netip.MustParsePrefix("127.0.0.0/8")
	opts.Network = NetworkNamespace
	if r, err := New(opts); err == nil {
		t.Error("a network of loopback addresses was made")
		r.Close()
	}
	opts.Network = NetworkAuto
	running := start(t, newRuntime(t, opts), script("task", "exec sleep 1000"))
	if addr := netip.MustParseAddr(running.Address()); !addr.IsLoopback() {
		t.Errorf("the task is at %s", addr)
	}
}

// fetch is a program of a task that asks a server which may need a moment until it
// listens.
func fetch(url string) error {
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(10 * time.Millisecond) {
		resp, err := http.Get(url)
		if err != nil && time.Now().Before(deadline) {
			continue
		}
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		_, err = io.Copy(os.Stdout, resp.Body)
		return err
	}
}

// Who calls from this machine may be a task that shares its network.
func TestATaskIsKnownByItsSocket(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		opts.Network = NetworkLoopback
		r := newRuntime(t, opts)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		if _, ok := r.HasSocket(1); ok {
			t.Error("a task has a socket, and there is none")
		}
		spec := builtin("task", "web")
		spec.Containers[0].Env = []string{"PORT=8080"}
		running := start(t, r, spec)
		conn := dial(t, running.Address()+":8080")
		defer conn.Close()
		inode := socketTo(t, conn.LocalAddr().(*net.TCPAddr).Port)
		if id, ok := r.HasSocket(inode); !ok || id != "task" {
			t.Errorf("the socket is that of task %q, %v", id, ok)
		}
		if id, ok := r.HasSocket(1); ok {
			t.Errorf("another socket is that of task %q", id)
		}
	})
}

// A socket on its way from one process to another is in no process's list of files.
func TestATaskMayHideASocketThatNoProcessIsSeenToHave(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		opts.Network = NetworkLoopback
		r := newRuntime(t, opts)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		conn := dial(t, listener.Addr().String())
		inode := socketTo(t, listener.Addr().(*net.TCPAddr).Port)
		if r.MayHide(inode) || r.MayHide(1) {
			t.Error("a socket may be a task's, and there is none")
		}
		start(t, r, builtin("task", "web"))
		if r.MayHide(inode) {
			t.Error("the socket of a program that is no task's may be a task's")
		}
		defer send(t, conn)()
		if !r.MayHide(inode) {
			t.Error("a socket that no process has may be no task's")
		}
	})
}

// send sends a connection to whoever takes it, and closes it here.
func send(t *testing.T, conn net.Conn) (drop func()) {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var sent error
	err = raw.Control(func(fd uintptr) { sent = syscall.Sendmsg(pair[0], []byte{0}, syscall.UnixRights(int(fd)), nil, 0) })
	if err := errors.Join(err, sent, conn.Close()); err != nil {
		t.Fatal(err)
	}
	return func() { _, _ = syscall.Close(pair[0]), syscall.Close(pair[1]) }
}

// dial connects to an address at which something will listen soon.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatal(err)
		}
	}
}

// socketTo is the inode of the socket at the other end of a connection from a port. It is
// known as soon as the program has taken the connection.
func socketTo(t *testing.T, port int) uint64 {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 30*time.Second; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			t.Skip("this test needs Linux:", err)
		}
		more, _ := os.ReadFile("/proc/net/tcp6")
		for line := range strings.Lines(string(text) + string(more)) {
			fields := strings.Fields(line)
			if len(fields) > 9 && strings.HasSuffix(fields[2], fmt.Sprintf(":%04X", port)) && fields[9] != "0" {
				inode, err := strconv.ParseUint(fields[9], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				return inode
			}
		}
	}
	t.Fatal("there is no such socket")
	return 0
}
