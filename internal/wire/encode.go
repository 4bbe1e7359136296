package wire

import (
	"encoding/json"
	"reflect"
	"time"

	smithydocument "github.com/aws/smithy-go/document"
)

// A writer writes the values of an answer in one protocol. A member, item or
// entry is followed by its value.
type writer interface {
	null()
	text(string)
	boolean(bool)
	integer(int64)
	float(float64)
	time(time.Time)
	blob([]byte)
	document(any)
	openObject()
	member(name string)
	closeObject()
	openMap(size int)
	entry(key string)
	closeMap()
	openList(size int)
	item()
	closeList()
}

// write writes v, which p describes.
func write(w writer, p *plan, v reflect.Value) {
	if p.pointer {
		if v.IsNil() {
			w.null()
			return
		}
		v = v.Elem()
	}
	switch p.kind {
	case kindString, kindEnum:
		w.text(v.String())
	case kindBool:
		w.boolean(v.Bool())
	case kindInt:
		w.integer(v.Int())
	case kindFloat:
		w.float(v.Float())
	case kindTime:
		w.time(v.Interface().(time.Time))
	case kindBlob:
		w.blob(v.Bytes())
	case kindStruct:
		w.openObject()
		writeMembers(w, p, v)
		w.closeObject()
	case kindFloats, kindList:
		w.openList(v.Len())
		for i := range v.Len() {
			w.item()
			write(w, p.elem, v.Index(i))
		}
		w.closeList()
	case kindMap:
		writeMap(w, p, v)
	case kindUnion:
		writeUnion(w, p, v)
	case kindDocument:
		w.document(v.Interface())
	}
}

// writeMembers writes the members of a struct that are set.
func writeMembers(w writer, p *plan, v reflect.Value) {
	for i := range p.fields {
		if f := &p.fields[i]; f.in == inBody {
			writeMember(w, f, v.Field(f.index))
		}
	}
}

func writeMember(w writer, f *field, v reflect.Value) {
	set := isSet(f.plan, v)
	switch w := w.(type) {
	case *queryJSONWriter:
		w.field(f)
		if !set {
			w.null()
		}
	case *xmlWriter:
		if set {
			w.field(f)
		}
	default:
		if set {
			w.member(f.name)
		}
	}
	if set {
		write(w, f.plan, v)
	}
}

// isSet reports whether a member has a value. The SDK uses plain numbers and
// booleans only where they have a default, so these always do.
func isSet(p *plan, v reflect.Value) bool {
	if p.pointer {
		return !v.IsNil()
	}
	switch p.kind {
	case kindEnum:
		return v.Len() > 0
	case kindBlob, kindFloats, kindList, kindMap, kindUnion, kindDocument:
		return !v.IsNil()
	}
	return true
}

func writeMap(w writer, p *plan, v reflect.Value) {
	w.openMap(v.Len())
	elems := make(map[string]reflect.Value, v.Len())
	for it := v.MapRange(); it.Next(); {
		elems[it.Key().String()] = it.Value()
	}
	for _, k := range sortedKeys(elems) {
		w.entry(k)
		write(w, p.elem, elems[k])
	}
	w.closeMap()
}

func writeUnion(w writer, p *plan, v reflect.Value) {
	w.openObject()
	v = v.Elem().Elem() // the interface's pointer, and its struct
	for i := range p.arms {
		if a := &p.arms[i]; a.typ == v.Type() {
			w.member(a.name)
			write(w, a.plan, v.FieldByName("Value"))
		}
	}
	w.closeObject()
}

// marshalDocument gives a document as JSON.
func marshalDocument(v any) []byte {
	if m, ok := v.(smithydocument.Marshaler); ok {
		if b, err := m.MarshalSmithyDocument(); err == nil {
			return b
		}
	}
	return []byte("null")
}

// documentValue gives a document as maps, slices, strings and numbers.
func documentValue(v any) any {
	var out any
	if json.Unmarshal(marshalDocument(v), &out) != nil {
		return nil
	}
	return out
}
