package main

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// exitCode is that of a command that has ended.
func exitCode(err error) int {
	if exit, failed := errors.AsType[*exec.ExitError](err); failed {
		return exit.ExitCode()
	}
	return 0
}

// A load on a service goes to the tasks that there are, and the report has them.
func TestALoadFollowsTheTasksOfAService(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and puts load on them")
	}
	s := serve(t, "")
	s.createService(t)
	running := func(n int32) {
		t.Helper()
		s.await(t, "its tasks", func(svc ecstypes.Service) bool { return svc.RunningCount == n && svc.DesiredCount == n })
	}
	desire := func(n int32) {
		t.Helper()
		must(s.ECS.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("test"), Service: aws.String("web"), DesiredCount: aws.Int32(n)}))(t)
		running(n)
	}
	running(1)
	s.awaitLog(t, "listening on")
	dir := t.TempDir()
	report, record := filepath.Join(dir, "web.json"), filepath.Join(dir, "web.jsonl")
	recorded := func(tasks string) {
		t.Helper()
		awaitTrue(t, func() bool {
			b, _ := os.ReadFile(record) // it is not there at once
			return strings.Contains(string(b), tasks)
		})
	}
	// However long tasks take to come and go on a busy machine, the load goes on until it is ended.
	loading := command(t, "load", "--service", "web", "--endpoint", s.Endpoint, "--rate", "40", "--hold", "10m", "--path", "/",
		"--out", record, "--report", report, "--fail-if", "errors > 0%")
	var out strings.Builder
	loading.Stdout, loading.Stderr = &out, &out
	if err := loading.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = loading.Process.Kill()
		_ = loading.Wait()
		if b, _ := os.ReadFile(record); t.Failed() {
			t.Logf("the load says\n%s\nand its record is\n%.2000s", out.String(), b)
		}
	})
	recorded(`"running":1`)
	desire(2)
	recorded(`"running":2`)
	desire(1)
	if err := loading.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := loading.Wait()
	if err != nil || !strings.Contains(out.String(), "through its tasks") || !strings.Contains(out.String(), " requests, 0 errors") {
		t.Fatalf("%v:\n%s", err, out.String())
	}
	var figures struct {
		Service string
		Load    []struct {
			Rate, Errors float64
			Tasks        struct{ Running int }
		}
		Summary struct{ Requests int }
	}
	if b, err := os.ReadFile(report); err != nil || json.Unmarshal(b, &figures) != nil {
		t.Fatalf("the report: %v\n%s", err, b)
	}
	most := 0
	for _, l := range figures.Load {
		most = max(most, l.Tasks.Running)
	}
	if figures.Service != "service/test/web" || figures.Summary.Requests == 0 || most != 2 {
		t.Errorf("the report has %+v, want requests and up to two tasks", figures)
	}
}

func TestALoadFailsIfItsConditionIsMet(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1)%4 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	for condition, want := range map[string]int{"p95 > 10s or errors > 30%": 0, "p95 > 10s or errors > 20%": statusFailed, "throughput < 1": 0} {
		out, err := flyball(t, "load", "--rate", "40", "--hold", "1s", "--json", "--fail-if", condition, server.URL)
		if exitCode(err) != want {
			t.Errorf("%s: status %d, want %d:\n%s", condition, exitCode(err), want, out)
		}
		var told struct {
			Requests, Failed int
			Failures         map[string]int
			Fail_if          []judgement
		}
		line, _, _ := strings.Cut(out, "\n")
		if err := json.Unmarshal([]byte(line), &told); err != nil || told.Requests != 40 || told.Failures["503"] != told.Failed || len(told.Fail_if) != 1 {
			t.Errorf("%v: printed %+v", err, told)
		}
	}
	out, err := flyball(t, "load", "--rate", "1", "--hold", "1s", "--json", server.URL+"/?")
	if err != nil || !strings.Contains(out, `"failures":{}`) {
		t.Errorf("without failures it prints %s, %v; want an empty object", out, err)
	}
}

func TestALoadGoesToLoopbackAndTasksUnlessTold(t *testing.T) {
	out, err := flyball(t, "load", "--users", "1", "http://192.0.2.1/")
	if exitCode(err) != 2 || !strings.Contains(out, "nothing was sent") || !strings.Contains(out, "--allow-remote") {
		t.Errorf("status %d: %s", exitCode(err), out)
	}
	own := ownAddress(t)
	var requests atomic.Int64
	server := http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) })}
	listener, err := net.Listen("tcp", net.JoinHostPort(own, "0"))
	if err != nil {
		t.Skip(err)
	}
	go server.Serve(listener)
	defer server.Close()
	url := "http://" + listener.Addr().String()
	if out, err := flyball(t, "load", "--rate", "5", "--hold", "1s", url); exitCode(err) != 2 || requests.Load() > 0 {
		t.Errorf("another address of the machine: status %d, %d requests: %s", exitCode(err), requests.Load(), out)
	}
	if out, err := flyball(t, "load", "--rate", "5", "--hold", "1s", "--allow-remote", url); err != nil || requests.Load() != 5 {
		t.Errorf("--allow-remote: %v, %d requests: %s", err, requests.Load(), out)
	}
}

// ownAddress is one of the machine that is not loopback.
func ownAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Skip(err)
	}
	for _, a := range addresses {
		if n, is := a.(*net.IPNet); is && !n.IP.IsLoopback() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	t.Skip("the machine has loopback addresses only")
	return ""
}

func TestLoadRefusesWhatIsNoLoad(t *testing.T) {
	dir := t.TempDir()
	stages := filepath.Join(dir, "stages")
	if err := os.WriteFile(stages, []byte("1m:5\nmuch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const url = "http://127.0.0.1:9/"
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "say what to put load on"},
		{[]string{"demo/web"}, "a service is named with --service"},
		{[]string{"--service", "demo/web", "--lb", "web"}, "--service and --lb cannot go together"},
		{[]string{"--service", "demo/web", url}, "--service takes the place of addresses"},
		{[]string{"--service", "a/b/c/d"}, "name a service such as demo/web"},
		{[]string{"--path", "x", "--lb", "web"}, "a path begins with /"},
		{[]string{"--users", "0", url}, "--users 0: give a number of 1 or more"},
		{[]string{"--users", "30000", url}, "more than --max-connections 20000"},
		{[]string{"--rate", "-5", url}, "--rate -5: give a number such as 2.5, not below 0"},
		{[]string{"--rate", "1e7", url}, "it is 0 to 1000000"},
		{[]string{"--rate", "0", url}, "--rate of nothing"},
		{[]string{"--stages", "", url}, "--stages of nothing"},
		{[]string{"--stages", "1m:5", "--scale", "0", url}, "--scale of nothing"},
		{[]string{"--stages", "@" + stages, url}, `stage "much": "much" is not a duration`},
		{[]string{"--stages", "1m:5", "--users", "3", url}, "users"},
		{[]string{"--trace", "missing.csv", url}, "--traffic: there is no file missing.csv"},
		{[]string{"--fail-if", "p95 > 300", url}, `"300" is not a duration such as 300ms`},
		{[]string{"--fail-if", "latency > 1s", url}, "p50, p90, p95"},
		{[]string{"--report", "web.txt", url}, "ends in none of .html, .svg and .json"},
		{[]string{"--report", "missing/web.html", url}, "there is no folder missing"},
		{[]string{"--header", "no", url}, "write a name and a value"},
		{[]string{"--method", "b@d", url}, `--method "b@d" is none`},
		{[]string{"--body", "{{.No}}", url}, "--body"},
		{[]string{"--max-connections", "0", url}, "give a number from 1 to 100000"},
		{[]string{"--timeout", "0s", url}, "give a time above 0"},
	} {
		out, err := flyball(t, append([]string{"load"}, tt.args...)...)
		if exitCode(err) != 2 || !strings.Contains(out, tt.want) {
			t.Errorf("load %s: status %d, %q; want 2, %q", strings.Join(tt.args, " "), exitCode(err), out, tt.want)
		}
	}
}

// A trace in half-minute steps, played ten times faster, and a file of stages.
func TestALoadReplaysATrace(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer server.Close()
	dir := t.TempDir()
	trace, stages := filepath.Join(dir, "requests.csv"), filepath.Join(dir, "stages")
	if err := errors.Join(
		os.WriteFile(trace, []byte("time,requests\n2026-11-26T14:00:00Z,60\n2026-11-26T14:00:30Z,300\n2026-11-26T14:01:00Z,0\n"), 0o600),
		os.WriteFile(stages, []byte("# requests a second\nsteady 10s:20/s\nspike 10s:50/s\n"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want int64 // rates are in real time: 3 s at 2 and 3 s at 10 a second
	}{
		{[]string{"--trace", trace, "--speed", "10"}, 36},
		{[]string{"--trace", trace, "--speed", "10", "--scale", "0.5", "--duration", "50s"}, 13},
		{[]string{"--stages", "@" + stages, "--speed", "10"}, 70},
	} {
		requests.Store(0)
		begin := time.Now()
		out, err := flyball(t, append([]string{"load", server.URL}, tt.args...)...)
		if err != nil || requests.Load() != tt.want {
			t.Errorf("%v: %v, %d requests in %v, want %d:\n%s", tt.args, err, requests.Load(), time.Since(begin), tt.want, out)
		}
	}
}

// The addresses of simulated tasks are nobody's: what is sent there leaves the machine.
func TestNothingIsSentToSimulatedTasks(t *testing.T) {
	s := serve(t, "", "--runtime", "simulated", "--speed", "60")
	s.createService(t)
	s.await(t, "the task", func(svc ecstypes.Service) bool { return svc.RunningCount == 1 })
	out, err := flyball(t, "load", "--service", "test/web", "--endpoint", s.Endpoint, "--rate", "5", "--hold", "1s")
	if exitCode(err) != 2 || !strings.Contains(out, "the tasks there are records") {
		t.Errorf("status %d: %s", exitCode(err), out)
	}
	out, err = flyball(t, "load", "--endpoint", s.Endpoint, "--rate", "5", "--hold", "1s", "http://198.18.0.1:8080/")
	if exitCode(err) != 2 || !strings.Contains(out, "nothing was sent") {
		t.Errorf("status %d: %s", exitCode(err), out)
	}
}
