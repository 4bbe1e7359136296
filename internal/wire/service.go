package wire

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/document"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// A Protocol is one of AWS's ways to put a call on HTTP.
type Protocol uint8

// The protocols that are served.
const (
	AWSJSON10 Protocol = iota + 1 // awsJson1_0: X-Amz-Target, application/x-amz-json-1.0
	AWSJSON11                     // awsJson1_1: X-Amz-Target, application/x-amz-json-1.1
	RPCv2CBOR                     // rpcv2Cbor: /service/NAME/operation/OP, application/cbor
	AWSQuery                      // awsQuery: Action and Version in a form or query, XML answers
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

// A service is a Service made ready to be called.
type service struct {
	Service
	ops    map[string]*operation
	loaded func() *model

	mu      sync.Mutex // guards the planner
	planner *planner
}

// An operation is a method of a service's API. Its plans are made when it is
// called first.
type operation struct {
	name    string
	method  reflect.Value
	in, out reflect.Type

	once            sync.Once
	err             error
	inPlan, outPlan *plan
	void            bool // it has no output in AWS's model
}

func newService(s Service) (*service, error) {
	sv := &service{Service: s, ops: operations(s.API)}
	if len(sv.ops) == 0 {
		return nil, fmt.Errorf("wire: %s has no operations: %T has no method like the SDK client's", s.Name, s.API)
	}
	sv.loaded = sync.OnceValue(func() *model {
		m, err := loadModel(s.Name)
		if err != nil {
			panic(err) // the files are embedded, and tested
		}
		return m
	})
	return sv, nil
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// operations finds the methods with the signature of the SDK client's:
//
//	X(context.Context, *XInput, ...func(*Options)) (*XOutput, error)
func operations(api any) map[string]*operation {
	ops := map[string]*operation{}
	v := reflect.ValueOf(api)
	if !v.IsValid() {
		return ops
	}
	for i := range v.NumMethod() {
		name, m := v.Type().Method(i).Name, v.Method(i)
		if in, out, ok := signature(m.Type(), name); ok {
			ops[name] = &operation{name: name, method: m, in: in, out: out}
		}
	}
	return ops
}

func signature(m reflect.Type, name string) (in, out reflect.Type, ok bool) {
	if !m.IsVariadic() || m.NumIn() != 3 || m.NumOut() != 2 || m.In(0) != contextType || m.Out(1) != errorType {
		return nil, nil, false
	}
	in, out = m.In(1), m.Out(0)
	if in.Kind() != reflect.Pointer || in.Elem().Name() != name+"Input" ||
		out.Kind() != reflect.Pointer || out.Elem().Name() != name+"Output" {
		return nil, nil, false
	}
	return in.Elem(), out.Elem(), true
}

func (s *service) speaks(p Protocol) bool { return slices.Contains(s.Protocols, p) }

func (s *service) maxBody() int64 {
	if s.MaxBody > 0 {
		return s.MaxBody
	}
	return DefaultMaxBody
}

// prepare makes the plans of an operation, once.
func (s *service) prepare(op *operation) error {
	op.once.Do(func() {
		m := s.loaded().Operations[op.name]
		op.void = m.Void
		if op.inPlan, op.err = s.planOf(op.in, m.Input); op.err == nil {
			op.outPlan, op.err = s.planOf(op.out, "")
		}
	})
	return op.err
}

// planOf returns the plan for a type that stands for a shape of the model.
func (s *service) planOf(t reflect.Type, shape string) (*plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.planner == nil {
		s.planner = &planner{names: s.Names, lower: s.Lower, document: s.Document, model: s.loaded(), plans: map[planKey]*plan{}}
		for _, u := range s.Unions {
			s.planner.unions = append(s.planner.unions, reflect.TypeOf(u))
		}
	}
	p, err := s.planner.plan(t, shape)
	if err != nil {
		return nil, err
	}
	p.setChecked()
	return p, nil
}
