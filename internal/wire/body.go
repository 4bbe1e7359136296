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

// receive reads a body of at most limit bytes, as it was sent. The caller passes
// the buffer to keep when it is done.
func receive(r *http.Request, limit int64) (*bytes.Buffer, *fault) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	if encoding := encodingOf(r); encoding != "" && encoding != "identity" && encoding != "gzip" {
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
	return buf, nil
}

func encodingOf(r *http.Request) string { return strings.ToLower(r.Header.Get("Content-Encoding")) }

// unpacked is a body that was received, unpacked if it was packed.
func unpacked(r *http.Request, body *bytes.Buffer) (*bytes.Buffer, *fault) {
	if encodingOf(r) != "gzip" || body.Len() == 0 {
		return body, nil
	}
	defer keep(body)
	return unpack(body)
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
