package history

import (
	"fmt"
	"math"
	"regexp"
	"slices"

	"flyball/internal/fit"
)

// Units are what files have their values in; "" or "auto" is found out.
type Units struct {
	CPU     string // percent, share or cores: those in use of all tasks
	Memory  string // percent, share, MiB or bytes: those in use of all tasks
	Latency string // s or ms
}

// millis are names of series in milliseconds.
var millis = regexp.MustCompile(`(_|\b)(?i:ms|msec|millis|milliseconds)(_|\b)|(Ms|Millis|Milliseconds)$`)

// apply makes percent of utilization, and seconds of latency.
func (u Units) apply(h *fit.History, t fit.Task, latency string) (notes []string, err error) {
	if u.CPU, notes = usual(u.CPU, "CPU", h.CPU, notes); u.CPU == "cores" {
		h.CPU = ofTasks(h.CPU, h.Tasks, t.VCPU)
	}
	scale(h.CPU, map[string]float64{"share": 100, "cores": 100}[u.CPU])
	if u.Memory, notes = usual(u.Memory, "Memory", h.Memory, notes); u.Memory == "bytes" || u.Memory == "MiB" {
		if t.Memory == 0 && h.Memory != nil {
			return notes, fmt.Errorf("memory in %s is a share of what tasks have; say how much that is with --task-memory", u.Memory)
		}
		h.Memory = ofTasks(h.Memory, h.Tasks, t.Memory)
	}
	scale(h.Memory, map[string]float64{"share": 100, "MiB": 100, "bytes": 100.0 / (1 << 20)}[u.Memory])
	if u.Latency == "ms" || u.Latency != "s" && millis.MatchString(latency) {
		scale(h.Latency, 0.001)
		scale(h.P95, 0.001)
		return notes, nil
	}
	if usual := middle(h.Latency); usual > 60 && u.Latency != "s" {
		return notes, fmt.Errorf("latency is %.4g s half of the time; if these are milliseconds, say --latency-unit ms, else --latency-unit s", usual)
	}
	return notes, nil
}

// usual finds whether utilization is in percent.
func usual(unit, what string, values []float64, notes []string) (string, []string) {
	most := 0.0
	for _, v := range values {
		if v > most {
			most = v
		}
	}
	if (unit == "" || unit == "auto") && most > 0 && most <= 1 {
		flag := map[string]string{"CPU": "cpu", "Memory": "memory"}[what]
		return "share", append(notes, fmt.Sprintf("%s utilization is never above 1, and was taken for a share; if it is percent, say --%s-unit percent.", what, flag))
	}
	return unit, notes
}

func scale(values []float64, by float64) {
	if by == 0 {
		return
	}
	for i := range values {
		values[i] *= by
	}
}

// ofTasks is what all tasks use as a share of what they have.
func ofTasks(values, tasks []float64, each float64) []float64 {
	for i := range values {
		if i >= len(tasks) || !(tasks[i] > 0) {
			values[i] = math.NaN()
			continue
		}
		values[i] /= tasks[i] * each
	}
	return values
}

// middle is the median of the values that are known.
func middle(values []float64) float64 {
	some := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(some) == 0 {
		return 0
	}
	slices.Sort(some)
	return some[len(some)/2]
}
