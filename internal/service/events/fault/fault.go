// Package fault makes the errors of Amazon EventBridge, with the codes of its API
// reference and the sentences that AWS answers.
package fault

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
)

func message(format string, args ...any) *string {
	text := fmt.Sprintf(format, args...)
	return &text
}

// Invalid answers a request that breaks a rule.
func Invalid(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: *message(format, args...), Fault: smithy.FaultClient}
}

// NoBus answers the name of no event bus.
func NoBus(name string) error { return NotFound("Event bus %s does not exist.", name) }

// NoRule answers the name of no rule of a bus.
func NoRule(name, bus string) error {
	return NotFound("Rule %s does not exist on EventBus %s.", name, bus)
}

// NotFound answers what is not there.
func NotFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: message(format, args...)}
}

// BusExists answers the name of an event bus that is there.
func BusExists(name string) error {
	return &types.ResourceAlreadyExistsException{Message: message("Event bus %s already exists.", name)}
}

// TooMany answers one more than there may be.
func TooMany() error {
	return &types.LimitExceededException{Message: message("The requested resource exceeds the maximum number allowed.")}
}

// Pattern answers an event pattern that is none.
func Pattern(err error) error {
	return &types.InvalidEventPatternException{Message: message("%s", err)}
}

// PolicyTooLong answers a policy that a bus cannot hold.
func PolicyTooLong(most int) error {
	return &types.PolicyLengthExceededException{Message: message("The policy on the event bus cannot exceed %d bytes.", most)}
}
