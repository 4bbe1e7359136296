package variant

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// abroad is what the names of calls begin with that go to another account or region.
const abroad = "in another "

// A Whole is a call whose request as a whole is not what a client sends.
type Whole struct {
	Name   string
	Change func(r *http.Request, body []byte) []byte // changes a signed request with the valid input, and returns its body
	right  func(m *Model, p Protocol, a, valid Answer) bool
}

// Wholes are the changes to requests that a protocol has. Bodies that do not matter, such
// as those of GETs, are left alone.
func (p Protocol) Wholes() []Whole {
	keep := func(change func(r *http.Request)) func(*http.Request, []byte) []byte {
		return func(r *http.Request, body []byte) []byte {
			change(r)
			return body
		}
	}
	all := []Whole{
		{"without a signature", keep(func(r *http.Request) { r.Header.Del("Authorization") }), refusedWith("MissingAuthenticationToken", "MissingAuthenticationTokenException")},
		{"with a signature of another form", keep(func(r *http.Request) { cutSignature(r) }), refusedWith("IncompleteSignature", "IncompleteSignatureException")},
		{"said to be packed and not", keep(func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }), anyAnswer},
		{abroad + "region", keep(func(r *http.Request) { inScope(r, "us-east-1", "eu-west-3") }), anyAnswer},
		{abroad + "account", keep(func(r *http.Request) { inScope(r, "=test/", "=999999999999/") }), anyAnswer},
	}
	switch {
	case strings.HasPrefix(p.Name, "awsJson"):
		return append(all, jsonWholes()...)
	case p.isText():
		return append(all, queryWholes()...)
	case p.Name == "rpcv2Cbor":
		return append(all, cborWholes()...)
	}
	return append(all, restWholes()...)
}

// cutSignature leaves of a signature what it is for.
func cutSignature(r *http.Request) {
	credential, _, _ := strings.Cut(r.Header.Get("Authorization"), ",")
	r.Header.Set("Authorization", credential)
}

func inScope(r *http.Request, is, shall string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), is, shall, 1))
}

// body is a change to the body alone.
func body(change func([]byte) string) func(*http.Request, []byte) []byte {
	return func(_ *http.Request, body []byte) []byte { return []byte(change(body)) }
}

func jsonWholes() []Whole {
	text := func(s string) func(*http.Request, []byte) []byte { return body(func([]byte) string { return s }) }
	return []Whole{
		{"cut", body(func(b []byte) string { return string(b[:len(b)-1]) }), unreadable},
		{"with more after it", body(func(b []byte) string { return string(b) + "}" }), unreadable},
		{"a list", text("[]"), unreadable},
		{"a text", text(`"x"`), unreadable},
		{"words", text("cluster"), unreadable},
		{"with a name twice", body(twice), sameAnswer},
		{"with space around", body(func(b []byte) string { return " \n" + string(b) + "\t\r\n" }), sameAnswer},
		{"with a mark of its order", body(func(b []byte) string { return "\xef\xbb\xbf" + string(b) }), anyAnswer},
		{"without a body", text(""), anyAnswer},
		{"of an operation that is none", operationIs("NoSuchOperation"), refusedWith("UnknownOperationException")},
		{"by GET", func(r *http.Request, _ []byte) []byte { r.Method = http.MethodGet; return nil }, refusedWith("UnknownOperationException")},
		{"as plain text", func(r *http.Request, b []byte) []byte { r.Header.Set("Content-Type", "text/plain"); return b }, refusedWith("UnknownOperationException")},
	}
}

// twice has the first member of an object again at its end.
func twice(object []byte) string {
	text := strings.TrimSuffix(string(object), "}")
	if text == "{" {
		return string(object)
	}
	return text + "," + strings.TrimPrefix(string(object), "{")
}

func operationIs(name string) func(*http.Request, []byte) []byte {
	return func(r *http.Request, b []byte) []byte {
		target, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		r.Header.Set("X-Amz-Target", target+"."+name)
		return b
	}
}

func cborWholes() []Whole {
	return []Whole{
		{"cut", body(func(b []byte) string { return string(b[:len(b)-1]) }), unreadable},
		{"with more after it", body(func(b []byte) string { return string(b) + "\xa0" }), unreadable},
		{"a list", body(func([]byte) string { return "\x80" }), unreadable},
		{"not CBOR", body(func([]byte) string { return "\xff\xff" }), unreadable},
		{"without a body", body(func([]byte) string { return "" }), anyAnswer},
		{"of an operation that is none", func(r *http.Request, b []byte) []byte { r.URL.Path += "x"; return b }, refusedWith("UnknownOperationException")},
		{"by GET", func(r *http.Request, _ []byte) []byte { r.Method = http.MethodGet; return nil }, refusedWith("UnknownOperationException")},
	}
}

// restWholes do not vary bodies, which few operations have.
func restWholes() []Whole {
	return []Whole{
		{"of a path that is none", func(r *http.Request, b []byte) []byte { r.URL.Path, r.URL.RawPath = "/2015-03-31/none", ""; return b }, refusedWith("UnknownOperationException")},
		{"by a method that is none", func(r *http.Request, b []byte) []byte { r.Method = http.MethodPatch; return b }, refusedWith("UnknownOperationException")},
		{"without a body", body(func([]byte) string { return "" }), anyAnswer},
		{"with words for its body", body(func([]byte) string { return "words" }), anyAnswer},
		{"with a list for its body", body(func([]byte) string { return "[]" }), anyAnswer},
	}
}

func queryWholes() []Whole {
	return []Whole{
		{"with a broken escape", body(func(b []byte) string { return string(b) + "&X=%zz" }), refusedWith("MalformedQueryString")},
		{"without an action", body(func(b []byte) string { return strings.Replace(string(b), "Action=", "Reaction=", 1) }), refusedWith("MissingAction")},
		{"of an operation that is none", body(func(b []byte) string { return strings.Replace(string(b), "Action=", "Action=NoSuch", 1) }), refusedWith("InvalidAction")},
		{"of another version", body(func(b []byte) string { return strings.Replace(string(b), "Version=20", "Version=19", 1) }), refusedWith("InvalidAction")},
		{"in the URL", func(r *http.Request, b []byte) []byte {
			r.Method, r.URL.RawQuery = http.MethodGet, string(b)
			return nil
		}, sameAnswer},
		{"without a body", body(func([]byte) string { return "" }), refusedWith("MissingAction")},
	}
}

// IsAbroad tells a call to another account or region.
func (w Whole) IsAbroad() bool { return strings.HasPrefix(w.Name, abroad) }

// Send makes a whole of a request that is signed.
func (w Whole) Send(r *http.Request) error {
	valid, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	changed := w.Change(r, valid)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(changed)), int64(len(changed))
	return nil
}

// JudgeWhole says what is wrong with the answer to a whole, if anything is.
func (m *Model) JudgeWhole(w Whole, p Protocol, a, valid Answer) error {
	if err := m.Judge(Variant{}, p, a, valid); err != nil {
		return err
	}
	if !w.right(m, p, a, valid) {
		return fmt.Errorf("answered %v", a)
	}
	return nil
}

func anyAnswer(*Model, Protocol, Answer, Answer) bool { return true }

func sameAnswer(_ *Model, _ Protocol, a, valid Answer) bool {
	return a.Status == valid.Status && a.Code == valid.Code
}

func unreadable(m *Model, p Protocol, a, _ Answer) bool { return m.isUnreadable(p, a) }

func refusedWith(codes ...string) func(*Model, Protocol, Answer, Answer) bool {
	return func(_ *Model, _ Protocol, a, _ Answer) bool {
		for _, code := range codes {
			if unqualified(a.Code) == code {
				return a.Status >= http.StatusBadRequest
			}
		}
		return false
	}
}
