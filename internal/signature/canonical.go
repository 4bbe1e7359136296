package signature

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A form is one of the ways in which clients write a request down before they hash
// it. They differ where AWS's page leaves room, and in nothing that a service reads.
type form struct {
	// rawPath leaves the path as it was sent. Else it has no empty segments and no
	// dots, as RFC 3986 removes them.
	rawPath bool
	// rawTabs folds only spaces in the values of headers. Else all white space.
	rawTabs bool
}

// The forms, most clients' first: botocore and the SDKs for Java and JavaScript use
// the one, the SDK for Go the other.
var forms = []form{{}, {rawPath: true, rawTabs: true}}

// A canonical is a request as it is signed.
type canonical struct {
	r       *http.Request
	query   query
	headers []string // names of the signed headers, in lower case and sorted
	payload string   // the hash of the body
}

// append writes a request down:
//
//	METHOD \n PATH \n QUERY \n NAME:VALUE \n ... \n NAMES \n PAYLOAD
func (c *canonical) append(b []byte, f form) []byte {
	b = append(b, c.r.Method...)
	b = append(b, '\n')
	b = appendPath(b, c.r.URL.EscapedPath(), f)
	b = append(b, '\n')
	b = c.query.appendCanonical(b)
	b = append(b, '\n')
	for _, name := range c.headers {
		b = append(b, name...)
		b = append(b, ':')
		b = appendValues(b, headerValues(c.r, name), f)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range c.headers {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, c.payload...)
}

// appendPath appends a path, which is escaped already, escaped once more.
func appendPath(b []byte, p string, f form) []byte {
	if p == "" {
		p = "/"
	}
	if !f.rawPath && p[0] == '/' {
		clean := path.Clean(p)
		if clean != "/" && strings.HasSuffix(p, "/") {
			clean += "/"
		}
		p = clean
	}
	return appendEncoded(b, p, true)
}

// headerValues are the values of a header by its name in lower case. Some have been
// taken out of the header by net/http.
func headerValues(r *http.Request, name string) []string {
	switch name {
	case "host":
		return []string{r.Host}
	case "content-length":
		if len(r.Header["Content-Length"]) == 0 && r.ContentLength > 0 {
			return []string{strconv.FormatInt(r.ContentLength, 10)}
		}
	}
	return r.Header.Values(name)
}

// appendValues appends the values of a header, without white space around them and
// with one space for each run of it inside.
func appendValues(b []byte, values []string, f form) []byte {
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFolded(b, v, f)
	}
	return b
}

func appendFolded(b []byte, v string, f form) []byte {
	folds := isSpace
	if f.rawTabs {
		folds = func(c byte) bool { return c == ' ' }
	}
	within := false
	v = strings.TrimFunc(v, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) })
	for i := range len(v) {
		space := folds(v[i])
		switch {
		case !space:
			b = append(b, v[i])
		case !within:
			b = append(b, ' ')
		}
		within = space
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// signedHeaders are the names in a list like host;x-amz-date. What cannot be a name
// is refused: in a presigned URL it could be a line break, which would let one
// request be written down like another.
func signedHeaders(list string) ([]string, error) {
	names := strings.Split(strings.ToLower(list), ";")
	slices.Sort(names)
	for _, name := range names {
		if name == "" || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' || c == ':' || c == ',' }) {
			return nil, incomplete("SignedHeaders must be names of headers, separated by semicolons, not '%s'.", excerpt(list))
		}
	}
	return names, nil
}

// unsigned is a header of the request that has to be signed and is not, or nothing:
// "the host header, and any x-amz-* headers".
func unsigned(r *http.Request, signed []string) string {
	if _, ok := slices.BinarySearch(signed, "host"); !ok {
		return "Host"
	}
	for name := range r.Header {
		if !strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		if _, ok := slices.BinarySearch(signed, strings.ToLower(name)); !ok {
			return name
		}
	}
	return ""
}
