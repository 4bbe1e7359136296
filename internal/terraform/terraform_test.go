package terraform_test

import (
	"context"
	"flag"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flyball/internal/server"
	"flyball/internal/task/idle"
	"flyball/internal/terraform"
)

var (
	live   = flag.Bool("terraform", false, "run Terraform with its AWS provider on the examples")
	record = flag.Bool("record", false, "with -terraform: keep what the provider calls")
)

const account = "123456789012"

// The configurations of examples/, and the variables that change them.
var configurations = map[string][]string{
	"flask":     {"image=flaskapp:2"},
	"hasura":    {"tasks=3"},
	"policies":  nil,
	"terraform": nil,
}

func TestRecordedSequencesAreAnsweredAsTheyWere(t *testing.T) {
	for name := range configurations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := terraform.Read(filepath.Join("testdata", name+".json.gz"))
			if err != nil {
				t.Fatal(err)
			}
			p := terraform.Player{Server: serve(t), Account: account, Patience: 30 * time.Second}
			if err := p.Play(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestTheRealProvider(t *testing.T) {
	if !*live {
		t.Skip("Terraform was not asked for: make test-terraform runs it")
	}
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("Terraform is not there")
	}
	for name, variables := range configurations {
		t.Run(name, func(t *testing.T) {
			calls := terraform.NewRecorder(serve(t))
			between := httptest.NewServer(calls)
			defer between.Close()
			w := workspace{t, t.TempDir(), between.URL}
			if err := os.CopyFS(w.dir, os.DirFS(filepath.Join("..", "..", "examples", name))); err != nil {
				t.Fatal(err)
			}
			// Providers before 6.13 know no forecasts.
			if err := os.RemoveAll(filepath.Join(w.dir, "scaling", "forecast.tf")); err != nil {
				t.Fatal(err)
			}
			w.init()
			var changed []string
			for _, v := range variables {
				changed = append(changed, "-var", v)
			}
			calls.Step("apply")
			w.run("apply", "-auto-approve")
			calls.Step("plan")
			w.run("plan", "-detailed-exitcode")
			if changed != nil {
				calls.Step("change")
				w.run(append([]string{"apply", "-auto-approve"}, changed...)...)
				calls.Step("plan after the change")
				w.run(append([]string{"plan", "-detailed-exitcode"}, changed...)...)
			}
			calls.Step("destroy")
			w.run("destroy", "-auto-approve")
			if *record {
				if err := calls.Recording().Save(filepath.Join("testdata", name+".json.gz")); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A workspace is a folder with a configuration.
type workspace struct {
	*testing.T
	dir, endpoint string
}

// init fetches the provider, unless development overrides name one.
func (w workspace) init() {
	w.Helper()
	config, err := os.ReadFile(os.Getenv("TF_CLI_CONFIG_FILE"))
	if err == nil && strings.Contains(string(config), "dev_overrides") {
		return
	}
	w.terraform("init", "-input=false", "-no-color")
}

// run runs Terraform. With one call at a time the order is the same each time.
func (w workspace) run(args ...string) {
	w.Helper()
	w.terraform(append(args, "-input=false", "-no-color", "-parallelism=1")...)
}

func (w workspace) terraform(args ...string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "terraform", args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+w.endpoint, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// serve runs a server whose tasks do nothing, until the test ends. Its clock all but
// stands still: what an alarm says depends on the minute.
func serve(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.Open(ctx, server.Config{
		Addr: "127.0.0.1:0", Tasks: idle.Runtime{}, Speed: 0.001, Account: account, Region: "us-east-1",
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s.URL()
}
