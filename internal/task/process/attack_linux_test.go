package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"flyball/internal/image/imagetest"
	"flyball/internal/task"
)

// attacker is a task whose script attacks the process that started it. The server's pid is in
// $SERVER, that of a task beside it in $OTHER.
func attacker(t *testing.T, r *Runtime, text string) string {
	t.Helper()
	other := start(t, r, script("neighbour", "echo ready; sleep 1000"))
	awaitLine(t, other, "ready")
	pid := other.(*Task).containers[0].first().PID
	spec := script("attacker", text)
	spec.PIDs = 64
	spec.Containers[0].Env = []string{fmt.Sprint("SERVER=", os.Getpid()), fmt.Sprint("OTHER=", pid), "DATA=" + r.dir}
	lines, _ := output(t, r, spec)
	if exits := other.Exits(); len(exits) > 0 {
		t.Errorf("the task beside it has ended: %+v", exits)
	}
	return strings.Join(lines, "\n")
}

// needSpaces returns a runtime that gives programs of this machine namespaces.
func needSpaces(t *testing.T, opts Options) *Runtime {
	t.Helper()
	r := newRuntime(t, opts)
	if !r.Mounts() {
		t.Skip("this machine does not permit namespaces")
	}
	return r
}

func TestATaskDoesNotReachItsServer(t *testing.T) {
	for _, c := range []struct{ rule, script string }{
		{"the server's environment", `cat /proc/$SERVER/environ /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep SECRET_OF_SERVER`},
		{"the server's files", `ls /proc/$SERVER/fd /proc/$SERVER/root /proc/$OTHER/cwd 2>/dev/null`},
		{"the server and its tasks as processes", `kill -0 $SERVER 2>/dev/null && echo the server; kill -0 $OTHER 2>/dev/null && echo a task; ls /proc | grep '^[0-9]' | grep -v -e '^.$' -e '^..$'`},
		{"another cgroup", `for f in $(find /sys/fs/cgroup -maxdepth 3 -name cgroup.procs 2>/dev/null); do (echo $$ >$f) 2>/dev/null && echo $f; done; true`},
		{"the data of the server", `ls -A "$DATA"`},
		{"a device", `mknod /tmp/flyball-attack b 259 0 2>/dev/null && echo made; rm -f /tmp/flyball-attack; for f in $(find /dev -type b) /dev/mem /dev/kmsg; do head -c 1 $f >/dev/null 2>&1 && echo $f; done; true`},
		{"the kernel's settings", `(echo 1 >/proc/sys/kernel/sysrq) 2>/dev/null && echo set; (echo x >/proc/sysrq-trigger) 2>/dev/null && echo triggered; true`},
		{"a user namespace", `unshare -U true 2>/dev/null && echo unshared; true`},
		{"mounts", `mount -t tmpfs tmpfs /mnt 2>/dev/null && umount /mnt && echo mounted; true`},
		{"new rights", `grep NoNewPrivs /proc/self/status | grep -v 1`},
		{"the server's descriptors", `for f in /proc/self/fd/*; do case $(readlink $f) in /dev/*|pipe:*|*/attacker/main.log|/proc/*|'') ;; *) readlink $f;; esac; done`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Setenv("SECRET_OF_SERVER", "secret")
			opts := options(t)
			opts.Hidden = opts.Dir
			r := needSpaces(t, opts)
			if got := attacker(t, r, c.script); got != "" {
				t.Errorf("a task reaches %s: %s", c.rule, got)
			}
		})
	}
}

// The file of a process that waits is the server's own. Who could write to it would have
// the server run what it likes.
func TestATaskDoesNotChangeTheServersProgram(t *testing.T) {
	opts := options(t)
	opts.Hidden = opts.Dir
	r := needSpaces(t, opts)
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(own)
	if err != nil {
		t.Fatal(err)
	}
	got := attacker(t, r, `(: >>`+own+`) 2>/dev/null && echo wrote; (rm -f `+own+`) 2>/dev/null && echo removed; (mv `+own+` `+own+`.old) 2>/dev/null && echo moved; true`)
	after, err := os.Stat(own)
	if err != nil || got != "" || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("a task %s the server's program: %v", got, err)
	}
}

// A fork bomb ends at the limit, and the task with it.
func TestATaskHasAsManyProcessesAsItMay(t *testing.T) {
	needCgroups(t)
	r := newRuntime(t, options(t))
	spec := script("bomb", `i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done; echo all`)
	spec.PIDs = 50
	spec.Containers[0].Env = []string{"ENV=/dev/null"}
	running := start(t, r, spec)
	await(t, "the end of the bomb", running.Done())
	if text := readLogs(t, running, "main"); strings.Contains(text, "all\n") {
		t.Errorf("it started more than 50 processes: %s", text)
	}
	if left, err := processesOf(r.dir, spec, 0); err != nil || len(left) > 0 {
		t.Errorf("processes are left: %v, %v", left, err)
	}
}

func TestTheUlimitsOfAContainerHold(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		spec := script("task", "ulimit -Sn; ulimit -Hn; ulimit -Sc")
		spec.Containers[0].Ulimits = []task.Ulimit{{Name: "nofile", Soft: 100, Hard: 200}, {Name: "core", Soft: 0, Hard: -1}}
		got, _ := output(t, newRuntime(t, opts), spec)
		if want := "100 200 0"; strings.Join(got, " ") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A program that is deaf to a signal as the first of a namespace ends as it would elsewhere.
func TestASignalEndsAProgramThatDoesNothingAboutIt(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		running := start(t, newRuntime(t, opts), script("task", "echo ready; exec sleep 1000"))
		awaitLine(t, running, "ready")
		if err := running.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if exit := running.Exits()[0]; exit.Code != 143 {
			t.Errorf("exit = %+v, want code 143", exit)
		}
	})
}

// A container's processes are found by what they are, whatever they do to hide.
func TestNoDescendantHides(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		if _, err := exec.LookPath("setsid"); err != nil {
			t.Skip("there is no setsid here")
		}
		trace := filepath.Join(t.TempDir(), "trace")
		hide := `TRACE='` + trace + `'; env -i TRACE="$TRACE" setsid sh -c '(env -i TRACE="$TRACE" setsid sh -c "while :; do date >>\"\$TRACE\"; sleep 0.02; done") & exit' &
sleep 0.2; (kill -STOP $(sh -c 'echo $PPID')) & echo ready; wait; sleep 1000`
		running := start(t, newRuntime(t, opts), script("task", hide))
		awaitLine(t, running, "ready")
		if err := running.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		assertQuiet(t, trace)
	})
}

// One that hides and whose container ends by itself has no parent left in the container.
func TestNoDescendantOutlivesAContainerThatEndsByItself(t *testing.T) {
	onEachHost(t, func(t *testing.T, opts Options) {
		if _, err := exec.LookPath("setsid"); err != nil {
			t.Skip("there is no setsid here")
		}
		trace := filepath.Join(t.TempDir(), "trace")
		hide := `TRACE='` + trace + `'; env -i TRACE="$TRACE" setsid sh -c 'while :; do date >>"$TRACE"; sleep 0.02; done' & while [ ! -s "$TRACE" ]; do sleep 0.01; done`
		running := start(t, newRuntime(t, opts), script("task", hide))
		await(t, "the end of the task", running.Done())
		assertQuiet(t, trace)
	})
}

// assertQuiet holds when nobody writes to a file.
func assertQuiet(t *testing.T, path string) {
	t.Helper()
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond) // ten times as long as one that runs takes to write
	after, err := os.Stat(path)
	if err != nil || after.Size() != before.Size() {
		t.Errorf("a descendant of the task still runs: %v", err)
	}
}

// Where no cgroup counts a task's processes, those of the user who runs it are limited.
func TestTheProcessesOfAUserAreLimited(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("Linux does not limit root's")
	}
	opts := options(t)
	opts.NoCgroups = true
	spec := script("task", "awk '/^Max processes/ {print $3}' /proc/self/limits") // not every shell's ulimit tells
	spec.PIDs = 50
	got, _ := output(t, newRuntime(t, opts), spec)
	if n, err := strconv.Atoi(got[0]); err != nil || n < 50 || n > 50+2*threads()+100 {
		t.Errorf("the limit is %q, want 50 more than there are threads", got)
	}
}

// The program of a process that waits is the server's. An image gets to it by a link of the
// kernel's, and must not run it, nor have it to write to.
func TestAnImageDoesNotRunTheServersProgram(t *testing.T) {
	for name, entrypoint := range map[string]string{"itself": "/proc/self/exe", "a script of it": "/script", "its thread": "/proc/thread-self/exe"} {
		t.Run(name, func(t *testing.T) {
			script := imagetest.Layer(t, imagetest.Program("script", "#!/proc/self/exe\n"))
			reference := pushed(t, v1.Config{Entrypoint: []string{entrypoint}}, scratch(t), script)
			r := newRuntime(t, options(t))
			if !r.programs.roots.find().namespaces {
				t.Skip("this machine does not permit namespaces")
			}
			spec := running("task", reference)
			_, err := r.Start(t.Context(), spec)
			if err == nil || !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("Start = %v, want that it is not permitted", err)
			}
		})
	}
}
