package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	// A copy of this program is the one that tries to start tasks.
	if slices.Contains(os.Args, "-intrude") {
		main()
		return
	}
	os.Exit(m.Run())
}

// shortRounds are how often `make test` makes each fault. The attacks and assaults that are
// hard on a machine come later in their lists, and are left to `make torture`.
var shortRounds = map[string]int{
	"kill": 2, "queue": 1, "flip": 3, "remove": 3, "full": 1, "jump": 1, "attack": 6, "assault": 1, "descriptors": 1, "stop": 2, "intrude": 2, "page": 1, "owner": 2, "database": 1,
}

func TestAServerBearsEachFault(t *testing.T) {
	binary := built(t)
	for i, torment := range torments {
		t.Run(torment.name, func(t *testing.T) {
			t.Parallel()
			// Time and memory are not what is looked at here: a machine may be busy, and the
			// race detector takes many times as much.
			o := options{rounds: shortRounds[torment.name], bound: time.Hour, slow: 20, memory: 20, seed: uint64(i), binary: binary, runtime: "process", speed: 60}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			r := torment.run(ctx, o)
			if r.skipped != "" {
				t.Skip(r.skipped)
			}
			if r.failures > 0 || r.attempts == 0 {
				t.Errorf("%d attempts with %d failures, first: %s", r.attempts, r.failures, r.first)
			}
		})
	}
}

// built is the program, with the race detector if this test has it, too.
func built(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it tortures servers")
	}
	if _, err := os.Stat("/proc/self/exe"); err != nil {
		t.Skip("processes of tasks are found on Linux only")
	}
	binary := filepath.Join(t.TempDir(), "flyball")
	build := exec.Command("go", append(raced, "-o", binary, "../../cmd/flyball")...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}
