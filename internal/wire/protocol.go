package wire

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// A Protocol is one of AWS's ways to put a call on HTTP.
type Protocol uint8

// The protocols that are served.
const (
	AWSJSON10 Protocol = iota + 1 // awsJson1_0: X-Amz-Target, application/x-amz-json-1.0
	AWSJSON11                     // awsJson1_1: X-Amz-Target, application/x-amz-json-1.1
	RPCv2CBOR                     // rpcv2Cbor: /service/NAME/operation/OP, application/cbor
	AWSQuery                      // awsQuery: Action and Version in a form or query, XML answers
	EC2Query                      // ec2Query: the same with flat lists and errors of its own
	RESTJSON                      // restJson1: method and path name the operation, whose members are all over HTTP
)

// A protocol does for one request what differs between the protocols. Each has
// a file: awsjson.go, rpccbor.go, awsquery.go, queryjson.go, ec2query.go, restjson.go. What is alike for
// all of them is the exchange's.
type protocol interface {
	// id is what the protocol is called in Service.protocols.
	id() Protocol
	// route finds the service and the operation, with exchange.find.
	route(x *exchange) *fault
	// open returns a reader of the input, or nil where the request has none,
	// which stands for an empty struct.
	open(x *exchange) (reader, *fault)
	// unknownOperation is the fault of a call of what does not exist.
	unknownOperation(name, version string) *fault
	// setHeader says in an answer's header what its body is.
	setHeader(http.Header)
	// appendOutput appends the body of a successful answer.
	appendOutput(b []byte, x *exchange, out reflect.Value) []byte
	// appendFault appends the body of an error.
	appendFault(b []byte, x *exchange, f *fault) []byte
}

// A binder is a protocol in which members of an input are not only in the body.
type binder interface {
	bind(x *exchange, in reflect.Value) error
}

// protocolOf tells from headers alone what a client speaks, so that a refusal
// comes in its own language. What no header names is awsQuery, or what the service
// speaks that the call was signed for.
func protocolOf(r *http.Request) protocol {
	switch {
	case speaksCBOR(r):
		return rpcCBOR{}
	case speaksJSON(r):
		return awsJSONOf(r)
	case signedFor(r, "ec2"):
		return new(ec2Query)
	case slices.ContainsFunc(restServices, func(service string) bool { return signedFor(r, service) }), isREST(r.URL.Path):
		return new(restJSON)
	}
	if wantsJSON(r) {
		return new(queryJSON)
	}
	return new(awsQuery)
}

// isREST tells the paths of Lambda, which begin with a date, and of EventBridge Scheduler,
// in calls that are not signed.
func isREST(path string) bool {
	return len(path) > 11 && path[:3] == "/20" && path[5] == '-' && path[8] == '-' && path[11] == '/' ||
		strings.HasPrefix(path, "/schedule") || strings.HasPrefix(path, "/tags/")
}

// signedFor reports whether a service is the one of the credential scope.
func signedFor(r *http.Request, service string) bool {
	return strings.Contains(r.Header.Get("Authorization"), "/"+service+"/aws4_request") ||
		strings.Contains(r.URL.RawQuery, "%2F"+service+"%2Faws4_request")
}

// find looks up a service by its target, if it speaks one of the protocols, and
// its operation, which must be called with POST.
func (x *exchange) find(target, name string, protocols ...Protocol) *fault {
	x.name = name
	for _, s := range x.h.services {
		if s.target == target && slices.ContainsFunc(protocols, s.speaks) {
			x.service = s
			if x.r.Method != http.MethodPost {
				return x.proto.unknownOperation(x.r.Method+" "+name, "")
			}
			return x.findOperation()
		}
	}
	return x.proto.unknownOperation(target+"."+name, "")
}

// findOperation looks up the operation of the service that was found.
func (x *exchange) findOperation() *fault {
	if x.op = x.service.ops()[x.name]; x.op != nil {
		return nil
	}
	version := x.service.version
	if x.service.path != "" {
		version = "" // its operations depend on the path
	}
	f := x.proto.unknownOperation(x.name, version)
	if _, known := x.service.model().Operations[x.name]; known {
		f.message = "The operation " + x.name + " is not available in Flyball"
	}
	return f
}
