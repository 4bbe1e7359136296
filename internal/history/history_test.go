package history_test

import (
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"flyball/internal/fit"
	"flyball/internal/history"
)

// files are some by their names, of which there are several contents.
func files(contents ...string) (all []history.File) {
	for i := 0; i < len(contents); i += 2 {
		text := contents[i+1]
		all = append(all, history.File{Name: contents[i], Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
	}
	return all
}

const table = `time,requests,cpu,memory_utilization,running,mean_latency,p95
2026-03-02T00:00:00Z,600,40,25,2,0.2,0.5
2026-03-02T00:01:00Z,660,44,25,2,0.2,0.5
2026-03-02T00:02:00Z,720,48,26,2,0.21,0.6
`

func TestOneTableHasAllSeries(t *testing.T) {
	h, notes, err := history.Read(history.Files{Files: files("m.csv", table), Task: fit.Task{VCPU: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if h.Requests[2] != 720 || h.CPU[1] != 44 || h.Memory[2] != 26 || h.Tasks[0] != 2 || h.Latency[2] != 0.21 || h.P95[2] != 0.6 || h.Step != time.Minute || h.Desired != nil {
		t.Errorf("%+v", h)
	}
	if len(notes) != 6 {
		t.Errorf("notes %q", notes)
	}
}

const metricData = `{"MetricDataResults": [
	{"Id": "m1", "Label": "RequestCount", "Timestamps": ["2026-03-02T00:01:00Z", "2026-03-02T00:02:00Z", "2026-03-02T00:03:00Z"], "Values": [60, 61, 62]},
	{"Id": "m2", "Label": "CPUUtilization", "Timestamps": ["2026-03-02T00:00:00Z", "2026-03-02T00:01:00Z", "2026-03-02T00:02:00Z"], "Values": [0.4, 0.5, 0.6]}
]}`

// Series of several files stand beside each other by their times; where one has none there is a gap.
func TestSeveralFilesAreJoinedByTheirTimes(t *testing.T) {
	h, _, err := history.Read(history.Files{
		Files:   files("data.json", metricData, "tasks.csv", "time,n\n2026-03-02T00:00:00Z,2\n2026-03-02T00:01:00Z,3\n2026-03-02T00:02:00Z,3\n", "took.csv", "time,response_time_ms\n2026-03-02T00:01:00Z,250\n2026-03-02T00:02:00Z,260\n"),
		Columns: map[string]string{"tasks": "tasks.csv"}, Task: fit.Task{VCPU: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Requests) != 4 || !math.IsNaN(h.Requests[0]) || h.Requests[1] != 60 || !math.IsNaN(h.CPU[3]) || h.CPU[0] != 40 || h.Tasks[1] != 3 || h.Latency[1] != 0.25 {
		t.Errorf("%+v", h)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		f    history.Files
		want string
	}{
		"two of a kind":            {history.Files{Files: files("m.csv", "time,requests,cpu_avg,cpu_max\n2026-03-02T00:00:00Z,1,2,3\n2026-03-02T00:01:00Z,1,2,3\n")}, "say which with --cpu-column"},
		"a series that is none":    {history.Files{Files: files("m.csv", table), Columns: map[string]string{"cpu": "load"}}, "--cpu-column load: there is no such series; there are m.csv:requests"},
		"no requests":              {history.Files{Files: files("m.csv", "time,cpu\n2026-03-02T00:00:00Z,1\n2026-03-02T00:01:00Z,2\n")}, "--requests-column"},
		"memory without its size":  {history.Files{Files: files("m.csv", table), Units: history.Units{Memory: "MiB"}, Task: fit.Task{VCPU: 1}}, "--task-memory"},
		"latency of minutes":       {history.Files{Files: files("m.csv", strings.ReplaceAll(table, ",0.2", ",200.")), Task: fit.Task{VCPU: 1}}, "--latency-unit"},
		"some times":               {history.Files{Files: files("m.csv", table, "tasks.csv", "3\n4\n5\n"), Columns: map[string]string{"tasks": "tasks.csv"}}, "give all of them times"},
		"a file that is no series": {history.Files{Files: files("m.csv", "hello\n")}, "m.csv"},
	} {
		_, _, err := history.Read(c.f)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}
