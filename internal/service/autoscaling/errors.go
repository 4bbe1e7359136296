package autoscaling

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"flyball/scaling"
)

// Errors as the Application Auto Scaling API reference names them.

func invalid(format string, args ...any) error {
	return &types.ValidationException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// invalidRule is what the engine refuses, as a sentence.
func invalidRule(err error) error {
	text := err.Error()
	r, n := utf8.DecodeRuneInString(text)
	return invalid("%c%s", unicode.ToUpper(r), text[n:])
}

func invalidToken(token *string) error {
	return &types.InvalidNextTokenException{Message: aws.String(fmt.Sprintf("The next token %q is invalid.", aws.ToString(token)))}
}

func internal(err error) error {
	return &types.InternalServiceException{Message: aws.String(err.Error())}
}

func targetNotRegistered(id scaling.ResourceID) error {
	return &types.ObjectNotFoundException{Message: aws.String(fmt.Sprintf(
		"No scalable target registered for service namespace: %s, resource ID: %s, scalable dimension: %s", namespace, id, dimension))}
}

func targetNotFound(ns types.ServiceNamespace, resourceID string, dim types.ScalableDimension) error {
	return &types.ObjectNotFoundException{Message: aws.String(fmt.Sprintf(
		"No scalable target found for service namespace: %s, resource ID: %s, scalable dimension: %s", ns, resourceID, dim))}
}

func policyNotFound(ns types.ServiceNamespace, resourceID string, dim types.ScalableDimension, name string) error {
	return &types.ObjectNotFoundException{Message: aws.String(fmt.Sprintf(
		"No scaling policy found for service namespace: %s, resource ID: %s, scalable dimension: %s, policy name: %s", ns, resourceID, dim, name))}
}

func scheduledActionNotFound(ns types.ServiceNamespace, resourceID string, dim types.ScalableDimension, name string) error {
	return &types.ObjectNotFoundException{Message: aws.String(fmt.Sprintf(
		"No scheduled action found for service namespace: %s, resource ID: %s, scalable dimension: %s, scheduled action name: %s", ns, resourceID, dim, name))}
}

func resourceNotFound(arn string) error {
	return &types.ResourceNotFoundException{Message: aws.String("Scalable Target not found"), ResourceName: aws.String(arn)}
}

func limitExceeded(format string, args ...any) error {
	return &types.LimitExceededException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func tooManyTags(arn string) error {
	return &types.TooManyTagsException{
		Message:      aws.String(fmt.Sprintf("A scalable target can have %d tags at most.", maxTags)),
		ResourceName: aws.String(arn),
	}
}

func serviceGone(id scaling.ResourceID) error { return invalid("ECS service doesn't exist: %s", id) }

// alarmsFailed is the answer when CloudWatch refuses what a policy needs. What
// is wrong with the policy's own metric is the caller's to mend.
func alarmsFailed(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ValidationError", "InvalidParameterValue", "InvalidParameterCombination", "MissingParameter":
			return invalid("The alarms of the policy cannot be created: %s", api.ErrorMessage())
		}
	}
	var full *cwtypes.LimitExceededFault
	if errors.As(err, &full) {
		return limitExceeded("The alarms of the policy cannot be created: %s", full.ErrorMessage())
	}
	return &types.FailedResourceAccessException{Message: aws.String("Unable to access the alarms of the scaling policy: " + err.Error())}
}
