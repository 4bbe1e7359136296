package http1

import (
	"io"
	"strings"
	"testing"
)

func TestResponsesAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		method, raw, body string
		close             bool
	}{
		"with a length":            {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP", "ab", false},
		"in chunks":                {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "ab", false},
		"until the end":            {"GET", "HTTP/1.1 200 OK\r\n\r\nab", "ab", true},
		"to HEAD":                  {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "", false},
		"without content":          {"GET", "HTTP/1.1 204 No Content\r\n\r\n", "", false},
		"not modified":             {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "", false},
		"of HTTP/1.0":              {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", "ab", true},
		"without a reason":         {"GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "", false},
		"that ends the connection": {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(strings.NewReader(c.raw))
			var p Response
			if err := r.ReadResponse(&p, c.method); err != nil {
				t.Fatal(err)
			}
			b := r.Body(p.Framing)
			body, err := io.ReadAll(&b)
			if err != nil || string(body) != c.body || p.Close != c.close {
				t.Errorf("body %q, %v, close %v; want %q, %v", body, err, p.Close, c.body, c.close)
			}
		})
	}
}

func TestResponsesAreRefused(t *testing.T) {
	for name, raw := range map[string]string{
		"no status":           "HTTP/1.1\r\n\r\n",
		"no HTTP":             "SSH-2.0-OpenSSH\r\n\r\n",
		"a low status":        "HTTP/1.1 099 X\r\n\r\n",
		"lengths that differ": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"a strange encoding":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"too long a head":     "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", MaxResponseHead) + "\r\n\r\n",
		"a head that is cut":  "HTTP/1.1 200 OK\r\nA: b\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			var p Response
			if err := NewReader(strings.NewReader(raw)).ReadResponse(&p, "GET"); err == nil || err == io.EOF {
				t.Errorf("read %+v, %v; want an error", p, err)
			}
		})
	}
}
