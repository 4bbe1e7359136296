package console

import (
	"net/http"
	"slices"

	"flyball/internal/client"
)

// A logsPage is the newest of what a container of a task has written.
type logsPage struct {
	Cluster, Service, Task, Container string
	Filter                            string
	Lines                             []client.LogLine
	Problem                           string
}

// newestLines is how many lines a page shows.
const newestLines = 500

// taskLogs shows what the runtime keeps of a container's log.
func (c *console) taskLogs(v *visit) error {
	p := logsPage{
		Cluster: v.r.PathValue("cluster"), Service: v.r.PathValue("service"), Task: v.r.PathValue("task"),
		Container: v.r.FormValue("container"), Filter: v.r.FormValue("filter"),
	}
	in := client.LogLinesInput{Task: p.Task, Container: p.Container, Filter: p.Filter}
	for more := true; more; {
		found, err := v.Client.LogLines(v.r.Context(), in)
		if err != nil {
			p.Problem = sentence(err)
			break
		}
		p.Lines = append(p.Lines, found.Lines...)
		if n := len(p.Lines); n > newestLines {
			p.Lines = slices.Clone(p.Lines[n-newestLines:])
		}
		in.Position, more = found.Position, found.More
	}
	c.show(v, http.StatusOK, "task_logs.html", page{Title: "Logs of " + p.Task, Section: "services", Live: true, Body: p})
	return nil
}
