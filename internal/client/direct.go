package client

import (
	"context"

	"github.com/aws/smithy-go/middleware"
)

// A Direct carries out an operation of a service, named as in credential scopes, with the SDK's
// input, and returns the SDK's output. With one a Client works inside the server: nothing is
// signed, encoded or sent.
type Direct func(ctx context.Context, service, operation string, in any) (out any, err error)

// signingNames are the names of services in credential scopes, by the SDK's own.
var signingNames = map[string]string{
	"Application Auto Scaling":  "application-autoscaling",
	"CloudWatch":                "monitoring",
	"CloudWatch Logs":           "logs",
	"EC2":                       "ec2",
	"ECR":                       "ecr",
	"ECS":                       "ecs",
	"Elastic Load Balancing v2": "elasticloadbalancing",
	"EventBridge":               "events",
	"IAM":                       "iam",
	"Lambda":                    "lambda",
	"SQS":                       "sqs",
	"Scheduler":                 "scheduler",
	"STS":                       "sts",
}

// shorten has an operation end where it begins.
func (d Direct) shorten(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Direct",
		func(ctx context.Context, in middleware.InitializeInput, _ middleware.InitializeHandler) (out middleware.InitializeOutput, _ middleware.Metadata, err error) {
			out.Result, err = d(ctx, signingNames[middleware.GetServiceID(ctx)], middleware.GetOperationName(ctx), in.Parameters)
			return out, middleware.Metadata{}, err
		}), middleware.Before)
}
