// Package fault makes the errors of Application Auto Scaling, with the codes of
// its API reference.
package fault

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

// Invalid answers what the service does not accept.
func Invalid(format string, args ...any) error {
	return &types.ValidationException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// Rule answers what the engine refuses, as a sentence.
func Rule(err error) error {
	text := err.Error()
	r, n := utf8.DecodeRuneInString(text)
	return Invalid("%c%s", unicode.ToUpper(r), text[n:])
}

// Token answers a page's token that is none of this listing.
func Token(token *string) error {
	return &types.InvalidNextTokenException{Message: aws.String(fmt.Sprintf("The next token %q is invalid.", aws.ToString(token)))}
}

// Limit answers more than there can be.
func Limit(format string, args ...any) error {
	return &types.LimitExceededException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// TooManyTags answers more tags than a scalable target can have.
func TooManyTags(arn string, most int) error {
	return &types.TooManyTagsException{
		Message:      aws.String(fmt.Sprintf("A scalable target can have %d tags at most.", most)),
		ResourceName: aws.String(arn),
	}
}

// Internal answers what is this server's fault.
func Internal(err error) error {
	return &types.InternalServiceException{Message: aws.String(err.Error())}
}

// A Key names a scalable target in a request.
type Key struct {
	Namespace  types.ServiceNamespace
	ResourceID string
	Dimension  types.ScalableDimension
}

func (k Key) String() string {
	return fmt.Sprintf("service namespace: %s, resource ID: %s, scalable dimension: %s", k.Namespace, k.ResourceID, k.Dimension)
}

// TargetNotRegistered answers what can only be done to a target that there is.
func TargetNotRegistered(k Key) error {
	return notFound("No scalable target registered for %s", k)
}

// TargetNotFound answers the key of no target.
func TargetNotFound(k Key) error { return notFound("No scalable target found for %s", k) }

// PolicyNotFound answers the name of no scaling policy.
func PolicyNotFound(k Key, name string) error {
	return notFound("No scaling policy found for %s, policy name: %s", k, name)
}

// ActionNotFound answers the name of no scheduled action.
func ActionNotFound(k Key, name string) error {
	return notFound("No scheduled action found for %s, scheduled action name: %s", k, name)
}

func notFound(format string, args ...any) error {
	return &types.ObjectNotFoundException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// ResourceNotFound answers the ARN of no target.
func ResourceNotFound(arn string) error {
	return &types.ResourceNotFoundException{Message: aws.String("Scalable Target not found"), ResourceName: aws.String(arn)}
}

// ResourceGone answers the resource id of nothing.
func ResourceGone(id scaling.ResourceID) error {
	if id.Kind() == scaling.Functions {
		return Invalid("Lambda function doesn't exist: %s", id)
	}
	return Invalid("ECS service doesn't exist: %s", id)
}

// Alarms answers when CloudWatch refuses what a policy needs. What is wrong with
// the policy's own metric is the caller's to mend.
func Alarms(err error) error {
	if message, refused := refusal(err); refused {
		return Invalid("The alarms of the policy cannot be created: %s", message)
	}
	if full, ok := errors.AsType[*cwtypes.LimitExceededFault](err); ok {
		return Limit("The alarms of the policy cannot be created: %s", full.ErrorMessage())
	}
	return &types.FailedResourceAccessException{Message: aws.String("Unable to access the alarms of the scaling policy: " + err.Error())}
}

// Metrics answers when CloudWatch does not read a policy's metrics.
func Metrics(err error) error {
	if message, refused := refusal(err); refused {
		return Invalid("The metrics of the policy cannot be read: %s", message)
	}
	return Internal(fmt.Errorf("read the metrics of the policy: %w", err))
}

// refusal is what CloudWatch finds wrong with a call's parameters.
func refusal(err error) (message string, refused bool) {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return "", false
	}
	switch api.ErrorCode() {
	case "ValidationError", "InvalidParameterValue", "InvalidParameterCombination", "MissingParameter":
		return api.ErrorMessage(), true
	}
	return "", false
}

// Said is what a failing call said, without the SDK's wrapping.
func Said(err error) error {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return err
}
