package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthIsThatOfAControllerWhereNoServerAnswers(t *testing.T) {
	status := http.StatusOK
	controller := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	health := func(args ...string) error {
		c := healthCommand()
		c.SetOut(io.Discard)
		c.SetArgs(append([]string{"--endpoint", "http://127.0.0.1:1", "--timeout", "20s"}, args...))
		return c.ExecuteContext(t.Context())
	}
	if err := health(); err == nil || !strings.Contains(err.Error(), "no server answers") {
		t.Errorf("without --control: %v", err)
	}
	if err := health("--control", controller.URL); err != nil {
		t.Errorf("a controller that answers: %v", err)
	}
	if err := health("--endpoint", controller.URL); err == nil || !strings.Contains(err.Error(), "is flyball control, and no server: give its address to --control") {
		t.Errorf("a controller in place of a server: %v", err)
	}
	status = http.StatusServiceUnavailable
	if health("--control", controller.URL) == nil {
		t.Error("a controller that is not well is taken for one that is")
	}
	controller.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" { // as flyball serve answers what is no call of AWS
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer server.Close()
	if err := health("--control", server.URL); err == nil || !strings.Contains(err.Error(), "what answers at "+server.URL+" is not flyball control: give --control") {
		t.Errorf("a server in place of a controller: %v", err)
	}
	if err := health("--endpoint", server.URL); err != nil {
		t.Errorf("a server: %v", err)
	}
	if err := health("--control", controller.URL); err == nil || !strings.Contains(err.Error(), "no controller answers at "+controller.URL) {
		t.Errorf("neither: %v", err)
	}
}

func TestTheFlagThatNamedTheServerIsTheOneToGive(t *testing.T) {
	for flag, args := range map[string][]string{
		"--traffic-from": {"simulate", "--traffic-from", "http://127.0.0.1:1", "--service", "shop/web", "--cpu-per-request", "50ms"},
		"--from":         {"fit", "--from", "http://127.0.0.1:1", "--service", "shop/web"},
		"--policies":     {"simulate", "--policies", "http://127.0.0.1:1", "--generate", "steady(1/s)", "--cpu-per-request", "50ms"},
		"--endpoint":     {"status", "--endpoint", "http://127.0.0.1:1"},
	} {
		var said strings.Builder
		if status := execute(t.Context(), args, io.Discard, &said); status != 2 || !strings.Contains(said.String(), "or name another with "+flag+"\n") {
			t.Errorf("%q: status %d, %s", args, status, said.String())
		}
	}
}
