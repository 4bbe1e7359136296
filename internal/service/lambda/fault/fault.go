// Package fault makes the errors of AWS Lambda, with the codes of its API reference
// and the sentences that AWS answers.
package fault

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// user is the type of errors that callers have made.
var user = "User"

func text(format string, args ...any) *string {
	t := fmt.Sprintf(format, args...)
	return &t
}

// Parameter answers a parameter that breaks a rule.
func Parameter(format string, args ...any) error {
	return &types.InvalidParameterValueException{Message: text(format, args...), Type: &user}
}

// Limit answers a parameter that the limits of the account or of an alias do not allow. AWS
// does not say whose error that is.
func Limit(format string, args ...any) error {
	return &types.InvalidParameterValueException{Message: text(format, args...)}
}

// Constraint answers a member outside what its type allows, in the words in which all
// of AWS's services say so.
func Constraint(value any, member, rule string) error {
	return &smithy.GenericAPIError{
		Code: "ValidationException", Fault: smithy.FaultClient,
		Message: fmt.Sprintf("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: Member must %s", value, member, rule),
	}
}

// Unsupported answers what Flyball does not have.
func Unsupported(what string) error {
	return Parameter("Flyball does not support %s.", what)
}

// NotFound answers the name of nothing.
func NotFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: text(format, args...), Type: &user}
}

// NoFunction answers the ARN of no function, or of no version or alias of one.
func NoFunction(arn string) error { return NotFound("Function not found: %s", arn) }

// NoAlias answers the ARN of no alias.
func NoAlias(arn string) error { return NotFound("Cannot find alias arn: %s", arn) }

// Conflict answers what cannot be done beside what there is.
func Conflict(format string, args ...any) error {
	return &types.ResourceConflictException{Message: text(format, args...), Type: &user}
}

// Revision answers a revision that is not the latest one, which an operation tells.
func Revision(operation string) error {
	return &types.PreconditionFailedException{
		Message: text("The Revision Id provided does not match the latest Revision Id. Call the %s API to retrieve the latest Revision Id", operation),
		Type:    &user,
	}
}

// TooLarge answers what has more bytes than is taken.
func TooLarge(format string, args ...any) error {
	code := "RequestEntityTooLargeException"
	return &types.RequestTooLargeException{Message: text(format, args...), ErrorCodeOverride: &code}
}

// Payload answers a payload that is no JSON.
func Payload(err error) error {
	return &types.InvalidRequestContentException{
		Message: text("Could not parse request body into json: Could not parse payload into json: %v", err), Type: &user,
	}
}

// Throttled answers an invocation for which there is no concurrency. When to try again is
// not said of one that a function has reserved too little of.
func Throttled(reason types.ThrottleReason) error {
	throttled := &types.TooManyRequestsException{Message: text("Rate Exceeded."), Reason: reason, Type: &user}
	if reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded {
		throttled.RetryAfterSeconds = text("1")
	}
	return throttled
}

// Service answers what went wrong inside the server.
func Service(format string, args ...any) error {
	return &types.ServiceException{Message: text(format, args...), Type: text("Service")}
}

// Denied answers a call on what another account has.
func Denied() error {
	return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "Access denied to a function of another account.", Fault: smithy.FaultClient}
}

// CrossAccountRole answers a function with a role of another account.
func CrossAccountRole() error {
	return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "Cross-account pass role is not allowed.", Fault: smithy.FaultClient}
}

// PolicyTooLong answers a policy that has more bytes than one may have.
func PolicyTooLong(size, most int) error {
	return &types.PolicyLengthExceededException{
		Message: text("The final policy size (%d) is bigger than the limit (%d).", size, most), Type: &user,
	}
}

// ClientContext answers a client context that is none.
func ClientContext() error {
	return &types.InvalidRequestContentException{Message: text("Client context must be a valid Base64-encoded JSON object."), Type: &user}
}

// NoMapping answers the identifier of no event source mapping.
func NoMapping() error { return NotFound("The resource you requested does not exist.") }

// InUse answers a change of what is being changed.
func InUse(format string, args ...any) error {
	return &types.ResourceInUseException{Message: text(format, args...), Type: &user}
}

// NotProvisioned answers that a version or an alias has no provisioned concurrency.
func NotProvisioned() error {
	return &types.ProvisionedConcurrencyConfigNotFoundException{Message: text("No Provisioned Concurrency Config found for this function"), Type: &user}
}
