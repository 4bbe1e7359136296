package wire

import (
	"cmp"
	"encoding/base64"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// xmlWriter writes the insides of awsQuery and ec2Query answers. Lists are wrapped in
// <member> or <item>, maps in <entry><key/><value/></entry>.
type xmlWriter struct {
	buf  []byte
	elem string // what an element of a list is in; empty: member
	flat *field // the list or map that comes next has no element of its own
	// Elements that are open. An empty name stands for a list, object or map,
	// whose own element is the one before.
	open  []string
	names []xmlNames // of what is in the groups that are open
}

// xmlNames are what the elements of a list are called, or the entries of a map and what
// is in them.
type xmlNames struct{ elem, key, value string }

func (w *xmlWriter) start(name string) {
	w.buf = append(w.buf, '<')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '>')
}

func (w *xmlWriter) end(name string) {
	w.buf = append(w.buf, '<', '/')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '>')
}

// leaf is an element with nothing but text.
func (w *xmlWriter) leaf(name, text string) {
	w.start(name)
	w.text(text)
	w.end(name)
}

// result is an element with what a function writes. Without anything in it, it may be
// written short.
func (w *xmlWriter) result(name string, write func(), short bool) {
	w.start(name)
	begun := len(w.buf)
	if write(); short && len(w.buf) == begun {
		w.buf = append(w.buf[:begun-1], "/>"...)
		return
	}
	w.end(name)
}

// closeElement ends the element that was begun last in this object or list.
func (w *xmlWriter) closeElement() {
	for n := len(w.open) - 1; n >= 0 && w.open[n] != ""; n-- {
		w.end(w.open[n])
		w.open = w.open[:n]
	}
}

func (w *xmlWriter) begin(name string) {
	w.closeElement()
	w.start(name)
	w.open = append(w.open, name)
}

// openGroup opens a list, object or map.
func (w *xmlWriter) openGroup(elem string) {
	names := xmlNames{elem, "key", "value"}
	if w.flat != nil {
		names = xmlNames{w.flat.query, w.flat.plan.names[0], w.flat.plan.names[1]}
		w.flat = nil
	}
	w.open, w.names = append(w.open, ""), append(w.names, names)
}

func (w *xmlWriter) closeGroup() {
	w.closeElement()
	w.open, w.names = w.open[:len(w.open)-1], w.names[:len(w.names)-1]
}

// field begins a member.
func (w *xmlWriter) field(f *field) {
	if !f.flat {
		w.begin(f.query)
		return
	}
	w.closeElement()
	w.flat = f
}

func (w *xmlWriter) null()              {}
func (w *xmlWriter) text(s string)      { w.buf = appendXMLText(w.buf, s) }
func (w *xmlWriter) boolean(b bool)     { w.buf = strconv.AppendBool(w.buf, b) }
func (w *xmlWriter) integer(n int64)    { w.buf = strconv.AppendInt(w.buf, n, 10) }
func (w *xmlWriter) blob(b []byte)      { w.buf = base64.StdEncoding.AppendEncode(w.buf, b) }
func (w *xmlWriter) document(v any)     { w.buf = appendXMLText(w.buf, string(marshalDocument(v))) }
func (w *xmlWriter) openObject()        { w.openGroup("") }
func (w *xmlWriter) member(name string) { w.begin(name) }
func (w *xmlWriter) closeObject()       { w.closeGroup() }
func (w *xmlWriter) openMap(int)        { w.openGroup("entry") }
func (w *xmlWriter) closeMap()          { w.closeGroup() }
func (w *xmlWriter) openList(int)       { w.openGroup(cmp.Or(w.elem, "member")) }
func (w *xmlWriter) item()              { w.begin(w.names[len(w.names)-1].elem) }
func (w *xmlWriter) closeList()         { w.closeGroup() }

func (w *xmlWriter) entry(key string) {
	names := w.names[len(w.names)-1]
	w.begin(names.elem)
	w.leaf(names.key, key)
	w.start(names.value)
	w.open = append(w.open, names.value)
}

func (w *xmlWriter) float(f float64) {
	switch {
	case math.IsNaN(f):
		w.buf = append(w.buf, "NaN"...)
	case math.IsInf(f, 1):
		w.buf = append(w.buf, "Infinity"...)
	case math.IsInf(f, -1):
		w.buf = append(w.buf, "-Infinity"...)
	default:
		w.buf = appendFloat(w.buf, f)
	}
}

func (w *xmlWriter) time(t time.Time) {
	layout := "2006-01-02T15:04:05Z"
	if t.UnixMilli()%1000 != 0 {
		layout = "2006-01-02T15:04:05.000Z"
	}
	w.buf = t.UTC().AppendFormat(w.buf, layout)
}

// appendXMLText escapes text. Characters that XML 1.0 cannot hold become the
// replacement character.
func appendXMLText(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '"':
			b = append(b, "&quot;"...)
		case r == '\r':
			b = append(b, "&#xD;"...)
		case r < ' ' && r != '\n' && r != '\t', r == 0xfffe, r == 0xffff:
			b = utf8.AppendRune(b, utf8.RuneError)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
