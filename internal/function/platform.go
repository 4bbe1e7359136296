package function

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The lines that the platform writes into a function's log, between those of the function.

// begin begins an invocation: what is added from now on is the end of the log that its
// answer tells.
func (w *logWriter) begin(fn Function, call Call) {
	w.take()
	w.forget()
	if fn.JSONLogs {
		w.addRecord("platform.start", map[string]any{"requestId": call.RequestID, "version": fn.Version})
		return
	}
	w.add(fmt.Sprintf("START RequestId: %s Version: %s", call.RequestID, fn.Version))
}

// end ends an invocation, and returns the end of its log.
func (w *logWriter) end(fn Function, call Call, a Answer, failure *failure) []byte {
	if fn.JSONLogs {
		w.addRecord("platform.report", reportRecord(fn, call, a, failure))
		return w.last()
	}
	if failure != nil && failure.payload == nil {
		w.add(failure.line(call.RequestID, time.Now()))
	}
	w.add("END RequestId: " + call.RequestID)
	w.add(reportLine(fn, call, a, failure))
	return w.last()
}

// line is what the log says of a failure that is not the function's own words.
func (f *failure) line(id string, now time.Time) string {
	if f.kind == timedOut {
		return fmt.Sprintf("%s %s %s", now.UTC().Format("2006-01-02T15:04:05.000Z"), id, f.message)
	}
	return fmt.Sprintf("RequestId: %s Error: %s\n%s", id, f.message, f.kind)
}

// reportLine sums an invocation up.
func reportLine(fn Function, call Call, a Answer, failure *failure) string {
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB",
		call.RequestID, ms(a.Duration), a.Billed.Milliseconds(), fn.Memory, a.Memory)
	if a.Init > 0 {
		line += fmt.Sprintf("\tInit Duration: %.2f ms", ms(a.Init))
	}
	line += "\t" // whether or not something follows
	if id, _, ok := strings.Cut(call.TraceID, ";"); ok || id != "" {
		line += "XRAY TraceId: " + strings.TrimPrefix(id, "Root=") + "\t"
	}
	if failure == nil || failure.payload != nil {
		return line
	}
	line += "Status: " + failure.status()
	if failure.kind != timedOut {
		line += "\tError Type: " + failure.kind
	}
	return line
}

func reportRecord(fn Function, call Call, a Answer, failure *failure) map[string]any {
	metrics := map[string]any{
		"durationMs": rounded(a.Duration), "billedDurationMs": a.Billed.Milliseconds(), "memorySizeMB": fn.Memory, "maxMemoryUsedMB": a.Memory,
	}
	if a.Init > 0 {
		metrics["initDurationMs"] = rounded(a.Init)
	}
	record := map[string]any{"requestId": call.RequestID, "metrics": metrics, "status": failure.status()}
	if failure != nil && failure.kind != timedOut {
		record["errorType"] = failure.kind
	}
	return record
}

// initBegins tells that an environment is being started.
func (w *logWriter) initBegins(fn Function, kind string) {
	if fn.JSONLogs {
		w.addRecord("platform.initStart", map[string]any{
			"initializationType": kind, "phase": "init", "runtimeVersion": fn.Runtime, "functionName": fn.Name, "functionVersion": fn.Version,
		})
		return
	}
	w.add("INIT_START Runtime Version: " + fn.Runtime)
}

// initFailed tells of an environment that did not start.
func (w *logWriter) initFailed(fn Function, kind string, after time.Duration, failure *failure) {
	if fn.JSONLogs {
		w.addRecord("platform.initReport", map[string]any{
			"initializationType": kind, "phase": "init", "status": failure.status(), "errorType": failure.kind,
			"metrics": map[string]any{"durationMs": rounded(after)},
		})
		return
	}
	line := fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: %s", ms(after), failure.status())
	if failure.kind != timedOut {
		line += "\tError Type: " + failure.kind
	}
	w.add(line)
}

// addRecord adds a line of the JSON format.
func (w *logWriter) addRecord(kind string, record map[string]any) {
	text, err := json.Marshal(struct {
		Time   string         `json:"time"`
		Type   string         `json:"type"`
		Record map[string]any `json:"record"`
	}{time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), kind, record})
	if err == nil { // all that is in it can be written
		w.add(string(text))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// rounded is a duration in milliseconds with two digits behind the point.
func rounded(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}
