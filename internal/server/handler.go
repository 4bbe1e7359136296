package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/smithy-go"

	"flyball/internal/damage"
	"flyball/internal/disk"
	"flyball/internal/eventstream"
	"flyball/internal/flow"
	"flyball/internal/service/autoscaling"
	"flyball/internal/service/cloudwatch"
	"flyball/internal/service/ecs"
	"flyball/internal/service/elb"
	"flyball/internal/service/events"
	"flyball/internal/service/iam"
	"flyball/internal/service/lambda"
	"flyball/internal/service/logs"
	"flyball/internal/service/scheduler"
	"flyball/internal/service/sqs"
	"flyball/internal/service/sts"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/internal/wire"
)

// handler answers AWS calls on every path but /healthz, /metrics, /console/, /v2/, which
// is the registry of images, and /ecs/, where tasks find their metadata. Whoever may make AWS calls asks these paths
// with the same signatures and permissions, but for the server's health and for tasks,
// which sign nothing.
func (s *Server) handler() (http.Handler, error) {
	options := wire.Options{
		Hosts:       s.hosts(),
		Account:     s.accountOf,
		Credentials: s.credential,
		Admit:       s.admitCaller,
		Region:      s.cfg.Region,
		Authorize:   s.authorize,
		Settle:      s.settle,
		Wall:        s.clock.Wall,
		Full:        s.full,
		Waits:       s.waits,
		Log:         s.cfg.Log,
		Observe: func(a wire.Answer) {
			s.telemetry.Call(a.Service, a.Operation, a.Status, a.Duration)
		},
	}
	served := []wire.Service{
		wire.ApplicationAutoScaling(inCell(s, func(v *services) *autoscaling.API { return v.autoscaling })),
		wire.CloudWatch(inCell(s, func(v *services) *cloudwatch.API { return v.cloudwatch })),
		wire.EC2(s.ec2In),
		wire.ECR(s.ecrIn),
		wire.ECS(inCell(s, func(v *services) *ecs.API { return v.ecs })),
		wire.ELB(inCell(s, func(v *services) *elb.API { return v.elb })),
		wire.EventBridge(inCell(s, func(v *services) *events.API { return v.events })),
		wire.IAM(inGlobal(s, func(v *global, _ wire.Scope) *iam.API { return v.iam })),
		wire.Lambda(inCell(s, func(v *services) *lambda.API { return v.lambda })),
		wire.Scheduler(inCell(s, func(v *services) *scheduler.API { return v.scheduler })),
		wire.SQS(inCell(s, func(v *services) *sqs.API { return v.sqs })),
		wire.Logs(inCell(s, func(v *services) *logs.API { return v.logs })),
		wire.STS(inGlobal(s, func(v *global, scope wire.Scope) *sts.API { return v.sts.For(scope.AccessKey).In(scope.Region) })),
	}
	aws, err := wire.NewHandler(options, served...)
	if err != nil {
		return nil, err
	}
	if s.operations, err = wire.NewOperations(served...); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", aws)
	mux.Handle(lambda.CodePath, wire.Guard(options.Hosts, s.serveCode()))
	mux.Handle("/v2/", s.serveRegistry(options.Hosts))
	for _, path := range []string{"/metrics", "/console/api/"} { // nor are their other paths AWS's
		mux.Handle(path, wire.Guard(options.Hosts, http.NotFoundHandler()))
	}
	mux.Handle("/healthz", wire.Guard(options.Hosts, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })))
	mux.Handle("/ecs/", wire.Guard(options.Hosts, s.near(s.metadata())))
	own := wire.NewOwnPaths(options, "flyball")
	inside := wire.NewInside(options, s.operations)
	metrics := s.telemetry.Handler()
	mux.Handle("GET /metrics", own.Operation("Metrics", s.atHome(metrics.ServeHTTP)))
	mux.Handle("GET /console/api/authority", own.Operation("Authority", s.serveAuthority))
	mux.Handle("POST /console/api/backup", own.Operation("Backup", s.atHome(s.serveBackup)))
	mux.Handle("GET /console/api/clock", own.Operation("Clock", s.serveClock))
	mux.Handle("POST /console/api/clock", own.Operation("AdvanceClock", s.serveAdvance))
	mux.Handle("POST /console/api/wait", own.Operation("Wait", s.serveWait))
	mux.Handle("GET /console/api/load", own.Operation("Load", s.serveLoads))
	mux.Handle("POST /console/api/load", own.Operation("SetLoad", s.serveSetLoad))
	mux.Handle("GET /console/api/explain", own.Operation("Explain", s.serveExplain(inside)))
	mux.Handle("GET /console/api/activities", own.Operation("Explain", s.serveActivities))
	mux.Handle("GET /console/api/task-use", own.Operation("TaskUse", s.serveTaskUse))
	mux.Handle("GET /console/api/regions", own.Operation("Regions", s.serveRegions))
	mux.Handle("GET /console/api/logs", own.Operation("Logs", s.serveLogs))
	mux.Handle("GET /console/api/log-lines", own.Operation("Logs", s.serveLogLines))
	pages, err := s.openConsole(mux, inside)
	if err != nil {
		return nil, err
	}
	mux.Handle("GET /console/api/events", own.Operation("Events", s.serveEvents(eventstream.New(&s.events))))
	mux.Handle("POST /console/api/sign-in", own.Operation("SignIn", pages.serveToken))
	mux.Handle("GET /console/api/load-tests", own.Operation("LoadTest", s.serveLoadTests))
	mux.Handle("POST /console/api/load-tests", own.Operation("LoadTest", pages.serveStartLoadTest))
	mux.Handle("POST /console/api/load-tests/stop", own.Operation("LoadTest", s.serveStopLoadTest))
	mux.Handle("/console/", wire.Guard(options.Hosts, pages.handler))
	return s.balanced(flow.Handler(flow.ForCalls, s.timed(pages.signedIn(mux)))), nil
}

// near serves only tasks, which know what is there, and whoever started the server.
func (s *Server) near(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isNear(r.Context()) || s.isOtherUser(r.Context()) {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// atHome serves what is about all accounts to the server's own one only.
func (s *Server) atHome(h http.HandlerFunc) func(http.ResponseWriter, *http.Request, wire.Call) {
	return func(w http.ResponseWriter, r *http.Request, call wire.Call) {
		if call.Principal != nil && call.Principal.Account != s.cfg.Account {
			http.Error(w, "This is for principals of account "+s.cfg.Account+".", http.StatusForbidden)
			return
		}
		h(w, r)
	}
}

// settle waits for what an answer may tell of. What ECS describes is its own: it
// does not wait for the alarm and the decision behind a desired count that nobody
// sees yet.
func (s *Server) settle(ctx context.Context, service string) error {
	families := []string{}
	if service == "ecs" {
		families = append(families, "ecs")
	}
	if err := s.state.Settle(ctx, families...); err != nil || s.tenancy == nil || s.tenancy.held() {
		return err
	}
	return &smithy.GenericAPIError{
		Code: "ServiceUnavailable", Fault: smithy.FaultServer,
		Message: "The lease of this replica has run out while the call was answered: what it says may be out of date. Try again.",
	}
}

// full says of an error that what is kept cannot be written, for want of room or because its
// files have been taken away.
func (s *Server) full(err error) (message string, full bool) {
	if gone, ok := errors.AsType[*damage.Gone](err); ok {
		return "What this call is about is not on the server's disk any more: its file was " + gone.How + " while the server ran. " +
			"Nothing of it is taken or handed out until the data folder is put back and the server started again; its log names the file.", true
	}
	if lack, ok := errors.AsType[*store.RoomError](err); ok {
		return lack.Error(), true
	}
	if lack, ok := errors.AsType[*disk.Error](s.disk.Explain(err)); ok {
		return lack.Error(), true
	}
	return "", false
}

// waitsAtMost is how long a call is not answered whose changes wait for room on the disk. Clients
// wait for a minute.
const waitsAtMost = 10 * time.Second

// waits has a call be told when what it has changed waits for the disk or the database.
func (s *Server) waits(ctx context.Context, tell func(message string)) context.Context {
	return state.WithPatience(ctx, waitsAtMost, func() bool {
		message := s.whatIsWaitedFor()
		if message != "" {
			tell(message)
		}
		return message != ""
	})
}

// whatIsWaitedFor tells a call why its changes are not written; "" where they are about to be.
func (s *Server) whatIsWaitedFor() string {
	lack, full := errors.AsType[*store.RoomError](s.store.Room())
	switch {
	case full:
		return lack.Waits()
	case !s.store.Written().Stalled:
		return ""
	case s.tenancy != nil:
		return "The database is not reached: what this call asked for is not written yet, and is lost if another replica takes over before it is. Look whether it is as you want it before you call again."
	}
	return s.disk.Waits()
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
