package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// read reads one request with its body.
func read(t testing.TB, raw string) (q Request, body string, err error) {
	t.Helper()
	r := NewReader(strings.NewReader(raw))
	if err := r.ReadRequest(&q); err != nil {
		return q, "", err
	}
	b := r.Body(q.Framing)
	all, err := io.ReadAll(&b)
	return q, string(all), err
}

func TestRequestsAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		want Request
		body string
	}{
		"without a body": {
			"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n",
			Request{Method: "GET", Target: "/a?b=c", Host: "x", Minor: 1}, ""},
		"an empty line before it": {
			"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
			Request{Method: "GET", Target: "/", Host: "x", Minor: 1}, ""},
		"with a length": {
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET",
			Request{Method: "POST", Target: "/", Host: "x", Minor: 1, Framing: Framing{3}}, "abc"},
		"in chunks with extensions and trailers": {
			"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n10 \r\n0123456789abcdef\r\n0\r\nX: y\r\n\r\n",
			Request{Method: "POST", Target: "/", Host: "x", Minor: 1, Framing: Framing{Chunked}}, "abc0123456789abcdef"},
		"HTTP/1.0 ends the connection": {
			"GET / HTTP/1.0\r\n\r\n",
			Request{Method: "GET", Target: "/", Close: true}, ""},
		"HTTP/1.0 that is kept alive": {
			"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
			Request{Method: "GET", Target: "/"}, ""},
		"a client that ends the connection": {
			"GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, close\r\n\r\n",
			Request{Method: "GET", Target: "/", Host: "x", Minor: 1, Close: true}, ""},
		"a change of protocol": {
			"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
			Request{Method: "GET", Target: "/", Host: "x", Minor: 1, Upgrade: "websocket"}, ""},
		"an absolute target": {
			"GET http://y/z HTTP/1.1\r\nHost: x\r\n\r\n",
			Request{Method: "GET", Target: "http://y/z", Host: "x", Minor: 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, body, err := read(t, c.raw)
			if err != nil {
				t.Fatal(err)
			}
			got.Fields, got.Size = nil, 0
			if g, w := flat(got), flat(c.want); g != w || body != c.body {
				t.Errorf("read %+v and %q, want %+v and %q", g, body, w, c.body)
			}
		})
	}
}

// flat is what is compared of a request.
func flat(q Request) any {
	return struct {
		Method, Target, Host, Upgrade string
		Minor                         int
		Length                        int64
		Close                         bool
		Flaw                          Flaw
	}{q.Method, q.Target, q.Host, q.Upgrade, q.Minor, q.Length, q.Close, q.Flaw}
}

func TestRequestsAreRefused(t *testing.T) {
	const line, host = "POST / HTTP/1.1\r\n", "Host: x\r\n"
	for name, c := range map[string]struct {
		raw  string
		want int
	}{
		"a line feed alone":                   {"GET / HTTP/1.1\nHost: x\n\n", 400},
		"a line feed alone in the fields":     {line + "Host: x\n\r\n", 400},
		"a carriage return alone":             {line + host + "A: b\rContent-Length: 3\r\n\r\n", 400},
		"a NUL in a value":                    {line + host + "A: b\x00c\r\n\r\n", 400},
		"folded lines":                        {line + host + "A: b\r\n c\r\n\r\n", 400},
		"a first line that is folded":         {line + " Host: x\r\n\r\n", 400},
		"space before the colon":              {line + host + "Content-Length : 3\r\n\r\nabc", 400},
		"a tab before the colon":              {line + host + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", 400},
		"no colon":                            {line + host + "A\r\n\r\n", 400},
		"no name":                             {line + host + ": b\r\n\r\n", 400},
		"no Host":                             {line + "\r\n", 400},
		"two Hosts":                           {line + host + host + "\r\n", 400},
		"a Host with a path":                  {line + "Host: x/y\r\n\r\n", 400},
		"lengths that differ":                 {line + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
		"a list of lengths":                   {line + host + "Content-Length: 3, 3\r\n\r\nabc", 400},
		"a length with a sign":                {line + host + "Content-Length: +3\r\n\r\nabc", 400},
		"a negative length":                   {line + host + "Content-Length: -3\r\n\r\nabc", 400},
		"a hexadecimal length":                {line + host + "Content-Length: 0x3\r\n\r\nabc", 400},
		"a length that overflows":             {line + host + "Content-Length: 99999999999999999999\r\n\r\n", 400},
		"an empty length":                     {line + host + "Content-Length:\r\n\r\n", 400},
		"two encodings":                       {line + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		"an encoding nobody knows":            {line + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
		"an encoding after a vertical tab":    {line + host + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400},
		"an encoding that is not supported":   {line + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
		"an encoding of nothing":              {line + host + "Transfer-Encoding: identity\r\n\r\n", 501},
		"an encoding in HTTP/1.0":             {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		"a name that normalizes to another":   {line + host + "Transfer_Encoding: chunked\r\n\r\n", 400},
		"a length that normalizes to another": {line + host + "Content.Length: 3\r\n\r\n", 400},
		"a space in the target":               {"GET /a b HTTP/1.1\r\n" + host + "\r\n", 400},
		"a target without a slash":            {"GET a HTTP/1.1\r\n" + host + "\r\n", 400},
		"a target with a fragment":            {"GET /a#b HTTP/1.1\r\n" + host + "\r\n", 400},
		"a target with a user":                {"GET http://a@b/ HTTP/1.1\r\n" + host + "\r\n", 400},
		"a method that is no token":           {"G@T / HTTP/1.1\r\n" + host + "\r\n", 400},
		"HTTP/0.9":                            {"GET /\r\n\r\n", 400},
		"HTTP/2's preface":                    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		"HTTP/1.2":                            {"GET / HTTP/1.2\r\n" + host + "\r\n", 505},
		"a version that is none":              {"GET / HTTP/1.x\r\n" + host + "\r\n", 400},
		"a long request line":                 {"GET /" + strings.Repeat("a", MaxRequestLine) + " HTTP/1.1\r\n" + host + "\r\n", 414},
		"a request line without end":          {"GET /" + strings.Repeat("a", 3*MaxRequestHead), 414},
		"a long field":                        {line + host + "A: " + strings.Repeat("a", MaxField) + "\r\n\r\n", 400},
		"many fields":                         {line + host + strings.Repeat("A: "+strings.Repeat("a", 1000)+"\r\n", 70) + "\r\n", 400},
		"a chunk without a size":              {line + host + "Transfer-Encoding: chunked\r\n\r\n;a\r\n", 400},
		"a chunk with a negative size":        {line + host + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
		"a chunk with a prefix":               {line + host + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400},
		"a chunk whose size overflows":        {line + host + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400},
		"a chunk longer than its size":        {line + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := read(t, c.raw)
			var refused *Error
			if !errors.As(err, &refused) || refused.Status != c.want {
				t.Errorf("got %v, want a refusal with %d", err, c.want)
			}
		})
	}
}

func TestAmbiguousRequests(t *testing.T) {
	for name, c := range map[string]struct {
		raw       string
		want      Flaw
		ambiguous bool
		body      string
	}{
		"length and encoding": {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", BothTeClPresent, true, ""},
		"a length twice":      {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", DuplicateContentLength, true, "a"},
		"GET with a body":     {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na", UndefinedContentLengthSemantics, true, "a"},
		"GET in chunks":       {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", UndefinedTransferEncodingSemantics, true, ""},
		"GET with no length":  {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", GetHeadZeroContentLength, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			q, body, err := read(t, c.raw)
			if err != nil || q.Flaw != c.want || q.Flaw.Ambiguous() != c.ambiguous || body != c.body {
				t.Errorf("flaw %v, body %q, error %v; want %v, %q", q.Flaw, body, err, c.want, c.body)
			}
		})
	}
}

func TestRequestsFollowOneAnother(t *testing.T) {
	r := NewReader(strings.NewReader("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\nHost: y\r\n\r\n"))
	var q Request
	for _, want := range []string{"/1", "/2"} {
		if err := r.ReadRequest(&q); err != nil || q.Target != want {
			t.Fatalf("read %q, %v; want %q", q.Target, err, want)
		}
		b := r.Body(q.Framing)
		if _, err := io.Copy(io.Discard, &b); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.ReadRequest(&q); err != io.EOF {
		t.Errorf("after the last one: %v, want io.EOF", err)
	}
}

// FuzzRequest holds that a request that is taken is read in the same way by net/http
// once it is written again: where the body ends, above all.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;q\r\nabc\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\tchunked\r\nA:\r\n\tb\r\n\r\n0\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := NewReader(bytes.NewReader(raw))
		var q Request
		if r.ReadRequest(&q) != nil {
			return
		}
		b := r.Body(q.Framing)
		body, err := io.ReadAll(&b)
		if err != nil {
			return
		}
		written := rewrite(q, body)
		in := bufio.NewReader(bytes.NewReader(written))
		std, err := http.ReadRequest(in)
		if err != nil {
			if strings.Contains(err.Error(), "invalid") || strings.Contains(err.Error(), "malformed") {
				return // it refuses some URLs and methods that a target may take
			}
			t.Fatalf("net/http refuses what was taken: %v\n%q", err, written)
		}
		seen, err := io.ReadAll(std.Body)
		if err != nil || !bytes.Equal(seen, body) || in.Buffered() > 0 {
			t.Fatalf("net/http reads the body %q, %v, with %d bytes left; want %q", seen, err, in.Buffered(), body)
		}
	})
}

// rewrite writes a request as a proxy does.
func rewrite(q Request, body []byte) []byte {
	b := []byte(q.Method + " " + q.Target + " HTTP/1.1\r\nHost: " + q.Host + "\r\n")
	for _, f := range q.Fields {
		if !f.Hop() {
			b = AppendField(b, f.Name, f.Value)
		}
	}
	b = AppendFraming(b, q.Framing)
	b = append(b, "\r\n"...)
	if q.Length != Chunked {
		return append(b, body...)
	}
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	w.Write(b)
	if len(body) > 0 {
		WriteChunk(w, body)
	}
	WriteLastChunk(w, nil)
	w.Flush()
	return out.Bytes()
}
