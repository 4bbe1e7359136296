package console

import (
	"strings"

	"github.com/aws/smithy-go"
)

// problemOf is a refusal in AWS's words, with what to do where they do not tell it.
func problemOf(api smithy.APIError) string {
	text := api.ErrorCode() + ": " + api.ErrorMessage()
	if next := advice(api); next != "" {
		text = strings.TrimSuffix(text, ".") + ". " + next
	}
	return text
}

// Where what to do is the same for several refusals.
const (
	writeSchedule = "Write a schedule such as cron(0 8 ? * MON-FRI *), rate(1 hour) or at(2026-12-24T18:00:00)."
	writeName     = "Write 2 to 256 small letters and digits, with a hyphen, underscore, dot or slash between them, such as team/web."
	signInAgain   = "Sign in again: flyball console prints a link."
)

// advices are what to do, by words of messages.
var advices = []struct{ words, next string }{
	{"Only one TargetTrackingScaling policy", "Change the policy that there is, on its service's page, or choose another metric."},
	{"apacity cannot be less than minimum", "Write a maximum that is not below the minimum."},
	{"must not be negative", "Write 0 or more."},
	{"Schedule expressions must have", writeSchedule},
	{"Invalid CRON expression", writeSchedule},
	{"value of a rate expression", writeSchedule},
	{"at 'schedule' failed", writeSchedule},
	{"TaskDefinition not found", "Choose a revision that there is, such as the one that the service has."},
	{"at 'repositoryName' failed", writeName},
	{"does not exist in the registry", "The page of images has those that there are."},
	{"already exists in the registry", "Choose another name, or push to the repository that there is."},
	{"The specified queue does not exist", "Write the name of a queue of this account and region, as the page of queues has it."},
	{"must contain the parameter MessageBody", "Write the message."},
	{"parameter VisibilityTimeout", "Write 0 to 43200 seconds."},
	{"parameter MessageRetentionPeriod", "Write 60 to 1209600 seconds."},
	{"parameter DelaySeconds", "Write 0 to 900 seconds."},
	{"parameter ReceiveMessageWaitTimeSeconds", "Write 0 to 20 seconds."},
	{"parameter MaximumMessageSize", "Write 1024 to 1048576 bytes."},
	{"at 'stateValue' failed", "Choose one of the three states."},
	{"Could not parse payload into json", `Write the event in JSON, such as {"order": 7}.`},
	{"at 'memorySize' failed", "Write 128 to 10240 MB."},
	{"at 'timeout' failed", "Write 1 to 900 seconds."},
	{"at 'reservedConcurrentExecutions' failed", "Write 0 or more; nothing reserves none."},
	{"at 'policyName' failed", "Write a name of 1 to 256 characters, without | and line breaks."},
	{"member.key' failed", "Write the name of an attribute, such as idle_timeout.timeout_seconds."},
}

// advice is what to do about a refusal, "" where its own words tell.
func advice(api smithy.APIError) string {
	switch code := api.ErrorCode(); {
	case strings.HasPrefix(code, "AccessDenied"):
		return "Sign in with an access key that may do it, or have whoever keeps the account permit it."
	case strings.HasPrefix(code, "ExpiredToken"), code == "InvalidClientTokenId", code == "UnrecognizedClientException":
		return signInAgain
	case strings.HasPrefix(code, "Throttling"):
		return "Wait some seconds, and do it again."
	}
	for _, one := range advices {
		if strings.Contains(api.ErrorMessage(), one.words) {
			return one.next
		}
	}
	return ""
}
