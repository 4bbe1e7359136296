package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/flyballtest"
)

// A fullDisk is an output that has no room.
type fullDisk struct{ asked func() }

func (f fullDisk) Write([]byte) (int, error) {
	if f.asked != nil {
		f.asked()
	}
	return 0, &os.PathError{Op: "write", Path: os.Stdout.Name(), Err: syscall.ENOSPC}
}

const noRoomForOutput = "flyball: the disk has no room for the output; make some, or write elsewhere\n"

// printing are command lines that print something and succeed. SERVER and DATA stand for what there is.
var printing = []string{
	"help", "serve --help", "--version", "version", "schema flyball.yaml", "__complete ser",
	"completion bash", "completion zsh", "completion fish", "completion powershell",
	"env --endpoint SERVER", "env --unset", "health --endpoint SERVER", "now --endpoint SERVER", "now --json --endpoint SERVER", "clock advance 1s --endpoint SERVER",
	"ca --endpoint SERVER", "console --endpoint SERVER", "status --endpoint SERVER", "status --json --endpoint SERVER",
	"activities --endpoint SERVER", "activities --json --endpoint SERVER", "explain demo/web --endpoint SERVER", "explain demo/web --json --endpoint SERVER",
	"wait service demo/web --running 2 --endpoint SERVER",
	"check DATA", "backup --data DATA -", "restore ARCHIVE DATA --replace",
	"simulate --generate steady(10/m) --min 1 --max 2 --cpu-per-request 50ms",
	"tune --generate steady(10/m) --cpu-per-request 50ms --agree p95<1s --candidates 2",
	"forecast --generate steady(10/m)",
	"control report --audit AUDIT",
}

// notPrinting are the commands that the test leaves out, and why.
var notPrinting = map[string]string{
	"flyball demo":                       "it runs for minutes",
	"flyball demo backlog":               "it runs for minutes",
	"flyball run":                        "it runs tasks; its output is that of load and status",
	"flyball load":                       "it loads a program",
	"flyball report":                     "it loads a program",
	"flyball logs":                       "tasks that are records write nothing",
	"flyball serve":                      "it is in a test of its own",
	"flyball control":                    "it is in a test of its own",
	"flyball control kubernetes":         "it needs a cluster",
	"flyball control kubernetes convert": "it reads the standard input",
	"flyball fit":                        "it needs a history",
}

// Whoever prints something has not done what was asked for when that is lost.
func TestWhatCannotBePrintedIsAFailure(t *testing.T) {
	s := flyballtest.Start(t)
	s.Deploy("demo/web", 2)
	s.WaitRunning("demo/web", 2, time.Hour)
	_, err := applicationautoscaling.NewFromConfig(s.Config()).RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: types.ServiceNamespaceEcs, ResourceId: aws.String("service/demo/web"), ScalableDimension: types.ScalableDimensionECSServiceDesiredCount,
		MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(4),
	})
	if err != nil {
		t.Fatal(err)
	}
	data := stateIn(t, false)
	t.Chdir(t.TempDir())
	archive, err := filepath.Abs("backup.tar")
	if err != nil {
		t.Fatal(err)
	}
	if status := execute(t.Context(), []string{"backup", "--data", data, archive}, new(bytes.Buffer), os.Stderr); status != 0 {
		t.Fatal("there is no backup")
	}
	if err := os.WriteFile("audit.jsonl", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	for _, line := range printing {
		args := strings.Fields(strings.NewReplacer("SERVER", s.URL(), "DATA", data, "ARCHIVE", archive, "AUDIT", "audit.jsonl").Replace(line))
		if c, _, err := root().Find(args); err == nil {
			tried[c.CommandPath()] = true
		}
		var said bytes.Buffer
		if status := execute(t.Context(), args, fullDisk{}, &said); status != 1 || !strings.HasSuffix(said.String(), noRoomForOutput) {
			t.Errorf("flyball %s: status %d, %s", line, status, said.String())
		}
	}
	for _, c := range commands(root()) {
		if path := c.CommandPath(); !tried[path] && notPrinting[path] == "" {
			t.Errorf("%s is not tried", path)
		}
	}
}

// What goes on, goes on without its output, and has failed in the end.
func TestAServerWhoseReadyLineCannotBePrintedGoesOn(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var said bytes.Buffer
	status := execute(ctx, strings.Fields("serve --addr 127.0.0.1:0 --runtime simulated --clock manual --log-level error --data="), fullDisk{stop}, &said)
	if status != 1 || said.String() != noRoomForOutput {
		t.Errorf("status %d, %s", status, said.String())
	}
}

func TestTheErrorOfACommandIsToldBeforeThatOfItsOutput(t *testing.T) {
	lost, own := errors.New("no room"), errors.New("the command's own")
	for _, tt := range []struct{ of, want error }{
		{nil, lost}, {own, own}, {context.Canceled, lost}, {errInterrupted, errInterrupted},
	} {
		o, to := outputTo(fullDisk{})
		o.failed = lost
		if got := o.outcome(tt.of); got != tt.want {
			t.Errorf("%v: %v", tt.of, got)
		}
		if to != any(o) {
			t.Error("what is no terminal is written to past the output")
		}
	}
	var printed bytes.Buffer
	o, to := outputTo(&printed)
	if _, err := to.Write([]byte("text")); err != nil || printed.String() != "text" || o.outcome(nil) != nil {
		t.Errorf("%v, %q, %v", err, printed.String(), o.outcome(nil))
	}
}

func TestNoCommandIsLeftOutThatIsNone(t *testing.T) {
	var all []string
	for _, c := range commands(root()) {
		all = append(all, c.CommandPath())
	}
	for path := range notPrinting {
		if !slices.Contains(all, path) {
			t.Errorf("there is no command %s", path)
		}
	}
}
