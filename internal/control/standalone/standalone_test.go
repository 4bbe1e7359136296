package standalone_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/control/standalone"
)

// A thing is a custom resource, with a metric beside it.
type thing struct {
	mu      sync.Mutex
	desired float64
	changed chan float64
	refuses bool // it lets nobody look
}

func (c *thing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuses {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	if r.Method == http.MethodPatch {
		var in struct {
			Desired float64 `json:"desiredCapacity"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		c.desired = in.Desired
		c.changed <- in.Desired
	}
	fmt.Fprintf(w, `{"actualCapacity": %v, "desiredCapacity": %v, "scalableTargetDimensionId": "1", "scalingStatus": "Successful", "version": "1", "load": 10}`, c.desired, c.desired)
}

// begin starts a controller of a custom resource, and returns where it listens and how to end it.
func begin(t *testing.T, of *thing, change func(*standalone.Config)) (address string, end func()) {
	t.Helper()
	server := httptest.NewServer(of)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "target.yaml"), fmt.Sprintf(`
ScalableTargets: [{ServiceNamespace: custom-resource, ResourceId: %[1]q, MinCapacity: 3, MaxCapacity: 9}]
ScalingPolicies:
- {PolicyName: load, PolicyType: TargetTrackingScaling, ServiceNamespace: custom-resource, ResourceId: %[1]q,
   TargetTrackingScalingPolicyConfiguration: {TargetValue: 50, CustomizedMetricSpecification: {Namespace: Shop, MetricName: Load, Statistic: Average}}}
`, server.URL))
	write(t, filepath.Join(dir, "flyball.yaml"), fmt.Sprintf("metrics:\n- {namespace: Shop, metric: Load, http: {url: %q, value: /load}}\n", server.URL))
	ready := make(chan string, 1)
	cfg := standalone.Config{
		Paths: []string{dir}, Data: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		AWS:   func(context.Context) (aws.Config, error) { return aws.Config{Region: "us-east-1"}, nil },
		Ready: func(address string) { ready <- address },
	}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- standalone.Run(ctx, cfg) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return <-ready, end
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// get reads a page until it has a text.
func get(t *testing.T, url, has string) string {
	t.Helper()
	ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
	defer end()
	for {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), has) {
			return string(text)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s has no %q: %s", url, has, text)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestAControllerBringsAResourceInsideItsBoundsAndTellsOfIt(t *testing.T) {
	of := &thing{desired: 1, changed: make(chan float64, 9)}
	var audit string
	address, end := begin(t, of, func(c *standalone.Config) { audit = filepath.Join(c.Data, "audit.jsonl") })
	if to := <-of.changed; to != 3 {
		t.Errorf("set to %v, want 3", to)
	}
	get(t, address+"/readyz", "ok")
	get(t, address+"/targets", `"standing": "ok"`)
	get(t, address+"/metrics", "flyball_control_desired_capacity")
	get(t, address+"/metrics", `flyball_control_targets{standing="ok"} 1`)
	end()
	text, err := os.ReadFile(audit)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"event":"elected"`, `"event":"taken"`, `"event":"decided"`, `minimum capacity was set to 3`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the audit log has no %s:\n%s", want, text)
		}
	}
}

func TestADryRunReports(t *testing.T) {
	of := &thing{desired: 1, changed: make(chan float64, 9)}
	address, end := begin(t, of, func(c *standalone.Config) { c.DryRun = true })
	get(t, address+"/metrics", "flyball_control_shadow_capacity{target=\""+"")
	get(t, address+"/report", "1 there, 3 would be")
	end()
	if len(of.changed) > 0 {
		t.Errorf("set to %v by a dry run", <-of.changed)
	}
}

func TestAFileOfPausesHoldsEverything(t *testing.T) {
	of := &thing{desired: 1, changed: make(chan float64, 9)}
	address, end := begin(t, of, func(c *standalone.Config) {
		c.PauseFile = filepath.Join(t.TempDir(), "pause")
		write(t, c.PauseFile, "until Monday\n")
	})
	get(t, address+"/targets", `"standing": "paused"`)
	end()
	if len(of.changed) > 0 {
		t.Errorf("set to %v while it is paused", <-of.changed)
	}
}

func TestOneThatCannotBeLookedAtIsExplained(t *testing.T) {
	of := &thing{desired: 4, changed: make(chan float64, 9), refuses: true}
	address, _ := begin(t, of, nil)
	get(t, address+"/targets", `"standing": "unseen"`)
	var list struct {
		Targets []struct{ Target, Why string }
	}
	if err := json.Unmarshal([]byte(get(t, address+"/targets", `"why"`)), &list); err != nil || !strings.Contains(list.Targets[0].Why, "403") {
		t.Errorf("%+v, %v", list, err)
	}
	explain := address + "/explain?target=" + url.QueryEscape(list.Targets[0].Target)
	get(t, explain, "standing   unseen: its capacity cannot be looked at")
	get(t, address+"/explain?target=service/shop/none", `"service/shop/none" is not governed`)
}

func TestAControllerThatCannotKeepWhatItRemembersIsNotReady(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "control.db"), strings.Repeat("this is no database; ", 100))
	err := standalone.Run(t.Context(), standalone.Config{
		Paths: []string{t.TempDir()}, Data: dir, Listen: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		AWS:   func(context.Context) (aws.Config, error) { return aws.Config{Region: "us-east-1"}, nil },
		Ready: func(string) { t.Error("it said that it is ready") },
	})
	if err == nil || !strings.Contains(err.Error(), "control.db") {
		t.Errorf("it ended with %v", err)
	}
}
