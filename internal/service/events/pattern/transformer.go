package pattern

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// mostPaths is how many paths a transformer may have.
const mostPaths = 100

// A Transformer makes what a target is sent of an event.
type Transformer struct {
	parts []part
	text  bool // the template is lines of text in quotes, and no JSON beside these
}

// A part of a template is text, and what comes after it.
type part struct {
	before string
	value  source // nil at the end of the template
	quoted bool   // it stands within quotes
}

// A source is what a placeholder stands for: JSON, or nil if there is none.
type source func(*Event, Context) []byte

// A Context is what a transformer knows beside the event.
type Context struct {
	RuleARN, RuleName string
	Ingested          time.Time // when the event came
}

// An InvalidInput is what is wrong with the input that a target wants. Error does not know the target.
type InvalidInput struct{ member, reason string }

func (e *InvalidInput) Error() string { return e.member + " " + e.reason }

// For tells the error with the target's ID.
func (e *InvalidInput) For(target string) string {
	if e.reason[0] == '[' { // the place where a document makes no sense
		return fmt.Sprintf("Invalid %s for target %s : %s.", e.member, target, e.reason)
	}
	return fmt.Sprintf("%s for target %s %s.", e.member, target, e.reason)
}

// predefined are the variables that every template has.
var predefined = map[string]source{
	"aws.events.rule-arn":             func(_ *Event, c Context) []byte { return quote(c.RuleARN) },
	"aws.events.rule-name":            func(_ *Event, c Context) []byte { return quote(c.RuleName) },
	"aws.events.event.json":           func(e *Event, _ Context) []byte { return e.json(&e.root) },
	"aws.events.event":                func(e *Event, _ Context) []byte { return e.withoutDetail() },
	"aws.events.event.ingestion-time": func(_ *Event, c Context) []byte { return quote(c.Ingested.UTC().Format(time.RFC3339)) },
}

// wholeEvent tells the variables that stand for an event, which cannot be in a text: nothing
// in them is escaped.
func wholeEvent(name string) bool {
	return name == "aws.events.event.json" || name == "aws.events.event"
}

// ParseTransformer reads an input transformer: the paths of its variables by their names, and the
// template, in which <name> stands for a variable. Its error is an *InvalidInput.
//
// A placeholder within quotes becomes the text of its value, with the escapes that the event has. In a
// template of text, objects and arrays lose their quotes there; in one of JSON, those that have some
// make no input. One outside quotes becomes JSON. A path that leads nowhere
// becomes nothing within quotes, and an empty text outside.
func ParseTransformer(paths map[string]string, template string) (*Transformer, error) {
	if len(paths) > mostPaths {
		return nil, &InvalidInput{"InputPathsMap", fmt.Sprintf("has more than %d entries", mostPaths)}
	}
	variables := make(map[string]source, len(paths))
	for name, path := range paths {
		if !isName(name) || strings.HasPrefix(strings.ToLower(name), "aws.") {
			return nil, &InvalidInput{"InputPathsMap", fmt.Sprintf("contains invalid name %s", name)}
		}
		p, err := ParsePath(path)
		if err != nil {
			return nil, &InvalidInput{"InputPathsMap", fmt.Sprintf("contains invalid path %s", path)}
		}
		variables[name] = func(e *Event, _ Context) []byte { return p.Find(e) }
	}
	t := &Transformer{text: strings.HasPrefix(strings.TrimLeft(template, " \t\r\n"), `"`)}
	if err := t.split(template, variables); err != nil {
		return nil, err
	}
	return t, t.check()
}

// isName says whether a placeholder can have a name.
func isName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return notInName(r) && r != '.' || r >= 0x80 || r == '/' || r == '$'
	}) < 0
}

// split finds the placeholders of a template.
func (t *Transformer) split(template string, variables map[string]source) error {
	quoted, from := false, 0
	for i := 0; i < len(template); i++ {
		switch template[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case '<':
			name, _, closed := strings.Cut(template[i+1:], ">")
			if !closed || !isName(name) {
				continue
			}
			value := variables[name]
			if value == nil {
				value = predefined[name]
			}
			if value == nil {
				return &InvalidInput{"InputTemplate", fmt.Sprintf("contains invalid placeholder %s", name)}
			}
			if wholeEvent(name) && t.text {
				return &InvalidInput{"InputTemplate", fmt.Sprintf("contains placeholder %s valid only for JSON template", name)}
			}
			t.parts = append(t.parts, part{template[from:i], value, quoted})
			i += len(name) + 1
			from = i + 1
		}
	}
	t.parts = append(t.parts, part{before: template[from:]})
	return nil
}

// check refuses a template that makes no JSON whatever the event is. Several values one after the other,
// such as lines of text in quotes, are allowed.
func (t *Transformer) check() error {
	var sample strings.Builder
	for _, p := range t.parts {
		sample.WriteString(p.before)
		if p.value != nil && !p.quoted {
			sample.WriteString(`""`)
		}
	}
	p := parser{doc: sample.String()}
	for {
		if _, err := p.parse(1); err != nil {
			line, column, shown := place(p.doc, err.(*syntaxError).at)
			return &InvalidInput{"InputTemplate", fmt.Sprintf("[Source: (String)%s; line: %d, column: %d]", shown, line, column)}
		}
		if _, more := p.next(); !more {
			return nil
		}
	}
}

// mostSent is how large an input may become: no target takes more. A template of 8 KB names a value 2,000
// times, which would make 500 MB of an event of 256 KB.
const mostSent = 1 << 20

// Apply makes what the target is sent, unless that is too large for any, or no JSON.
func (t *Transformer) Apply(e *Event, c Context) ([]byte, error) {
	var out []byte
	for _, p := range t.parts {
		out = append(out, p.before...)
		if p.value == nil {
			continue
		}
		value := p.value(e, c)
		switch {
		case len(out)+len(value) > mostSent:
			return nil, fmt.Errorf("the input is larger than %d bytes", mostSent)
		case p.quoted && !t.text && len(value) > 0 && value[0] != '"' && bytes.IndexByte(value, '"') >= 0:
			return nil, fmt.Errorf("the input is no JSON: %.100s is within the quotes of the template", value)
		case p.quoted:
			out = append(out, unquoted(value)...)
		case value == nil:
			out = append(out, `""`...)
		default:
			out = append(out, value...)
		}
	}
	return out, nil
}

// unquoted is a value as it stands within the quotes of a text.
func unquoted(value []byte) []byte {
	if len(value) > 1 && value[0] == '"' {
		return value[1 : len(value)-1]
	}
	return bytes.ReplaceAll(value, []byte{'"'}, nil)
}

func quote(s string) []byte {
	quoted, _ := json.Marshal(s) // a text can always be written
	return quoted
}

// withoutDetail is the envelope of an event, in which detail-type is called detailType.
func (e *Event) withoutDetail() []byte {
	out := []byte{'{'}
	for i := range e.root.members {
		m := &e.root.members[i]
		if m.name == "detail" || m.value.end == 0 {
			continue
		}
		name := m.name
		if name == "detail-type" {
			name = "detailType"
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, quote(name)...), ':'), e.json(&m.value)...)
	}
	return append(out, '}')
}
