// Package fault makes the errors of Amazon SQS, with the codes of its API reference
// and the sentences that AWS answers.
package fault

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

func message(format string, args ...any) *string {
	text := fmt.Sprintf(format, args...)
	return &text
}

func client(code, format string, args ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: *message(format, args...), Fault: smithy.FaultClient}
}

// Parameter answers parameters that break a rule.
func Parameter(format string, args ...any) error {
	return client("InvalidParameterValueException", format, args...)
}

// Value answers a value that a parameter cannot have.
func Value(value any, parameter, reason string) error {
	return Parameter("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

// Missing answers a request without a parameter that it must have.
func Missing(parameter string) error {
	return client("MissingRequiredParameterException", "The request must contain the parameter %s.", parameter)
}

// NoQueue answers the name or URL of no queue.
func NoQueue() error {
	return &types.QueueDoesNotExist{Message: message("The specified queue does not exist.")}
}

// Address answers what is no queue's URL.
func Address(url string) error {
	return &types.InvalidAddress{Message: message("The address %s is not valid for this endpoint.", url)}
}

// QueueExists answers a queue that is there with other attributes.
func QueueExists(attribute string) error {
	return &types.QueueNameExists{Message: message("A queue already exists with the same name and a different value for attribute %s", attribute)}
}

// DeletedRecently answers a name that a queue had in the last minute.
func DeletedRecently() error {
	return &types.QueueDeletedRecently{Message: message("You must wait 60 seconds after deleting a queue before you can create another with the same name.")}
}

// Attribute answers an attribute that a queue does not have.
func Attribute(name string) error { return AttributeName("Unknown Attribute %s.", name) }

// AttributeName answers an attribute where it cannot be.
func AttributeName(format string, args ...any) error {
	return &types.InvalidAttributeName{Message: message(format, args...)}
}

// AttributeValue answers a value that an attribute cannot have.
func AttributeValue(name, reason string) error {
	if reason != "" {
		reason = " Reason: " + reason
	}
	return &types.InvalidAttributeValue{Message: message("Invalid value for the parameter %s.%s", name, reason)}
}

// NoDeduplication answers a message to a FIFO queue that cannot be told from others.
func NoDeduplication() error {
	return Parameter("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
}

// Contents answers a message that has characters which messages cannot have.
func Contents() error {
	return &types.InvalidMessageContents{Message: message("Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")}
}

// EmptyBatch answers a batch without entries of a kind.
func EmptyBatch(entry string) error {
	return &types.EmptyBatchRequest{Message: message("There should be at least one %s in the request.", entry)}
}

// TooManyEntries answers a batch with more than ten entries.
func TooManyEntries(n int) error {
	return &types.TooManyEntriesInBatchRequest{Message: message("Maximum number of entries per request are 10. You have sent %d.", n)}
}

// EntryID answers an entry's ID that cannot be one.
func EntryID() error {
	return &types.InvalidBatchEntryId{Message: message("A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")}
}

// NotDistinct answers two entries with one ID.
func NotDistinct(id string) error {
	return &types.BatchEntryIdsNotDistinct{Message: message("Id %s repeated.", id)}
}

// BatchTooLong answers a batch that has too many bytes.
func BatchTooLong(most, have int) error {
	return &types.BatchRequestTooLong{Message: message("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", most, have)}
}

// Handle answers what is no receipt handle of the queue.
func Handle(handle string) error {
	return &types.ReceiptHandleIsInvalid{Message: message("The input receipt handle \"%s\" is not a valid receipt handle.", handle)}
}

// HandleExpired answers a receipt handle of a FIFO queue whose message is not in flight
// by it.
func HandleExpired(handle string) error {
	return Value(handle, "ReceiptHandle", "The receipt handle has expired.")
}

// NotInFlight answers a receipt handle whose message's visibility cannot be changed.
func NotInFlight(handle string) error {
	return Value(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
}

// PurgeInProgress answers a second purge within a minute.
func PurgeInProgress(queue string) error {
	return &types.PurgeQueueInProgress{Message: message("Only one PurgeQueue operation on %s is allowed every 60 seconds.", queue)}
}

// TooManyActions answers a permission of more actions than a statement can have.
func TooManyActions(n, most int) error {
	return &types.OverLimit{Message: message("%d Actions were found, maximum allowed is %d.", n, most)}
}

// OverLimit answers a receive while too many messages are in flight.
func OverLimit() error {
	return &types.OverLimit{Message: message("Too many messages in flight.")}
}

// Unsupported answers what cannot be done with a queue.
func Unsupported(format string, args ...any) error {
	return &types.UnsupportedOperation{Message: message(format, args...)}
}

// NoResource answers what does not exist and is no queue of the caller's.
func NoResource(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: message(format, args...)}
}
