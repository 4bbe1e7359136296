package wire

import (
	"embed"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ./modelgen $BOTOCORE

// What AWS's models say and the SDK's schemas do not: which members are required,
// their lengths, ranges and patterns. Of EC2 and EventBridge Scheduler, whose packages
// have no schemas, also the names on the wire; with restJson, where on HTTP operations
// and their members are.
//
//go:embed model/*.json
var modelFiles embed.FS

// A model is a service's file under model/. Shapes of which there is nothing to say,
// and those that only outputs have, are left out; that of EC2 has shapes of outputs,
// too, and of those operations alone that are served.
type model struct {
	Operations map[string]string  `json:"operations"`        // with the shapes of their inputs
	Outputs    map[string]string  `json:"outputs,omitempty"` // the shapes of outputs, by operation
	HTTP       map[string]binding `json:"http,omitempty"`    // of restJson, by operation
	Errors     map[string]int     `json:"errors,omitempty"`  // of restJson: the status of each error
	Shapes     map[string]shape   `json:"shapes"`
}

// A binding says how restJson calls an operation.
type binding struct {
	Method string `json:"method"`
	URI    string `json:"uri"`  // such as /functions/{FunctionName}/provisioned-concurrency?List=ALL
	Code   int    `json:"code"` // status of an answer that does not say another
}

// A shape constrains the values that stand for it. Min and Max bound the value
// of numbers, and the length of everything else.
type shape struct {
	Members map[string]member `json:"members,omitempty"` // by name, first letter upper case
	List    string            `json:"list,omitempty"`    // shape of the elements
	Key     string            `json:"key,omitempty"`     // shapes of a map's keys
	Value   string            `json:"value,omitempty"`   // and values
	Min     *float64          `json:"min,omitempty"`
	Max     *float64          `json:"max,omitempty"`
	Pattern string            `json:"pattern,omitempty"` // as AWS prints it
	RE2     string            `json:"re2,omitempty"`     // the same for Go, where it differs
	Secret  bool              `json:"secret,omitempty"`  // its values are not repeated to clients
}

type member struct {
	Shape    string `json:"shape,omitempty"`
	Required bool   `json:"required,omitempty"`
	Query    string `json:"query,omitempty"` // its name in ec2Query requests, where it is not the SDK's
	XML      string `json:"xml,omitempty"`   // its name in ec2Query answers, where it is not the SDK's with a small first letter
	Name     string `json:"name,omitempty"`  // its name in restJson, where it is not the SDK's
	In       string `json:"in,omitempty"`    // where it is in restJson, if not in the body
}

func loadModel(service string) (*model, error) {
	m := new(model)
	b, err := modelFiles.ReadFile("model/" + service + ".json")
	if err != nil {
		return m, nil // a service whose model has not been generated checks nothing
	}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("wire: model of %s: %w", service, err)
	}
	return m, nil
}

// errorShapes are the errors of a service whose SDK package has no registry of them.
func (m *model) errorShapes() map[string]errorShape {
	shapes := map[string]errorShape{}
	for name, status := range m.Errors {
		shapes[name] = errorShape{name: name, query: name, status: status}
	}
	return shapes
}

func (m *model) constrains(name string) bool {
	_, ok := m.Shapes[name]
	return ok
}

func (m *model) shape(name string) shape { return m.Shapes[name] }

func (s shape) member(goName string) member { return s.Members[goName] }

// A rule is the constraint of a shape on the value itself.
type rule struct {
	min, max *float64
	pattern  string
	match    func(string) bool
	enum     []string
	present  bool // messages about lists say that it is not null
}

// rule returns the constraint on values of a type, or nil. Enum values are the
// SDK's, after those in first.
func (s shape) rule(t reflect.Type, first []string) *rule {
	r := &rule{min: s.Min, max: s.Max, enum: enumValues(t, first)}
	if s.Pattern != "" && t.Kind() == reflect.String {
		source := s.RE2
		if source == "" {
			source = s.Pattern
		}
		// Java anchors a pattern at both ends.
		compile := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:` + source + `)$`) })
		r.pattern, r.match = s.Pattern, func(v string) bool { return compile().MatchString(v) }
	}
	if r.min == nil && r.max == nil && r.match == nil && r.enum == nil {
		return nil
	}
	return r
}

// enumValues returns what the Values method of the SDK's enum types lists, with
// other values first. Where those are an empty list it is the service that knows them.
func enumValues(t reflect.Type, first []string) []string {
	if t.Kind() != reflect.String || first != nil && len(first) == 0 {
		return nil
	}
	m := reflect.Zero(t).MethodByName("Values")
	if !m.IsValid() || m.Type().NumIn() != 0 || m.Type().NumOut() != 1 || m.Type().Out(0).Kind() != reflect.Slice {
		return nil
	}
	list := m.Call(nil)[0]
	values := slices.Clone(first)
	for i := range list.Len() {
		if v := list.Index(i).String(); !slices.Contains(first, v) {
			values = append(values, v)
		}
	}
	return values
}

func (r *rule) inEnum(v string) bool { return r.enum == nil || slices.Contains(r.enum, v) }

func (r *rule) enumSet() string { return "[" + strings.Join(r.enum, ", ") + "]" }
