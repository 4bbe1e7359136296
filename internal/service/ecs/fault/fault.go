// Package fault makes the errors of Amazon ECS, with the codes of its API
// reference.
package fault

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
)

// InvalidParameter answers a parameter that is not valid.
func InvalidParameter(format string, args ...any) error {
	return &types.InvalidParameterException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// Client answers what the caller may not do or has named wrongly.
func Client(format string, args ...any) error {
	return &types.ClientException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// ClusterNotFound answers the name of no cluster.
func ClusterNotFound() error {
	return &types.ClusterNotFoundException{Message: aws.String("Cluster not found.")}
}

// ServiceNotFound answers the name of no service.
func ServiceNotFound() error {
	return &types.ServiceNotFoundException{Message: aws.String("Service not found.")}
}

// ServiceNotActive answers a change of a service that is being deleted.
func ServiceNotActive() error {
	return &types.ServiceNotActiveException{Message: aws.String("Service was not ACTIVE.")}
}

// NotServed answers an operation or a member that is not built yet.
func NotServed(what string) error {
	return &types.UnsupportedFeatureException{Message: aws.String(what + " is not supported by this server.")}
}

// Code splits an API error into its code and message.
func Code(err error) (code, message string) {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode(), e.ErrorMessage()
	}
	return "ServerException", err.Error()
}
