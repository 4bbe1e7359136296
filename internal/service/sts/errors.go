package sts

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"flyball/policy"
)

// STS's errors, with the codes of its API reference.

func accessDenied(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

// notAuthorized is what AWS answers to whoever wants a role that it may not have,
// and to whoever wants one that does not exist.
func notAuthorized(caller, role string) error {
	return accessDenied("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", caller, role)
}

func validation(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "ValidationError", Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

// invalidValue is what AWS answers to tags that do not fit each other.
func invalidValue(message string) error {
	return &smithy.GenericAPIError{Code: "InvalidParameterValue", Message: message, Fault: smithy.FaultClient}
}

func malformedPolicy(message string) error {
	return &types.MalformedPolicyDocumentException{Message: &message}
}

// malformed is what AWS answers to a session policy that is none.
func malformed(err error) error {
	if m, ok := errors.AsType[*policy.Malformed](err); ok {
		return malformedPolicy(m.Message)
	}
	return err
}

func packedTooLarge(percent int) error {
	message := fmt.Sprintf("Packed size of session tags and session policies consumes %d%% of allotted space, please use smaller policy.", percent)
	return &types.PackedPolicyTooLargeException{Message: &message}
}
