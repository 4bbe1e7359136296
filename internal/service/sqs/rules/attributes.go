// Package rules is what Amazon SQS demands of queues and messages, and what it computes
// of them. It is pure.
package rules

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"flyball/internal/service/sqs/fault"
	"flyball/policy"
)

// The attributes of queues that can be set.
const (
	ContentBasedDeduplication     = string(types.QueueAttributeNameContentBasedDeduplication)
	DeduplicationScope            = string(types.QueueAttributeNameDeduplicationScope)
	DelaySeconds                  = string(types.QueueAttributeNameDelaySeconds)
	FifoQueue                     = string(types.QueueAttributeNameFifoQueue)
	FifoThroughputLimit           = string(types.QueueAttributeNameFifoThroughputLimit)
	KmsDataKeyReusePeriodSeconds  = string(types.QueueAttributeNameKmsDataKeyReusePeriodSeconds)
	KmsMasterKeyID                = string(types.QueueAttributeNameKmsMasterKeyId)
	MaximumMessageSize            = string(types.QueueAttributeNameMaximumMessageSize)
	MessageRetentionPeriod        = string(types.QueueAttributeNameMessageRetentionPeriod)
	Policy                        = string(types.QueueAttributeNamePolicy)
	ReceiveMessageWaitTimeSeconds = string(types.QueueAttributeNameReceiveMessageWaitTimeSeconds)
	RedriveAllowPolicy            = string(types.QueueAttributeNameRedriveAllowPolicy)
	RedrivePolicy                 = string(types.QueueAttributeNameRedrivePolicy)
	SqsManagedSseEnabled          = string(types.QueueAttributeNameSqsManagedSseEnabled)
	VisibilityTimeout             = string(types.QueueAttributeNameVisibilityTimeout)
)

// Defaults are the attributes of a queue for which nothing was given.
func Defaults(fifo bool) map[string]string {
	all := map[string]string{
		DelaySeconds:                  "0",
		MaximumMessageSize:            "1048576",
		MessageRetentionPeriod:        "345600",
		ReceiveMessageWaitTimeSeconds: "0",
		SqsManagedSseEnabled:          "true",
		VisibilityTimeout:             "30",
	}
	if fifo {
		all[FifoQueue] = "true"
		all[ContentBasedDeduplication] = "false"
		all[DeduplicationScope] = "queue"
		all[FifoThroughputLimit] = "perQueue"
	}
	return all
}

// ranges are those of the attributes that are numbers ("SetQueueAttributes").
var ranges = map[string][2]int{
	DelaySeconds:                  {0, 900},
	KmsDataKeyReusePeriodSeconds:  {60, 86_400},
	MaximumMessageSize:            {1_024, 1_048_576},
	MessageRetentionPeriod:        {60, 1_209_600},
	ReceiveMessageWaitTimeSeconds: {0, 20},
	VisibilityTimeout:             {0, 43_200},
}

// choices are the values of the attributes that have few.
var choices = map[string][]string{
	ContentBasedDeduplication: {"true", "false"},
	DeduplicationScope:        {"queue", "messageGroup"},
	FifoThroughputLimit:       {"perQueue", "perMessageGroupId"},
	SqsManagedSseEnabled:      {"true", "false"},
}

// Merge is a queue's attributes with others set. New queues have none before. An empty
// value takes away an attribute that queues need not have. What is given must be right
// for the queue.
func Merge(have, given map[string]string, fifo bool) (map[string]string, error) {
	if given[SqsManagedSseEnabled] == "true" && given[KmsMasterKeyID] != "" {
		return nil, fault.AttributeName("You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
	}
	merged := map[string]string{}
	for name, value := range have {
		merged[name] = value
	}
	for name, value := range given {
		if err := check(name, value, fifo); err != nil {
			return nil, err
		}
		if value == "" {
			delete(merged, name)
			continue
		}
		merged[name] = canonical(name, value)
	}
	encrypt(merged, given)
	return merged, together(merged)
}

// canonical is a value as it is read back.
func canonical(name, value string) string {
	if _, number := ranges[name]; number {
		n, _ := strconv.Atoi(value)
		return strconv.Itoa(n)
	}
	if name == FifoQueue {
		return strings.ToLower(value)
	}
	if _, few := choices[name]; few {
		for _, choice := range choices[name] {
			if strings.EqualFold(choice, value) {
				return choice
			}
		}
	}
	if redrive, ok := ReadRedrive(value); ok && name == RedrivePolicy {
		return redrive.text()
	}
	if allow, ok := readAllow(value); ok && name == RedriveAllowPolicy {
		return allow.text()
	}
	return value
}

// encrypt has a queue be encrypted in one way at a time.
func encrypt(merged, given map[string]string) {
	switch {
	case given[KmsMasterKeyID] != "":
		merged[SqsManagedSseEnabled] = "false"
		if merged[KmsDataKeyReusePeriodSeconds] == "" {
			merged[KmsDataKeyReusePeriodSeconds] = "300"
		}
	case given[SqsManagedSseEnabled] == "true":
		delete(merged, KmsMasterKeyID)
		delete(merged, KmsDataKeyReusePeriodSeconds)
	}
	if merged[KmsMasterKeyID] == "" && merged[KmsDataKeyReusePeriodSeconds] == "300" {
		delete(merged, KmsDataKeyReusePeriodSeconds)
	}
}

// together checks attributes that depend on each other ("High throughput for FIFO
// queues").
func together(all map[string]string) error {
	if all[FifoThroughputLimit] == "perMessageGroupId" && all[DeduplicationScope] != "messageGroup" {
		return fault.AttributeValue(FifoThroughputLimit, "To set FifoThroughputLimit to perMessageGroupId, the DeduplicationScope must be messageGroup.")
	}
	return nil
}

// onlyFIFO are the attributes that only FIFO queues have.
var onlyFIFO = []string{ContentBasedDeduplication, DeduplicationScope, FifoQueue, FifoThroughputLimit}

// check checks the value of an attribute.
func check(name, value string, fifo bool) error {
	if slices.Contains(onlyFIFO, name) && !fifo {
		return notFIFO(name)
	}
	if limits, ok := ranges[name]; ok {
		n, err := strconv.Atoi(value)
		if err != nil || n < limits[0] || n > limits[1] {
			return fault.AttributeValue(name, "")
		}
		return nil
	}
	if few, ok := choices[name]; ok {
		if !slices.ContainsFunc(few, func(choice string) bool { return strings.EqualFold(choice, value) }) {
			return fault.AttributeValue(name, "")
		}
		return nil
	}
	switch name {
	case FifoQueue:
		if !strings.EqualFold(value, "true") {
			return fault.AttributeValue(name, "Modifying queue type is not supported.")
		}
		return nil
	case KmsMasterKeyID:
		return nil
	case Policy:
		return checkPolicy(value)
	case RedrivePolicy:
		return checkRedrive(value)
	case RedriveAllowPolicy:
		return checkAllow(value)
	}
	return fault.Attribute(name)
}

func notFIFO(name string) error {
	switch name {
	case DeduplicationScope, FifoThroughputLimit:
		return fault.AttributeName("You can specify the %s only when FifoQueue is set to true.", name)
	}
	return fault.Attribute(name)
}

func checkPolicy(text string) error {
	if text == "" {
		return nil
	}
	_, err := policy.Parse(text, policy.ResourceBased)
	// SQS takes resources that are no ARNs, which match nothing.
	if err != nil && !strings.Contains(err.Error(), "must be in ARN format") {
		return fault.AttributeValue(Policy, "")
	}
	return nil
}

// A Redrive is a redrive policy: where messages go that were received too often.
type Redrive struct {
	Target string // ARN of the dead-letter queue
	Most   int    // receives
}

// mostReceives bounds maxReceiveCount ("SetQueueAttributes").
const mostReceives = 1000

// ReadRedrive reads a redrive policy. It is false for none, and for what is none.
func ReadRedrive(text string) (Redrive, bool) {
	var doc struct {
		DeadLetterTargetArn string          `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(text), &doc) != nil || doc.DeadLetterTargetArn == "" {
		return Redrive{}, false
	}
	n, err := strconv.Atoi(strings.Trim(string(doc.MaxReceiveCount), `"`))
	return Redrive{doc.DeadLetterTargetArn, n}, err == nil
}

// text is the policy as it is read back: its count is a number, also where the text of one
// was given.
func (r Redrive) text() string {
	text, _ := json.Marshal(struct {
		Target string `json:"deadLetterTargetArn"`
		Most   int    `json:"maxReceiveCount"`
	}{r.Target, r.Most})
	return string(text)
}

func checkRedrive(text string) error {
	if text == "" {
		return nil
	}
	r, ok := ReadRedrive(text)
	if !ok {
		return fault.Value(text, RedrivePolicy, "Redrive policy is not a valid JSON map, or does not contain mandatory attribute: deadLetterTargetArn, maxReceiveCount.")
	}
	if r.Most < 1 || r.Most > mostReceives {
		return fault.Value(text, RedrivePolicy, "Invalid value for maxReceiveCount: "+strconv.Itoa(r.Most)+", valid values are from 1 to 1000 both inclusive.")
	}
	if a, err := arn.Parse(r.Target); err != nil || a.Service != "sqs" {
		return fault.Value(text, RedrivePolicy, "Invalid value for deadLetterTargetArn.")
	}
	return nil
}

// An Allow is a redrive allow policy: which queues may name a queue as that of their
// dead letters.
type Allow struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitempty"`
}

// text is the policy as it is read back, without the spaces that it was given with.
func (a Allow) text() string {
	text, _ := json.Marshal(a)
	return string(text)
}

// mostSources bounds the queues of a redrive allow policy.
const mostSources = 10

func checkAllow(text string) error {
	if text == "" {
		return nil
	}
	a, ok := readAllow(text)
	switch {
	case !ok:
		return fault.Value(text, RedriveAllowPolicy, "Amazon SQS can't create the redrive allow policy, as it's not a valid JSON map.")
	case a.Permission != "allowAll" && a.Permission != "denyAll" && a.Permission != "byQueue":
		return fault.Value(text, RedriveAllowPolicy, "Amazon SQS can't create the redrive allow policy, as it's unsupported.")
	case a.Permission == "byQueue" && (len(a.Sources) == 0 || len(a.Sources) > mostSources), a.Permission != "byQueue" && len(a.Sources) > 0:
		return fault.Value(text, RedriveAllowPolicy, "Amazon SQS can't create the redrive allow policy. sourceQueueArns must have 1 to 10 ARNs with the byQueue permission, and none with others.")
	}
	return nil
}

func readAllow(text string) (a Allow, ok bool) {
	return a, json.Unmarshal([]byte(text), &a) == nil
}

// Allowed tells whether a redrive allow policy, or none, lets a queue name the policy's
// queue as that of its dead letters.
func Allowed(text, source string) bool {
	if text == "" {
		return true
	}
	a, ok := readAllow(text)
	return ok && (a.Permission == "allowAll" || a.Permission == "byQueue" && slices.Contains(a.Sources, source))
}

// Different is the first of the given attributes that a queue has otherwise, if any
// is.
func Different(have, given map[string]string) (name string, is bool) {
	for _, name := range sortedKeys(given) {
		if have[name] != canonical(name, given[name]) {
			return name, true
		}
	}
	return "", false
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Name checks the name of a new queue.
func Name(name string, fifo bool) error {
	base, ends := strings.CutSuffix(name, ".fifo")
	switch {
	case fifo && !(ends && isName(base) && len(name) <= mostName):
		return fault.Parameter("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	case !fifo && !(isName(name) && len(name) <= mostName):
		return fault.Parameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

const mostName = 80

func isName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_')
	}) < 0
}

// EntryID tells whether a text can be the ID of a batch's entry.
func EntryID(id string) bool { return isName(id) && len(id) <= mostName }
