package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// aDayOfPolicies simulates the policies of a shop over a day.
func aDayOfPolicies(t *testing.T, flags ...string) (string, error) {
	t.Helper()
	const policies = "../../internal/policydoc/testdata/policies.yaml"
	return flyball(t, append([]string{"simulate", "--policies", policies, "--traffic", requestsOfADay(t), "--cpu-per-request", "50ms"}, flags...)...)
}

func TestSimulateAsksWhatOtherValuesWouldHaveDone(t *testing.T) {
	out, err := aDayOfPolicies(t, "--set", "policy.cpu.target=40", "--explain", "2026-03-02 08:00")
	for _, want := range []string{"policy.cpu.target=40   as it is", "policy.cpu.target=40: service/shop/web at 2026-03-02 08:00:00 UTC", "as it is: service/shop/web at", "above 40", "above 60", "decided    "} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v, no %q in %s", err, want, out)
		}
	}
	out, err = aDayOfPolicies(t, "--explain", "2026-03-02T08:00:00Z", "--json")
	var r struct {
		Explained struct {
			At       string
			Policies []struct{ Name string }
			Done     []any
		}
	}
	if err = errors.Join(err, json.Unmarshal([]byte(out), &r)); err != nil || r.Explained.At != "2026-03-02T08:00:00Z" || len(r.Explained.Policies) != 4 || r.Explained.Done == nil {
		t.Errorf("%v: %+v", err, r)
	}
}

// What cannot be simulated is refused before a file is written.
func TestSimulateWritesNothingOfWhatItRefuses(t *testing.T) {
	for flag, want := range map[string]string{
		"--set=policy.cpu.taret=40":      "nothing that can be set; target is",
		"--set=policy.web.target=40":     "there is no policy web",
		"--set=max=1":                    "maximum capacity",
		"--explain=noon":                 "write one such as 2026-11-26T14:05:00Z",
		"--explain=2027-01-01T00:00:00Z": "give a time in it",
		"--parameter=Stage=prod":         "no template with parameters",
	} {
		minutes := filepath.Join(t.TempDir(), "minutes.csv")
		out, err := aDayOfPolicies(t, flag, "--minutes", minutes)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, want) {
			t.Errorf("%s: %v, want status 2 and %q in %s", flag, err, want, out)
		}
		if _, err := os.Stat(minutes); err == nil {
			t.Errorf("%s: a file of minutes is written", flag)
		}
	}
}
