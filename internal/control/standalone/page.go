package standalone

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"flyball/internal/control"
	"flyball/internal/telemetry"
	"flyball/scaling"
)

// handler tells how the program stands.
func (p *program) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", telemetry.Of(p.host, p.world.calls.counted, spending{p.world.budget}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", p.ready)
	mux.HandleFunc("GET /targets", p.targets)
	mux.HandleFunc("GET /explain", p.explain)
	mux.HandleFunc("GET /report", p.report)
	return mux
}

// ready tells whether the program can do its work.
func (p *program) ready(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	leads, failed := p.leads, p.failed
	p.mu.Unlock()
	switch last := p.host.Last(); {
	case failed != nil:
		http.Error(w, "the policies cannot be read: "+failed.Error(), http.StatusServiceUnavailable)
	case !leads && p.Data != "":
		fmt.Fprintln(w, "ok: another controller acts")
	case p.clock.Now().Sub(last) > lateRound:
		http.Error(w, "no round has ended since "+last.Format(time.RFC3339), http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ok")
	}
}

// lateRound is how long ago the last round may have ended.
const lateRound = 5 * time.Minute

// A standing is how a target stands, in a list of all.
type standing struct {
	Target   scaling.ResourceID `json:"target"`
	Standing control.Standing   `json:"standing"`
}

// targets tells how all targets stand, and what is wrong with documents.
func (p *program) targets(w http.ResponseWriter, _ *http.Request) {
	out := struct {
		Targets  []standing `json:"targets"`
		Problems []string   `json:"problems"`
	}{[]standing{}, []string{}}
	for _, id := range p.host.Targets() {
		if s, governed := p.host.Standing(id); governed {
			out.Targets = append(out.Targets, standing{id, s})
		}
	}
	out.Problems = append(out.Problems, p.documents.Problems()...)
	answer(w, out)
}

// explain tells how a target stands: as text, or for who wants JSON as that.
func (p *program) explain(w http.ResponseWriter, r *http.Request) {
	id := scaling.ResourceID(r.FormValue("target"))
	e, known := p.host.Explain(id, p.clock.Now())
	switch {
	case !known:
		http.Error(w, fmt.Sprintf("%q is not governed, or was not looked at yet; /targets lists what is", id), http.StatusNotFound)
	case r.Header.Get("Accept") == "application/json":
		answer(w, e)
	default:
		fmt.Fprint(w, e)
	}
}

// report tells what a dry run would have done in the last day.
func (p *program) report(w http.ResponseWriter, r *http.Request) {
	now := p.clock.Now()
	last := comparedAfter
	if text := r.FormValue("last"); text != "" {
		var err error
		if last, err = time.ParseDuration(text); err != nil || last <= 0 {
			http.Error(w, fmt.Sprintf("last=%s is no duration; write one such as 6h", text), http.StatusBadRequest)
			return
		}
	}
	if p.Audit == "" {
		http.Error(w, "there is no audit log to report of: give --data or --audit", http.StatusNotFound)
		return
	}
	report, err := control.CompareFile(p.Audit, now.Add(-last), now)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case r.Header.Get("Accept") == "application/json":
		answer(w, report)
	default:
		fmt.Fprint(w, report)
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(v)
}
