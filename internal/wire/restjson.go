package wire

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// restServices speak restJson1, and nothing else does.
var restServices = []string{"lambda", "scheduler"}

// restJSON is restJson1: the method and the path name the operation, and its members
// are in the path, the query, headers, the status and the body, as the model says
// (restroute.go, restplace.go). Source: Smithy, "AWS restJson1 protocol" and "HTTP
// bindings".
type restJSON struct {
	labels map[string]string // of the path, by name
	query  url.Values
}

func (p *restJSON) id() Protocol { return RESTJSON }

// route finds the operation among those of the service that the call was signed for.
func (p *restJSON) route(x *exchange) *fault {
	x.service = x.signedFor()
	x.name = x.r.Method + " " + x.r.URL.Path
	if x.service == nil {
		return p.unknownOperation(x.name, "")
	}
	var err error
	if p.query, err = url.ParseQuery(x.r.URL.RawQuery); err != nil {
		return malformed("The query string is not well-formed")
	}
	name, labels := find(x.service.routes(), x.r.Method, segments(x.r.URL.EscapedPath()), p.query)
	if name == "" {
		return p.unknownOperation(x.name, "")
	}
	x.name, p.labels = name, labels
	return x.findOperation()
}

// open reads the object in the body, if the operation has one.
func (p *restJSON) open(x *exchange) (reader, *fault) {
	if f := x.readBody(); f != nil {
		return nil, f
	}
	if plan := x.op.inPlan; plan.payload != nil || plan.streams() || !plan.bodied || x.body.Len() == 0 {
		return nil, nil
	}
	return &jsonReader{data: x.body.Bytes()}, nil
}

// bind fills the members that are not in an object in the body.
func (p *restJSON) bind(x *exchange, in reflect.Value) error {
	for i := range x.op.inPlan.fields {
		f := &x.op.inPlan.fields[i]
		if f.in == inBody {
			continue
		}
		if err := p.member(x, f, in.Field(f.index)); err != nil {
			return at(f.path, err)
		}
	}
	return nil
}

func (p *restJSON) member(x *exchange, f *field, v reflect.Value) error {
	switch f.in {
	case inPayload:
		return p.payload(x, f, v)
	case inURI:
		return x.text(f, v, p.labels[f.name])
	case inQuery:
		return x.texts(f, v, p.query)
	case inHeader:
		return x.texts(f, v, headersOf(x.r.Header, f))
	case inHeaders:
		return x.prefixed(f, v)
	}
	return nil
}

// payload fills the member that is the whole body.
func (p *restJSON) payload(x *exchange, f *field, v reflect.Value) error {
	switch {
	case x.body.Len() == 0:
		return nil
	case f.plan.kind == kindBlob:
		v.SetBytes(bytes.Clone(x.body.Bytes()))
		return nil
	case f.plan.kind == kindString:
		return x.text(f, v, x.body.String())
	}
	if f.plan.pointer {
		v.Set(reflect.New(f.plan.typ))
		v = v.Elem()
	}
	return x.decode(&jsonReader{data: x.body.Bytes()}, f.plan, v)
}

func (p *restJSON) unknownOperation(name, _ string) *fault {
	return unknownOperation(http.StatusNotFound, "Unknown operation "+name)
}

func (p *restJSON) setHeader(h http.Header) { h.Set("Content-Type", "application/json") }

// appendOutput writes the members of the body, and has the exchange send the others.
func (p *restJSON) appendOutput(b []byte, x *exchange, out reflect.Value) []byte {
	plan := x.op.outPlan
	x.status = cmp.Or(statusIn(plan, out), x.service.model().HTTP[x.name].Code)
	x.header = headersIn(plan, out)
	switch {
	case x.status == http.StatusNoContent:
		return b
	case plan.payload == nil:
		w := &jsonWriter{buf: b}
		write(w, plan, out)
		return w.buf
	}
	return appendPayload(b, plan.payload, out.Field(plan.payload.index))
}

func appendPayload(b []byte, f *field, v reflect.Value) []byte {
	switch {
	case !isSet(f.plan, v):
		return b
	case f.plan.kind == kindBlob:
		return append(b, v.Bytes()...)
	case f.plan.kind == kindString:
		return append(b, reflect.Indirect(v).String()...)
	}
	w := &jsonWriter{buf: b}
	write(w, f.plan, v)
	return w.buf
}

// appendFault writes the members of an error; its code is in a header.
func (p *restJSON) appendFault(b []byte, x *exchange, f *fault) []byte {
	w := &jsonWriter{buf: b}
	w.openObject()
	f.writeMessage(w, x.messageName(f))
	f.writeOtherMembers(w)
	w.closeObject()
	if f.plan != nil {
		x.header = headersIn(f.plan, f.value)
	}
	return w.buf
}

// messageName is how the model spells an error's message. Errors that no model has
// spell it small.
func (x *exchange) messageName(f *fault) string {
	if x.service != nil && f.plan == nil {
		if _, modelled := x.service.model().Errors[f.code]; modelled {
			return cmp.Or(x.service.model().shape(f.code).member("Message").Name, "Message")
		}
	}
	return f.messageName()
}

// statusIn is the status that an output says itself, or 0.
func statusIn(p *plan, out reflect.Value) int {
	for i := range p.fields {
		if f := &p.fields[i]; f.in == inStatus {
			if v := reflect.Indirect(out.Field(f.index)); v.IsValid() {
				return int(v.Int())
			}
		}
	}
	return 0
}

// headersIn are the members of an output or an error that are headers.
func headersIn(p *plan, out reflect.Value) map[string]string {
	var headers map[string]string
	for i := range p.fields {
		f := &p.fields[i]
		v := out.Field(f.index)
		if f.in != inHeader && f.in != inHeaders || !isSet(f.plan, v) {
			continue
		}
		if headers == nil {
			headers = map[string]string{}
		}
		if f.in == inHeader {
			headers[f.name] = headerText(f.plan, reflect.Indirect(v))
			continue
		}
		for it := v.MapRange(); it.Next(); {
			headers[f.name+it.Key().String()] = it.Value().String()
		}
	}
	return headers
}

// headerText is a value as it stands in a header.
func headerText(p *plan, v reflect.Value) string {
	switch p.kind {
	case kindBool:
		return strconv.FormatBool(v.Bool())
	case kindInt:
		return strconv.FormatInt(v.Int(), 10)
	case kindFloat:
		return number(v.Float())
	case kindTime:
		return v.Interface().(time.Time).UTC().Format(http.TimeFormat)
	case kindBlob:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case kindList:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = headerText(p.elem, reflect.Indirect(v.Index(i)))
		}
		return strings.Join(items, ", ")
	}
	return v.String()
}
