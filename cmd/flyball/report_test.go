package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/load"
)

// A load on the server's clock and the picture of what became of the service.
func TestALoadIsRecordedAndDrawn(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and puts load on them")
	}
	s := serve(t, "", "--speed", "60")
	s.createService(t)
	s.await(t, "the task", func(svc ecstypes.Service) bool { return svc.RunningCount == 1 && len(s.urls(t.Context())) == 1 })
	s.awaitLog(t, "listening on")
	dir := t.TempDir()
	record, svg, html := filepath.Join(dir, "load.jsonl"), filepath.Join(dir, "web.svg"), filepath.Join(dir, "web.html")

	out, err := flyball(t, "load", "--users", "2", "--ramp", "1m", "--duration", "3m", "--speed", "server", "--endpoint", s.Endpoint,
		"--out", record, s.urls(t.Context())[0])
	if err != nil {
		t.Fatalf("load: %v\n%s", err, out)
	}
	lines := readRecord(t, record)
	// Three minutes of a clock that runs 60 times faster, and its times: whatever a busy
	// machine makes of the seconds.
	var seconds float64
	for _, line := range lines {
		seconds += line.Seconds
	}
	if len(lines) < 2 || seconds < 2.99 {
		t.Fatalf("%d lines of %v s in all, want at least three seconds", len(lines), seconds)
	}
	span, want := lines[len(lines)-1].Time.Sub(lines[0].Time).Seconds(), 60*(seconds-lines[0].Seconds)
	if math.Abs(span-want) > 1 {
		t.Errorf("the times span %v s, want %v", span, want)
	}

	out, err = flyball(t, "report", "test/web", "--endpoint", s.Endpoint, "--load", record, "--svg", svg, "--html", html)
	if err != nil {
		t.Fatalf("report: %v\n%s", err, out)
	}
	for _, file := range []string{svg, html} {
		content, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(content), "Requests per second") {
			t.Errorf("%s: %v; want a picture with the load", file, err)
		}
	}
}

func readRecord(t *testing.T, name string) []load.Line {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := load.ReadRecord(file)
	if err != nil || len(lines) == 0 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	return lines
}

func TestLoadAndReportRefuseWhatTheyCannotDo(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, content := range map[string]string{
		"old.jsonl":   `{"time":"2020-01-01T00:00:00Z","seconds":1,"requests":1}` + "\n",
		"empty.jsonl": "", "table.csv": "users,requests\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := serve(t, "")
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"a duration shorter than its ramp": {[]string{"load", "--ramp", "5m", "--duration", "2m", "http://127.0.0.1:1/"}, "--duration 2m is shorter than the ramps in it"},
		"a speed that is none":             {[]string{"load", "--speed", "fast", "http://127.0.0.1:1/"}, `--speed "fast": give a number`},
		"no URL":                           {[]string{"load", "127.0.0.1:8080"}, "is not a URL"},
		"a record that cannot be written":  {[]string{"load", "--out", "missing/load.jsonl", "http://127.0.0.1:1/"}, "there is no folder missing for load.jsonl"},
		"a folder that is a service":       {[]string{"report", "web", "--svg", "a.svg"}, "there is no service web"},
		"no file to write":                 {[]string{"report", "service/test/web"}, "give --svg or --html"},
		"a missing service":                {[]string{"report", "service/test/web", "--svg", "a.svg"}, "there is no service test/web"},
		"a record that is empty":           {[]string{"report", "service/test/web", "--svg", "a.svg", "--load", "empty.jsonl"}, "empty.jsonl has no whole line"},
		"a record that is none":            {[]string{"report", "service/test/web", "--svg", "a.svg", "--load", "table.csv"}, "table.csv: line 1 is not one"},
		"a record of another time":         {[]string{"report", "service/test/web", "--svg", "a.svg", "--load", "old.jsonl", "--since", "1h"}, "record with --speed server"},
		"a time that is none":              {[]string{"report", "service/test/web", "--svg", "a.svg", "--since", "yesterday"}, `--since: "yesterday" is no time: write one such as`},
		"an end before the beginning":      {[]string{"report", "service/test/web", "--svg", "a.svg", "--since", "1m", "--until", "2m"}, "before it begins"},
		"AWS without a key":                {[]string{"report", "service/test/web", "--svg", "a.svg", "--endpoint", "aws"}, "AWS wants an access key"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, key := range []string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"} {
				t.Setenv(key, "")
			}
			t.Setenv("HOME", dir) // no credentials are there
			t.Setenv("AWS_ENDPOINT_URL", s.Endpoint)
			out, err := flyball(t, tt.args...)
			if err == nil || !strings.Contains(out, tt.want) {
				t.Errorf("%v: %s, want %q in it", err, out, tt.want)
			}
			if _, err := os.Stat("a.svg"); err == nil {
				t.Error("a picture was written")
			}
		})
	}
}
