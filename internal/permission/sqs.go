package permission

import (
	"strings"

	"flyball/internal/service/sqs"
)

// sqsCalls are those of SQS, on queues that are named by their URLs, or by their ARNs.
var sqsCalls = service{
	prefix:   "sqs",
	resource: (*Call).queueARN,
	operations: map[string]string{
		"AddPermission":                "{QueueUrl}",
		"CancelMessageMoveTask":        "*",
		"ChangeMessageVisibility":      "{QueueUrl}",
		"ChangeMessageVisibilityBatch": "{QueueUrl}",
		"CreateQueue":                  "{QueueName}",
		"DeleteMessage":                "{QueueUrl}",
		"DeleteMessageBatch":           "{QueueUrl}",
		"DeleteQueue":                  "{QueueUrl}",
		"GetQueueAttributes":           "{QueueUrl}",
		"GetQueueUrl":                  "{QueueOwnerAWSAccountId}/{QueueName}",
		"ListDeadLetterSourceQueues":   "{QueueUrl}",
		"ListMessageMoveTasks":         "{SourceArn}",
		"ListQueueTags":                "{QueueUrl}",
		"ListQueues":                   "*",
		"PurgeQueue":                   "{QueueUrl}",
		"ReceiveMessage":               "{QueueUrl}",
		"RemovePermission":             "{QueueUrl}",
		"SendMessage":                  "{QueueUrl}",
		"SendMessageBatch":             "{QueueUrl}",
		"SetQueueAttributes":           "{QueueUrl}",
		"StartMessageMoveTask":         "{SourceArn}",
		"TagQueue":                     "{QueueUrl}",
		"UntagQueue":                   "{QueueUrl}",
	},
	// "Actions, resources, and condition keys for Amazon SQS" has no batches: what may
	// send a message may send several.
	actions: map[string]string{
		"ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
		"DeleteMessageBatch":           "DeleteMessage",
		"SendMessageBatch":             "SendMessage",
	},
}

// queueARN is the ARN of the queue that a URL, an account and a name, or a name alone
// stands for.
func (c *Call) queueARN(address string) string {
	if strings.HasPrefix(address, "arn:") {
		return address
	}
	account, name, ok := sqs.Address(strings.TrimPrefix(address, "*/"))
	if !ok {
		return c.arn("sqs", "*")
	}
	own := *c
	if account != "" {
		own.Account = account
	}
	return own.arn("sqs", name)
}
