package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// WriteText prints the status for people.
func (s *Status) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s  %s", s.Endpoint, s.Now.UTC().Format("2006-01-02 15:04:05 UTC"))
	if s.Speed != 1 {
		fmt.Fprintf(w, "  (%gx speed)", s.Speed)
	}
	fmt.Fprintln(w)
	if len(s.Targets) == 0 {
		fmt.Fprintln(w, "\nNo scalable targets yet. Register one: aws application-autoscaling register-scalable-target help")
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\nTARGET\tMIN\tDESIRED\tRUNNING\tHEALTHY\tMAX\tSERVICE\tSUSPENDED")
	for _, t := range s.Targets {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%s\t%d\t%s\t%s\n", t.ResourceID, t.Min, t.Desired, t.Running, healthy(t.Healthy), t.Max,
			t.Service, dash(strings.Join(t.Suspended, ", ")))
	}
	fmt.Fprintln(tw, "\nALARM\tSTATE\tFOR\tFIRES WHEN\tPOLICY")
	for _, t := range s.Targets {
		for _, p := range t.Policies {
			writePolicy(tw, s.Now, p)
		}
	}
	return tw.Flush()
}

// healthy is the number of healthy targets, or a dash for a service that has none.
func healthy(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

func writePolicy(w io.Writer, now time.Time, p Policy) {
	label := fmt.Sprintf("%s (%s)", p.Name, p.Rule)
	if p.Type == string(aastypes.PolicyTypePredictiveScaling) { // it follows no alarm
		fmt.Fprintf(w, "-\t-\t-\t-\t%s\n", label)
		return
	}
	if len(p.Alarms) == 0 {
		fmt.Fprintf(w, "-\t-\t-\t-\t%s: no alarm names this policy\n", label)
	}
	for _, a := range p.Alarms {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Name, dash(a.State), age(now, a.Since), dash(a.Rule), label)
	}
}

func age(now, since time.Time) string {
	if since.IsZero() {
		return "-"
	}
	return now.Sub(since).Round(time.Second).String()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
