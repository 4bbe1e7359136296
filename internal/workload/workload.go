// Package workload holds the programs behind flyball's built-in images: small
// services whose load is easy to see and to steer, so that a scaling policy can
// be watched at work without an application at hand.
//
// Every runtime runs them as a child of the flyball binary itself, so this
// package imports little and starts fast.
package workload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names returns the built-in programs. The image of each is "flyball/" and its name.
func Names() []string { return []string{"web", "memory", "worker"} }

// Program is the image that stands for nothing but what a container's command says: a program
// of this machine. The process runtime alone has it.
const Program = "flyball/program"

// BuiltIn returns the name of the built-in program of an image such as flyball/web:latest.
func BuiltIn(image string) (name string, ok bool) {
	name, ok = strings.CutPrefix(image, "flyball/")
	name, _, _ = strings.Cut(name, ":")
	return name, ok && slices.Contains(Names(), name)
}

// Run runs a built-in program until ctx ends, then lets it finish the requests or
// the message that it has taken. Its settings come from getenv; those of "web" and "memory":
//
//	HOST       the address to listen on; all of the host's by default
//	PORT       the port to listen on, 8080 by default
//	MEMORY_MB  MiB to hold from the start, 0 by default; 256 for "memory"
//
// Those of "worker", with durations on the queue's clock, which runs FLYBALL_SPEED times
// as fast as the wall clock (1 by default):
//
//	QUEUE_URL           the queue to take messages from
//	TIME_PER_MESSAGE    how long a message takes, 100ms by default
//	WORK                "wait", the default, or "cpu": that long in CPU time
//	BATCH               how many messages to take at once, 1 to 10, 10 by default
//	VISIBILITY_TIMEOUT  asked for with each receive and again while it works; 30s by default
//	PROTECT             1 protects the task from scale-in while it works
//	LOG_MESSAGES        1 writes a line for each message, with the time that it has waited
func Run(ctx context.Context, name string, getenv func(string) string) error {
	switch name {
	case "web":
		return runWeb(ctx, name, getenv, "0")
	case "memory":
		return runWeb(ctx, name, getenv, "256")
	case "worker":
		return runWorker(ctx, getenv)
	}
	return fmt.Errorf("no built-in workload %q; there are %q", name, Names())
}

// runWeb is the program behind flyball/web and flyball/memory.
func runWeb(ctx context.Context, name string, getenv func(string) string, holding string) error {
	megabytes, err := parseMegabytes(or(getenv("MEMORY_MB"), holding))
	if err != nil {
		return fmt.Errorf("MEMORY_MB: %w", err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(getenv("HOST"), or(getenv("PORT"), "8080")))
	if err != nil {
		return err
	}
	fmt.Printf("%s: listening on %s\n", name, listener.Addr())

	web := newWeb(or(getenv("HOSTNAME"), listener.Addr().String()))
	web.memory.hold(megabytes)
	return serve(ctx, listener, web.handler())
}

// serve answers requests until ctx ends, and then those that have begun.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	drained := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { drained <- server.Shutdown(context.Background()) })
	defer stop()

	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}

// parseMegabytes reads a number of MiB between 0 and a tebibyte.
func parseMegabytes(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 1<<20 {
		return 0, fmt.Errorf("%q is not a number of MiB between 0 and %d", s, 1<<20)
	}
	return n, nil
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
