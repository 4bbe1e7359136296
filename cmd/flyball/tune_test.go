package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"flyball/internal/tune"
)

func TestTuneTellsWhatIsBestAndWritesIt(t *testing.T) {
	traffic, dir := requestsOfADay(t), t.TempDir()
	hcl, sh := filepath.Join(dir, "policy.tf"), filepath.Join(dir, "apply.sh")
	args := []string{"tune", "--policies", planOfAShop, "--traffic", traffic, "--cpu-per-request", "50ms", "--agree", "p90 < 1s", "--candidates", "40", "--terraform", hcl, "--cli", sh}
	out, err := flyball(t, args...)
	for _, want := range []string{"shop/web, agreement p90 < 1s", "40 candidates", "today", "AWS's defaults", "best: target "} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v, no %q in %s", err, want, out)
		}
	}
	for name, want := range map[string]string{hcl: `resource "aws_appautoscaling_policy"`, sh: "aws application-autoscaling put-scaling-policy"} {
		if text, err := os.ReadFile(name); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, no %q in %s", name, err, want, text)
		}
	}
	out, err = flyball(t, append(args, "--json")...)
	var r tune.Report
	_, text, _ := strings.Cut(out, "\n{")
	if err = errors.Join(err, json.Unmarshal([]byte("{"+text), &r)); err != nil || r.Tried != 40 || len(r.Frontier) == 0 || len(r.Compared) < 2 || r.Compared[0].Name != "today" {
		t.Errorf("%v: %+v", err, r)
	}
	for _, c := range append(r.Compared, r.Best) {
		if c.Held.Cost <= 0 {
			t.Errorf("%s costs %v for %v task-hours", c.Name, c.Held.Cost, c.Held.Hours)
		}
	}
}

func TestCtrlCKeepsTheBestSoFar(t *testing.T) {
	sh := filepath.Join(t.TempDir(), "apply.sh")
	cmd := command(t, "tune", "--traffic", requestsOfADay(t), "--cpu-per-request", "50ms", "--agree", "p90 < 1s",
		"--candidates", "1000000", "--cli", sh)
	var out strings.Builder
	cmd.Stdout = &out
	progress, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(cmd) })
	if _, err := bufio.NewReader(progress).ReadString(';'); err != nil { // the first candidates are tried
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, progress)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v, want status 0", err)
	}
	text, err := os.ReadFile(sh)
	if err != nil || !strings.Contains(string(text), "put-scaling-policy") || !strings.Contains(out.String(), "interrupted: this is the best so far") || !strings.Contains(out.String(), "best: ") {
		t.Errorf("%v: %s\n%s", err, out.String(), text)
	}
}

func TestTuneSaysWhatToType(t *testing.T) {
	traffic := requestsOfADay(t)
	usual := []string{"--traffic", traffic, "--cpu-per-request", "50ms", "--agree", "p95 < 1s"}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no agreement":         {usual[:4], "agree"},
		"agreement of nothing": {append(usual[:4:4], "--agree", "fast"), "p95 < 300ms"},
		"no candidates":        {append(usual[:6:6], "--candidates", "0"), "such as 1000"},
		"all of the traffic":   {append(usual[:6:6], "--train", "1"), "0.1 to 0.9"},
		"bounds crossed":       {append(usual[:6:6], "--min", "5", "--max", "2"), "--min 5 --max 2"},
		"a long warm-up":       {append(usual[:6:6], "--warm-up", "48h"), "--warm-up 48h"},
		"nothing of a request": {append(usual[:2:2], usual[4:]...), "--cpu-per-request, such as 50ms"},
		"no such file":         {append(usual[2:6:6], "--traffic", "none.csv"), "none.csv"},
		"a service of nowhere": {append(usual[:6:6], "--policies", planOfAShop, "--service", "shop/api"), "the policies are of shop/web"},
		"no place to write":    {append(usual[:6:6], "--cli", filepath.Join(t.TempDir(), "none", "apply.sh")), "apply.sh"},
	} {
		out, err := flyball(t, append([]string{"tune"}, c.args...)...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v, want status 2 and %q in %s", name, err, c.want, out)
		}
	}
}
