package cloudwatch

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"flyball/internal/page"
)

// CloudWatch's errors, with its codes. Which code an operation uses for what
// follows its API reference.

func invalidValue(format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &types.InvalidParameterValueException{Message: &message}
}

func invalidCombination(format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &types.InvalidParameterCombinationException{Message: &message}
}

func missing(parameter string) error {
	message := fmt.Sprintf("The parameter %s is required.", parameter)
	return &types.MissingRequiredParameterException{Message: &message}
}

func validation(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "ValidationError", Message: fmt.Sprintf(format, args...), Fault: smithy.FaultClient}
}

// unsupported refuses what is a part of CloudWatch, but not of this service.
func unsupported(what string) error {
	return validation("%s is not supported.", what)
}

// message is what an error of ours says, without its code.
func message(err error) string {
	if api := smithy.APIError(nil); errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return err.Error()
}

// badToken turns an error of package page into the code that an operation has
// for it.
func badToken(err error) error {
	if !errors.Is(err, page.ErrToken) {
		return err
	}
	message := "The value for parameter NextToken is invalid."
	return &types.InvalidNextToken{Message: &message}
}
