// Package flyballtest tests scaling policies: it starts a server in the process of a test, whose clock
// stands still until the test moves it, and whose tasks are records that use what they are said to use.
// So a test of an hour takes milliseconds, and has the same result each time.
//
//	func TestItScalesOut(t *testing.T) {
//		s := flyballtest.Start(t)
//		s.Deploy("demo/web", 2)                          // or what your own code or Terraform deploys
//		scaling := applicationautoscaling.NewFromConfig(s.Config())
//		...                                              // RegisterScalableTarget, PutScalingPolicy
//		s.SetLoad("demo/web", flyballtest.Load{TotalCPU: 240})
//		s.WaitRunning("demo/web", 4, 10*time.Minute)     // of the server's time
//	}
//
// Whatever fails ends the test, with an explanation where there is one. The server ends with the test. Tests may
// run in parallel: each has a server of its own, at a port of its own, and nothing is kept on disk.
package flyballtest

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"flyball/internal/client"
	"flyball/internal/server"
	"flyball/internal/task/simulated"
)

// Options say what a server is like. The zero value is a good one.
type Options struct {
	Begin     time.Time     // when the server's time begins; by default Monday, 5 January 2026, 09:00 UTC
	TaskStart time.Duration // how long a task takes to start; by default 20 s, and none with Instantly
	TaskStop  time.Duration // how long a task takes to stop; by default 5 s, and none with Instantly
	Region    string        // us-east-1 by default
	// Log shows what the server tells, in the test's log.
	Log bool
}

// Instantly is a TaskStart or TaskStop of no time.
const Instantly time.Duration = -1

// Load is what the tasks of a service use, in percent of what one task has. Parts that are divided among the
// running tasks and parts that each has are added; no task uses more than 100.
type Load struct {
	TotalCPU    float64 // divided among the running tasks: 240 are 60 % of each of 4, and 40 % of each of 6
	TaskCPU     float64 // in each task, however many there are
	TotalMemory float64
	TaskMemory  float64
}

// A Server is a server for one test. Its methods may be called by that test's goroutine only; what is got from
// Config may be used by any.
type Server struct {
	t      testing.TB
	server *server.Server
	client *client.Client
	region string
}

// Start starts a server, which ends with the test.
func Start(t testing.TB, options ...Options) *Server {
	t.Helper()
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	cfg := o.config(t)
	opened, err := server.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("start flyball: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- opened.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("flyball has failed: %v", err)
		}
	})
	return &Server{
		t: t, server: opened, region: cfg.Region,
		client: client.New(client.Config{Endpoint: opened.URL(), Region: cfg.Region}),
	}
}

// config is what a server is opened with.
func (o Options) config(t testing.TB) server.Config {
	cfg := server.Config{
		Addr: "127.0.0.1:0", Runtime: "simulated", Clock: server.ClockManual, Speed: 1,
		Start: o.Begin, TaskStart: delay(o.TaskStart, 20*time.Second), TaskStop: delay(o.TaskStop, 5*time.Second),
		Account: "123456789012", Region: o.Region, FeedAWSNamespaces: true,
		Log: slog.New(slog.DiscardHandler),
	}
	if cfg.Start.IsZero() {
		cfg.Start = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if o.Log {
		cfg.Log = slog.New(slog.NewTextHandler(output(t), nil))
	}
	return cfg
}

func delay(d, otherwise time.Duration) time.Duration {
	switch {
	case d == 0:
		return otherwise
	case d < 0:
		return 0
	}
	return d
}

// output is the log of a test.
func output(t testing.TB) io.Writer { return t.Output() }

// Config is what clients of the AWS SDK are made with, such as ecs.NewFromConfig(s.Config()).
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region:       s.region,
		BaseEndpoint: aws.String(s.URL()),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// URL is where the server listens, for other clients: AWS_ENDPOINT_URL of programs that the test runs.
func (s *Server) URL() string { return s.server.URL() }

// Now is the server's time.
func (s *Server) Now() time.Time { return s.server.Clock().Now() }

// Advance moves the server's time. When it returns, everything that was due is done: metrics are published, alarms
// evaluated, policies carried out, schedules run, tasks started and stopped.
func (s *Server) Advance(by time.Duration) {
	s.t.Helper()
	if err := s.server.Advance(s.t.Context(), by); err != nil {
		s.t.Fatalf("advance the clock by %v: %v", by, err)
	}
}

// SetLoad sets what the tasks of a service use from now on, those too that it has later. The service is
// named CLUSTER/SERVICE.
func (s *Server) SetLoad(service string, l Load) {
	s.t.Helper()
	if err := s.server.SetLoad(service, simulated.Load(l)); err != nil {
		s.t.Fatalf("set the load of %s: %v", service, err)
	}
}
