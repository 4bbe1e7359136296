package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"flyball/internal/task/simulated"
	"flyball/internal/wire"
)

// mostAdvance is how far a manual clock is moved at most with one call.
const mostAdvance = 10 * 365 * 24 * time.Hour

// Advance moves the server's manual clock. It returns when everything that was due is done.
func (s *Server) Advance(ctx context.Context, by time.Duration) error {
	return s.advance(ctx, by, nil)
}

func (s *Server) advance(ctx context.Context, by time.Duration, enough func() bool) error {
	switch {
	case !s.clock.IsManual():
		return fmt.Errorf("the server's clock runs by itself; start the server with --clock manual to move it")
	case by < 0 || by > mostAdvance:
		return fmt.Errorf("a clock moves forward, by at most %v", mostAdvance)
	}
	select {
	case <-s.running:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := s.clock.Advance(ctx, by, enough)
	s.state.Later(s.ahead.note) // where nothing was due, nothing has noted it
	return err
}

// endManual has nothing wait for the clock any more that keeps the server from its end.
func (s *Server) endManual() {
	s.clock.End()
	if tasks, ok := s.runtime.(*simulated.Runtime); ok {
		tasks.End()
	}
}

// serveAdvance moves the clock by ?advance=.
func (s *Server) serveAdvance(w http.ResponseWriter, r *http.Request, _ wire.Call) {
	by, err := time.ParseDuration(r.FormValue("advance"))
	if err != nil {
		http.Error(w, fmt.Sprintf("advance=%q: give a duration, such as 90s or 5m", r.FormValue("advance")), http.StatusBadRequest)
		return
	}
	if err := s.Advance(r.Context(), by); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := s.state.Settle(r.Context()); err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, s.clockShows())
}

// SetLoad sets what the simulated tasks of CLUSTER/SERVICE use.
func (s *Server) SetLoad(service string, load simulated.Load) error {
	tasks, ok := s.runtime.(*simulated.Runtime)
	if !ok {
		return fmt.Errorf("tasks of the runtime %s use what they use; start the server with --runtime simulated to set it", s.runtime.Name())
	}
	return tasks.SetLoad(service, load)
}

// serveSetLoad sets the load of ?service=, as ?totalCpu=, ?taskCpu=, ?totalMemory= and ?taskMemory= say; what
// is not given is 0.
func (s *Server) serveSetLoad(w http.ResponseWriter, r *http.Request, _ wire.Call) {
	service := r.FormValue("service")
	if service == "" {
		http.Error(w, "service: give CLUSTER/SERVICE, or CLUSTER for tasks of no service", http.StatusBadRequest)
		return
	}
	var load simulated.Load
	for name, part := range map[string]*float64{
		"totalCpu": &load.TotalCPU, "taskCpu": &load.TaskCPU, "totalMemory": &load.TotalMemory, "taskMemory": &load.TaskMemory,
	} {
		text := r.FormValue(name)
		if text == "" {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			http.Error(w, fmt.Sprintf("%s=%q: give a number, in percent of one task", name, text), http.StatusBadRequest)
			return
		}
		*part = value
	}
	if err := s.SetLoad(service, load); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.serveLoads(w, r, wire.Call{})
}

// serveLoads tells the loads that were set.
func (s *Server) serveLoads(w http.ResponseWriter, _ *http.Request, _ wire.Call) {
	writeJSON(w, s.loads())
}

func (s *Server) loads() map[string]simulated.Load {
	if tasks, ok := s.runtime.(*simulated.Runtime); ok {
		return tasks.Loads()
	}
	return map[string]simulated.Load{}
}
