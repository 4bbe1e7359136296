package wire

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
)

// Bodies are read into buffers that are used again. Nothing decoded refers to
// them.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// defaultMaxBody bounds a body as sent where its service does not, in bytes.
const defaultMaxBody = 4 << 20

// largeBuffers are those of more than smallKept: whoever waits for what comes, or for a turn, would
// have their memory for nothing.
var largeBuffers sync.Pool

// Bounds of the buffers that are kept, in bytes.
const (
	smallKept = 16 << 10 // what no budget counts of a request
	maxKept   = 2 << 20
)

func keep(b *bytes.Buffer) {
	switch {
	case b.Cap() <= smallKept:
		b.Reset()
		buffers.Put(b)
	case b.Cap() <= maxKept:
		b.Reset()
		largeBuffers.Put(b)
	}
}

// largeBuffer is a kept buffer of so many bytes at least, or nil if there is none.
func largeBuffer(size int64) *bytes.Buffer {
	b, _ := largeBuffers.Get().(*bytes.Buffer)
	if b != nil && int64(b.Cap()) < size {
		largeBuffers.Put(b)
		return nil
	}
	return b
}

// receive reads a body of at most limit bytes, as it was sent. The caller passes
// the buffer to keep when it is done.
func (x *exchange) receive(limit int64) (*bytes.Buffer, *fault) {
	if x.r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	if encoding := encodingOf(x.r); encoding != "" && encoding != "identity" && encoding != "gzip" {
		return nil, malformed("Content-Encoding must be gzip or absent")
	}
	w := filling{from: x.r.Body, limit: limit, whole: limit}
	if x.r.ContentLength >= 0 {
		w.whole, w.announced = x.r.ContentLength, true
	}
	buf := buffers.Get().(*bytes.Buffer)
	if f := x.fill(buf, w); f != nil {
		keep(buf)
		return nil, f
	}
	return buf, nil
}

func encodingOf(r *http.Request) string { return strings.ToLower(r.Header.Get("Content-Encoding")) }

// unpacked is a body that was received, unpacked if it was packed.
func (x *exchange) unpacked(body *bytes.Buffer) (*bytes.Buffer, *fault) {
	if encodingOf(x.r) != "gzip" || body.Len() == 0 {
		return body, nil
	}
	defer keep(body)
	return x.unpack(body)
}

var unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}

func (x *exchange) unpack(packed *bytes.Buffer) (*bytes.Buffer, *fault) {
	if claimed(packed.Bytes()) > maxInflate {
		return nil, tooLarge(maxInflate)
	}
	z := unpackers.Get().(*gzip.Reader)
	defer unpackers.Put(z)
	held := int64(packed.Cap())
	if err := z.Reset(packed); err != nil {
		return nil, malformed("The request body is not valid gzip")
	}
	out := buffers.Get().(*bytes.Buffer)
	if f := x.fill(out, filling{from: z, limit: maxInflate, whole: maxInflate, held: held}); f != nil {
		keep(out)
		return nil, f
	}
	return out, nil
}

// claimed is the size that a gzip says itself, at its end, that it unpacks to (RFC 1952,
// ISIZE). It is true of an honest one, whose excess need not be unpacked to be known.
func claimed(packed []byte) uint32 {
	if len(packed) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(packed[len(packed)-4:])
}

// A filling is how a buffer is filled.
type filling struct {
	from  io.Reader
	limit int64 // of what may come, in bytes
	whole int64 // what comes, at most
	held  int64 // what the request holds in memory besides

	announced bool // what is whole was said by the client
}

// leastBuffer is the size of a new buffer, in bytes. One that is full gets eight times as large, so that
// what comes is not copied often: up to what is announced, or to smallBuffer, and then twice.
const (
	leastBuffer = 4 << 10
	smallBuffer = 256 << 10
)

// fill reads to the end. The buffer grows with what has come: what is announced costs
// nothing.
func (x *exchange) fill(buf *bytes.Buffer, w filling) *fault {
	for {
		if buf.Available() == 0 {
			times := int64(2)
			if w.announced || buf.Cap() < smallBuffer {
				times = 8
			}
			size := max(leastBuffer, min(times*int64(buf.Cap()), w.whole+1))
			var kept *bytes.Buffer
			if size > smallKept {
				if kept = largeBuffer(size); kept != nil {
					size = int64(kept.Cap())
				}
			}
			if !x.memory.Grow(x.r.Context(), w.held+size) {
				return x.service.throttled()
			}
			enlarge(buf, kept, size)
		}
		room := buf.AvailableBuffer()
		n, err := w.from.Read(room[:cap(room)])
		buf.Write(room[:n])
		switch {
		case int64(buf.Len()) > w.limit:
			return tooLarge(w.limit)
		case err == io.EOF:
			return nil
		case err != nil:
			return unreadable(err)
		}
	}
}

// enlarge gives a buffer more room, that of one that was kept if there is one.
func enlarge(buf, kept *bytes.Buffer, size int64) {
	if kept == nil {
		kept = bytes.NewBuffer(make([]byte, 0, max(size, int64(buf.Len())+1)))
	}
	kept.Write(buf.Bytes())
	*buf = *kept
}

// unreadable is the fault of a body that broke off.
func unreadable(err error) *fault {
	switch {
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return malformed("The request body is not valid gzip")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &fault{
			code: "RequestTimeoutException", query: "RequestTimeout", status: http.StatusRequestTimeout,
			message: "The request body came too slowly: the server waits 20 seconds for the next part of it, and no more than a second besides for each 16 KiB",
		}
	}
	return malformed("The request body could not be read to its end")
}
