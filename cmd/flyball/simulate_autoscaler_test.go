package main

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

const hpaOfAShop = "../../internal/preset/testdata/hpa.yaml"

// A plan, and beside it a file of Kubernetes, a short form, and a name of one's own.
func TestSimulateComparesOtherAutoscalers(t *testing.T) {
	out, err := flyball(t, "simulate", "--policies", planOfAShop, "--against", hpaOfAShop, "--against", "kpa:rps=8", "--against", "ours=flyball:",
		"--traffic", requestsOfADay(t), "--cpu-per-request", "50ms")
	if err != nil {
		t.Fatal(err, out)
	}
	for _, want := range []string{"hpa", "kpa:rps=8", "ours", "reason: cpu resource utilization", "Operating in", "requests a second are expected", "http_requests_per_second is taken for"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestSimulateSaysWhatToTypeOfOtherAutoscalers(t *testing.T) {
	traffic := requestsOfADay(t)
	for want, args := range map[string][]string{
		`"cp" is no setting`:            {"--policies", "hpa:cp=60"},
		`"hba" is no autoscaler; write`: {"--policies", "hba:cpu=60"},
		"give --min and --max":          {"--policies", "hpa:cpu=60"},
		"one of the two decides":        {"--policies", hpaOfAShop, "--policies", planOfAShop},
		"name one of them with":         {"--policies", "hpa:cpu=60,max=5", "--policies", "kpa:rps=4,max=5"},
		"--explain tells of AWS's":      {"--policies", hpaOfAShop, "--explain", "2026-03-02T12:00:00Z"},
		"nomad: cpu=0: write a target":  {"--policies", hpaOfAShop, "--against", "web=nomad:cpu=0"},
	} {
		out, err := flyball(t, append([]string{"simulate", "--traffic", traffic, "--cpu-per-request", "50ms"}, args...)...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, want) {
			t.Errorf("%v: %v, want status 2 and %q in %s", args, err, want, out)
		}
	}
}
