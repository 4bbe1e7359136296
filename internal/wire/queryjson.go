package wire

import (
	"net/http"
	"reflect"
	"strings"
)

// queryJSON is awsQuery for clients that accept JSON alone, as the integrations of API
// Gateway do: the same parameters, and the answer's elements as members of objects.
type queryJSON struct{ awsQuery }

// wantsJSON reports whether JSON is what a client accepts first.
func wantsJSON(r *http.Request) bool {
	media, _, _ := strings.Cut(r.Header.Get("Accept"), ",")
	media, _, _ = strings.Cut(media, ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/json")
}

// route has what is bare be so, in XML.
func (q *queryJSON) route(x *exchange) *fault {
	f := q.awsQuery.route(x)
	if f != nil && f.bare {
		x.proto = &q.awsQuery
	}
	return f
}

func (q *queryJSON) setHeader(h http.Header) { h.Set("Content-Type", "application/json") }

func (q *queryJSON) appendOutput(b []byte, x *exchange, out reflect.Value) []byte {
	w := &queryJSONWriter{jsonWriter: jsonWriter{buf: b}, service: x.service}
	w.openObject()
	w.member(x.name + "Response")
	w.openObject()
	if !x.op.void {
		w.member(x.name + "Result")
		write(w, x.op.outPlan, out)
	}
	w.member("ResponseMetadata")
	w.openObject()
	w.member("RequestId")
	w.text(x.id)
	w.closeObject()
	w.closeObject()
	w.closeObject()
	return w.buf
}

func (q *queryJSON) appendFault(b []byte, x *exchange, f *fault) []byte {
	w := &queryJSONWriter{jsonWriter: jsonWriter{buf: b}, service: x.service}
	w.openObject()
	w.member("Error")
	writeQueryFault(w, x, f)
	w.member("RequestId")
	w.text(x.id)
	w.closeObject()
	return w.buf
}

// queryJSONWriter writes the insides of such an answer. A member without a value is null, and
// a map whose entries stand in its place in XML is a list of them.
type queryJSONWriter struct {
	jsonWriter
	service *service
	names   [][2]string // of the keys and values in the maps that are open; empty where they are objects
	next    *field      // the map that comes next, if it is a list
}

func (w *queryJSONWriter) field(f *field) {
	name := f.name
	if own, ok := w.service.jsonNames[name]; ok {
		name = own
	}
	w.member(name)
	if f.flat && f.plan.kind == kindMap {
		w.next = f
	}
}

func (w *queryJSONWriter) null() {
	w.next = nil
	w.jsonWriter.null()
}

func (w *queryJSONWriter) openMap(size int) {
	if w.next == nil {
		w.names = append(w.names, [2]string{})
		w.jsonWriter.openMap(size)
		return
	}
	w.names = append(w.names, w.next.plan.names)
	w.next = nil
	w.openList(size)
}

func (w *queryJSONWriter) entry(key string) {
	names := w.names[len(w.names)-1]
	if names[0] == "" {
		w.jsonWriter.entry(key)
		return
	}
	if !w.first {
		w.closeObject()
	}
	w.item()
	w.openObject()
	w.member(names[0])
	w.text(key)
	w.member(names[1])
}

func (w *queryJSONWriter) closeMap() {
	names := w.names[len(w.names)-1]
	w.names = w.names[:len(w.names)-1]
	if names[0] == "" {
		w.jsonWriter.closeMap()
		return
	}
	if !w.first {
		w.closeObject()
	}
	w.closeList()
}
