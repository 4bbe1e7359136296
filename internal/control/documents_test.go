package control_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flyball/internal/capacity"
	"flyball/internal/control"
	"flyball/internal/policydoc"
	"flyball/scaling"
)

// A folder of documents whose targets are noted by what they would be governed with.
type folder struct {
	control.Documents
	path     string
	compiled []string // the actions and the pauses that targets were compiled with last
}

func newFolder(t *testing.T) *folder {
	f := &folder{path: t.TempDir()}
	f.Paths = []string{f.path}
	f.Compile = func(d policydoc.Documents, b policydoc.Beside) (targets []control.Target, _ []control.Problem) {
		f.compiled = nil
		for _, a := range d.Actions {
			f.compiled = append(f.compiled, *a.ScheduledActionName)
		}
		for _, t := range d.Targets {
			targets = append(targets, control.Target{Resource: scaling.ResourceID(*t.ResourceId)})
		}
		return targets, nil
	}
	return f
}

// write writes a file, and has it looked at.
func (f *folder) write(t *testing.T, host *control.Host, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.path, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if _, err := f.Look(host, now); err != nil {
		t.Fatal(err)
	}
	host.Round(t.Context(), now)
}

const (
	aTarget = `{"ScalableTargets": [{"ServiceNamespace": "ecs", "ResourceId": "service/shop/web", "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 1, "MaxCapacity": 9}]}`
	night   = `{"ScheduledActions": [{"ScheduledActionName": "night", "ServiceNamespace": "ecs", "ResourceId": "service/shop/web", "ScalableDimension": "ecs:service:DesiredCount", "Schedule": "rate(1 day)"}]}`
	none    = `{"ScheduledActions": []}`
)

func TestSettingsThatWereNeverReadHoldEverything(t *testing.T) {
	f, host := newFolder(t), control.New(control.Config{State: control.Forgetful{}, Capacity: capacity.Kinds{}, Log: slog.New(slog.DiscardHandler)})
	if err := os.WriteFile(filepath.Join(f.path, policydoc.BesideName), []byte("targets: {service/shop/web: {paused: maintenance\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.write(t, host, "targets.json", aTarget)
	if n := len(host.Targets()); n != 0 {
		t.Errorf("%d targets are governed without their settings", n)
	}
	if all := strings.Join(f.Problems(), "\n"); !strings.Contains(all, "no target is taken up") {
		t.Errorf("told: %s", all)
	}
	f.write(t, host, policydoc.BesideName, "targets: {service/shop/web: {paused: maintenance}}\n")
	if n := len(host.Targets()); n != 1 || len(f.Problems()) != 0 {
		t.Errorf("%d targets are governed once the settings can be read: %v", n, f.Problems())
	}
	f.write(t, host, policydoc.BesideName, "targets: {\n")
	f.write(t, host, "targets.json", `{"ScalableTargets": []}`)
	if n := len(host.Targets()); n != 0 {
		t.Errorf("settings that were read once hold up what is given up: %d targets", n)
	}
}

func TestTheLastOfAListIsTakenAway(t *testing.T) {
	f, host := newFolder(t), control.New(control.Config{State: control.Forgetful{}, Capacity: capacity.Kinds{}, Log: slog.New(slog.DiscardHandler)})
	f.write(t, host, "targets.json", aTarget)
	f.write(t, host, "actions.json", night)
	if len(f.compiled) != 1 {
		t.Fatalf("actions: %v", f.compiled)
	}
	f.write(t, host, "actions.json", none)
	if len(f.compiled) != 0 || len(f.Problems()) != 0 {
		t.Errorf("actions: %v; problems: %v", f.compiled, f.Problems())
	}
	f.write(t, host, "actions.json", `{"Something": []}`)
	if len(f.Problems()) != 1 {
		t.Errorf("a document of something else: %v", f.Problems())
	}
}
