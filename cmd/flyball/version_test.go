package main

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestTheVersionIsWhatIsKnownOfIt(t *testing.T) {
	platform := ", go1.26.8, " + runtime.GOOS + "/" + runtime.GOARCH
	for name, c := range map[string]struct{ stamped, module, want string }{
		"stamped by make":           {"v1.2.3-4-gdef86db", "v0.0.0-20261126164710-def86dbeee45", "v1.2.3-4-gdef86db"},
		"go build in a checkout":    {"", "v0.0.0-20261126164710-def86dbeee45+dirty", "v0.0.0-20261126164710-def86dbeee45+dirty"},
		"go build without git":      {"", "(devel)", "dev (built without git)"},
		"without build information": {"", "", "dev (built without git)"},
	} {
		info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: c.module}}
		if got := describe(c.stamped, info); got != c.want+platform {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestBothWaysToAskForTheVersionSayTheSame(t *testing.T) {
	flag, err := flyball(t, "--version")
	if err != nil {
		t.Fatal(flag, err)
	}
	command, err := flyball(t, "version")
	if err != nil || command != flag || !strings.HasPrefix(flag, "flyball ") || strings.Count(flag, "\n") != 1 {
		t.Errorf("--version: %q, version: %q, %v", flag, command, err)
	}
}
