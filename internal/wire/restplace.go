package wire

import (
	"net/http"
	"net/textproto"
	"reflect"
	"strconv"
	"strings"
)

// A place is where a member of an input or an output is in restJson. Members of all
// other structs, and in all other protocols, are in the body.
type place uint8

const (
	inBody    place = iota
	inPayload       // it is the whole body
	inURI           // a label of the path
	inQuery         // a parameter of the query, or several of them
	inHeader        // a header
	inHeaders       // all headers with a prefix
	inStatus        // the status of the answer
)

// places are the words for places in the tables under model/.
var places = map[string]place{
	"payload": inPayload, "uri": inURI, "querystring": inQuery,
	"header": inHeader, "headers": inHeaders, "statusCode": inStatus,
}

// text fills a member from text, which is what a label is.
func (x *exchange) text(f *field, v reflect.Value, text string) error {
	return x.h.decodeText(&param{value: text, set: true}, f.plan, v)
}

// texts fills a member from the values that have its name, if there are any. A map
// takes all values with names that no other member has.
func (x *exchange) texts(f *field, v reflect.Value, values map[string][]string) error {
	switch f.plan.kind {
	case kindList, kindFloats:
		if given, ok := values[f.name]; ok {
			return x.h.decodeText(numberedParams(given), f.plan, v)
		}
	case kindMap:
		return x.h.decodeText(x.otherParams(f, values), f.plan, v)
	default:
		if given := values[f.name]; len(given) > 0 {
			return x.text(f, v, given[0])
		}
	}
	return nil
}

// numberedParams is a list as awsQuery has it, which is how text is decoded.
func numberedParams(values []string) *param {
	list := &param{}
	for i, value := range values {
		list.children = append(list.children, param{name: strconv.Itoa(i + 1), value: value, set: true})
	}
	return list
}

// otherParams is a map, as awsQuery has it, of the parameters that no other member has.
func (x *exchange) otherParams(of *field, values map[string][]string) *param {
	dict := &param{}
	for _, key := range sortedKeys(values) {
		if x.op.inPlan.hasQuery(key, of) || len(values[key]) == 0 {
			continue
		}
		value := param{name: of.plan.names[1], value: values[key][0], set: true}
		if of.plan.elem.kind == kindList {
			value = *numberedParams(values[key])
			value.name = of.plan.names[1]
		}
		dict.children = append(dict.children, entryParam(of, len(dict.children), key, value))
	}
	return dict
}

func entryParam(of *field, i int, key string, value param) param {
	return param{name: strconv.Itoa(i + 1), children: []param{{name: of.plan.names[0], value: key, set: true}, value}}
}

func (p *plan) hasQuery(name string, but *field) bool {
	for i := range p.fields {
		if f := &p.fields[i]; f != but && f.in == inQuery && f.name == name {
			return true
		}
	}
	return false
}

// headersOf are the values of the header that a member is. Those of a list may share
// a line.
func headersOf(h http.Header, f *field) map[string][]string {
	given := h.Values(f.name)
	switch {
	case len(given) == 0:
		return nil
	case f.plan.kind == kindList:
		given = strings.Split(strings.Join(given, ","), ",")
		for i := range given {
			given[i] = strings.TrimSpace(given[i])
		}
	}
	return map[string][]string{f.name: given}
}

// prefixed fills a map from the headers that begin with a prefix.
func (x *exchange) prefixed(f *field, v reflect.Value) error {
	dict := &param{}
	prefix := textproto.CanonicalMIMEHeaderKey(f.name)
	for _, name := range sortedKeys(x.r.Header) {
		if key, ok := strings.CutPrefix(name, prefix); ok {
			value := param{name: f.plan.names[1], value: x.r.Header.Get(name), set: true}
			dict.children = append(dict.children, entryParam(f, len(dict.children), strings.ToLower(key), value))
		}
	}
	if len(dict.children) == 0 {
		return nil
	}
	return x.h.decodeText(dict, f.plan, v)
}

// decodeText decodes a member that came as text, which is read as in awsQuery.
func (h *handler) decodeText(text *param, p *plan, v reflect.Value) error {
	d := h.decoders.Get().(*decoder)
	defer h.decoders.Put(d)
	*d = decoder{r: &queryReader{now: text}, query: true, strings: d.strings, scratch: d.scratch}
	err := d.value(p, v)
	d.r = nil
	return err
}
