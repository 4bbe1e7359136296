package main

import (
	"os"
	"os/exec"
	"testing"
)

func TestMarked(t *testing.T) {
	environment := []byte("PATH=/bin\x00FLYBALL_TASK=abc\x00TORTURE_TASK=1-2\x00")
	if id, ok := marked(environment, "TORTURE_TASK=1-2"); !ok || id != "abc" {
		t.Errorf("got %q %v, want the task abc", id, ok)
	}
	if _, ok := marked(environment, "TORTURE_TASK=1-20"); ok {
		t.Error("another run's process is found")
	}
}

func TestLeftovers(t *testing.T) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("needs Linux: ", err)
	}
	cmd := exec.Command("sleep", "60")
	cmd.Env = []string{taskMark + "=" + t.Name(), serverMark + "=" + t.Name(), "FLYBALL_TASK=a"}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	data := t.TempDir()
	if err := os.MkdirAll(data+"/tasks/a", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule   string
		server int
		tasks  map[string]task
		want   int
	}{
		{"the process is the server's running task", cmd.Process.Pid, map[string]task{"a": {status: "RUNNING"}}, 0},
		{"the task has stopped", cmd.Process.Pid, map[string]task{"a": {status: "STOPPED"}}, 1},
		{"the task is not known, and has a folder", cmd.Process.Pid, nil, 2},
		{"the process is a child of another life", 1, map[string]task{"a": {status: "RUNNING"}}, 1},
	} {
		t.Run(c.rule, func(t *testing.T) {
			faults, err := leftovers("TestLeftovers", data, c.server, c.tasks)
			if err != nil || len(faults) != c.want {
				t.Errorf("found %v %v, want %d faults", faults, err, c.want)
			}
		})
	}
}
