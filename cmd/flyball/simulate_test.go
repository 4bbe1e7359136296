package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// requestsOfADay is a file with a day that rises to noon, minute by minute.
func requestsOfADay(t *testing.T) string {
	t.Helper()
	var rows strings.Builder
	rows.WriteString("time,requests\n")
	for i := range 1440 {
		at := time.Date(2026, 3, 2, 0, i, 0, 0, time.UTC)
		fmt.Fprintf(&rows, "%s,%d\n", at.Format(time.RFC3339), 300+3*min(i, 1440-i))
	}
	path := filepath.Join(t.TempDir(), "requests.csv")
	if err := os.WriteFile(path, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const planOfAShop = "../../internal/policydoc/testdata/plan.json"

func TestAFileOfMinutesIsThereOnlyOnceItIsWhole(t *testing.T) {
	traffic, minutes := filepath.Join(t.TempDir(), "requests.csv"), filepath.Join(t.TempDir(), "minutes.csv")
	text := "time,requests\n2026-03-02T00:00:00Z,5\n2026-03-02T00:01:00Z,6\n2026-03-02T00:02:00Z,-1\n"
	if err := os.WriteFile(traffic, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(minutes, []byte("those of before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := flyball(t, "simulate", "--traffic", traffic, "--cpu-per-request", "50ms", "--min", "1", "--max", "2", "--minutes", minutes)
	kept, _ := os.ReadFile(minutes)
	if left, _ := filepath.Glob(minutes + ".*"); err == nil || string(kept) != "those of before\n" || left != nil {
		t.Errorf("%v, %q and %v are there: %s", err, kept, left, out)
	}
}

func TestWhatNoNumberOfTasksKeepsIsSaid(t *testing.T) {
	traffic := requestsOfADay(t)
	out, err := flyball(t, "simulate", "--policies", planOfAShop, "--traffic", traffic, "--cpu-per-request", "50ms", "--agree", "p95 < 100ms")
	for _, want := range []string{"no number of tasks keeps it", "as the task definition says"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v, no %q in %s", err, want, out)
		}
	}
	if out, _ = flyball(t, "simulate", "--policies", planOfAShop, "--traffic", traffic, "--cpu-per-request", "50ms", "--agree", "p95 < 1s", "--task-cpu", "256", "--task-memory", "512"); strings.Contains(out, "no number of tasks") || strings.Contains(out, "as the task definition") {
		t.Errorf("what is said is not so: %s", out)
	}
}

func TestSimulateTellsHowAPlanWouldDo(t *testing.T) {
	traffic := requestsOfADay(t)
	minutes := filepath.Join(t.TempDir(), "minutes.csv")
	args := []string{"simulate", "--policies", planOfAShop, "--traffic", traffic, "--cpu-per-request", "50ms", "--agree", "p95 < 1s", "--minutes", minutes}
	out, err := flyball(t, args...)
	for _, want := range []string{"shop/web, 2026-03-02 00:00 to 2026-03-03 00:00 (1 d)", "agreement    p95 < 1s: kept for ", "policy cpu: ", "cost         $"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v, no %q in %s", err, want, out)
		}
	}
	if again, err := flyball(t, args...); err != nil || again != out {
		t.Errorf("the same again is %v\n%s\nand not\n%s", err, again, out)
	}
	if text, err := os.ReadFile(minutes); err != nil || strings.Count(string(text), "\n") != 1441 {
		t.Errorf("%v, and %d lines for 1,440 minutes", err, strings.Count(string(text), "\n"))
	}
	out, err = flyball(t, append(args, "--json")...)
	var r struct {
		Values     map[string]float64
		Activities []struct{ Cause string }
	}
	if err = errors.Join(err, json.Unmarshal([]byte(out), &r)); err != nil || len(r.Activities) == 0 || r.Values["requests"] != 0 || !(r.Values["slo"] > 90) {
		t.Errorf("%v, %d activities, values %v", err, len(r.Activities), r.Values)
	}
}

func TestSimulateFailsWhereAConditionIsMet(t *testing.T) {
	out, err := flyball(t, "simulate", "--traffic", requestsOfADay(t), "--cpu-per-request", "50ms", "--min", "2", "--max", "2", "--fail-if", "slo < 99 or cost > 10")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != statusFailed || !strings.Contains(out, "slo is ") {
		t.Errorf("%v, want status %d: %s", err, statusFailed, out)
	}
}

func TestSimulateSaysWhatToType(t *testing.T) {
	traffic := requestsOfADay(t)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no traffic":               {[]string{"--cpu-per-request", "50ms", "--min", "1", "--max", "2"}, "traffic"},
		"nothing of a request":     {[]string{"--traffic", traffic, "--min", "1", "--max", "2"}, "--cpu-per-request, such as 50ms"},
		"no bounds":                {[]string{"--traffic", traffic, "--cpu-per-request", "50ms"}, "--min and --max"},
		"bounds the other way":     {[]string{"--traffic", traffic, "--cpu-per-request", "50ms", "--min", "3", "--max", "2"}, "maximum capacity cannot be less"},
		"a service of nowhere":     {[]string{"--traffic", traffic, "--cpu-per-request", "50ms", "--policies", planOfAShop, "--service", "shop/api"}, "the policies are of shop/web"},
		"a file that is not there": {[]string{"--traffic", "none.csv", "--cpu-per-request", "50ms", "--min", "1", "--max", "2"}, "none.csv"},
		"an agreement of nothing":  {[]string{"--traffic", traffic, "--cpu-per-request", "50ms", "--min", "1", "--max", "2", "--agree", "fast"}, "p95 < 300ms"},
		"an unknown name":          {[]string{"--traffic", traffic, "--cpu-per-request", "50ms", "--min", "1", "--max", "2", "--fail-if", "speed > 1"}, "speed"},
		"policies of one name":     {[]string{"--traffic", traffic, "--cpu-per-request", "50ms", "--policies", planOfAShop, "--against", planOfAShop}, "--against old="},
		"two things printed":       {[]string{"--traffic", traffic, "--cpu-per-request", "50ms", "--min", "1", "--max", "2", "--json", "--markdown", "-"}, "give --markdown a file"},
		"an early deployment":      {[]string{"--traffic", traffic, "--cpu-per-request", "50ms", "--min", "1", "--max", "2", "--deploy", "2020-01-01T00:00:00Z"}, "before the traffic begins"},
	} {
		out, err := flyball(t, append([]string{"simulate"}, c.args...)...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v, want status 2 and %q in %s", name, err, c.want, out)
		}
	}
}

// The same policies with a lower maximum, without a scalable target of their own, are
// simulated beside the plan's.
func TestSimulateComparesPolicies(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "old.json")
	err := os.WriteFile(other, []byte(`{"ScalingPolicies": [{"PolicyName": "cpu", "ResourceId": "service/shop/web", "PolicyType": "TargetTrackingScaling",
		"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 20, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}}]}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	page, picture := filepath.Join(dir, "page.html"), filepath.Join(dir, "picture.svg")
	args := []string{"simulate", "--policies", planOfAShop, "--against", other, "--traffic", requestsOfADay(t), "--cpu-per-request", "50ms"}
	out, err := flyball(t, append(args, "--html", page, "--svg", picture, "--markdown", "-")...)
	if err != nil || !strings.Contains(out, "| plan | old | difference |") || !strings.Contains(out, "plan asked for ") {
		t.Errorf("%v: %s", err, out)
	}
	for name, want := range map[string]string{page: "Tasks, old", picture: "<svg "} {
		if text, err := os.ReadFile(name); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, want %q in %d bytes", name, err, want, len(text))
		}
	}
	out, err = flyball(t, append(args, "--json")...)
	var r struct {
		Name    string
		Against []struct {
			Name        string
			Differences []struct{ Because string }
		}
	}
	if err = errors.Join(err, json.Unmarshal([]byte(out), &r)); err != nil || r.Name != "plan" || len(r.Against) != 1 || r.Against[0].Name != "old" || len(r.Against[0].Differences) == 0 {
		t.Errorf("%v: %+v", err, r)
	}
}
