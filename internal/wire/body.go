package wire

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Bodies are read into buffers that are used again. Nothing decoded refers to
// them.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// defaultMaxBody bounds a body as sent where its service does not, in bytes.
const defaultMaxBody = 4 << 20

// maxKept bounds the buffers that are kept, in bytes.
const maxKept = 4 << 20

func keep(b *bytes.Buffer) {
	if b.Cap() <= maxKept {
		b.Reset()
		buffers.Put(b)
	}
}

// readBody reads a body of at most limit bytes as sent, and unpacks it. The
// caller passes the buffer to keep when it is done.
func readBody(r *http.Request, limit int64) (*bytes.Buffer, *fault) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	encoding := strings.ToLower(r.Header.Get("Content-Encoding"))
	if encoding != "" && encoding != "identity" && encoding != "gzip" {
		return nil, malformed("Content-Encoding must be gzip or absent")
	}
	buf := buffers.Get().(*bytes.Buffer)
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if f := readUpTo(buf, r.Body, limit); f != nil {
		keep(buf)
		return nil, f
	}
	if encoding != "gzip" || buf.Len() == 0 {
		return buf, nil
	}
	defer keep(buf)
	return unpack(buf)
}

var unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}

func unpack(packed *bytes.Buffer) (*bytes.Buffer, *fault) {
	z := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(z)
	if err := z.Reset(packed); err != nil {
		return nil, malformed("The request body is not valid gzip")
	}
	out := buffers.Get().(*bytes.Buffer)
	if f := readUpTo(out, z, maxInflate); f != nil {
		keep(out)
		return nil, f
	}
	return out, nil
}

func readUpTo(buf *bytes.Buffer, r io.Reader, limit int64) *fault {
	n, err := buf.ReadFrom(io.LimitReader(r, limit+1))
	switch {
	case n > limit:
		return tooLarge(limit)
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return malformed("The request body is not valid gzip")
	case err != nil:
		return malformed("The request body could not be read to its end")
	}
	return nil
}
