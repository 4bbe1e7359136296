package function

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain until", what)
		}
	}
}

func (h *Host) environments() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

func TestProvisionedEnvironmentsAreThereBeforeTheFirstCall(t *testing.T) {
	h := newHost(t, Options{Idle: 50 * time.Millisecond})
	fn := function(t, "echo")
	h.Provision(fn, 2)
	eventually(t, "two environments are available", func() bool { return h.Provisioning(fn.ARN).Available == 2 })
	if answer := invoke(t, h, fn, `1`); answer.Cold || !answer.Provisioned || answer.Init != 0 {
		t.Errorf("answered %+v", answer)
	}
	h.Provision(fn, 0)
	eventually(t, "idle environments are ended", func() bool { return h.environments() == 0 })
}

func TestAnEnvironmentMayBeOnDemandAgainWhileItAnswers(t *testing.T) {
	h := newHost(t, Options{})
	fn := function(t, "work")
	h.Provision(fn, 1)
	eventually(t, "an environment is available", func() bool { return h.Provisioning(fn.ARN).Available == 1 })
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for range 20 {
			if answer, err := h.Invoke(context.Background(), fn, call(`1`)); err != nil || answer.Error != "" {
				t.Errorf("answered %+v, %v", answer, err)
			}
		}
	}()
	for n := 0; ; n = 1 - n {
		h.Provision(fn, n)
		select {
		case <-stopped:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

func TestAProvisionedEnvironmentThatDoesNotStartIsTold(t *testing.T) {
	h := newHost(t, Options{})
	fn := function(t, "no such handler")
	h.Provision(fn, 1)
	eventually(t, "the failure is told", func() bool {
		return h.Provisioning(fn.ARN).Failure == "Runtime exited with error: exit status 3"
	})
}

func TestAnEnvironmentStaysThatIsStartedWhileIdleOnesAreEnded(t *testing.T) {
	h := newHost(t, Options{})
	fn := function(t, "echo")
	if _, err := h.acquire(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
	h.endIdle(time.Now())
	e, failure, err := h.initialize(t.Context(), fn, onDemand, h.newLog(fn), time.Minute)
	if err != nil || failure != nil {
		t.Fatal(failure, err)
	}
	h.release(e)
	if answer := invoke(t, h, fn, `1`); answer.Cold {
		t.Error("it was not kept")
	}
}

func TestAnotherRevisionEndsIdleEnvironments(t *testing.T) {
	h := newHost(t, Options{})
	fn := function(t, "echo")
	invoke(t, h, fn, `1`)
	fn.Revision = "2"
	if answer := invoke(t, h, fn, `2`); !answer.Cold {
		t.Error("an environment of the revision before was used")
	}
	eventually(t, "the environment of the revision before has ended", func() bool { return h.environments() == 1 })
}

func TestAFunctionThatDoesNotStartHasASecondChanceAndThenFails(t *testing.T) {
	logs := &record{}
	h := newHost(t, Options{Logs: logs})
	fn := function(t, "no such handler")
	answer := invoke(t, h, fn, `{}`)
	if want := `Error: Runtime exited with error: exit status 3"}`; !strings.HasSuffix(string(answer.Payload), want) || answer.Error != Unhandled {
		t.Errorf("answered %q, %s", answer.Error, answer.Payload)
	}
	eventually(t, "the log is written", func() bool { return strings.Contains(logs.text(), "REPORT RequestId") })
	if got := strings.Count(logs.text(), "Status: error\tError Type: Runtime.ExitError"); got != 3 {
		t.Errorf("%d failures of two starts and an invocation in the log:\n%s", got, logs.text())
	}
	eventually(t, "no environment is left", func() bool { return h.environments() == 0 })
}

func TestABootstrapThatIsNoProgramIsAnInvalidEntrypoint(t *testing.T) {
	h := newHost(t, Options{})
	for name, write := range map[string]func(path string) error{
		"Couldn't find valid bootstrap(s)":       func(path string) error { return nil },
		"permission denied":                      func(path string) error { return os.WriteFile(path, nil, 0o644) },
		"exec /var/task/bootstrap: exec format":  func(path string) error { return os.WriteFile(path, []byte("no program"), 0o755) },
		"exec /var/task/bootstrap: no such file": func(path string) error { return os.WriteFile(path, []byte("#!/bin/sh\r\n"), 0o755) },
	} {
		t.Run(name, func(t *testing.T) {
			fn := function(t, "")
			fn.ARN, fn.Code = fn.ARN+name, t.TempDir()
			if err := write(filepath.Join(fn.Code, "bootstrap")); err != nil {
				t.Fatal(err)
			}
			answer := invoke(t, h, fn, `{}`)
			if !strings.Contains(string(answer.Payload), `"errorType":"Runtime.InvalidEntrypoint"`) || !strings.Contains(string(answer.Payload), name) {
				t.Errorf("answered %s", answer.Payload)
			}
			eventually(t, "no environment is left", func() bool { return h.environments() == 0 })
		})
	}
}

func TestAnEnvironmentIsNotStartedWithoutRoomForIt(t *testing.T) {
	full, entered := errors.New("the machine is full"), 0
	h := newHost(t, Options{Enter: func(context.Context) (func(), error) {
		if entered++; entered > 1 {
			return nil, full
		}
		return func() {}, nil
	}})
	first, second := function(t, "echo"), function(t, "echo")
	second.ARN += "2"
	if answer := invoke(t, h, first, `{}`); answer.Error != "" {
		t.Fatal(answer.Error)
	}
	if _, err := h.Invoke(t.Context(), second, call(`{}`)); !errors.Is(err, full) {
		t.Errorf("without room: %v", err)
	}
	if answer := invoke(t, h, first, `{}`); answer.Error != "" {
		t.Errorf("an environment that is there has not answered: %s", answer.Error)
	}
}
