package console

import (
	"strings"
	"testing"

	"github.com/aws/smithy-go"
)

func TestRefusalsOfAWSStayAndSayWhatToDo(t *testing.T) {
	for _, tt := range []struct{ code, message, want string }{
		{"ValidationException", "Maximum capacity cannot be less than minimum capacity (0 is less than 1)", "(0 is less than 1). Write a maximum that is not below the minimum."},
		{"ValidationException", "Cooldown must not be negative", "negative. Write 0 or more."},
		{"ValidationException", "Invalid schedule expression. Details: The value of a rate expression must be a positive integer.", "integer. Write a schedule such as cron(0 8 ? * MON-FRI *), rate(1 hour) or"},
		{"ValidationException", "Only one TargetTrackingScaling policy for a given metric specification is allowed.", "allowed. Change the policy that there is, on its service's page, or choose another metric."},
		{"ClientException", "TaskDefinition not found.", "found. Choose a revision that there is"},
		{"RepositoryAlreadyExistsException", "The repository with name 'a' already exists in the registry with id '1'", "Choose another name"},
		{"InvalidAttributeValue", "Invalid value for the parameter DelaySeconds.", "DelaySeconds. Write 0 to 900 seconds."},
		{"InvalidRequestContentException", "Could not parse request body into json: Could not parse payload into json: invalid character", "character. Write the event in JSON, such as {"},
		{"ValidationException", "1 validation error detected: Value '1' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128", "128. Write 128 to 10240 MB."},
		{"AccessDeniedException", "User: a is not authorized to perform: ecs:UpdateService", "Sign in with an access key that may do it"},
		{"ExpiredTokenException", "The security token included in the request is expired", "Sign in again: flyball console prints a link."},
		{"ThrottlingException", "Rate exceeded", "Wait some seconds, and do it again."},
		{"InvalidParameterException", "Tag keys cannot start with aws:, which is reserved for AWS use.", "for AWS use."},
	} {
		said := problem(&smithy.GenericAPIError{Code: tt.code, Message: tt.message})
		if words := tt.code + ": " + strings.TrimSuffix(tt.message, "."); !strings.HasPrefix(said, words) || !strings.Contains(said, tt.want) {
			t.Errorf("%q is told, want %q and %q", said, words, tt.want)
		}
	}
}

// What to do has words that fields are found by; only those of AWS count.
func TestARefusalIsToldBesideTheFieldThatAWSNames(t *testing.T) {
	err := planned{part: "bounds"}.refused(&smithy.GenericAPIError{Code: "ValidationException", Message: "Minimum capacity -1 must not be negative"})
	if wrong, ok := err.(*fieldError); !ok || wrong.Field != "min" || !strings.HasSuffix(wrong.Text, "Write 0 or more.") {
		t.Errorf("it is told as %+v", err)
	}
}
