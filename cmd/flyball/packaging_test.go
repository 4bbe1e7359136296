package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the Dockerfile, the Compose file and the unit say to the program, it understands.
func TestPackagesStartTheServerWithFlagsThatThereAre(t *testing.T) {
	list := regexp.MustCompile(`(?m)^\s*(?:CMD|command:) (\[.*\])$`)
	line := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/flyball (.*)$`)
	for _, path := range []string{"../../Dockerfile", "../../examples/ci/compose.yaml", "../../examples/systemd/flyball.service"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var args []string
		if found := list.FindSubmatch(text); found != nil {
			if err := json.Unmarshal(found[1], &args); err != nil {
				t.Fatal(path, err)
			}
		} else if found := line.FindSubmatch(text); found != nil {
			args = strings.Fields(string(found[1]))
		}
		if len(args) < 2 || args[0] != "serve" {
			t.Errorf("%s starts %q", path, args)
			continue
		}
		if err := serveCommand().ParseFlags(args[1:]); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestTheUnitIsOneForSystemd(t *testing.T) {
	verifier, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("the unit was not checked: ", err)
	}
	text, err := os.ReadFile("../../examples/systemd/flyball.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "flyball.service")
	text = []byte(strings.ReplaceAll(string(text), "/usr/local/bin/flyball", os.Args[0])) // which has to be there
	if err := os.WriteFile(unit, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(verifier, "verify", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
