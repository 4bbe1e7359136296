package standalone

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"flyball/governor"
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
	Why      string             `json:"why,omitempty"` // it does not stand well
}

// targets tells how all targets stand, and what is wrong with documents.
func (p *program) targets(w http.ResponseWriter, _ *http.Request) {
	out := struct {
		Targets  []standing `json:"targets"`
		Problems []string   `json:"problems"`
	}{[]standing{}, []string{}}
	for _, id := range p.host.Targets() {
		if s, why, governed := p.host.Standing(id); governed {
			out.Targets = append(out.Targets, standing{id, s, why})
		}
	}
	out.Problems = append(out.Problems, p.documents.Problems()...)
	answer(w, out)
}

// An explanation is how a target stands, and once it was looked at, what has to happen for it to be
// scaled.
type explanation struct {
	standing
	*governor.Explanation // nil: it was not looked at
}

// String tells the explanation as lines of text.
func (e explanation) String() string {
	text := ""
	if e.Standing != control.Well {
		text = fmt.Sprintf("standing   %s: %s\n", e.Standing, e.Why)
	}
	if e.Explanation != nil {
		return text + e.Explanation.String()
	}
	if text == "" {
		text = "standing   it was not looked at yet\n"
	}
	return fmt.Sprintf("target     %s\n%s", e.Target, text)
}

// explain tells how a target stands: as text, or for who wants JSON as that.
func (p *program) explain(w http.ResponseWriter, r *http.Request) {
	id := scaling.ResourceID(r.FormValue("target"))
	of := explanation{standing: standing{Target: id}}
	var governed bool
	if of.Standing, of.Why, governed = p.host.Standing(id); !governed {
		p.explainNone(w, id)
		return
	}
	if e, looked := p.host.Explain(id, p.clock.Now()); looked {
		of.Explanation = &e
	}
	if r.Header.Get("Accept") == "application/json" {
		answer(w, of)
		return
	}
	fmt.Fprint(w, of)
}

// explainNone tells why a target is not governed here.
func (p *program) explainNone(w http.ResponseWriter, id scaling.ResourceID) {
	p.mu.Lock()
	leads := p.leads
	p.mu.Unlock()
	switch problem := p.documents.Problem(id); {
	case problem != "":
		http.Error(w, problem, http.StatusNotFound)
	case !leads && p.Data != "":
		http.Error(w, "another controller acts, and this one knows of no target: ask that one", http.StatusServiceUnavailable)
	default:
		http.Error(w, fmt.Sprintf("%q is not governed; /targets lists what is", id), http.StatusNotFound)
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
