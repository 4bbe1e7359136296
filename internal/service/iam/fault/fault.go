// Package fault makes the errors of AWS Identity and Access Management, with the
// codes of its API reference.
package fault

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
)

func message(format string, args []any) *string {
	text := fmt.Sprintf(format, args...)
	return &text
}

// NoSuchEntity answers the name of nothing.
func NoSuchEntity(format string, args ...any) error {
	return &types.NoSuchEntityException{Message: message(format, args)}
}

// AlreadyExists answers the name of something to be created that there is.
func AlreadyExists(format string, args ...any) error {
	return &types.EntityAlreadyExistsException{Message: message(format, args)}
}

// DeleteConflict answers the deletion of something that others hang on.
func DeleteConflict(format string, args ...any) error {
	return &types.DeleteConflictException{Message: message(format, args)}
}

// LimitExceeded answers what would exceed a quota.
func LimitExceeded(format string, args ...any) error {
	return &types.LimitExceededException{Message: message(format, args)}
}

// Quota is LimitExceeded by the quota's name.
func Quota(name string, most int) error {
	return LimitExceeded("Cannot exceed quota for %s: %d", name, most)
}

// MalformedPolicy answers a policy document that is none.
func MalformedPolicy(format string, args ...any) error {
	return &types.MalformedPolicyDocumentException{Message: message(format, args)}
}

// InvalidInput answers a value that means nothing.
func InvalidInput(format string, args ...any) error {
	return &types.InvalidInputException{Message: message(format, args)}
}

// Unmodifiable answers the change of a role that only AWS changes.
func Unmodifiable(role string) error {
	return &types.UnmodifiableEntityException{Message: message(
		"Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", []any{role})}
}

// Validation answers a value that breaks a rule of the API's own.
func Validation(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "ValidationError", Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

// AccessDenied answers what nobody may do.
func AccessDenied(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

// NotAService answers a name that no service of AWS has.
func NotAService(name string) error {
	return &smithy.GenericAPIError{Code: "AccessDenied", Message: name + " is not a valid AWS service name (Service Principal)", Fault: smithy.FaultClient}
}

// ReservedPath answers a path that only the roles of services have.
func ReservedPath() error {
	return InvalidInput("Paths beginning with '/aws-service-role' are reserved for AWS Service Linked Roles")
}

// NotAttachable answers the attachment of a policy that only AWS attaches.
func NotAttachable(format string, args ...any) error {
	return &types.PolicyNotAttachableException{Message: message(format, args)}
}
