package wire

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
)

// awsQuery reads parameters from the URL and a form, and answers XML.
type awsQuery struct {
	params params
}

func (q *awsQuery) id() Protocol { return AWSQuery }

// route reads the parameters, which alone name the operation. Several services
// share the protocol: the signature's scope names the service, or else the
// version does.
func (q *awsQuery) route(x *exchange) *fault {
	x.service = queryService(x, func(s *service) bool { return s.name == x.scope.Service })
	if f := q.read(x); f != nil {
		return f
	}
	version := q.params.get("Version")
	if x.service == nil {
		x.service = queryService(x, func(s *service) bool { return s.version == version })
	}
	x.name = q.params.get("Action")
	switch {
	case x.name == "" && x.r.Method == http.MethodGet && x.service != nil && x.service.path != "":
		return &fault{code: "UnknownOperationException", status: http.StatusNotFound, bare: true}
	case x.name == "":
		return &fault{code: "MissingAction", status: http.StatusBadRequest, message: "The request must contain the parameter Action"}
	case x.service == nil || version != "" && version != x.service.version:
		return x.proto.unknownOperation(x.name, version)
	}
	if f := x.findOperation(); f != nil || x.service.path == "" || x.r.URL.Path == "/" {
		return f
	}
	return q.takePath(x)
}

// takePath takes the path of a request for the member of the input that it stands for.
func (q *awsQuery) takePath(x *exchange) *fault {
	if slices.Contains(x.service.atRoot, x.name) {
		return x.proto.unknownOperation(x.name, "")
	}
	if q.params.get(x.service.path) != "" {
		return nil
	}
	if err := q.params.put(x.service.path, x.r.URL.Path); err != nil {
		return x.service.decodeFault(err)
	}
	return nil
}

func queryService(x *exchange, is func(*service) bool) *service {
	for _, s := range x.h.services {
		if s.speaks(x.proto.id()) && is(s) {
			return s
		}
	}
	return nil
}

// read reads the parameters in the URL, and those in the body of a POST.
func (q *awsQuery) read(x *exchange) *fault {
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodPost {
		return x.proto.unknownOperation(x.r.Method, "")
	}
	if f := x.readBody(); f != nil {
		return f
	}
	if err := q.params.parse(x.r.URL.RawQuery); err != nil {
		return malformedQuery(x, err)
	}
	if x.r.Method == http.MethodGet {
		return nil
	}
	if !x.takeMore(paramCopies * x.body.Len()) {
		return x.service.throttled()
	}
	if err := q.params.parse(x.body.String()); err != nil {
		return malformedQuery(x, err)
	}
	return nil
}

func malformedQuery(x *exchange, err error) *fault {
	f := x.service.decodeFault(err)
	if errors.Is(err, errMalformed) {
		f.query = "MalformedQueryString"
	}
	return f
}

func (q *awsQuery) open(*exchange) (reader, *fault) { return &queryReader{now: &q.params.root}, nil }

func (q *awsQuery) unknownOperation(name, version string) *fault {
	if version == "" {
		return unknownOperation(http.StatusBadRequest, fmt.Sprintf("The action %s is not valid for this endpoint.", name))
	}
	return unknownOperation(http.StatusBadRequest, fmt.Sprintf("Could not find operation %s for version %s", name, version))
}

// accessErrors are the codes in awsQuery of errors that say that a caller may
// not, which few models have. Services that speak awsQuery answer them with
// status 403, and the others with 400.
var accessErrors = map[string]string{
	"AccessDeniedException":       "AccessDenied",
	"ExpiredTokenException":       "ExpiredToken",
	"InvalidSignatureException":   "SignatureDoesNotMatch",
	"UnrecognizedClientException": "InvalidClientTokenId",
}

func (q *awsQuery) setHeader(h http.Header) { h.Set("Content-Type", "text/xml") }

func (q *awsQuery) appendOutput(b []byte, x *exchange, out reflect.Value) []byte {
	w := &xmlWriter{buf: b}
	w.start(x.name + `Response xmlns="` + x.service.xmlNamespace + `"`)
	if !x.op.void {
		w.result(x.name+"Result", func() { write(w, x.op.outPlan, out) }, x.service.detail)
	}
	w.start("ResponseMetadata")
	w.leaf("RequestId", x.id)
	w.end("ResponseMetadata")
	w.end(x.name + "Response")
	return w.buf
}

func (q *awsQuery) appendFault(b []byte, x *exchange, f *fault) []byte {
	w := &xmlWriter{buf: b}
	if f.bare {
		w.start(f.code + "/")
		return w.buf
	}
	if x.service != nil && x.service.xmlNamespace != "" {
		w.start(`ErrorResponse xmlns="` + x.service.xmlNamespace + `"`)
	} else {
		w.start("ErrorResponse")
	}
	w.start("Error")
	writeQueryFault(w, x, f)
	if x.service != nil && x.service.detail {
		w.buf = append(w.buf, "<Detail/>"...)
	}
	w.end("Error")
	w.leaf("RequestId", x.id)
	w.end("ErrorResponse")
	return w.buf
}

// writeQueryFault writes what is in the element Error.
func writeQueryFault(w writer, x *exchange, f *fault) {
	w.openObject()
	w.member("Type")
	w.text(f.side())
	w.member("Code")
	w.text(f.queryCode())
	if said, ok := x.wsdl(f.code); ok {
		w.member("Message")
		w.text(said)
	} else {
		f.writeMessage(w, "Message")
	}
	f.writeOtherMembers(w)
	w.closeObject()
}

// wsdl is what an error says in awsQuery, if that is not what it says in others.
func (x *exchange) wsdl(code string) (message string, ok bool) {
	if x.service == nil {
		return "", false
	}
	message, ok = x.service.wsdl[code]
	return message, ok
}
