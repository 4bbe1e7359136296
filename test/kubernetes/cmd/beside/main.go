// Command beside has the cluster's own HPA controller and Flyball scale alike services under the same recorded load, at
// the same time and in one cluster, and prints what came of it as a table in Markdown:
//
//	go run ./cmd/beside                  # four hours and a half at fifteen times their speed: 20 minutes
//	go run ./cmd/beside --load jumps     # what suits alarms over minutes least: 12 minutes
//
// The load "morning" is what NASA's web server was asked for on the morning of 13 July 1995 (NASA-HTTP of the
// Internet Traffic Archive), with the launch of a shuttle in it. Each request takes 1.25 s of a processor. What
// the pods use follows from it in the stand-in for a node, and comes to both by metrics.k8s.io. All times that the HPA
// controller knows are divided by the speed, and Flyball's clock runs as many times faster.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// A play is how a load is played.
type play struct {
	speed  float64 // how many times faster than it was recorded
	warmUp int     // minutes at the begin that do not count
	load   []float64
	out    string // folder of logs
}

// real is how long a span of the load takes.
func (p play) real(d time.Duration) time.Duration { return time.Duration(float64(d) / p.speed) }

func main() {
	var p play
	flag.Float64Var(&p.speed, "speed", 15, "how many times faster the load is played; 15 at the most, since an HPA knows whole seconds")
	flag.IntVar(&p.warmUp, "warm-up", 30, "minutes at the begin that do not count")
	name := flag.String("load", "morning", "morning, which was recorded, or jumps")
	minutes := flag.Int("minutes", 1000, "minutes of the load that are played, if it has so many")
	flag.Parse()
	of, known := loads[*name]
	if !known {
		fmt.Fprintf(os.Stderr, "there is no load %q: give morning or jumps\n", *name)
		os.Exit(2)
	}
	p.load = of()
	p.load = p.load[:min(*minutes, len(p.load))]
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p play) error {
	dir, err := os.MkdirTemp("", "flyball-beside-")
	if err != nil {
		return err
	}
	p.out = filepath.Join(dir, "cluster")
	c, flyball, err := start(ctx, p, dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	defer c.Close()
	results, late, err := p.measure(ctx, c, flyball, contestants(p.speed))
	if err != nil {
		return err
	}
	p.print(os.Stdout, results, late)
	return nil
}
