package wire

import (
	"context"
	"reflect"

	smithy "github.com/aws/smithy-go"
)

// A Service is one AWS service as NewHandler serves it: facts about AWS, and
// where the value is found whose methods are the operations. ECS, CloudWatch and
// ApplicationAutoScaling make them.
type Service struct {
	name         string               // in credential scopes: "ecs", "monitoring"
	version      string               // of the API, such as "2014-11-13"
	target       string               // its shape name, in X-Amz-Target and rpc-v2-cbor paths; empty with other protocols
	namespace    string               // of the model, com.amazonaws.NAMESPACE, which qualifies error types
	xmlNamespace string               // xmlns of awsQuery and ec2Query answers
	protocols    []Protocol           // those that the service answers
	errors       *smithy.TypeRegistry // the types of its errors
	// queryCompatible services tell clients their awsQuery error codes in every
	// protocol, in the x-amzn-query-error header, if these are in query mode.
	queryCompatible bool
	// queryCodes has them told to clients that are not in query mode, too.
	queryCodes bool
	// invalid is the error shape for requests that break the model's constraints,
	// such as "ValidationException".
	invalid string
	// refusal, where it is set, says in the service's own words what is wrong with
	// the value at a path in an input, of which AWS's models say all for others. It
	// says nothing where the model's words are the service's own.
	refusal func(path string, err error) *fault
	// unchecked are the operations whose input is not held against the model's
	// constraints here: they say what is wrong in words of their own.
	unchecked []string
	// stateless are the operations whose answers tell nothing that Options.Settle
	// has to wait for.
	stateless []string
	// unsigned are the operations that callers need not sign, as they have no
	// credentials yet.
	unsigned []string
	// unions are pointers to the SDK types that can stand in union members, such
	// as &types.EvaluationWindowMemberSlidingWindow{}. A union with no type listed
	// is refused in requests.
	unions []any
	// enums are values that come first where a message lists those of a type: AWS's
	// order, where it is known, is not that of the models, and AWS accepts some
	// values that the models lack. The values of a type with an empty list are not
	// checked: its service does that.
	enums map[string][]string
	// present are types of which messages about lists say that no value may be null.
	present []string
	// shown are the members of structs that messages about lists of them repeat, in AWS's
	// order and in its spelling. Of others only that there is one is told.
	shown map[string][]string
	// document makes the SDK's document from a JSON-like value. Requests with
	// documents are refused where it is nil.
	document func(any) any
	// codes are the awsQuery codes of errors that no type of the SDK stands for, by
	// their names.
	codes map[string]string
	// path is a member that awsQuery requests may give as their path. Some operations,
	// which do not have it, are served at / alone.
	path   string
	atRoot []string
	// detail has awsQuery errors end with an empty Detail, and results without anything
	// in them be written short.
	detail bool
	// zeros has operations know a zero that was given, as optional.Zero, from none
	// where the SDK has plain numbers.
	zeros bool
	// wsdl is what errors say in awsQuery where that is something else, by code.
	wsdl map[string]string
	// jsonNames are what awsQuery calls members in JSON where the model has other names.
	jsonNames map[string]string
	// endpoint has operations know at which address a call came in.
	endpoint bool
	maxBody  int64 // bound on a request's body as sent, in bytes; 0: defaultMaxBody
	// maxBodies are the bounds of operations that have others, and oversize, where it is
	// set, is the service's own error for a larger body.
	maxBodies map[string]int64
	oversize  func(operation string, limit int64) error

	typ     reflect.Type // has the operations as methods
	resolve func(context.Context, Scope) (any, error)
}

// serve gives a service the type whose methods are its operations, and where the
// value is found for a call.
func serve[T any](s Service, resolve func(context.Context, Scope) (T, error)) Service {
	s.typ = reflect.TypeFor[T]()
	s.resolve = func(ctx context.Context, scope Scope) (any, error) { return resolve(ctx, scope) }
	return s
}
