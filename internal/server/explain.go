package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"flyball/internal/client"
	"flyball/internal/hindsight"
	"flyball/internal/policydoc"
	"flyball/internal/wire"
	"flyball/scaling"
)

// serveExplain explains how a target stands. With at, a time, it tells how it stood then, and
// with set, once for each value, what would have been decided with others.
func (s *Server) serveExplain(inside *wire.Inside) func(http.ResponseWriter, *http.Request, wire.Call) {
	return func(w http.ResponseWriter, r *http.Request, call wire.Call) {
		v, err := s.cellOf(r, call)
		if err != nil {
			writeError(w, err)
			return
		}
		var explanation any
		if r.FormValue("at") == "" && r.FormValue("set") == "" {
			explanation, err = v.autoscaling.Explain(r.Context(), r.FormValue("resource"))
			if err == nil {
				err = s.state.Settle(r.Context())
			}
		} else {
			call.Scope.Account, call.Scope.Region = v.cell.Account, v.cell.Region
			explanation, err = s.explainPast(r, inside, wire.Caller{Scope: call.Scope, Principal: call.Principal})
		}
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, explanation)
	}
}

// explainPast asks the services as whoever asks it would.
func (s *Server) explainPast(r *http.Request, inside *wire.Inside, caller wire.Caller) (told hindsight.Explanation, err error) {
	refused := func(format string, args ...any) error {
		return &smithy.GenericAPIError{Code: "ValidationError", Fault: smithy.FaultClient, Message: fmt.Sprintf(format, args...)}
	}
	now := s.clock.Now()
	q := hindsight.Question{Resource: scaling.ResourceID(r.FormValue("resource")), At: now}
	if text := r.FormValue("at"); text != "" {
		if q.At, err = time.Parse(time.RFC3339, text); err != nil {
			return told, refused("at=%s is no time: write one such as 2026-11-26T14:05:00Z.", text)
		}
	}
	if err = q.Check(now); err != nil {
		return told, refused("at=%v", err)
	}
	if q.Set, err = policydoc.ParseSettings(r.Form["set"]); err != nil {
		return told, refused("set=%v", err)
	}
	c := client.New(client.Config{Region: caller.Scope.Region, Direct: func(ctx context.Context, service, operation string, in any) (any, error) {
		return inside.Call(ctx, caller, service, operation, in)
	}})
	told, err = hindsight.Read(r.Context(), c, q)
	if bad, is := errors.AsType[*hindsight.BadSetting](err); is {
		return told, refused("set=%v", bad)
	}
	if untold, is := errors.AsType[*hindsight.Untold](err); is {
		return told, refused("%v", untold)
	}
	return told, err
}

// serveActivities tells of the activities of a target between two times, with what its policies said.
func (s *Server) serveActivities(w http.ResponseWriter, r *http.Request, call wire.Call) {
	v, err := s.cellOf(r, call)
	if err != nil {
		writeError(w, err)
		return
	}
	var between [2]time.Time
	for i, name := range []string{"from", "to"} {
		if between[i], err = time.Parse(time.RFC3339, r.FormValue(name)); err != nil {
			writeError(w, &smithy.GenericAPIError{
				Code: "ValidationError", Fault: smithy.FaultClient, Message: fmt.Sprintf("%s=%s is no time: write one such as 2026-11-26T14:05:00Z.", name, r.FormValue(name)),
			})
			return
		}
	}
	all, err := v.autoscaling.Activities(r.Context(), r.FormValue("resource"), between[0], between[1])
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, all)
}

// serveTaskUse tells what the tasks of a service used in the last period of its metrics.
func (s *Server) serveTaskUse(w http.ResponseWriter, r *http.Request, call wire.Call) {
	v, err := s.cellOf(r, call)
	if err != nil {
		writeError(w, err)
		return
	}
	cluster, service, _ := strings.Cut(r.FormValue("service"), "/")
	uses, err := v.ecs.TaskUses(r.Context(), cluster, service)
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, uses)
}
