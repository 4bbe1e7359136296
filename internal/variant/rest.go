package variant

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
)

// A restRequest is one in the making.
type restRequest struct {
	path    string
	query   url.Values
	header  http.Header
	body    map[string]any
	payload *string
}

// add puts a member of an input where the table has it.
func (r *restRequest) add(m *Model, operation, name string, v any) {
	switch in := m.in(operation, name); {
	case in == "":
		r.body[name] = v
	case v == nil && in != "uri":
	case in == "uri":
		r.path = strings.Replace(r.path, "{"+name+"}", url.PathEscape(bare(v)), 1)
	case in == "header":
		r.header.Set(name, headerText(v))
	case in == "payload":
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

// restProtocol is restJson1 with the members of inputs where the table has them.
func (m *Model) restProtocol() Protocol {
	return Protocol{
		Name:    "restJson1",
		Request: m.restRequest,
		Problem: jsonProtocol("1.1", "").Problem,
		Output:  jsonProtocol("1.1", "").Output,
	}
}

// restRequest is the call of an operation with an input.
func (m *Model) restRequest(base string, input reflect.Type, in any) (*http.Request, error) {
	operation := operationOf(input)
	path, fixed, _ := strings.Cut(m.HTTP[operation].URI, "?")
	query, err := url.ParseQuery(fixed)
	if err != nil {
		return nil, err
	}
	made := restRequest{path: path, query: query, header: http.Header{}, body: map[string]any{}}
	members, isObject := in.(map[string]any)
	for name, v := range members {
		made.add(m, operation, name, v)
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
	r.Method = m.HTTP[operation].Method
	maps.Copy(r.Header, made.header)
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
		return strings.ReplaceAll(v[:min(len(v), mostText)], notUTF8, "\xff\xfe\x80")
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
