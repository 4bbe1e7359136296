package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"flyball/internal/client"
)

func TestNowPrintsTheServersTime(t *testing.T) {
	s := serve(t, "", "--speed", "1000")
	now := func(args ...string) string {
		t.Helper()
		out, err := flyball(t, append([]string{"now", "--endpoint", s.Endpoint}, args...)...)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(out)
	}
	first, err := time.Parse(time.RFC3339, now())
	if err != nil {
		t.Fatal(err)
	}
	ms, err := strconv.ParseInt(now("--form", "unix-ms"), 10, 64)
	if err != nil || time.UnixMilli(ms).Before(first) {
		t.Errorf("in milliseconds it is %v, %v; before it was %v", time.UnixMilli(ms), err, first)
	}
	long, err := strconv.ParseInt(now("--form", "unix", "--ago", "10000h"), 10, 64)
	if err != nil || time.Unix(long, 0).After(first) {
		t.Errorf("10000 hours before it was %v, %v", time.Unix(long, 0), err)
	}
	var clock client.Clock
	if err := json.Unmarshal([]byte(now("--json")), &clock); err != nil || clock.Speed != 1000 || clock.State != client.Runs || clock.Lead <= 0 || clock.Now.Before(first) {
		t.Errorf("as JSON it is %+v, %v", clock, err)
	}
}

func TestNowAndTheClockOfServeRefuseWhatTheyDoNotKnow(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"now --form sundial", "give rfc3339 or unix or unix-ms"},
		{"now --json --ago 1h", "--ago and --json do not go together"},
		{"now then", "takes no arguments"},
		{"serve --clock sundial", "give auto or wall"},
		{"serve --clock wall --give-up-lead", "--clock and --give-up-lead do not go together"},
		{"serve --give-up-lead=perhaps", "give-up-lead"},
	} {
		out, err := flyball(t, strings.Fields(tt.args)...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %v %s; want status 2 and %q", tt.args, err, out, tt.want)
		}
	}
}

func TestTheFlagOfTheLastVersionGoesOnGivingUpTheLead(t *testing.T) {
	dir := t.TempDir()
	fast := serve(t, dir, "--speed", "1000")
	if err := fast.stop(t); err != nil {
		t.Fatal(err)
	}
	s := serve(t, dir, "--give-up-lead")
	clock, err := s.Clock(t.Context())
	if err != nil || clock.State != client.Follows {
		t.Errorf("the clock is %+v, %v", clock, err)
	}
}
