package load

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"
)

// Failures counts the requests that failed, by kind: the status of an answer of 400
// or more, such as "503"; "timeout"; "connect" when there was no connection to be
// had; "connection" when one broke; "no target"; "too many" when as many are under way
// as may be; "unanswered" when there was no answer long after the end; "refused" when a
// guard has not let it through. Messages that a queue refuses count by AWS's code,
// such as "InvalidMessageContents".
type Failures map[string]int

// String tells them in order of their kinds, as "503 × 12, timeout × 1".
func (f Failures) String() string {
	parts := make([]string, 0, len(f))
	for _, kind := range slices.Sorted(maps.Keys(f)) {
		parts = append(parts, fmt.Sprintf("%s × %d", kind, f[kind]))
	}
	return strings.Join(parts, ", ")
}

// Unanswered is how many of them had no answer at all: others had one with a status.
func (f Failures) Unanswered() (n int) {
	for kind, count := range f {
		if _, err := strconv.Atoi(kind); err != nil {
			n += count
		}
	}
	return n
}

var (
	errNoTarget   = errors.New("there is no target")
	errUnanswered = errors.New("there was no answer in the time that was left after the end of the load")
)

// failedToConnect is the kind of a failure before which nothing was sent.
const failedToConnect = "connect"

// tooMany is the error of a request that is not sent because so many wait for answers.
type tooMany int

func (n tooMany) Error() string {
	return fmt.Sprintf("%d requests are waiting for their answers", int(n))
}

// A statusError is an answer that says that the request failed.
type statusError struct {
	code int
	text string
}

func (e statusError) Error() string { return e.text }

// kindOf is under which name of Failures an error counts. There are few, whatever
// a server answers.
func kindOf(err error) string {
	if err == nil {
		return ""
	}
	if status, ok := errors.AsType[statusError](err); ok {
		return strconv.Itoa(status.code)
	}
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		return refusal.ErrorCode()
	}
	if errors.As(err, new(*RefusedError)) {
		return "refused"
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return "timeout"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return failedToConnect
	}
	switch {
	case errors.Is(err, errNoTarget):
		return "no target"
	case errors.As(err, new(tooMany)):
		return "too many"
	case errors.Is(err, errUnanswered):
		return "unanswered"
	}
	return "connection"
}
