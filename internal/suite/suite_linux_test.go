package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"flyball/internal/task"
)

// asSuite makes the test binary the program under test.
const asSuite = "FLYBALL_TEST_SUITE"

func TestMain(m *testing.M) {
	if os.Getenv(asSuite) != "" {
		main()
	}
	os.Exit(m.Run())
}

// suite runs a shell script as if it were Go's tests.
func suite(t *testing.T, tmp, script string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], "sh", "-c", script)
	cmd.Env = append(os.Environ(), asSuite+"=1", "ROOM=any", "TMPDIR="+tmp)
	cmd.WaitDelay = time.Second
	return cmd
}

func wantNothing(t *testing.T, tmp string, pid int) {
	t.Helper()
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("program %d is left: %v", pid, err)
	}
}

// A program that has a session of its own and ignores SIGTERM outlives who has started it, and not the suite.
const stubborn = `setsid sh -c 'trap "" TERM; echo $$; exec sleep 1000' & mkdir -p "$TMPDIR/a/b"; chmod 500 "$TMPDIR/a"; `

func TestNothingIsLeftOfTests(t *testing.T) {
	tmp := t.TempDir()
	cmd := suite(t, tmp, stubborn+"exit 7")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	pid, _ := strconv.Atoi(strings.TrimSpace(string(out)))
	if cmd.ProcessState.ExitCode() != 7 || pid == 0 || !strings.Contains(said.String(), "a test has left this program") {
		t.Fatalf("%v: %s, %s", err, out, said.String())
	}
	wantNothing(t, tmp, pid)
}

func TestNothingIsLeftOfTestsThatAreInterrupted(t *testing.T) {
	tmp := t.TempDir()
	cmd := suite(t, tmp, stubborn+"trap '' INT; sleep 1000; sleep 1000")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	if pid == 0 {
		t.Fatalf("%q, %v", line, err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 130 {
		t.Errorf("it ended with %v", cmd.ProcessState)
	}
	wantNothing(t, tmp, pid)
}

// What a run that was killed has left goes with the next.
func TestTheNextRunSweepsAfterOneThatWasKilled(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	f, err := openFolder()
	if err != nil {
		t.Fatal(err)
	}
	beside, err := openFolder()
	if err != nil || beside.path == f.path {
		t.Fatalf("two runs have %s, %v", f.path, err)
	}
	if err := beside.remove(); err != nil {
		t.Error(err)
	}
	data := filepath.Join(f.path, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	owner, err := task.Instance(data)
	if err != nil {
		t.Fatal(err)
	}
	group := filepath.Join("/sys/fs/cgroup", "memory", owner)
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		group = filepath.Join("/sys/fs/cgroup", owner)
	}
	made := os.MkdirAll(filepath.Join(group, "task"), 0o755) == nil // or there are none, or they are not ours
	path := f.path
	f.lock.Close() // as the end of a program does
	again, err := openFolder()
	if err != nil || again.path != path {
		t.Fatalf("%s comes after %s: %v", again.path, path, err)
	}
	if _, err := os.Stat(group); made && !os.IsNotExist(err) {
		t.Errorf("the control group is left: %v", err)
	}
	if err := again.remove(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}
