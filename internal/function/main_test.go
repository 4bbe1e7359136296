package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// TestMain lets the test binary stand in for a function: where its name is bootstrap it is
// one, whose handler's name says what it does.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "bootstrap" {
		os.Exit(m.Run())
	}
	time.AfterFunc(10*time.Minute, func() { os.Exit(1) }) // a test that was killed ends none
	if raw := runtimes[os.Getenv("_HANDLER")]; raw != nil {
		raw(runtimeClient("http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"))
		os.Exit(0)
	}
	act := handlers[os.Getenv("_HANDLER")]
	if act == nil {
		fmt.Fprintln(os.Stderr, "no such handler")
		os.Exit(3)
	}
	lambda.Start(act)
}

// handlers are what the functions of the tests do.
var handlers = map[string]func(context.Context, json.RawMessage) (any, error){
	"echo": func(_ context.Context, event json.RawMessage) (any, error) {
		fmt.Println("got", string(event))
		return event, nil
	},
	"fail":  func(context.Context, json.RawMessage) (any, error) { return nil, errors.New("no such voucher") },
	"panic": func(context.Context, json.RawMessage) (any, error) { panic("no such voucher") },
	"sleep": func(ctx context.Context, _ json.RawMessage) (any, error) {
		time.Sleep(time.Hour)
		return nil, nil
	},
	"exit": func(context.Context, json.RawMessage) (any, error) {
		os.Exit(7)
		return nil, nil
	},
}

// a record is a Logs that keeps all it takes.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) Put(_ context.Context, _ Function, _ string, lines []Line) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range lines {
		r.lines = append(r.lines, line.Text)
	}
	return nil
}

func (r *record) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// newHost returns a host that runs until the test's end.
func newHost(t testing.TB, opts Options) *Host {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	opts.Log = slog.New(slog.DiscardHandler)
	h, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error("the host's end:", err)
		}
	})
	return h
}

// bootstrap makes a folder with a bootstrap, which is this test binary.
func bootstrap(t testing.TB) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // whatever mask the test has
		t.Fatal(err)
	}
	if err := os.Link(self, filepath.Join(dir, "bootstrap")); err == nil {
		return dir
	}
	program, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "bootstrap"), program, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// function is one whose handler is of those above.
func function(t testing.TB, handler string) Function {
	return Function{
		ARN: "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST", Revision: "1", Name: "f", Version: "$LATEST",
		Runtime: "provided.al2023", Handler: handler, Code: bootstrap(t), Memory: 256, Timeout: time.Minute, Region: "us-east-1",
	}
}

func call(payload string) Call {
	return Call{RequestID: "8f5c1a52-0d7b-4a51-9a0d-3c7be1c1d001", ARN: "arn:aws:lambda:us-east-1:123456789012:function:f", Payload: []byte(payload)}
}

func invoke(t testing.TB, h *Host, fn Function, payload string) Answer {
	t.Helper()
	answer, err := h.Invoke(t.Context(), fn, call(payload))
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
