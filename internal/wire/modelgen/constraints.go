package main

import (
	"cmp"
	"encoding/json"
	"log"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// An api is what is read of a service-2.json.
type api struct {
	Metadata   struct{ Protocol string }
	Operations map[string]apiOperation
	Shapes     map[string]*apiShape
}

type apiOperation struct {
	HTTP struct {
		Method, RequestURI string
		ResponseCode       int
	}
	Input, Output *struct{ Shape string }
	Errors        []struct{ Shape string }
}

type apiShape struct {
	Type               string
	Members            map[string]apiMember
	Required           []string
	Member, Key, Value struct{ Shape string }
	Min, Max           *float64
	Pattern            string
	Sensitive          bool
	Payload            string
	Error              struct{ HTTPStatusCode int }
}

type apiMember struct {
	Shape, Location, LocationName, QueryName string
}

// The tables, in the form that package wire reads.
type (
	table struct {
		Generated  string            `json:"generated"`
		Operations map[string]string `json:"operations"`
		Outputs    map[string]string `json:"outputs,omitempty"`
		HTTP       map[string]call   `json:"http,omitempty"`
		Errors     map[string]int    `json:"errors,omitempty"`
		Shapes     map[string]shape  `json:"shapes"`
	}
	call struct {
		Method string `json:"method"`
		URI    string `json:"uri"`
		Code   int    `json:"code"`
	}
	shape struct {
		Members map[string]member `json:"members,omitempty"`
		List    string            `json:"list,omitempty"`
		Key     string            `json:"key,omitempty"`
		Value   string            `json:"value,omitempty"`
		Min     *float64          `json:"min,omitempty"`
		Max     *float64          `json:"max,omitempty"`
		Pattern string            `json:"pattern,omitempty"`
		RE2     string            `json:"re2,omitempty"`
		Secret  bool              `json:"secret,omitempty"`
	}
	member struct {
		Shape    string `json:"shape,omitempty"`
		Required bool   `json:"required,omitempty"`
		Query    string `json:"query,omitempty"`
		XML      string `json:"xml,omitempty"`
		Name     string `json:"name,omitempty"`
		In       string `json:"in,omitempty"`
	}
)

// generateTable writes the table of a service, with the shapes of some operations.
func generateTable(name, from, version string, has func(operation string) bool) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var a api
	if err := json.Unmarshal(b, &a); err != nil {
		return err
	}
	t := table{
		Generated:  "from botocore " + version + " by modelgen; do not edit",
		Operations: map[string]string{},
		Shapes:     map[string]shape{},
	}
	c := constraints{api: &a, done: map[string]bool{}, out: t.Shapes}
	for _, name := range slices.Sorted(maps.Keys(a.Operations)) {
		op := a.Operations[name]
		t.Operations[name] = ""
		if op.Input != nil && has(name) && c.collect(op.Input.Shape) {
			t.Operations[name] = op.Input.Shape
		}
		if c.named() && op.Output != nil && has(name) && c.collect(op.Output.Shape) {
			if t.Outputs == nil {
				t.Outputs = map[string]string{}
			}
			t.Outputs[name] = op.Output.Shape
		}
		if c.rest() {
			t.bind(name, op, &c)
		}
	}
	out, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join("model", name+".json"), append(out, '\n'), 0o644)
}

// bind adds where restJson puts an operation on HTTP, and what errors it has.
func (t *table) bind(name string, op apiOperation, c *constraints) {
	if t.HTTP == nil {
		t.HTTP, t.Errors = map[string]call{}, map[string]int{}
	}
	t.HTTP[name] = call{op.HTTP.Method, op.HTTP.RequestURI, op.HTTP.ResponseCode}
	for _, e := range op.Errors {
		t.Errors[e.Shape] = c.api.Shapes[e.Shape].Error.HTTPStatusCode
		c.collect(e.Shape)
	}
}

// constraints collects the shapes that constrain their values, or those below, and
// where the SDK has no schemas also those whose members have names of their own. With
// restJson it collects those, too, whose members are not in the body.
type constraints struct {
	api  *api
	done map[string]bool
	out  map[string]shape
}

// collect reports whether a shape, or one that it refers to, is constrained.
func (c *constraints) collect(name string) bool {
	if c.done[name] {
		_, ok := c.out[name]
		return ok
	}
	c.done[name] = true
	in := c.api.Shapes[name]
	out := own(name, in)
	isRequest := strings.HasSuffix(name, "Request") // and in no answer
	for _, name := range slices.Sorted(maps.Keys(in.Members)) {
		m := member{Shape: c.below(in.Members[name].Shape), Required: slices.Contains(in.Required, name)}
		if c.ec2() {
			m.Query, m.XML = ec2Names(name, in.Members[name])
		}
		if isRequest {
			m.XML = ""
		}
		if c.rest() {
			m.Name, m.In = restPlace(name, in)
		}
		if m != (member{}) {
			if out.Members == nil {
				out.Members = map[string]member{}
			}
			out.Members[upperFirst(name)] = m
		}
	}
	out.List = c.below(in.Member.Shape)
	out.Key = c.below(in.Key.Shape)
	out.Value = c.below(in.Value.Shape)
	if reflect.ValueOf(out).IsZero() {
		return false
	}
	out.Secret = in.Sensitive
	c.out[name] = out
	return true
}

// below is the name of a shape if it is constrained.
func (c *constraints) below(name string) string {
	if name == "" || !c.collect(name) {
		return ""
	}
	return name
}

// lambdaRegion is a region in the patterns of Lambda. Those that AWS tells have the
// European Sovereign Cloud in it, which the model does not.
const (
	lambdaRegion = `[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}`
	sovereign    = `(eusc-)?`
)

// lambdaTaggable is a part of the pattern of what has tags in Lambda. AWS's has layers in it,
// which the model does not.
const (
	lambdaTaggable = `|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:`
	lambdaLayer    = `|layer:([a-zA-Z0-9-_]+)`
)

// own are the constraints of a shape on the value itself. Enum values are checked
// against the SDK's types, and a minimum length of zero says nothing.
func own(name string, in *apiShape) shape {
	out := shape{Min: in.Min, Max: in.Max}
	if isLength := !slices.Contains([]string{"integer", "long", "float", "double"}, in.Type); isLength && out.Min != nil && *out.Min == 0 {
		out.Min = nil
	}
	if in.Pattern == "" || in.Pattern == ".*" || in.Pattern == untrue[name] {
		return out
	}
	pattern := strings.ReplaceAll(in.Pattern, lambdaRegion, sovereign+lambdaRegion)
	pattern = strings.ReplaceAll(pattern, lambdaTaggable, lambdaLayer+lambdaTaggable)
	re2, ok := translate(pattern)
	if !ok {
		log.Printf("%s: pattern is not checked: %s", name, pattern)
		return out
	}
	out.Pattern = pattern
	if re2 != pattern {
		out.RE2 = re2
	}
	return out
}

func (c *constraints) ec2() bool  { return c.api.Metadata.Protocol == "ec2" }
func (c *constraints) rest() bool { return c.api.Metadata.Protocol == "rest-json" }

// named tells protocols whose answers, too, have names and places of their own.
func (c *constraints) named() bool { return c.ec2() || c.rest() }

// restPlace is what a member is called on the wire, where that is not the SDK's name,
// and where it is, if not in the body.
func restPlace(name string, of *apiShape) (wire, in string) {
	m := of.Members[name]
	wire, in = cmp.Or(m.LocationName, name), m.Location
	if name == of.Payload {
		in = "payload"
	}
	if wire == upperFirst(name) {
		wire = ""
	}
	return wire, in
}

// ec2Names are what a member is called in requests and in answers, where these are
// not the SDK's name and that with a small first letter. Source: Smithy, "AWS EC2
// query protocol".
func ec2Names(name string, m apiMember) (query, xml string) {
	query = cmp.Or(m.QueryName, upperFirst(m.LocationName), upperFirst(name))
	if query == upperFirst(name) {
		query = ""
	}
	xml = cmp.Or(m.LocationName, name)
	if xml == lowerFirst(name) {
		xml = ""
	}
	return query, xml
}

func upperFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
