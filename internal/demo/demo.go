// Package demo shows the main job in less than two minutes: a service of real
// tasks, under real load, scaled out and in by a target tracking policy. It is
// a client of a server like any other: everything goes through the AWS APIs.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"flyball/internal/client"
	"flyball/internal/server"
)

// Options say how to run the demo. All fields must be set.
type Options struct {
	Runtime string  // process, docker or auto
	Speed   float64 // of the server's clock, 25 to 600
	Out     io.Writer
	Log     *slog.Logger
}

// What the demo shows. The load needs about three quarters of a processor when
// all users are there, so that twelve or so tasks of a sixteenth of one share
// it at half of what they have.
const (
	minTasks     = 2
	maxTasks     = 20
	targetCPU    = 50.0
	users        = 50
	taskCPU      = 64 // CPU units, 1024 to a processor
	taskMemory   = 64 // MiB
	rampUp       = 20 * time.Second
	hold         = 15 * time.Second
	rampDown     = 5 * time.Second
	thinkTime    = 4 * time.Second
	sampleEvery  = 500 * time.Millisecond
	longestAfter = 65 * time.Second // wait for scale-in this long after the load has gone
)

// ErrNoScaling is wrapped by Run when the service did not scale both out and in.
var ErrNoScaling = errors.New("the service did not scale as it should")

// Check refuses what cannot be shown. It takes 15 minutes of the server's clock until a
// scale-in, and at 600 times speed a minute is but five of the CPU limit's periods.
func (o Options) Check() error {
	if !(o.Speed >= 25 && o.Speed <= 600) {
		return fmt.Errorf("speed %v: the demo needs one from 25 to 600, to show a scale-in within two minutes", o.Speed)
	}
	return nil
}

// Run runs the demo and reports on opts.Out. It returns nil only if the service
// scaled out under load and back in after it.
func Run(ctx context.Context, opts Options) (err error) {
	if err := opts.Check(); err != nil {
		return err
	}
	s, stop, err := serve(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()

	w := newWatch(client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"}), s.Clock().Now)
	fmt.Fprintf(opts.Out, "flyball serves at %s; its clock runs at %g times speed\n", s.URL(), opts.Speed)
	if err := w.setUp(ctx); err != nil {
		return err
	}
	fmt.Fprintf(opts.Out, "service %s/%s: %d to %d tasks of flyball/web, target tracking of CPU at %.0f %%, cooldowns of 30 s\n", cluster, service, minTasks, maxTasks, targetCPU)
	fmt.Fprintf(opts.Out, "%d users come through its load balancer, %s\n\n", users, w.url)
	return w.watch(ctx, newScreen(opts.Out, targetCPU, w.now()), opts.Out)
}

// serve starts a server that keeps nothing.
func serve(ctx context.Context, opts Options) (s *server.Server, stop func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	s, err = server.Open(ctx, server.Config{
		Addr: "127.0.0.1:0", Runtime: opts.Runtime, Speed: opts.Speed,
		Account: "123456789012", Region: "us-east-1", Log: opts.Log,
	})
	if err != nil {
		cancel()
		return nil, nil, err
	}
	served := make(chan error, 1)
	go func() { served <- s.Run(ctx) }()
	return s, func() error { cancel(); return <-served }, nil
}
