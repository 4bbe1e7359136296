package server

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// A protocol puts an input, a tree of values as encoding/json makes them and of
// times, into a request.
type protocol struct {
	name    string
	request func(base, target, operation string, in any) (*http.Request, error)
	problem func(body []byte) (code, message string, err error)
	output  func(body []byte) (any, error) // nil where no test needs it
	// text reports whether a member of an input is text in the request, whatever it is.
	// Nil: all are in awsQuery and ec2Query, and none in others.
	text func(operation, path string) bool
}

var targets = map[string]string{
	"ecr":                     "AmazonEC2ContainerRegistry_V20150921",
	"ecs":                     "AmazonEC2ContainerServiceV20141113",
	"application-autoscaling": "AnyScaleFrontendService",
	"events":                  "AWSEvents",
	"logs":                    "Logs_20140328",
	"monitoring":              "GraniteServiceVersion20100801",
	"sqs":                     "AmazonSQS",
}

var protocols = map[string][]protocol{
	"ecr":                     {jsonProtocol("1.1")},
	"ecs":                     {jsonProtocol("1.1")},
	"application-autoscaling": {jsonProtocol("1.1")},
	"events":                  {jsonProtocol("1.1")},
	"logs":                    {jsonProtocol("1.1")},
	"monitoring":              {jsonProtocol("1.0"), cborProtocol, queryProtocol("2010-08-01")},
	"ec2":                     {ec2Protocol},
	"elasticloadbalancing":    {queryProtocol("2015-12-01")},
	"iam":                     {queryProtocol("2010-05-08")},
	"lambda":                  {restProtocol("lambda")},
	"scheduler":               {restProtocol("scheduler")},
	"sqs":                     {jsonProtocol("1.0"), sqsQueryProtocol},
	"sts":                     {queryProtocol("2011-06-15")},
}

func jsonProtocol(version string) protocol {
	return protocol{
		name: "awsJson" + version,
		request: func(base, target, operation string, in any) (*http.Request, error) {
			body, err := json.Marshal(jsonValue(in))
			if err != nil {
				return nil, err
			}
			r, err := newRequest(base, body)
			if err == nil {
				r.Header.Set("Content-Type", "application/x-amz-json-"+version)
				r.Header.Set("X-Amz-Target", target+"."+operation)
			}
			return r, err
		},
		problem: func(body []byte) (string, string, error) {
			var e map[string]any
			err := json.Unmarshal(body, &e)
			return typedProblem(e, err)
		},
		output: func(body []byte) (out any, err error) {
			if len(body) > 0 {
				err = json.Unmarshal(body, &out)
			}
			return out, err
		},
	}
}

var cborProtocol = protocol{
	name: "rpcv2Cbor",
	request: func(base, target, operation string, in any) (*http.Request, error) {
		encoder, err := cbor.EncOptions{Time: cbor.TimeUnix, TimeTag: cbor.EncTagRequired}.EncMode()
		if err != nil {
			return nil, err
		}
		body, err := encoder.Marshal(cborValue(in))
		if err != nil {
			return nil, err
		}
		r, err := newRequest(base+"/service/"+target+"/operation/"+operation, body)
		if err == nil {
			r.Header.Set("Content-Type", "application/cbor")
			r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		}
		return r, err
	},
	problem: func(body []byte) (string, string, error) {
		var e map[string]any
		err := cbor.Unmarshal(body, &e)
		return typedProblem(e, err)
	},
}

func queryProtocol(version string) protocol {
	return protocol{
		name: "awsQuery",
		request: func(base, _, operation string, in any) (*http.Request, error) {
			form := url.Values{"Action": {operation}, "Version": {version}}
			addParameters(form, "", in)
			r, err := newRequest(base, []byte(form.Encode()))
			if err == nil {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			return r, err
		},
		problem: func(body []byte) (string, string, error) {
			var e struct {
				Error struct{ Code, Message string }
			}
			err := xml.Unmarshal(body, &e)
			return e.Error.Code, e.Error.Message, err
		},
		output: func(body []byte) (any, error) {
			var e element
			err := xml.Unmarshal(body, &e)
			for _, below := range e.Elements {
				if strings.HasSuffix(below.XMLName.Local, "Result") {
					return below.value(), err
				}
			}
			return nil, err
		},
	}
}

// sqsQueryProtocol is awsQuery with lists and maps that are flat, by names of their own.
var sqsQueryProtocol = protocol{
	name: "sqsQuery",
	request: func(base, target, operation string, in any) (*http.Request, error) {
		return queryProtocol("2012-11-05").request(base, target, operation, flat(operation, in))
	},
	problem: queryProtocol("").problem,
}

// flatNames are what the elements of a list or a map are called, and flatKeys the parts
// of those of a map.
var (
	flatNames = map[string]string{
		"AWSAccountIds": "AWSAccountId", "Actions": "ActionName", "AttributeNames": "AttributeName", "Attributes": "Attribute",
		"MessageAttributeNames": "MessageAttributeName", "MessageAttributes": "MessageAttribute",
		"MessageSystemAttributes": "MessageSystemAttribute", "TagKeys": "TagKey", "Tags": "Tag", "tags": "Tag",
	}
	flatKeys = map[string][2]string{"Tag": {"Key", "Value"}}
)

// flat is an input whose lists and maps stand as their numbered elements.
func flat(operation string, in any) any {
	object, ok := in.(map[string]any)
	if !ok {
		return in
	}
	out := map[string]any{}
	for member, v := range object {
		name := flatNames[member]
		if member == "Entries" {
			name = operation + "RequestEntry"
		}
		switch v := v.(type) {
		case []any:
			for i, e := range v {
				out[cmp.Or(name, member)+"."+strconv.Itoa(i+1)] = flat(operation, e)
			}
		case map[string]any:
			if name == "" {
				out[member] = flat(operation, v)
				continue
			}
			keys, ok := flatKeys[name]
			if !ok {
				keys = [2]string{"Name", "Value"}
			}
			for i, key := range slices.Sorted(maps.Keys(v)) {
				out[name+"."+strconv.Itoa(i+1)] = map[string]any{keys[0]: key, keys[1]: flat(operation, v[key])}
			}
		default:
			out[member] = v
		}
	}
	return out
}

// ec2Protocol is awsQuery with other answers.
var ec2Protocol = protocol{
	name: "ec2Query",
	request: func(base, target, operation string, in any) (*http.Request, error) {
		r, err := queryProtocol("2016-11-15").request(base, target, operation, in)
		if err == nil {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/any/", "/ec2/", 1))
		}
		return r, err
	},
	problem: func(body []byte) (string, string, error) {
		var e struct {
			Errors struct {
				Error struct{ Code, Message string }
			}
		}
		err := xml.Unmarshal(body, &e)
		return e.Errors.Error.Code, e.Errors.Error.Message, err
	},
	output: func(body []byte) (any, error) {
		var e element
		err := xml.Unmarshal(body, &e)
		e.Elements = slices.DeleteFunc(e.Elements, func(below element) bool { return below.XMLName.Local == "requestId" })
		return e.value(), err
	},
}

// An element is one of an awsQuery answer.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Elements []element `xml:",any"`
}

// value is a list, an object or a text, as encoding/json would have them.
func (e element) value() any {
	if len(e.Elements) == 0 {
		return e.Text
	}
	var list []any
	object := map[string]any{}
	for _, below := range e.Elements {
		list = append(list, below.value())
		object[below.XMLName.Local] = below.value()
	}
	switch e.Elements[0].XMLName.Local {
	case "member", "entry", "item":
		return list
	}
	return object
}

// broken stands in inputs for text that is not UTF-8. It is put there after the
// encoding, which would not allow it.
const broken = "BAD-UTF8"

func newRequest(url string, body []byte) (*http.Request, error) {
	body = bytes.ReplaceAll(body, []byte(broken), []byte("\xff\xfe\x80\xc0UTF8"))
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err == nil {
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/any/aws4_request, SignedHeaders=host, Signature=00")
	}
	return r, err
}

func typedProblem(e map[string]any, err error) (string, string, error) {
	code, _ := e["__type"].(string)
	message, ok := e["message"].(string)
	if !ok {
		message, _ = e["Message"].(string)
	}
	return code, message, err
}

// jsonValue writes times as seconds, and floats that JSON does not have as AWS
// does.
func jsonValue(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.Unix()
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return map[bool]string{true: "-Infinity", false: "Infinity"}[v < 0]
		}
	}
	return eachValue(v, jsonValue)
}

func cborValue(v any) any {
	if n, ok := v.(json.Number); ok {
		f, _ := n.Float64()
		return f
	}
	return eachValue(v, cborValue)
}

// eachValue applies f to the values of an object or a list.
func eachValue(v any, f func(any) any) any {
	switch v := v.(type) {
	case map[string]any:
		object := make(map[string]any, len(v))
		for k, e := range v {
			object[k] = f(e)
		}
		return object
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = f(e)
		}
		return list
	}
	return v
}

func addParameters(form url.Values, name string, v any) {
	step := func(s string) string {
		if name == "" {
			return s
		}
		return name + "." + s
	}
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for k, e := range v {
			addParameters(form, step(k), e)
		}
	case []any:
		if len(v) == 0 {
			form.Set(name, "")
		}
		for i, e := range v {
			addParameters(form, step("member."+strconv.Itoa(i+1)), e)
		}
	case time.Time:
		form.Set(name, v.Format(time.RFC3339))
	default:
		form.Set(name, fmt.Sprint(v))
	}
}

// An answer is what came back for a call.
type answer struct {
	status        int
	code, message string // of an error
	body          []byte
}

// call sends an input and reads the answer, which is an error only if there was
// no answer of AWS's shape.
func (w *world) call(p protocol, service, operation string, in any) (answer, error) {
	r, err := p.request(w.server.URL(), targets[service], operation, w.resolve(in))
	if err != nil {
		return answer{}, err
	}
	res, err := w.client.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("the connection was dropped: %w", err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode}
	if a.status/100 == 2 {
		a.status = http.StatusOK // some services have other successes
	}
	if a.body, err = io.ReadAll(res.Body); err != nil || a.status < 300 {
		return a, err
	}
	if a.code, a.message, err = p.problem(a.body); err != nil {
		return a, fmt.Errorf("the error cannot be read: %w", err)
	}
	a.code = cmp.Or(a.code, res.Header.Get("X-Amzn-Errortype"))
	switch {
	case a.status >= 500:
		return a, fmt.Errorf("the server is at fault: %d %s", a.status, a.body)
	// AWS has no message for an alarm that SetAlarmState does not know.
	case a.code == "" || a.message == "" && !strings.HasSuffix(a.code, "ResourceNotFound"):
		return a, errors.New("the error lacks a code or a message: " + string(a.body))
	}
	return a, nil
}

// must calls with an input in JSON that has to be accepted.
func (w *world) must(service, operation, input string) any {
	w.t.Helper()
	p := protocols[service][0]
	a, err := w.call(p, service, operation, parse(input))
	if err != nil || a.status != http.StatusOK {
		w.t.Fatalf("%s.%s(%s): %v %s", service, operation, input, err, a.body)
	}
	out, err := p.output(a.body)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// resolve puts what is meant in the place of what stands for it.
func (w *world) resolve(v any) any {
	switch s := v.(type) {
	case string:
		if named, ok := w.names[s]; ok {
			return named
		}
	case many:
		return eachValue(s.value(), w.resolve)
	case nested:
		return s.value()
	}
	return eachValue(v, w.resolve)
}

// parse reads an input, whole numbers as such.
func parse(input string) any {
	d := json.NewDecoder(bytes.NewReader([]byte(input)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(fmt.Errorf("%w in %s", err, input))
	}
	return numbers(v)
}

func numbers(v any) any {
	if n, ok := v.(json.Number); ok {
		if i, err := n.Int64(); err == nil {
			return i
		}
		f, _ := n.Float64()
		return f
	}
	return eachValue(v, numbers)
}

// pick follows keys and indexes into a value.
func pick(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			v = v.(map[string]any)[step]
		case int:
			v = v.([]any)[step]
		}
	}
	return v
}
