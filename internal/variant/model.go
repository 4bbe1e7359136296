// Package variant makes calls of AWS's services, right ones and wrong ones, from what
// AWS's models say of their inputs, and says how each has to be answered.
//
// It takes a valid input of an operation and varies one member of it at a time
// (place.go, values.go): absent, at its limits and just beyond, each value of an
// enum and one that is none, of another type, in another region or account. What the
// models demand is read from the wire's tables, and held against answers in
// judge.go, which knows in what words each service refuses. Calls that no client
// would send, such as a body cut in the middle, are made of a whole request
// (request.go). Protocols that put an input on HTTP are in protocol.go and rest.go.
//
// The package sends nothing: the tests of internal/server do.
package variant

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
)

// A Model is what a table of the wire says of a service's inputs.
type Model struct {
	service    string
	Operations map[string]string // with the shapes of their inputs
	HTTP       map[string]struct{ Method, URI string }
	Shapes     map[string]shape
}

type shape struct {
	Members          map[string]member
	List, Key, Value string
	Min, Max         *float64
	Pattern, RE2     string
}

type member struct {
	Shape           string
	Required        bool
	Query, Name, In string
}

// Load reads the table of a service, which is named as in credential scopes.
func Load(tables fs.FS, service string) (*Model, error) {
	b, err := fs.ReadFile(tables, service+".json")
	if err != nil {
		return nil, err
	}
	m := &Model{service: service}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("table of %s: %w", service, err)
	}
	return m, nil
}

// in is where a member of an operation's input is with restJson1: "" is the body.
func (m *Model) in(operation, wire string) string {
	for name, member := range m.Shapes[m.Operations[operation]].Members {
		if member.Name == wire || member.Name == "" && name == wire {
			return member.In
		}
	}
	return ""
}

// matches compiles what a text has to be like, or returns nil.
func (s shape) matches() *regexp.Regexp {
	source := s.RE2
	if source == "" {
		source = s.Pattern
	}
	if source == "" {
		return nil
	}
	return regexp.MustCompile(`^(?:` + source + `)$`)
}
