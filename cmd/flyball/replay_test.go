package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReplayComparesPolicies(t *testing.T) {
	var rows strings.Builder
	for i := range 3 * 24 * 60 {
		fmt.Fprintf(&rows, "%d,%d\n", i, 60+i/60%24)
	}
	path := filepath.Join(t.TempDir(), "requests.csv")
	if err := os.WriteFile(path, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := flyball(t, "replay", path, "--step", "1m", "--per-task", "30")
	for _, want := range []string{"47 hours, which needed ", "predictive + target tracking", "minutes enough"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v, no %q in %s", err, want, out)
		}
	}
	// Times that are numbers of minutes look like seconds.
	if out, err := flyball(t, "replay", path, "--per-task", "30"); err == nil || !strings.Contains(out, "say so with --step") {
		t.Errorf("without --step: %v %s", err, out)
	}
}
