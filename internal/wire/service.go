package wire

import (
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/document"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Names says how the wire spells the members of a service's structs.
type Names uint8

const (
	// Exact keeps the SDK's field names: MetricName, Dimensions.
	Exact Names = iota
	// LowerFirst lowers their first letter: taskDefinition, loadBalancers.
	LowerFirst
)

// A Service is one AWS service as NewHandler serves it. Fields but API are
// facts about AWS; ECS, CloudWatch and ApplicationAutoScaling know them for the
// services that exist here.
type Service struct {
	// Name is the service in credential scopes: "ecs", "monitoring".
	Name string
	// Version is the API version, such as "2014-11-13".
	Version string
	// Target is the service's shape name, which stands in X-Amz-Target before
	// the dot and in rpc-v2-cbor paths.
	Target string
	// Namespace is the model's namespace, com.amazonaws.Namespace, which
	// qualifies error types.
	Namespace string
	// XMLNamespace is the xmlns of awsQuery answers.
	XMLNamespace string
	// Protocols are those that the service answers.
	Protocols []Protocol
	// Names is how members are spelled in JSON, CBOR and XML.
	Names Names
	// Lower are the names of types that are spelled LowerFirst in a service that
	// is Exact otherwise.
	Lower []string
	// QueryCompatible services tell clients their awsQuery error codes in every
	// protocol, in the x-amzn-query-error header.
	QueryCompatible bool
	// Invalid is the error shape for requests that break the model's
	// constraints, such as "ValidationException".
	Invalid string
	// Unchecked are the operations whose input is not held against the model's
	// constraints here: they say what is wrong in words of their own.
	Unchecked []string
	// Unions are pointers to the SDK types that can stand in union members,
	// such as &types.EvaluationWindowMemberSlidingWindow{}. A union with no type
	// listed is refused in requests.
	Unions []any
	// Document makes the SDK's document from a JSON-like value. Requests with
	// documents are refused where it is nil.
	Document func(any) any
	// MaxBody bounds a request's body as sent, in bytes. Zero means
	// DefaultMaxBody.
	MaxBody int64
	// API is the value whose methods are the operations.
	API any
}

// ECS describes Amazon ECS, served by the methods of api.
func ECS(api any) Service {
	return Service{
		Name:      "ecs",
		Version:   "2014-11-13",
		Target:    "AmazonEC2ContainerServiceV20141113",
		Namespace: "ecs",
		Protocols: []Protocol{AWSJSON11},
		Names:     LowerFirst,
		Invalid:   "InvalidParameterException",
		Unions: []any{
			&ecstypes.DescribeGatewayConfigurationMemberHostSharedAlb{},
			&ecstypes.GatewayConfigurationMemberHostSharedAlb{},
			&ecstypes.GatewayConnectionResourcesMemberHostSharedAlb{},
			&ecstypes.GatewayInfrastructureResourcesMemberHostSharedAlb{},
			&ecstypes.GatewayRouteResourcesMemberHostSharedAlb{},
			&ecstypes.ServiceConnectContainerConfigurationMemberLogLevel{},
			&ecstypes.SharingStrategyMemberNvidiaMps{},
			&ecstypes.UpdateGatewayConfigurationMemberHostSharedAlb{},
		},
		Document: func(v any) any { return document.NewLazyDocument(v) },
		API:      api,
	}
}

// CloudWatch describes Amazon CloudWatch, served by the methods of api. SDKs
// of different ages call it in three protocols.
func CloudWatch(api any) Service {
	return Service{
		Name:         "monitoring",
		Version:      "2010-08-01",
		Target:       "GraniteServiceVersion20100801",
		Namespace:    "cloudwatch",
		XMLNamespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
		Protocols:    []Protocol{RPCv2CBOR, AWSJSON10, AWSQuery},
		Names:        Exact,
		Lower: []string{ // errors; their siblings are spelled Message
			"DashboardInvalidInputError", "DashboardNotFoundError", "InvalidFormatFault", "InvalidNextToken",
			"InvalidParameterCombinationException", "InvalidParameterValueException", "LimitExceededFault",
			"MissingRequiredParameterException", "ResourceConflict", "ResourceNotFound", "ValidationException",
		},
		QueryCompatible: true,
		Invalid:         "ValidationException",
		// As old as the service: "The parameter Namespace is required."
		Unchecked: []string{"GetMetricStatistics", "PutMetricData"},
		Unions: []any{
			&types.EvaluationCriteriaMemberPromQLCriteria{},
			&types.EvaluationWindowMemberSlidingWindow{},
			&types.EvaluationWindowMemberWallClockWindow{},
		},
		MaxBody: 1 << 20, // PutMetricData's documented limit
		API:     api,
	}
}

// ApplicationAutoScaling describes Application Auto Scaling, served by the
// methods of api.
func ApplicationAutoScaling(api any) Service {
	return Service{
		Name:      "application-autoscaling",
		Version:   "2016-02-06",
		Target:    "AnyScaleFrontendService",
		Namespace: "applicationautoscaling",
		Protocols: []Protocol{AWSJSON11},
		Names:     Exact,
		Invalid:   "ValidationException",
		API:       api,
	}
}
