// Command thousands measures what Flyball needs to scale many Deployments of a cluster:
//
//	go run ./cmd/thousands --targets 10000
//
// A real API server and etcd have the Deployments, with a ScalableTarget and a ScalingPolicy each; no controller makes
// pods of them, and this program writes their status. Their load comes and goes in an hour, each at its own time, and
// is what a stand-in for Prometheus, which is this program as well, answers.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"

	"flyball/test/kubernetes/cluster"
)

// A plan is what is measured.
type plan struct {
	targets, calls int
	warmUp, span   time.Duration
}

func main() {
	var p plan
	flag.IntVar(&p.targets, "targets", 10_000, "how many Deployments are scaled")
	flag.IntVar(&p.calls, "calls", 500, "--calls of the controller")
	flag.DurationVar(&p.warmUp, "warm-up", 4*time.Minute, "how long the controller runs before it is measured")
	flag.DurationVar(&p.span, "for", 5*time.Minute, "how long it is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan) error {
	dir, err := os.MkdirTemp("", "flyball-thousands-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	flyball := os.Getenv("FLYBALL_TEST_PROGRAM")
	if flyball == "" {
		flyball = filepath.Join(dir, "flyball")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", flyball, "./cmd/flyball")
		build.Dir, build.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building flyball: %w\n%s", err, text)
		}
	}
	program, err := cluster.Build(ctx, dir)
	if err != nil {
		return err
	}
	c, err := cluster.Start(ctx, cluster.Options{
		Program: program, Dir: filepath.Join(dir, "cluster"), Controllers: []string{"namespace-controller", "serviceaccount-controller"},
		APIServer: []string{"--max-requests-inflight=2000", "--max-mutating-requests-inflight=1000"},
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.ApplyFiles(ctx, filepath.Join("..", "..", "deploy", "kubernetes"), "crd/*.yaml"); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return err
	}
	f, err := newFleet(ctx, client, p.targets)
	if err != nil {
		return err
	}
	if err := f.create(ctx, c); err != nil {
		return err
	}
	fmt.Printf("%d targets are there.\n", p.targets)
	return f.measure(ctx, c, flyball, p)
}
