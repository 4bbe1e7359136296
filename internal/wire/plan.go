package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	smithy "github.com/aws/smithy-go"
	smithydocument "github.com/aws/smithy-go/document"
	"github.com/aws/smithy-go/middleware"
)

type kind uint8

const (
	kindString kind = iota
	kindEnum        // a named string type
	kindBool
	kindInt // int32, int64 and integer enums
	kindFloat
	kindTime
	kindBlob
	kindStruct
	kindFloats // []float64, the bulk of PutMetricData
	kindList
	kindMap
	kindUnion
	kindDocument
)

// A plan is how one Go type, standing for one shape of the model, is read,
// checked and written. Plans of a service share what they refer to, and may
// refer to themselves.
type plan struct {
	kind    kind
	pointer bool         // the Go type is a pointer to typ
	typ     reflect.Type // without the pointer
	bits    int          // of integers

	fields  []field        // of structs, sorted by wire name
	byName  map[string]int // into fields
	byQuery map[string]int // the same with the names of awsQuery
	stream  int            // of structs: the field in the Go struct that streams, or noStream
	payload *field         // of structs: the member that is the whole body in restJson, or nil
	plain   uint64         // of structs: the bits of its fields
	bodied  bool           // of structs: it has members that are in an object in the body
	elem    *plan          // of lists, maps and floats
	key     *plan          // of maps: constraints of keys
	shown   []string       // of structs: the members that messages repeat
	secret  bool           // values are not repeated to clients
	names   [2]string      // of maps: what keys and values are called in awsQuery
	arms    []arm          // of unions
	doc     func(any) any  // of documents; nil if they are not served

	rule    *rule // constraint on the value itself, or nil
	checked bool  // a rule exists here or below
	visited bool  // guards setChecked against recursive types
}

// A field is a member of a struct.
type field struct {
	name     string // on the wire
	query    string // in awsQuery
	flat     bool   // of a list or map: in awsQuery its elements stand in its place
	path     string // in validation messages: first letter lowered
	index    int    // in the Go struct
	in       place  // in restJson
	plan     *plan
	required bool
	bit      uint64 // of a member in a body that is required and a plain value; 0: it is none
}

// An arm is one type that can stand in a union member: a struct with the one
// field Value, used by pointer.
type arm struct {
	name string
	typ  reflect.Type
	plan *plan
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	float64Type  = reflect.TypeFor[float64]()
	floatsType   = reflect.TypeFor[[]float64]()
	int32Type    = reflect.TypeFor[int32]()
	int64Type    = reflect.TypeFor[int64]()
	metadataType = reflect.TypeFor[middleware.Metadata]()
	documentType = reflect.TypeFor[smithydocument.Marshaler]()
)

// A planner makes and keeps the plans of a service. It is not safe for
// concurrent use.
type planner struct {
	unions   []reflect.Type
	document func(any) any
	model    *model
	name     func(member, *smithy.Schema, string) string // names a member on the wire
	enums    map[string][]string                         // values that come first, by type
	present  []string                                    // types that lists say are not null
	shown    map[string][]string                         // members of structs that messages repeat, by type
	plans    map[planKey]*plan
	whole    bool // all members are in the body
}

// One Go type can stand for several shapes: every *string is one, with the
// constraints of its own shape.
type planKey struct {
	typ   reflect.Type
	shape string
	names [2]string // of a map's keys and values
}

// plan returns the plan for a type. Shape is its name in the model, or empty
// where there are no constraints to check; schema is nil where there is none.
func (pl *planner) plan(t reflect.Type, shape string, schema *smithy.Schema) (*plan, error) {
	if !pl.model.constrains(shape) {
		shape = ""
	}
	id := planKey{typ: t, shape: shape}
	if t.Kind() == reflect.Map {
		id.names = entryNames(schema)
	}
	if p, ok := pl.plans[id]; ok {
		return p, nil
	}
	p := &plan{typ: t}
	pl.plans[id] = p
	if t.Kind() == reflect.Pointer {
		p.pointer = true
		p.typ = t.Elem()
	}
	if err := pl.fill(p, shape, schema); err != nil {
		return nil, err
	}
	return p, nil
}

// planOf returns the plan for the type of an input, an output or an error.
func (pl *planner) planOf(t reflect.Type, shape string) (*plan, error) {
	p, err := pl.plan(t, shape, schemaOf(t))
	if err != nil {
		return nil, err
	}
	p.setChecked()
	return p, nil
}

func (pl *planner) fill(p *plan, shape string, schema *smithy.Schema) (err error) {
	t := p.typ
	s := pl.model.shape(shape)
	p.rule, p.secret = s.rule(t, pl.enums[t.Name()]), s.Secret
	if p.rule != nil {
		p.rule.present = slices.Contains(pl.present, t.Name())
	}
	switch {
	case t == timeType:
		p.kind = kindTime
	case t.Kind() == reflect.Interface && t.Implements(documentType):
		p.kind, p.doc = kindDocument, pl.document
	case t.Kind() == reflect.Interface:
		p.kind = kindUnion
		return pl.fillUnion(p, s, schema)
	case t.Kind() == reflect.String && t.PkgPath() != "":
		p.kind = kindEnum
	case t.Kind() == reflect.String:
		p.kind = kindString
	case t.Kind() == reflect.Bool:
		p.kind = kindBool
	case t.Kind() == reflect.Int32, t.Kind() == reflect.Int64:
		p.kind, p.bits = kindInt, t.Bits()
	case t.Kind() == reflect.Float32, t.Kind() == reflect.Float64:
		p.kind = kindFloat
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		p.kind = kindBlob
	case t.Kind() == reflect.Slice:
		p.kind = kindList
		if t == floatsType {
			p.kind = kindFloats
		}
		p.elem, err = pl.part(t.Elem(), s.List, schema, "Member")
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		p.kind = kindMap
		p.names = entryNames(schema)
		if p.key, err = pl.part(t.Key(), s.Key, schema, "Key"); err == nil {
			p.elem, err = pl.part(t.Elem(), s.Value, schema, "Value")
		}
	case t.Kind() == reflect.Struct:
		p.kind, p.shown = kindStruct, pl.shown[t.Name()]
		return pl.fillStruct(p, s, schema)
	default:
		return fmt.Errorf("wire: no protocol carries a %s", t)
	}
	return err
}

// part returns the plan for what a list or a map consists of.
func (pl *planner) part(t reflect.Type, shape string, of *smithy.Schema, name string) (*plan, error) {
	schema, err := memberOf(of, name)
	if err != nil {
		return nil, err
	}
	return pl.plan(t, shape, schema)
}

func (pl *planner) fillStruct(p *plan, s shape, schema *smithy.Schema) error {
	p.stream = noStream
	for i := range p.typ.NumField() {
		f := p.typ.Field(i)
		if !f.IsExported() || f.Type == metadataType || isErrorCode(p.typ, f) {
			continue
		}
		if isStream(f.Type) {
			p.stream = i
			continue
		}
		below, err := memberOf(schema, f.Name)
		if err != nil {
			return err
		}
		member := s.member(f.Name)
		fp, err := pl.plan(f.Type, member.Shape, below)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", p.typ, f.Name, err)
		}
		name := pl.name(member, below, f.Name)
		p.fields = append(p.fields, field{
			name: name, query: xmlName(below, name), flat: isFlat(below), in: pl.place(member),
			path: lowerFirst(f.Name), index: i, plan: fp, required: member.Required,
		})
	}
	slices.SortFunc(p.fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	p.nameFields()
	return nil
}

func (pl *planner) place(m member) place {
	if pl.whole {
		return inBody
	}
	return places[m.In]
}

// nameFields makes it known by which names the members of a struct are found in a
// body.
func (p *plan) nameFields() {
	p.byName, p.byQuery = make(map[string]int, len(p.fields)), make(map[string]int, len(p.fields))
	for i := range p.fields {
		f := &p.fields[i]
		switch f.in {
		case inBody:
			p.byName[f.name], p.byQuery[f.query] = i, i
			p.bodied = true
			if f.required && f.plan.isPlain() {
				f.bit = p.plain + 1 // the next one: all below are taken
				p.plain |= f.bit
			}
		case inPayload:
			p.payload = f
		}
	}
}

// isPlain tells values that are always there in the SDK's type.
func (p *plan) isPlain() bool {
	return !p.pointer && (p.kind == kindBool || p.kind == kindInt || p.kind == kindFloat)
}

func (pl *planner) fillUnion(p *plan, s shape, schema *smithy.Schema) error {
	for _, t := range pl.unions {
		if !t.Implements(p.typ) {
			continue
		}
		_, member, ok := strings.Cut(t.Elem().Name(), p.typ.Name()+"Member")
		value, hasValue := t.Elem().FieldByName("Value")
		if !ok || !hasValue {
			return fmt.Errorf("wire: %s is not the SDK's type of a union member", t)
		}
		below, err := memberOf(schema, member)
		if err != nil {
			return err
		}
		vp, err := pl.plan(value.Type, s.member(member).Shape, below)
		if err != nil {
			return err
		}
		p.arms = append(p.arms, arm{name: pl.name(s.member(member), below, member), typ: t.Elem(), plan: vp})
	}
	return nil
}

// isErrorCode tells the field that the SDK adds to its error types from a
// member of the shape.
func isErrorCode(t reflect.Type, f reflect.StructField) bool {
	return f.Name == "ErrorCodeOverride" && reflect.PointerTo(t).Implements(reflect.TypeFor[error]())
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}

// setChecked marks the plans that lead to a rule, so that validation does not
// walk where there is nothing to check. A type that refers to itself counts as
// checked.
func (p *plan) setChecked() bool {
	if p == nil {
		return false
	}
	if p.visited {
		return p.checked
	}
	p.visited, p.checked = true, true
	checked := p.rule != nil
	for _, f := range p.fields {
		checked = f.plan.setChecked() || f.required || checked
	}
	for _, a := range p.arms {
		checked = a.plan.setChecked() || checked
	}
	checked = p.elem.setChecked() || checked
	checked = p.key.setChecked() || checked
	p.checked = checked
	return checked
}
