package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"

	"flyball/alarm"
	"flyball/internal/cell"
	"flyball/internal/datafolder"
	"flyball/internal/deliver"
	"flyball/internal/service/lambda"
	packages "flyball/internal/service/lambda/code"
	"flyball/scaling"
)

// openLambda opens Lambda in a cell.
func (s *Server) openLambda(v *services) error {
	store, err := packages.Open(filepath.Join(s.dir.path, datafolder.Functions, filepath.FromSlash(v.cell.Scope())), v.cell.Log)
	if err != nil {
		return err
	}
	store.Disk = s.disk
	v.lambda, err = lambda.New(lambda.Config{
		Cell: v.cell, Code: store,
		Folders: s.cfg.Administrator == nil, // who may call may start programs, and so read files
		Account: func(account string) *lambda.API {
			if other := s.cells.find(account, v.cell.Region); other != nil {
				return other.lambda
			}
			return nil
		},
		Deleted: func(ctx context.Context, function, qualifier string) error {
			return v.autoscaling.ResourceDeleted(ctx, scaling.FunctionID(function, qualifier))
		},
		Roles: functionRoles{s, v}, Runner: s.functions, Provisioner: s.functions, Queues: v.sqs,
		MayPoll: func(ctx context.Context, role, function, queue string) (string, error) {
			return s.mayPoll(ctx, v, role, queue)
		},
		Deliveries: v.deliveries, Route: s.router.Deliver, PutEvent: s.putOutcome,
		Logs: v.logs, Metrics: v.cloudwatch, Endpoint: s.taskEndpoint,
	})
	return err
}

// takeForFunction takes what others send to functions: invocations, and the notifications
// of alarms. Whoever sends has what is on disk.
func (s *Server) takeForFunction(ctx context.Context, to arn.ARN, message any) error {
	sent, ok := message.(deliver.Invocation)
	if n, is := message.(alarm.Notification); is {
		sent, ok = deliver.Invocation{Principal: alarmPrincipal, Source: n.AlarmARN, Body: n.Event()}, true
	}
	if !ok {
		return fmt.Errorf("a function takes invocations and the notifications of alarms, not %T", message)
	}
	v, err := s.servicesAt(to)
	if err != nil {
		return err
	}
	name := to.String()
	if err := s.mayInvoke(ctx, v, sent, "lambda", "Invoke", &sdk.InvokeInput{FunctionName: &name}); err != nil {
		return err
	}
	return verdictOf(v.lambda.Take(ctx, name, sent))
}

// alarmPrincipal is CloudWatch where its alarms invoke functions ("Invoke a Lambda
// function from an alarm").
const alarmPrincipal = "lambda.alarms.cloudwatch.amazonaws.com"

// serveCode serves the code of functions at the URLs that GetFunction tells.
func (s *Server) serveCode() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+lambda.CodePath+"{account}/{region}/{digest}", func(w http.ResponseWriter, r *http.Request) {
		v := s.cells.find(r.PathValue("account"), r.PathValue("region"))
		if v == nil || strings.Trim(r.PathValue("digest"), "0123456789abcdef") != "" || cell.IsGlobal(v.cell.Region) {
			http.NotFound(w, r)
			return
		}
		v.lambda.ServeCode(w, r, r.PathValue("digest"))
	})
	return mux
}

// putOutcome puts what became of an event of a function on an event bus, if the
// function's role may.
func (s *Server) putOutcome(ctx context.Context, sent deliver.Invocation, entry types.PutEventsRequestEntry) error {
	from, err := arn.Parse(sent.Source)
	if err != nil {
		return refusedAs("INVALID_PARAMETER", err)
	}
	v, err := s.servicesAt(from)
	if err != nil {
		return err
	}
	in := &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry}}
	if err := s.mayInvoke(ctx, v, sent, "events", "PutEvents", in); err != nil {
		return err
	}
	out, err := v.events.PutEvents(ctx, in)
	if err == nil && out.FailedEntryCount > 0 {
		return refusedAs("INVALID_PARAMETER", errors.New(*out.Entries[0].ErrorMessage))
	}
	return verdictOf(err)
}
