package wire

import (
	"net/http"
	"reflect"
	"strings"
)

// awsJSON is awsJson1_0 or awsJson1_1: the X-Amz-Target header names the
// operation, and bodies are JSON.
type awsJSON struct {
	version Protocol // AWSJSON10 or AWSJSON11
}

func speaksJSON(r *http.Request) bool { return r.Header.Get("X-Amz-Target") != "" }

func awsJSONOf(r *http.Request) awsJSON {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-amz-json-1.0") {
		return awsJSON{AWSJSON10}
	}
	return awsJSON{AWSJSON11}
}

func (p awsJSON) id() Protocol { return p.version }

// route reads X-Amz-Target: SERVICE.OPERATION. Services take either version from
// clients, and plain JSON, which AWS does not; to AWS, a body of another type calls no
// operation.
func (p awsJSON) route(x *exchange) *fault {
	target, name, _ := strings.Cut(x.r.Header.Get("X-Amz-Target"), ".")
	if typ := x.r.Header.Get("Content-Type"); typ != "" && !strings.Contains(typ, "json") {
		return unknownOperation(http.StatusNotFound, "The Content-Type of "+name+" has to be application/x-amz-json-1.1 or 1.0, and is "+typ)
	}
	return x.find(target, name, AWSJSON10, AWSJSON11)
}

func (p awsJSON) open(x *exchange) (reader, *fault) {
	if f := x.readBody(); f != nil || x.body.Len() == 0 {
		return nil, f
	}
	return &jsonReader{data: x.body.Bytes()}, nil
}

func (p awsJSON) unknownOperation(name, _ string) *fault {
	return unknownOperation(http.StatusBadRequest, "Unknown operation "+name)
}

func (p awsJSON) setHeader(h http.Header) {
	h.Set("Content-Type", "application/x-amz-json-1.1")
	if p.version == AWSJSON10 {
		h.Set("Content-Type", "application/x-amz-json-1.0")
	}
}

func (p awsJSON) appendOutput(b []byte, x *exchange, out reflect.Value) []byte {
	w := &jsonWriter{buf: b}
	write(w, x.op.outPlan, out)
	return w.buf
}

// appendFault names the error's type, which awsJson1_0 qualifies.
func (p awsJSON) appendFault(b []byte, x *exchange, f *fault) []byte {
	w := &jsonWriter{buf: b}
	writeTypedFault(w, p.errorType(x, f), f)
	return w.buf
}

// errorType is the type of an error. In version 1.0 it has its namespace.
func (p awsJSON) errorType(x *exchange, f *fault) string {
	if p.version == AWSJSON10 {
		return x.qualified(f.code)
	}
	return f.code
}
