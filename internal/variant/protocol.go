package variant

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	smithy "github.com/aws/smithy-go"
	"github.com/fxamacker/cbor/v2"
)

// A Protocol puts an input, a tree of values as encoding/json makes them and of
// times, into a request, and reads answers.
type Protocol struct {
	Name    string
	Request func(base string, input reflect.Type, in any) (*http.Request, error) // of an operation, by its input
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
		return []Protocol{ec2Protocol()}
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
		return []Protocol{jsonProtocol("1.0", "AmazonSQS"), queryProtocol("2012-11-05")}
	case "sts":
		return []Protocol{queryProtocol("2011-06-15")}
	}
	return []Protocol{m.restProtocol()}
}

func jsonProtocol(version, target string) Protocol {
	return Protocol{
		Name: "awsJson" + version,
		Request: func(base string, input reflect.Type, in any) (*http.Request, error) {
			body, err := json.Marshal(jsonValue(in))
			if err != nil {
				return nil, err
			}
			r, err := newRequest(base, body)
			if err == nil {
				r.Header.Set("Content-Type", "application/x-amz-json-"+version)
				r.Header.Set("X-Amz-Target", target+"."+operationOf(input))
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
		Request: func(base string, input reflect.Type, in any) (*http.Request, error) {
			encoder, err := cbor.EncOptions{Time: cbor.TimeUnix, TimeTag: cbor.EncTagRequired}.EncMode()
			if err != nil {
				return nil, err
			}
			body, err := encoder.Marshal(cborValue(in))
			if err != nil {
				return nil, err
			}
			r, err := newRequest(base+"/service/"+target+"/operation/"+operationOf(input), body)
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
		Request: func(base string, input reflect.Type, in any) (*http.Request, error) {
			form := url.Values{"Action": {operationOf(input)}, "Version": {version}}
			addParameters(form, "", in, schemaOf(input))
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

// ec2Protocol is awsQuery with other answers.
func ec2Protocol() Protocol {
	return Protocol{
		Name:    "ec2Query",
		Request: queryProtocol("2016-11-15").Request,
		Problem: func(body []byte) (string, string, error) {
			var e struct {
				Errors struct {
					Error struct{ Code, Message string }
				}
			}
			err := xml.Unmarshal(body, &e)
			if e.Errors.Error.Code == "" { // nothing tells of what service a call is that is not signed
				return queryProtocol("").Problem(body)
			}
			return e.Errors.Error.Code, e.Errors.Error.Message, err
		},
		Output: func(body []byte) (any, error) {
			var e element
			err := xml.Unmarshal(body, &e)
			e.Elements = slices.DeleteFunc(e.Elements, func(below element) bool { return below.XMLName.Local == "requestId" })
			return e.value(), err
		},
	}
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

// addParameters writes a value as awsQuery does. What is flat, and what has another name,
// the schema says; without one the names are those of the value.
func addParameters(form url.Values, name string, v any, schema *smithy.Schema) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		if schema != nil && schema.Type() == smithy.ShapeTypeMap {
			addEntries(form, name, v, schema)
			return
		}
		for k, e := range v {
			below := memberOf(schema, k)
			addParameters(form, join(name, xmlName(below, k)), e, below)
		}
	case []any:
		if len(v) == 0 {
			form.Set(name, "")
		}
		if !isFlat(schema) {
			name = join(name, "member")
		}
		for i, e := range v {
			addParameters(form, join(name, strconv.Itoa(i+1)), e, elementOf(schema))
		}
	case time.Time:
		form.Set(name, v.Format(time.RFC3339))
	default:
		form.Set(name, fmt.Sprint(v))
	}
}

func addEntries(form url.Values, name string, object map[string]any, schema *smithy.Schema) {
	if !isFlat(schema) {
		name = join(name, "entry")
	}
	for i, key := range sortedKeys(object) {
		entry := join(name, strconv.Itoa(i+1))
		form.Set(join(entry, xmlName(schema.MapKey(), "key")), key)
		addParameters(form, join(entry, xmlName(schema.MapValue(), "value")), object[key], schema.MapValue())
	}
}

// sortedKeys are the names of an object in order.
func sortedKeys(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }
