package variant

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
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

// A Protocol puts an input, a tree of values as encoding/json makes them and of
// times, into a request, and reads answers.
type Protocol struct {
	Name    string
	Request func(base, operation string, in any) (*http.Request, error)
	Problem func(body []byte) (code, message string, err error)
	Output  func(body []byte) (any, error) // nil where no test needs it
}

// isText tells the protocols in which every value is text.
func (p Protocol) isText() bool { return strings.HasSuffix(p.Name, "Query") }

// Protocols are those in which the service can be called.
func (m *Model) Protocols() []Protocol {
	switch m.service {
	case "application-autoscaling":
		return []Protocol{jsonProtocol("1.1", "AnyScaleFrontendService")}
	case "ec2":
		return []Protocol{ec2Protocol}
	case "ecr":
		return []Protocol{jsonProtocol("1.1", "AmazonEC2ContainerRegistry_V20150921")}
	case "ecs":
		return []Protocol{jsonProtocol("1.1", "AmazonEC2ContainerServiceV20141113")}
	case "elasticloadbalancing":
		return []Protocol{queryProtocol("2015-12-01")}
	case "events":
		return []Protocol{jsonProtocol("1.1", "AWSEvents")}
	case "iam":
		return []Protocol{queryProtocol("2010-05-08")}
	case "logs":
		return []Protocol{jsonProtocol("1.1", "Logs_20140328")}
	case "monitoring":
		const target = "GraniteServiceVersion20100801"
		return []Protocol{jsonProtocol("1.0", target), cborProtocol(target), queryProtocol("2010-08-01")}
	case "sqs":
		return []Protocol{jsonProtocol("1.0", "AmazonSQS"), sqsQueryProtocol}
	case "sts":
		return []Protocol{queryProtocol("2011-06-15")}
	}
	return []Protocol{m.restProtocol()}
}

func jsonProtocol(version, target string) Protocol {
	return Protocol{
		Name: "awsJson" + version,
		Request: func(base, operation string, in any) (*http.Request, error) {
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
		Problem: func(body []byte) (string, string, error) {
			var e map[string]any
			err := json.Unmarshal(body, &e)
			return typedProblem(e, err)
		},
		Output: func(body []byte) (out any, err error) {
			if len(body) > 0 {
				err = json.Unmarshal(body, &out)
			}
			return out, err
		},
	}
}

func cborProtocol(target string) Protocol {
	return Protocol{
		Name: "rpcv2Cbor",
		Request: func(base, operation string, in any) (*http.Request, error) {
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
		Problem: func(body []byte) (string, string, error) {
			var e map[string]any
			err := cbor.Unmarshal(body, &e)
			return typedProblem(e, err)
		},
	}
}

func queryProtocol(version string) Protocol {
	return Protocol{
		Name: "awsQuery",
		Request: func(base, operation string, in any) (*http.Request, error) {
			form := url.Values{"Action": {operation}, "Version": {version}}
			addParameters(form, "", in)
			r, err := newRequest(base, []byte(form.Encode()))
			if err == nil {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			return r, err
		},
		Problem: func(body []byte) (string, string, error) {
			var e struct {
				Error struct{ Code, Message string }
			}
			err := xml.Unmarshal(body, &e)
			return e.Error.Code, e.Error.Message, err
		},
		Output: func(body []byte) (any, error) {
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
var sqsQueryProtocol = Protocol{
	Name: "sqsQuery",
	Request: func(base, operation string, in any) (*http.Request, error) {
		return queryProtocol("2012-11-05").Request(base, operation, flat(operation, in))
	},
	Problem: queryProtocol("").Problem,
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
var ec2Protocol = Protocol{
	Name:    "ec2Query",
	Request: queryProtocol("2016-11-15").Request,
	Problem: func(body []byte) (string, string, error) {
		var e struct {
			Errors struct {
				Error struct{ Code, Message string }
			}
		}
		err := xml.Unmarshal(body, &e)
		return e.Errors.Error.Code, e.Errors.Error.Message, err
	},
	Output: func(body []byte) (any, error) {
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

// notUTF8 stands in inputs for text that is none. It is put there after the encoding,
// which would not allow it.
const notUTF8 = "BAD-UTF8"

func newRequest(url string, body []byte) (*http.Request, error) {
	body = bytes.ReplaceAll(body, []byte(notUTF8), []byte("\xff\xfe\x80\xc0UTF8"))
	return http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
}

// Sign has a request claim an access key, a region and a service.
func Sign(r *http.Request, key, region, service string) {
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20260101/"+region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=00")
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

// sortedKeys are the names of an object in order.
func sortedKeys(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }
