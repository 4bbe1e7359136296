package http1

import (
	"io"
	"strings"
	"testing"
)

func BenchmarkReadRequest(b *testing.B) {
	const raw = "GET /path?a=b HTTP/1.1\r\nHost: example.com\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html,application/xhtml+xml\r\n" +
		"Accept-Language: en\r\nAccept-Encoding: gzip, deflate\r\nCookie: session=0123456789abcdef\r\nConnection: keep-alive\r\n\r\n"
	src := strings.NewReader(raw)
	r := NewReader(src)
	var q Request
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		src.Seek(0, io.SeekStart)
		if err := r.ReadRequest(&q); err != nil {
			b.Fatal(err)
		}
	}
}
