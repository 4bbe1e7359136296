package server

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
)

// A restTable is the wire's table of a service that speaks restJson1.
type restTable struct {
	Operations map[string]string
	HTTP       map[string]struct{ Method, URI string }
	Shapes     map[string]struct {
		Members map[string]struct{ Name, In string }
	}
}

// restTables are those of the services that speak it.
var restTables = map[string]restTable{"lambda": readRestTable("lambda"), "scheduler": readRestTable("scheduler")}

func readRestTable(service string) (t restTable) {
	b, err := os.ReadFile("../wire/model/" + service + ".json")
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if err != nil {
		panic(err)
	}
	return t
}

// name is what a member is called on the wire. The SDK has names of its own for inputs.
func (t restTable) name(shape, member string) string {
	if input, ok := t.Operations[strings.TrimSuffix(shape, "Input")]; ok {
		shape = input
	}
	return cmp.Or(t.Shapes[shape].Members[member].Name, member)
}

// place is where a member of an operation's input is: "" is the body.
func (t restTable) place(operation, wire string) string {
	shape := t.Operations[operation]
	for member, m := range t.Shapes[shape].Members {
		if t.name(shape, member) == wire {
			return m.In
		}
	}
	return ""
}

// restName is a name in the requests of a service.
func restName(service string) func(of reflect.Type, member string) string {
	return func(of reflect.Type, member string) string { return restTables[service].name(of.Name(), member) }
}

// A restRequest is one in the making.
type restRequest struct {
	path    string
	query   url.Values
	header  http.Header
	body    map[string]any
	payload *string
}

// add puts a member of an input where the table has it.
func (r *restRequest) add(t restTable, operation, name string, v any) {
	switch t.place(operation, name) {
	case "":
		r.body[name] = v
	case "uri":
		r.path = strings.Replace(r.path, "{"+name+"}", url.PathEscape(bare(v)), 1)
	case "header":
		r.header.Set(name, headerText(v))
	case "payload":
		text := bare(v)
		r.payload = &text
	default:
		addQuery(r.query, name, v)
	}
}

// headerText is a value as a header can have it.
func headerText(v any) string {
	printable := func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}
	text := strings.Map(printable, bare(v))
	return text[:min(len(text), mostKeys)]
}

// label is what is left of a path where a member is missing.
var label = regexp.MustCompile(`{[^}]*}`)

// restProtocol is restJson1 with the members of inputs where the table of a service has
// them.
func restProtocol(service string) protocol {
	t := restTables[service]
	return protocol{
		name: "restJson1",
		request: func(base, _, operation string, in any) (*http.Request, error) {
			return t.request(service, base, operation, in)
		},
		problem: func(body []byte) (string, string, error) {
			var e map[string]any
			err := json.Unmarshal(body, &e)
			return typedProblem(e, err)
		},
		output: jsonProtocol("1.1").output,
		text: func(operation, path string) bool {
			name, _, _ := strings.Cut(strings.TrimPrefix(path, "."), ".")
			name, _, _ = strings.Cut(name, "[")
			return t.place(operation, name) != ""
		},
	}
}

// request is the call of an operation with an input.
func (t restTable) request(service, base, operation string, in any) (*http.Request, error) {
	path, fixed, _ := strings.Cut(t.HTTP[operation].URI, "?")
	query, err := url.ParseQuery(fixed)
	if err != nil {
		return nil, err
	}
	made := restRequest{path: path, query: query, header: http.Header{}, body: map[string]any{}}
	members, isObject := in.(map[string]any)
	for name, v := range members {
		made.add(t, operation, name, v)
	}
	var body any = made.body
	if !isObject {
		body = in
	}
	text, err := json.Marshal(jsonValue(body))
	if err != nil {
		return nil, err
	}
	if made.payload != nil {
		text = []byte(*made.payload)
	}
	r, err := newRequest(base+label.ReplaceAllString(made.path, "")+"?"+made.query.Encode(), text)
	if err != nil {
		return nil, err
	}
	r.Method = t.HTTP[operation].Method
	maps.Copy(r.Header, made.header)
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/any/", "/"+service+"/", 1))
	return r, nil
}

// The most of a value that is put into a path or a query, which the HTTP server bounds.
const (
	mostText = 5000
	mostKeys = 1000
)

// bare is a value as it stands in a path or a query.
func bare(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.ReplaceAll(v[:min(len(v), mostText)], broken, "\xff\xfe\x80")
	case map[string]any, []any:
		b, _ := json.Marshal(jsonValue(v))
		return string(b)
	}
	return fmt.Sprint(v)
}

func addQuery(query url.Values, name string, v any) {
	list, isList := v.([]any)
	switch {
	case v == nil:
	case isList:
		for _, item := range list[:min(len(list), mostKeys)] {
			query.Add(name, bare(item))
		}
	default:
		query.Set(name, bare(v))
	}
}
