// Package fault makes the errors of Amazon EC2, with the codes and the words of
// "Error codes for the Amazon EC2 API" in its API reference. EC2 has no types for
// errors: a code and a message are all there is.
package fault

import (
	"fmt"

	"github.com/aws/smithy-go"
)

// New is an error with one of EC2's codes.
func New(code, format string, args ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

// Invalid answers a value that means nothing.
func Invalid(format string, args ...any) error { return New("InvalidParameterValue", format, args...) }

// InvalidValue answers the value of a parameter that means nothing.
func InvalidValue(value, parameter, why string) error {
	return Invalid("Value (%s) for parameter %s is invalid. %s", value, parameter, why)
}

// Missing answers a call without a parameter that it needs.
func Missing(parameter string) error {
	return New("MissingParameter", "The request must contain the parameter %s", parameter)
}

// Combination answers parameters that do not go together.
func Combination(format string, args ...any) error {
	return New("InvalidParameterCombination", format, args...)
}

// Dependency answers the deletion of something that others hang on.
func Dependency(format string, args ...any) error {
	return New("DependencyViolation", format, args...)
}

// Unsupported answers a call for what EC2 has and this server does not.
func Unsupported(what string) error {
	return New("UnsupportedOperation", "%s is not available in Flyball", what)
}

// DryRun answers a call that would have succeeded, had it not been a dry run.
func DryRun() error {
	return New("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
}
