package function

import (
	"encoding/json"
	"fmt"
	"slices"
	"syscall"
	"time"

	"flyball/internal/task"
)

// The types of failures that are not the function's own words.
const (
	exitError         = "Runtime.ExitError"
	outOfMemory       = "Runtime.OutOfMemory"
	invalidEntrypoint = "Runtime.InvalidEntrypoint"
	truncatedResponse = "Runtime.TruncatedResponse"
	invalidMode       = "Runtime.InvalidResponseModeHeader"
	unknownError      = "Runtime.Unknown"
	responseTooLarge  = "Function.ResponseSizeTooLarge"
	timedOut          = "Sandbox.Timedout"
)

// A failure is why an environment has not answered an invocation, or could not be started.
type failure struct {
	kind    string
	message string // without the request's id
	payload []byte // what the function's runtime has said itself; then there is no message
}

// document is what the caller gets. The request's id is in it, as Lambda puts it there.
func (f *failure) document(id string) []byte {
	if f.payload != nil {
		return f.payload
	}
	text, _ := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{f.kind, f.text(id)})
	return text
}

func (f *failure) text(id string) string {
	if f.kind == responseTooLarge {
		return f.message
	}
	return fmt.Sprintf("RequestId: %s Error: %s", id, f.message)
}

// status is what the REPORT line says of it.
func (f *failure) status() string {
	if f == nil {
		return "success"
	}
	if f.kind == timedOut {
		return "timeout"
	}
	return "error"
}

// reason is the failure in a sentence.
func (f *failure) reason() string {
	if f.message != "" {
		return f.message
	}
	return string(f.payload)
}

func timeout(after time.Duration) *failure {
	return &failure{kind: timedOut, message: fmt.Sprintf("Task timed out after %.2f seconds", after.Seconds())}
}

func tooLarge() *failure {
	return &failure{kind: responseTooLarge, message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxPayload)}
}

// signals are those that end programs which misbehave. Of an exit code above 128 it cannot
// be told whether it was a signal's, and JavaScript's runtime has some of its own.
var signals = []syscall.Signal{
	syscall.SIGILL, syscall.SIGTRAP, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGPIPE, syscall.SIGTERM,
}

// exited is the failure of an environment whose program has ended.
func exited(exit task.Exit) *failure {
	switch {
	case exit.Reason == task.OutOfMemory:
		return &failure{kind: outOfMemory, message: "Runtime exited with error: signal: killed"}
	case exit.Known && exit.Code == 0:
		return &failure{kind: exitError, message: "Runtime exited without providing a reason"}
	case exit.Known && slices.Contains(signals, syscall.Signal(exit.Code-128)):
		return &failure{kind: exitError, message: "Runtime exited with error: signal: " + syscall.Signal(exit.Code-128).String()}
	}
	return &failure{kind: exitError, message: fmt.Sprintf("Runtime exited with error: exit status %d", exit.Code)}
}
