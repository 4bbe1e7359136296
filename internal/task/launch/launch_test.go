//go:build unix

package launch

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// prepared is a command that waits, with what it writes.
func prepared(t testing.TB, cmd *exec.Cmd) (*Launch, *bytes.Buffer) {
	t.Helper()
	l, err := Prepare(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	out := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := l.Ready(); err != nil {
		t.Fatal(err)
	}
	return l, out
}

func TestAProgramRunsWhenItMayProceed(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", `echo "$0 $1 $COLOUR $(pwd)"; exit 7`, "name", "argument")
	cmd.Env, cmd.Dir = []string{"COLOUR=green", "with.dots=kept"}, "/"
	l, out := prepared(t, cmd)
	pid := cmd.Process.Pid
	if err := l.Proceed(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it failed
	if got, want := out.String(), "name argument green /\n"; got != want {
		t.Errorf("the program wrote %q, want %q", got, want)
	}
	if state := cmd.ProcessState; state.ExitCode() != 7 || state.Pid() != pid {
		t.Errorf("process %d ended with %v, want process %d and status 7", state.Pid(), state, pid)
	}
}

func TestAProgramHasTheEnvironmentAsItWasGiven(t *testing.T) {
	cmd := exec.Command("/usr/bin/env")
	cmd.Env = []string{"with.dots=kept", "EMPTY=", "QUOTED='a' \"b\""}
	l, out := prepared(t, cmd)
	if err := l.Proceed(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "with.dots=kept\nEMPTY=\nQUOTED='a' \"b\"\n"; got != want {
		t.Errorf("the environment is %q, want %q", got, want)
	}
}

func TestAProgramHasNoFilesOfTheWaitingProcess(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "for fd in 3 4; do (: <&$fd) 2>/dev/null && echo $fd; done; exit 0")
	l, out := prepared(t, cmd)
	if err := l.Proceed(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || out.Len() > 0 {
		t.Errorf("it has the files %q, %v", out, err)
	}
}

func TestAProgramThatMayNotProceedNeverRuns(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("/bin/sh", "-c", "touch '"+trace+"'")
	l, _ := prepared(t, cmd)
	l.Close() // as the end of this process would
	if err := cmd.Wait(); err == nil {
		t.Error("the process ended as if all were well")
	}
	if _, err := os.Stat(trace); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the program has run: %v", err)
	}
}

func TestAProgramThatCannotRunIsExplained(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		"/no/such/program": syscall.ENOENT,
		filepath.Dir(text): syscall.EACCES,
		text:               syscall.ENOEXEC,
	} {
		cmd := exec.Command(path)
		l, _ := prepared(t, cmd)
		var pathErr *os.PathError
		if err := l.Proceed(); !errors.Is(err, want) || !errors.As(err, &pathErr) || pathErr.Path != path {
			t.Errorf("running %s = %v, want %v", path, err, want)
		}
		_ = cmd.Wait()
	}
	if _, err := Prepare(exec.Command("no-such-program")); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("preparing a program that is not in PATH = %v, want %v", err, exec.ErrNotFound)
	}
}

func TestAProcessThatEndedWhileItWaitedTellsHow(t *testing.T) {
	cmd := exec.Command("/bin/true")
	l, _ := prepared(t, cmd)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := l.Proceed(); err != nil {
		t.Errorf("Proceed = %v, want what Wait tells", err)
	}
	_ = cmd.Wait()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
		t.Errorf("the process ended with %v, want a signal", cmd.ProcessState)
	}
}

func BenchmarkLaunch(b *testing.B) {
	for b.Loop() {
		cmd := exec.Command("/bin/true")
		l, _ := prepared(b, cmd)
		if err := l.Proceed(); err != nil {
			b.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStartAtOnce(b *testing.B) {
	for b.Loop() {
		if err := exec.Command("/bin/true").Run(); err != nil {
			b.Fatal(err)
		}
	}
}
