// Package outcome shows how simulated runs went, one or several side by side on the same
// traffic: as a page, a picture, Markdown, text and JSON, with the largest differences
// between them explained by what was decided.
package outcome

import (
	"encoding/json"
	"io"

	"flyball/internal/hindsight"
	"flyball/internal/simulation"
)

// A Run is one of the runs that are shown.
type Run struct {
	Name string // of its policies
	simulation.Report
	Recording *Recording
	Explained *hindsight.Explanation // of a time that somebody asked about; nil: nobody did
}

// An Outcome is a run, and those that it is compared with.
type Outcome struct {
	Run
	Against []Run
}

// runs are all runs, that which is compared first.
func (o Outcome) runs() []Run { return append([]Run{o.Run}, o.Against...) }

// stamp is how times are printed.
const stamp = "2006-01-02 15:04"

// WriteJSON writes the report of the run with those of the others in it.
func (o Outcome) WriteJSON(w io.Writer) error {
	type against struct {
		Name string `json:"name"`
		simulation.Document
		Differences []Difference           `json:"differences"`
		Explained   *hindsight.Explanation `json:"explained,omitempty"`
	}
	out := struct {
		Name string `json:"name,omitempty"`
		simulation.Document
		Explained *hindsight.Explanation `json:"explained,omitempty"`
		Against   []against              `json:"against,omitempty"`
	}{Name: o.Name, Document: o.Document(), Explained: o.Explained}
	for _, other := range o.Against {
		out.Against = append(out.Against, against{other.Name, other.Document(), Differences(o.Run, other), other.Explained})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}
