// Package fault makes the errors of CloudWatch Logs, with the codes of its API reference
// and the messages that it is known to answer.
package fault

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
)

func message(format string, args ...any) *string {
	text := fmt.Sprintf(format, args...)
	return &text
}

// Invalid answers a parameter that breaks a rule of the API's.
func Invalid(format string, args ...any) error {
	return &types.InvalidParameterException{Message: message(format, args...)}
}

// Validation answers parameters that do not go together, as some operations do.
func Validation(format string, args ...any) error {
	return &types.ValidationException{Message: message(format, args...)}
}

// NotServed answers what AWS has and this service does not.
func NotServed(what string) error { return Invalid("%s not supported by this server.", what) }

// InvalidToken answers a token that no page had.
func InvalidToken() error { return Invalid("The specified nextToken is invalid.") }

// NoGroup answers the name of no log group.
func NoGroup() error {
	return &types.ResourceNotFoundException{Message: message("The specified log group does not exist.")}
}

// NoStream answers the name of no log stream.
func NoStream() error {
	return &types.ResourceNotFoundException{Message: message("The specified log stream does not exist.")}
}

// NotFound answers another name of nothing.
func NotFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: message(format, args...)}
}

// Exists answers a name that is taken by a log group or a log stream.
func Exists(kind string) error {
	return &types.ResourceAlreadyExistsException{Message: message("The specified %s already exists", kind)}
}

// LimitExceeded answers one resource more than there may be.
func LimitExceeded() error {
	return &types.LimitExceededException{Message: message("Resource limit exceeded.")}
}

// TooManyTags answers one tag more than a resource may have.
func TooManyTags(arn string) error {
	return &types.TooManyTagsException{Message: message("The maximum number of tags per resource is 50."), ResourceName: &arn}
}

// InvalidOperation answers what a resource does not allow.
func InvalidOperation(format string, args ...any) error {
	return &types.InvalidOperationException{Message: message(format, args...)}
}

// Unavailable answers what could not be done for the server's own reasons.
func Unavailable() error {
	return &smithy.GenericAPIError{Code: "ServiceUnavailableException", Message: "The service cannot complete the request.", Fault: smithy.FaultServer}
}
