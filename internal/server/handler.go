package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"flyball/internal/client"
	"flyball/internal/service/autoscaling"
	"flyball/internal/service/cloudwatch"
	"flyball/internal/service/ecs"
	"flyball/internal/service/elb"
	"flyball/internal/service/iam"
	"flyball/internal/service/sts"
	"flyball/internal/wire"
)

// handler answers AWS calls on every path but /healthz, /metrics, /console/ and
// /ecs/, where tasks find their metadata.
func (s *Server) handler() (http.Handler, error) {
	calls := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "flyball_call_duration_seconds",
		Help:    "How long AWS calls took, in real seconds.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1},
	}, []string{"service", "operation", "status"})
	registry := prometheus.NewRegistry()
	registry.MustRegister(calls, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	options := wire.Options{
		Hosts:        s.hosts(),
		Account:      s.accountOf,
		Credentials:  s.credential,
		RequireKnown: s.cfg.Administrator != nil,
		Region:       s.cfg.Region,
		Authorize:    s.authorize,
		Settle:       s.settle,
		Log:          s.cfg.Log,
		Observe: func(a wire.Answer) {
			calls.WithLabelValues(a.Service, a.Operation, strconv.Itoa(a.Status)).Observe(a.Duration.Seconds())
		},
	}
	aws, err := wire.NewHandler(options,
		wire.ApplicationAutoScaling(inCell(s, func(v *services) *autoscaling.API { return v.autoscaling })),
		wire.CloudWatch(inCell(s, func(v *services) *cloudwatch.API { return v.cloudwatch })),
		wire.EC2(s.ec2In),
		wire.ECS(inCell(s, func(v *services) *ecs.API { return v.ecs })),
		wire.ELB(inCell(s, func(v *services) *elb.API { return v.elb })),
		wire.IAM(inGlobal(s, func(v *global, _ wire.Scope) *iam.API { return v.iam })),
		wire.STS(inGlobal(s, func(v *global, scope wire.Scope) *sts.API { return v.sts.For(scope.AccessKey).In(scope.Region) })),
	)
	if err != nil {
		return nil, err
	}
	own := http.NewServeMux()
	own.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	own.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	own.Handle("/ecs/", s.metadata())
	own.HandleFunc("GET /console/api/authority", s.serveAuthority)
	own.HandleFunc("GET /console/api/clock", s.serveClock)
	own.HandleFunc("GET /console/api/explain", s.serveExplain)
	own.HandleFunc("GET /console/api/logs", s.serveLogs)

	mux := http.NewServeMux()
	mux.Handle("/", inTime(callTime, aws))
	guarded := wire.Guard(options.Hosts, own)
	for _, path := range []string{"/healthz", "/metrics", "/console/", "/ecs/"} {
		mux.Handle(path, guarded)
	}
	return s.balanced(mux), nil
}

// callTime is how long an AWS call may take to arrive and be answered, in real
// time. The largest body needs 35 KiB a second.
const callTime = 2 * time.Minute

// inTime ends connections on which calls trickle in. Our own paths have no such
// bound: a log may be followed for days.
func inTime(limit time.Duration, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Without a connection, in tests, there is nothing to bound.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(limit))
		h.ServeHTTP(w, r)
	})
}

// settle waits for what an answer may tell of. What ECS describes is its own: it
// does not wait for the alarm and the decision behind a desired count that nobody
// sees yet.
func (s *Server) settle(ctx context.Context, service string) error {
	if service == "ecs" {
		return s.state.Settle(ctx, "ecs")
	}
	return s.state.Settle(ctx)
}

func (s *Server) serveClock(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, client.Clock{Now: s.clock.Now(), Speed: s.clock.Speed()})
}

func (s *Server) serveExplain(w http.ResponseWriter, r *http.Request) {
	v, err := s.cellOf(r)
	if err != nil {
		writeError(w, err)
		return
	}
	explanation, err := v.autoscaling.Explain(r.Context(), r.FormValue("resource"))
	if err == nil {
		err = s.state.Settle(r.Context())
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, explanation)
}

// serveLogs sends a container's output as it is. With follow it goes on until
// the task ends or the client leaves.
func (s *Server) serveLogs(w http.ResponseWriter, r *http.Request) {
	follow := r.FormValue("follow") == "true"
	v, err := s.cellOf(r)
	if err != nil {
		writeError(w, err)
		return
	}
	logs, err := v.ecs.TaskLogs(r.Context(), r.FormValue("task"), r.FormValue("container"), follow)
	if err != nil {
		writeError(w, err)
		return
	}
	defer logs.Close()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	flush := http.NewResponseController(w)
	buf := make([]byte, 32<<10)
	for {
		n, err := logs.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return
			}
			if flush.Flush() != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(b, '\n'))
}

// writeError sends an AWS error as a line of text.
func writeError(w http.ResponseWriter, err error) {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorFault() != smithy.FaultServer {
		http.Error(w, api.ErrorMessage(), http.StatusBadRequest)
		return
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}
