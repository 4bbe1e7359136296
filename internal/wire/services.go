package wire

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/document"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithy "github.com/aws/smithy-go"
)

// ECS describes Amazon ECS, whose operations are the methods of T.
func ECS[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:      "ecs",
		version:   "2014-11-13",
		target:    "AmazonEC2ContainerServiceV20141113",
		namespace: "ecs",
		protocols: []Protocol{AWSJSON11},
		errors:    ecs.TypeRegistry,
		invalid:   "InvalidParameterException",
		refusal:   ecsRefusal,
		unions: []any{
			&ecstypes.DescribeGatewayConfigurationMemberHostSharedAlb{},
			&ecstypes.GatewayConfigurationMemberHostSharedAlb{},
			&ecstypes.GatewayConnectionResourcesMemberHostSharedAlb{},
			&ecstypes.GatewayElbAccessLogDestinationMemberS3{},
			&ecstypes.GatewayInfrastructureResourcesMemberHostSharedAlb{},
			&ecstypes.GatewayRouteResourcesMemberHostSharedAlb{},
			&ecstypes.ServiceConnectContainerConfigurationMemberLogLevel{},
			&ecstypes.SharingStrategyMemberNvidiaMps{},
			&ecstypes.UpdateGatewayConfigurationMemberHostSharedAlb{},
		},
		// Documented in "Managing Amazon ECS account settings" of the developer guide.
		enums:    map[string][]string{"SettingName": {"dualStackIPv6"}},
		document: func(v any) any { return document.NewLazyDocument(v) },
	}, resolve)
}

// ecsEnums are what ECS says of enums whose members it calls by other words, or whose
// values are not those of the SDK, by the last step of their paths.
var ecsEnums = map[string]string{
	"launchType":         "launch type should be one of [EC2,FARGATE,EXTERNAL,FMI,MANAGED_INSTANCES]",
	"schedulingStrategy": "Scheduling strategy should be one of [REPLICA,DAEMON]",
}

// ecsRefusal has ECS's own words for values that are none of an enum.
func ecsRefusal(path string, err error) *fault {
	_, values, isEnum := strings.Cut(err.Error(), "enum value set: [")
	if _, broken := errors.AsType[brokenRule](err); !broken || !isEnum {
		return nil
	}
	member := path[strings.LastIndex(path, ".")+1:]
	message, known := ecsEnums[member]
	if !known {
		values, _, _ = strings.Cut(values, "]")
		message = member + " should be one of [" + strings.ReplaceAll(values, ", ", ",") + "]"
	}
	return &fault{code: "InvalidParameterException", status: http.StatusBadRequest, message: message}
}

// CloudWatch describes Amazon CloudWatch, whose operations are the methods of T.
// SDKs of different ages call it in three protocols.
func CloudWatch[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:            "monitoring",
		version:         "2010-08-01",
		target:          "GraniteServiceVersion20100801",
		namespace:       "cloudwatch.v2010_08_01",
		xmlNamespace:    "http://monitoring.amazonaws.com/doc/2010-08-01/",
		protocols:       []Protocol{RPCv2CBOR, AWSJSON10, AWSQuery},
		errors:          cloudwatch.TypeRegistry,
		queryCompatible: true,
		invalid:         "ValidationException",
		// As old as the service: "The parameter Namespace is required."
		unchecked: []string{"GetMetricStatistics", "PutMetricData"},
		// Datapoints are not state: they are on disk within a second.
		stateless: []string{"GetMetricData", "GetMetricStatistics", "ListMetrics", "PutMetricData"},
		unions: []any{
			&types.EvaluationCriteriaMemberPromQLCriteria{},
			&types.EvaluationWindowMemberSlidingWindow{},
			&types.EvaluationWindowMemberWallClockWindow{},
		},
		enums:   map[string][]string{"StateValue": {"INSUFFICIENT_DATA", "ALARM", "OK"}},
		maxBody: 1 << 20, // PutMetricData's documented limit
	}, resolve)
}

// ApplicationAutoScaling describes Application Auto Scaling, whose operations
// are the methods of T.
func ApplicationAutoScaling[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:      "application-autoscaling",
		version:   "2016-02-06",
		target:    "AnyScaleFrontendService",
		namespace: "applicationautoscaling",
		protocols: []Protocol{AWSJSON11},
		errors:    applicationautoscaling.TypeRegistry,
		enums: map[string][]string{
			"PolicyType": {"PredictiveScaling", "StepScaling", "TargetTrackingScaling"},
			"MetricType": {"FlyballSQSBacklogPerTask"}, // Flyball's own
		},
		invalid: "ValidationException",
	}, resolve)
}

// ELB describes Elastic Load Balancing v2, whose operations are the methods of T.
func ELB[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:         "elasticloadbalancing",
		version:      "2015-12-01",
		namespace:    "elasticloadbalancingv2",
		xmlNamespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
		protocols:    []Protocol{AWSQuery},
		errors:       elasticloadbalancingv2.TypeRegistry,
		invalid:      "ValidationError",
	}, resolve)
}

// EventBridge describes Amazon EventBridge, whose operations are the methods of T.
func EventBridge[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:      "events",
		version:   "2015-10-07",
		target:    "AWSEvents",
		namespace: "eventbridge",
		protocols: []Protocol{AWSJSON11},
		errors:    eventbridge.TypeRegistry,
		invalid:   "ValidationException",
		shown: map[string][]string{"PutEventsRequestEntry": {
			"time", "source", "resources", "detailType", "detail", "eventBusName", "traceHeader", "kmsKeyIdentifier", "internalMetadata",
		}},
		// Events are on disk when they are answered for.
		stateless: []string{"PutEvents"},
	}, resolve)
}

// IAM describes AWS Identity and Access Management, whose operations are the
// methods of T.
func IAM[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:         "iam",
		version:      "2010-05-08",
		namespace:    "iam",
		xmlNamespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		protocols:    []Protocol{AWSQuery},
		errors:       iam.TypeRegistry,
		invalid:      "ValidationError",
	}, resolve)
}

// SQS describes Amazon SQS, whose operations are the methods of T.
func SQS[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:            "sqs",
		version:         "2012-11-05",
		target:          "AmazonSQS",
		namespace:       "sqs",
		xmlNamespace:    "http://queue.amazonaws.com/doc/2012-11-05/",
		protocols:       []Protocol{AWSJSON10, AWSQuery},
		errors:          sqs.TypeRegistry,
		queryCompatible: true,
		queryCodes:      true,
		codes: map[string]string{
			"InvalidParameterValueException":    "InvalidParameterValue",
			"MissingRequiredParameterException": "MissingParameter",
		},
		wsdl:      map[string]string{"QueueDoesNotExist": "The specified queue does not exist for this wsdl version."},
		jsonNames: map[string]string{"Messages": "messages", "QueueUrls": "queueUrls"},
		// Sentences of its own, as old as the service.
		unchecked: methodsOf[T](),
		// Messages are on disk in a log of their own.
		stateless: []string{
			"ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage", "DeleteMessageBatch",
			"ReceiveMessage", "SendMessage", "SendMessageBatch",
		},
		path:     "QueueUrl",
		atRoot:   []string{"CreateQueue", "ListQueues"},
		detail:   true,
		endpoint: true,
		zeros:    true,
		maxBody:  8 << 20, // a megabyte of messages, with each byte escaped
	}, resolve)
}

// Lambda describes AWS Lambda, whose operations are the methods of T.
func Lambda[T any](resolve func(context.Context, Scope) (T, error)) Service {
	const archive = 70_167_211 // 50 MiB in base64, and what stands around it
	return serve(Service{
		name:      "lambda",
		version:   "2015-03-31",
		namespace: "lambda",
		protocols: []Protocol{RESTJSON},
		errors:    lambda.TypeRegistry,
		invalid:   "ValidationException",
		refusal:   lambdaRefusal,
		endpoint:  true,
		enums:     map[string][]string{"Runtime": {}}, // which have an error of their own
		present:   []string{"Architecture"},
		// Calls of functions change no state that an answer tells of.
		stateless: []string{"Invoke"},
		maxBody:   6 << 20,
		// The service says by how much a payload is too large, if it is not by far.
		maxBodies: map[string]int64{"CreateFunction": archive, "Invoke": 8 << 20, "PublishLayerVersion": archive, "UpdateFunctionCode": archive},
		oversize:  lambdaOversize,
	}, resolve)
}

// lambdaRefusal says in the words of Lambda that a body cannot be read.
func lambdaRefusal(path string, err error) *fault {
	if _, broken := errors.AsType[brokenRule](err); broken {
		return nil
	}
	message := "Could not parse request body into json: " + err.Error()
	if path != "" {
		message += " (at '" + path + "')"
	}
	return &fault{code: "InvalidRequestContentException", status: http.StatusBadRequest, message: message}
}

// lambdaOversize is Lambda's error for a body that is too large.
func lambdaOversize(operation string, limit int64) error {
	message := fmt.Sprintf("Request must be smaller than %d bytes for the %s operation", limit, operation)
	return &smithy.GenericAPIError{Code: "RequestEntityTooLargeException", Message: message}
}

// Scheduler describes Amazon EventBridge Scheduler, whose operations are the methods of T.
func Scheduler[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:      "scheduler",
		version:   "2021-06-30",
		namespace: "scheduler",
		protocols: []Protocol{RESTJSON},
		invalid:   "ValidationException",
		maxBody:   1 << 20,
	}, resolve)
}

// methodsOf are the names of the operations of a type.
func methodsOf[T any]() (names []string) {
	for name := range operations(reflect.TypeFor[T]()) {
		names = append(names, name)
	}
	return names
}

// Logs describes Amazon CloudWatch Logs, whose operations are the methods of T.
func Logs[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:      "logs",
		version:   "2014-03-28",
		target:    "Logs_20140328",
		namespace: "cloudwatchlogs",
		protocols: []Protocol{AWSJSON11},
		errors:    cloudwatchlogs.TypeRegistry,
		invalid:   "InvalidParameterException",
		refusal:   logsRefusal,
		shown: map[string][]string{"MetricTransformation": {
			"metricName", "metricNamespace", "metricValue", "defaultValue", "unit", "dimensions",
		}},
		// Events are not state: they are on disk when they are answered for.
		stateless: []string{"PutLogEvents"},
		maxBody:   8 << 20, // a batch of 1 MiB whose characters are all escaped
	}, resolve)
}

// logsRefusal has AWS's own words for names that are too long, and for identifiers that
// are none, whose value it does not repeat.
func logsRefusal(path string, err error) *fault {
	f := &fault{code: "InvalidParameterException", status: http.StatusBadRequest}
	switch {
	case (path == "logGroupName" || path == "logStreamName") && err.Error() == "Member must have length less than or equal to 512":
		f.message = "Invalid LogGroup or LogStream, both must have length less than or equal to 512."
	case path == "logGroupIdentifier" && strings.HasPrefix(err.Error(), "Member must satisfy regular expression pattern"):
		f.message = "1 validation error detected: " + brokenRule{must: err.Error()}.at(path)
	default:
		return nil
	}
	return f
}

// STS describes AWS Security Token Service, whose operations are the methods of T.
func STS[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:         "sts",
		version:      "2011-06-15",
		namespace:    "sts",
		xmlNamespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		protocols:    []Protocol{AWSQuery},
		errors:       sts.TypeRegistry,
		invalid:      "ValidationError",
	}, resolve)
}

// ECR describes Amazon Elastic Container Registry, whose operations are the methods
// of T.
func ECR[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:      "ecr",
		version:   "2015-09-21",
		target:    "AmazonEC2ContainerRegistry_V20150921",
		namespace: "ecr",
		protocols: []Protocol{AWSJSON11},
		errors:    ecr.TypeRegistry,
		refusal:   ecrRefusal,
		endpoint:  true,
		enums:     map[string][]string{"ImageTagMutability": {"IMMUTABLE", "MUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION"}},
		// A part of a layer has 20 MiB at most, and comes in base64.
		maxBody: 32 << 20,
	}, resolve)
}

// EC2 describes Amazon EC2, whose operations are the methods of T.
func EC2[T any](resolve func(context.Context, Scope) (T, error)) Service {
	return serve(Service{
		name:         "ec2",
		version:      "2016-11-15",
		namespace:    "ec2",
		xmlNamespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
		protocols:    []Protocol{EC2Query},
		refusal:      ec2Refusal,
	}, resolve)
}
