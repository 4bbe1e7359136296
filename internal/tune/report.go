package tune

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// A Checked is a way to scale with what became of it on the part that the search did not see.
type Checked struct {
	Name      string    `json:"name"`
	Candidate Candidate `json:"candidate,omitzero"` // zero: the policies that were given
	Held      Score     `json:"heldBack"`
	Kept      float64   `json:"kept"` // percent
}

// A Report is what is told of a search.
type Report struct {
	Resource  string    `json:"resourceId"`
	Agreement string    `json:"agreement"`
	Share     float64   `json:"share"`
	Unit      string    `json:"unit"`
	Start     time.Time `json:"start"`
	Split     time.Time `json:"split"`
	End       time.Time `json:"end"`
	Seed      uint64    `json:"seed"`
	Tried     int       `json:"tried"`
	Stopped   int       `json:"stoppedEarly"`
	Ended     bool      `json:"interrupted"`
	Keeps     bool      `json:"keepsOnTraining"`
	Best      Checked   `json:"best"`
	Compared  []Checked `json:"comparedWith"`
	Saves     float64   `json:"savesPercent"`     // of the cost of Beside
	Beside    string    `json:"beside,omitempty"` // the first of Compared that keeps the agreement
	Frontier  []Trial   `json:"frontier"`
	Notes     []string  `json:"notes,omitempty"`
}

// WriteJSON writes the report for programs.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	const day = "2006-01-02 15:04"
	fmt.Fprintf(&b, "%s, agreement %s\n", r.Resource, r.Agreement)
	fmt.Fprintf(&b, "searched on %s to %s, checked on what follows to %s\n", r.Start.Format(day), r.Split.Format(day), r.End.Format(day))
	fmt.Fprintf(&b, "%d candidates, %d of them given up early", r.Tried, r.Stopped)
	if r.Ended {
		b.WriteString("; interrupted: this is the best so far")
	}
	b.WriteString("\n\n")
	r.plot(&b)
	fmt.Fprintf(&b, "\n%-24s %12s %10s   %s\n", "on the part not seen", "30 days cost", "kept", "agreement")
	for _, c := range append([]Checked{r.Best}, r.Compared...) {
		verdict := "kept"
		if c.Kept < 100*r.Share {
			verdict = "NOT kept"
		}
		fmt.Fprintf(&b, "%-24s %12s %10s   %s\n", c.Name, c.Held.price(), percent(c.Kept), verdict)
	}
	fmt.Fprintf(&b, "\nbest: %s\n", r.Best.Candidate)
	if r.Beside != "" {
		fmt.Fprintf(&b, "      %.1f %% cheaper than %q, which keeps the agreement, too\n", r.Saves, r.Beside)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\nnote: %s\n", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// plot draws the trade-off of the training part: what 30 days cost against how much was kept.
// Its rows are apart by a like factor of what was missed.
func (r Report) plot(b *strings.Builder) {
	const width, height = 60, 12
	if len(r.Frontier) == 0 {
		return
	}
	low, high := r.Frontier[0].Score.Monthly(), r.Frontier[len(r.Frontier)-1].Score.Monthly()
	missed := func(s Score) float64 { return math.Log10(max(1e-4, 100-s.Kept())) }
	top, bottom := missed(r.Frontier[len(r.Frontier)-1].Score), missed(r.Frontier[0].Score)
	goal := math.Log10(100 * (1 - r.Share))
	top, bottom = min(top, goal), max(bottom, goal)
	row := func(v float64) int { return int(math.Round((v - top) / max(bottom-top, 1e-9) * (height - 1))) }
	grid := make([][]rune, height)
	for i := range grid {
		grid[i] = []rune(strings.Repeat(" ", width))
		if i == row(goal) {
			grid[i] = []rune(strings.Repeat("-", width))
		}
	}
	put := func(s Score, mark rune) {
		x := int(math.Round((s.Monthly() - low) / max(high-low, 1e-9) * (width - 1)))
		grid[row(missed(s))][x] = mark
	}
	for _, t := range r.Frontier {
		put(t.Score, '*')
	}
	for _, t := range r.Frontier {
		if t.Candidate == r.Best.Candidate {
			put(t.Score, '@')
		}
	}
	fmt.Fprintf(b, "%s kept (of %s), against cost; @ is the best, - the agreement\n", "%", r.Unit)
	for i, line := range grid {
		share := 100 - math.Pow(10, top+(bottom-top)*float64(i)/(height-1))
		fmt.Fprintf(b, "%10s |%s\n", percent(share), strings.TrimRight(string(line), " "))
	}
	fmt.Fprintf(b, "%10s +%s\n%10s  %-*s%s\n", "", strings.Repeat("-", width), "", width-12, fmt.Sprintf("$%.2f", low), fmt.Sprintf("%12s", fmt.Sprintf("$%.2f", high)))
}

// percent writes a percentage with as many digits as tell it from 100 %.
func percent(v float64) string {
	for digits := 1; digits < 4; digits++ {
		if text := fmt.Sprintf("%.*f", digits, v); v >= 100 || !strings.HasPrefix(text, "100") {
			return text + " %"
		}
	}
	return fmt.Sprintf("%.4f %%", v)
}
