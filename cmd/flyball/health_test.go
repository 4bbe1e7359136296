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
	status = http.StatusServiceUnavailable
	if health("--control", controller.URL) == nil {
		t.Error("a controller that is not well is taken for one that is")
	}
	controller.Close()
	if err := health("--control", controller.URL); err == nil || !strings.Contains(err.Error(), "no controller at "+controller.URL) {
		t.Errorf("neither: %v", err)
	}
}
