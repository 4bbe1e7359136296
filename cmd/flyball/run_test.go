package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

func TestRunTellsAProgramFromAnImage(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, mode := range map[string]os.FileMode{"server": 0o700, "app.py": 0o600} {
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	sh, err := findProgram("sh")
	if err != nil || !filepath.IsAbs(sh) {
		t.Fatalf("sh is %q, %v", sh, err)
	}
	for _, c := range []struct {
		args    []string
		image   string
		command []string
		name    string
	}{
		{[]string{"nginx:alpine"}, "nginx:alpine", nil, "nginx"},
		{[]string{"registry.example:5000/shop/api@sha256:abc", "--fast"}, "registry.example:5000/shop/api@sha256:abc", []string{"--fast"}, "api"},
		{[]string{"my_image.v2"}, "my_image.v2", nil, "my-image"},
		{[]string{"./server", "-v"}, "flyball/program", []string{filepath.Join(dir, "server"), "-v"}, "server"},
		{[]string{"sh", "app.py"}, "flyball/program", []string{sh, "app.py"}, "app"},
	} {
		s := start{within: 1}
		s.plan.Cluster, s.plan.HealthPath, s.plan.CPU, s.plan.Most = "default", "/", 256, 1
		if err := s.read(c.args); err != nil {
			t.Errorf("%q: %v", c.args, err)
			continue
		}
		if p := s.plan; p.Image != c.image || !slices.Equal(p.Command, c.command) || p.Name != c.name || (p.Folder != "") != (p.Image == "flyball/program") {
			t.Errorf("%q is %+v", c.args, p)
		}
	}
}

func TestRunRefusesWhatWasMistyped(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("app.py", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"run":                                    "say what to run",
		"run app.py":                             "write ./app.py",
		"run ./app.py":                           "chmod +x",
		"run ./missing":                          "no program that can be run",
		"run --port 70000 x:1":                   "--port 70000",
		"run --min 3 --max 2 x:1":                "--min 3 --max 2",
		"run --env A x:1":                        "NAME=VALUE",
		"run --name a_b x:1":                     "--name",
		"run --cluster a/b x:1":                  "--cluster",
		"run --cluster= x:1":                     "--cluster",
		"run --health-path ready x:1":            "a path begins with /",
		"run --cpu 300 x:1":                      "Fargate has no such size",
		"run --cpu 0 x:1":                        "Fargate has no such size",
		"run --memory 100 x:1":                   "Fargate has no such size",
		"run --region mars x:1":                  "a region is written like us-east-1",
		"run --target-requests 100 x:1":          "--port as well",
		"run --within 0s x:1":                    "--within",
		"env --shell tcsh":                       "give sh",
		"env --only s3":                          "application-autoscaling",
		"env --only=":                            "application-autoscaling",
		"env --region mars":                      "a region is written like us-east-1",
		"env --unset --only ecs":                 "do not go together",
		"env --endpoint 127.0.0.1:4566":          "http://127.0.0.1:4566",
		"env --account 1 --profile x":            "--account and --profile do not go together",
		"env --credentials-file missing --shell": "--shell wants a value",
	} {
		out, err := flyball(t, strings.Fields(args)...)
		if err == nil || !strings.Contains(err.Error(), "exit status 2") || !strings.Contains(out, want) {
			t.Errorf("flyball %s: %v, %s; want status 2 and %q", args, err, out, want)
		}
	}
}

// One command makes what answers requests and is scaled; the next brings out another version,
// and says what is wrong with one that does not run.
func TestRunMakesAServiceThatAnswersAndScales(t *testing.T) {
	s := serve(t, "")
	run := func(args ...string) (url, told string, err error) {
		cmd := command(t, append([]string{"run", "--endpoint", s.Endpoint, "--cluster", "test", "--name", "web"}, args...)...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), stderr.String(), err
	}
	url, told, err := run("--port", "8080", "--max", "3", "--target-requests", "600", "flyball/web")
	if err != nil {
		t.Fatalf("%v\n%s", err, told)
	}
	if answer, err := http.Get(url); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("GET %s: %v, %v", url, answer, err)
	}
	for _, want := range []string{"aws ecs create-service --service-name web", "--max-capacity 3", "--policy-name cpu", "--policy-name requests"} {
		if !strings.Contains(told, want) {
			t.Errorf("it does not tell %q:\n%s", want, told)
		}
	}
	policies := must(s.AutoScaling.DescribeScalingPolicies(t.Context(), &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: aastypes.ServiceNamespaceEcs}))(t)
	if len(policies.ScalingPolicies) != 2 {
		t.Errorf("there are %d policies", len(policies.ScalingPolicies))
	}

	again, told, err := run("--port", "8080", "--env", "VERSION=2", "flyball/web")
	if err != nil || again != url || !strings.Contains(told, "aws ecs update-service") {
		t.Errorf("another version is at %s, %v\n%s", again, err, told)
	}
	if _, told, err := run("--port", "9090", "flyball/web"); err == nil || !strings.Contains(told, "--port 8080") || strings.Contains(told, "register-task-definition") {
		t.Errorf("another port: %v\n%s", err, told)
	}
	if _, told, err := run("--port", "8080", "--cluster", "other", "flyball/web"); err == nil || !strings.Contains(told, "another --name") || strings.Contains(told, "register-task-definition") {
		t.Errorf("the same name in another cluster: %v\n%s", err, told)
	}
	if _, told, err := run("--port", "8080", "sh", "-c", "exit 3"); err == nil || !strings.Contains(told, "exit code 3") || !strings.Contains(told, "flyball logs test/web") {
		t.Errorf("a program that ends: %v\n%s", err, told)
	}
}
