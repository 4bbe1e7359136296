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
// had; "connection" when one broke; "no target"; "too many" when the generator has
// as many under way as it can bear. Messages that a queue refuses count by AWS's code,
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

var (
	errNoTarget = errors.New("there is no target")
	errTooMany  = fmt.Errorf("%d requests are waiting for their answers", maxInFlight)
)

// A statusError is an answer that says that the request failed.
type statusError struct {
	code int
	text string
}

func (e statusError) Error() string { return e.text }

// kindOf is under which name of Failures an error counts. There are few, whatever
// a server answers.
func kindOf(err error) string {
	if status, ok := errors.AsType[statusError](err); ok {
		return strconv.Itoa(status.code)
	}
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		return refusal.ErrorCode()
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return "timeout"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "connect"
	}
	switch {
	case errors.Is(err, errNoTarget):
		return "no target"
	case errors.Is(err, errTooMany):
		return "too many"
	}
	return "connection"
}
