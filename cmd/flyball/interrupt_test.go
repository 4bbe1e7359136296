package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A silent is a standard input that interrupts who reads from it, and never has anything to read.
type silent struct {
	interrupt context.CancelFunc
	closed    <-chan struct{}
}

func (s silent) Read([]byte) (int, error) {
	s.interrupt()
	<-s.closed
	return 0, io.EOF
}

func TestTheFirstSignalEndsWhatReadsTheStandardInput(t *testing.T) {
	traffic := requestsOfADay(t)
	usual := []string{"--cpu-per-request", "50ms", "--min", "1", "--max", "9", "--task-cpu", "256"}
	for name, args := range map[string][]string{
		"simulate":          append([]string{"simulate", "--traffic", "-"}, usual...),
		"simulate policies": append([]string{"simulate", "--traffic", traffic, "--policies", "-"}, usual...),
		"tune":              append([]string{"tune", "--traffic", "-", "--agree", "p95 < 1s", "--cli", "FOLDER/apply.sh"}, usual...),
		"fit":               {"fit", "-", "--task-cpu", "256", "--out", "FOLDER/model.json"},
		"forecast":          {"forecast", "-", "--out", "FOLDER/forecast.csv"},
		"forecast batch":    {"forecast", "--batch", "-", "--out", "FOLDER/forecasts.csv"},
		"score batch":       {"forecast", "--batch", "-", "--holdout", "48"},
		"load":              {"load", "http://127.0.0.1:9/", "--traffic", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			for i, a := range args {
				args[i] = strings.Replace(a, "FOLDER", folder, 1)
			}
			cmd := root()
			cmd.SetArgs(args)
			cmd.SetIn(silent{interrupt, t.Context().Done()})
			cmd.SetOut(t.Output())
			cmd.SetErr(t.Output())
			err := cmd.ExecuteContext(ctx)
			if got := exitStatus(err, t.Output()); got != statusInterrupted {
				t.Errorf("%v is status %d, want %d", err, got, statusInterrupted)
			}
			if left, _ := os.ReadDir(folder); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

func TestTheFirstSignalEndsASimulation(t *testing.T) {
	folder := t.TempDir()
	cmd := command(t, "simulate", "--generate", "steady(100/s)", "--for", "3650d",
		"--cpu-per-request", "50ms", "--min", "9", "--max", "99", "--minutes", "/dev/stderr", "--html", filepath.Join(folder, "page.html"))
	var out strings.Builder
	cmd.Stdout = &out
	minutes, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(cmd) })
	if _, err := io.ReadFull(minutes, make([]byte, 1<<16)); err != nil { // it is under way
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(minutes)
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != statusInterrupted || out.Len() > 0 || !strings.Contains(string(rest), "flyball: interrupted") {
		t.Errorf("%v, %q: %s", cmd.ProcessState, rest[max(0, len(rest)-200):], out.String())
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
