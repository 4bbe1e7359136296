package wire

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// guessProtocol tells what a client speaks from headers alone, so that a
// refusal comes in its own language.
func guessProtocol(r *http.Request) Protocol {
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return RPCv2CBOR
	case r.Header.Get("X-Amz-Target") == "":
		return AWSQuery
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json-1.0"):
		return AWSJSON10
	}
	return AWSJSON11
}

// route finds the service and the operation.
func (x *exchange) route() *fault {
	switch x.proto {
	case RPCv2CBOR:
		return x.routeCBOR()
	case AWSQuery:
		return x.routeQuery()
	}
	target, name, _ := strings.Cut(x.r.Header.Get("X-Amz-Target"), ".")
	return x.find(target, name, AWSJSON10, AWSJSON11)
}

// routeCBOR reads .../service/NAME/operation/OPERATION.
func (x *exchange) routeCBOR() *fault {
	part := strings.Split(x.r.URL.Path, "/")
	n := len(part)
	if n < 4 || part[n-4] != "service" || part[n-2] != "operation" {
		return unknownOperation(x.proto, x.r.URL.Path, "", false)
	}
	return x.find(part[n-3], part[n-1], RPCv2CBOR)
}

// find looks up a service by its target, if it speaks one of the protocols, and
// its operation.
func (x *exchange) find(target, name string, protocols ...Protocol) *fault {
	x.name = name
	for _, s := range x.h.services {
		if s.Target == target && slices.ContainsFunc(protocols, s.speaks) {
			x.service = s
			return x.findOperation()
		}
	}
	return unknownOperation(x.proto, target+"."+name, "", false)
}

func (x *exchange) findOperation() *fault {
	if x.r.Method != http.MethodPost && x.proto != AWSQuery {
		return unknownOperation(x.proto, x.r.Method+" "+x.name, "", false)
	}
	if x.op = x.service.ops[x.name]; x.op == nil {
		_, known := x.service.loaded().Operations[x.name]
		return unknownOperation(x.proto, x.name, x.service.Version, known)
	}
	return nil
}

// routeQuery reads the parameters, which alone name the operation. Several
// services share the protocol: the signature's scope names the service, or else
// the version does.
func (x *exchange) routeQuery() *fault {
	x.service = x.queryService(func(s *service) bool { return s.Name == x.scope.Service })
	limit := int64(DefaultMaxBody)
	if x.service != nil {
		limit = x.service.maxBody()
	}
	if f := x.readParams(limit); f != nil {
		return f
	}
	version := x.params.get("Version")
	if x.service == nil {
		x.service = x.queryService(func(s *service) bool { return s.Version == version })
	}
	x.name = x.params.get("Action")
	switch {
	case x.name == "":
		return &fault{code: "MissingAction", status: http.StatusBadRequest, message: "The request must contain the parameter Action"}
	case x.service == nil || version != "" && version != x.service.Version:
		return unknownOperation(x.proto, x.name, version, false)
	}
	return x.findOperation()
}

func (x *exchange) queryService(is func(*service) bool) *service {
	for _, s := range x.h.services {
		if s.speaks(AWSQuery) && is(s) {
			return s
		}
	}
	return nil
}

func (x *exchange) readParams(limit int64) *fault {
	if err := x.params.parse(x.r.URL.RawQuery); err != nil {
		return x.service.queryFault(err)
	}
	if x.r.Method == http.MethodGet {
		return nil
	}
	if x.r.Method != http.MethodPost {
		return unknownOperation(x.proto, x.r.Method, "", false)
	}
	var f *fault
	if x.body, f = readBody(x.r, limit); f != nil {
		return f
	}
	if err := x.params.parse(x.body.String()); err != nil {
		return x.service.queryFault(err)
	}
	return nil
}

// queryFault is for parameters that are not well-formed, before a service is
// known.
func (s *service) queryFault(err error) *fault {
	f := s.decodeFault(err)
	if errors.Is(err, errMalformed) {
		f.query = "MalformedQueryString"
	}
	return f
}
