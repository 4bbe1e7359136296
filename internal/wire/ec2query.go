package wire

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	smithy "github.com/aws/smithy-go"
)

// ec2Query is awsQuery with lists that are flat, names that are neither the SDK's nor
// those of schemas, and an envelope of its own.
type ec2Query struct {
	awsQuery
}

func (q *ec2Query) id() Protocol { return EC2Query }

// ec2RequestName is what a member is called in a request.
func ec2RequestName(m member, _ *smithy.Schema, goName string) string { return cmp.Or(m.Query, goName) }

// ec2AnswerName is what a member is called in an answer.
func ec2AnswerName(m member, _ *smithy.Schema, goName string) string {
	return cmp.Or(m.XML, lowerFirst(goName))
}

func (q *ec2Query) unknownOperation(name, version string) *fault {
	return unknownOperation(http.StatusBadRequest, fmt.Sprintf("The action %s is not valid for this web service.", name))
}

func (q *ec2Query) appendOutput(b []byte, x *exchange, out reflect.Value) []byte {
	w := &xmlWriter{buf: b, elem: "item"}
	w.start(x.name + `Response xmlns="` + x.service.xmlNamespace + `"`)
	w.leaf("requestId", x.id)
	if len(x.op.outPlan.fields) == 0 {
		w.leaf("return", "true")
	} else {
		write(w, x.op.outPlan, out)
	}
	w.end(x.name + "Response")
	return w.buf
}

func (q *ec2Query) appendFault(b []byte, x *exchange, f *fault) []byte {
	w := &xmlWriter{buf: b}
	w.start("Response")
	w.start("Errors")
	w.start("Error")
	w.leaf("Code", f.ec2Code())
	w.leaf("Message", f.ec2Message())
	w.end("Error")
	w.end("Errors")
	w.leaf("RequestID", x.id)
	w.end("Response")
	return w.buf
}

// ec2Codes are EC2's codes for what a caller may not, or is not believed to be. Source:
// Amazon EC2 API Reference, "Error codes for the Amazon EC2 API".
var ec2Codes = map[string]string{
	"AccessDenied":          "UnauthorizedOperation",
	"ExpiredToken":          "RequestExpired",
	"InvalidClientTokenId":  "AuthFailure",
	"SignatureDoesNotMatch": "AuthFailure",
}

func (f *fault) ec2Code() string {
	code := f.queryCode()
	return cmp.Or(ec2Codes[code], code)
}

// ec2Message is what EC2 says of a fault.
func (f *fault) ec2Message() string {
	if f.ec2Code() == "UnauthorizedOperation" {
		return "You are not authorized to perform this operation. " + f.message
	}
	return f.message
}

// ec2Names are names by which EC2 tells of parameters that have others in its API.
var ec2Names = map[string]string{"resources": "resourceIdSet"}

// ec2Refusal says what is wrong with an input in the words of EC2.
func ec2Refusal(path string, err error) *fault {
	f := &fault{code: "InvalidParameterValue", status: http.StatusBadRequest}
	broken, isRule := errors.AsType[brokenRule](err)
	switch {
	case isRule && broken.value == "null":
		f.code, f.message = "MissingParameter", "The request must contain the parameter "+cmp.Or(ec2Names[path], path)
	case isRule:
		f.message = fmt.Sprintf("Value (%s) for parameter %s is invalid. %s", strings.Trim(broken.value, "'"), path, broken.must)
	case path == "":
		f.code, f.message = "MalformedQueryString", err.Error()
	default:
		f.message = fmt.Sprintf("The value of parameter %s is invalid. %s", path, err.Error())
	}
	return f
}
