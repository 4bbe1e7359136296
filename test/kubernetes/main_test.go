// Package kubernetes tests against a real control plane what Flyball does with Kubernetes.
package kubernetes

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"flyball/test/kubernetes/cluster"
)

// The programs and the cluster of all tests. Each test has a namespace of its own.
var (
	flyball string
	shared  *cluster.Cluster
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	dir, err := os.MkdirTemp("", "flyball-kubernetes-")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(dir)
	if flyball, err = buildFlyball(ctx, dir); err != nil {
		return failed(err)
	}
	program, err := cluster.Build(ctx, dir)
	if err != nil {
		return failed(err)
	}
	shared, err = cluster.Start(ctx, cluster.Options{
		Program: program, Dir: filepath.Join(dir, "cluster"),
		Images: cluster.Images{"flyball/test": {flyball}, "test/shell": {"/bin/sh"}},
	})
	if err != nil {
		return failed(err)
	}
	defer shared.Close()
	return m.Run()
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// buildFlyball builds the program of the module above, unless FLYBALL_TEST_PROGRAM names one.
func buildFlyball(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv("FLYBALL_TEST_PROGRAM"); path != "" {
		return path, nil
	}
	path := filepath.Join(dir, "flyball")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "./cmd/flyball")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building flyball: %w\n%s", err, text)
	}
	return path, nil
}

func client(t *testing.T) kubernetes.Interface {
	t.Helper()
	c, err := kubernetes.NewForConfig(shared.Config())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// eventually waits until what is looked for is there.
func eventually(t *testing.T, most time.Duration, what string, look func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(most); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err = look(); err == nil {
			return
		}
	}
	t.Fatalf("%s was not there within %v: %v", what, most, err)
}
