package http1

import (
	"errors"
	"io"
)

// Lengths of bodies that are not known from the head.
const (
	Chunked    = -1
	UntilClose = -2
)

// Framing says where the body of a message ends: after Length bytes, or at the last
// chunk, or with the connection.
type Framing struct{ Length int64 }

// A Body reads the body of a message.
type Body struct {
	// Before, if set, is called once before the body is read.
	Before func() error
	// Trailers are there at the end of a chunked body.
	Trailers []Field

	in      *Reader
	left    int64 // of the body, or of the current chunk
	chunked bool
	begun   bool // a chunk has been read, whose CR and LF follow
	err     error
}

// Body returns a reader of the body that follows.
func (r *Reader) Body(f Framing) Body {
	b := Body{in: r, left: f.Length}
	switch f.Length {
	case Chunked:
		b.chunked, b.left = true, 0
	case 0:
		b.err = io.EOF
	}
	return b
}

// Ended says whether the body was read to its end.
func (b *Body) Ended() bool { return b.err == io.EOF }

// Failed says whether the body can not be read to its end.
func (b *Body) Failed() bool { return b.err != nil && b.err != io.EOF }

// Waits says whether the next Read may have to wait for the other side.
func (b *Body) Waits() bool {
	if b.err != nil {
		return false
	}
	if b.chunked && b.left == 0 && b.begun {
		return !b.in.hasLine(len("\r\n"))
	}
	return b.in.Buffered() == 0
}

// Read reads the body, without its framing.
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if before := b.Before; before != nil {
		b.Before = nil
		if b.err = before(); b.err != nil {
			return 0, b.err
		}
	}
	if b.chunked && b.left == 0 {
		if b.err = b.nextChunk(); b.err != nil {
			return 0, b.err
		}
	}
	n, err := b.in.Read(b.within(p))
	b.took(n, err)
	if n > 0 {
		return n, nil
	}
	return 0, b.err
}

// within cuts p to what is left of the body or of the chunk.
func (b *Body) within(p []byte) []byte {
	if b.left >= 0 && int64(len(p)) > b.left {
		return p[:b.left]
	}
	return p
}

// took notes what was read.
func (b *Body) took(n int, err error) {
	if b.left == UntilClose {
		b.err = err
		return
	}
	b.left -= int64(n)
	switch {
	case b.left == 0 && !b.chunked:
		b.err = io.EOF
	case err != nil && b.left > 0:
		b.err = incomplete(err, 1)
	}
}

// maxChunkLine bounds a chunk's size with its extensions, which are dropped.
const maxChunkLine = 1 << 10

// nextChunk reads the line before a chunk, and the trailers after the last one, after
// which it returns io.EOF.
func (b *Body) nextChunk() error {
	if b.begun {
		if line, err := b.in.line(2); err != nil || len(line) > 0 {
			return errors.Join(malformed("a chunk is longer than its size"), err)
		}
	}
	b.begun = true
	line, err := b.in.line(maxChunkLine)
	if err != nil {
		return err
	}
	if b.left, err = chunkSize(line); err != nil || b.left > 0 {
		return err
	}
	return b.readTrailers()
}

func chunkSize(line []byte) (int64, error) {
	var n int64
	digits := 0
	for _, c := range line {
		switch {
		case isDigit(c):
			n = n<<4 | int64(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | int64(c|0x20-'a'+10)
		case digits > 0 && (c == ';' || c == ' ' || c == '\t'):
			return n, nil
		default:
			return 0, malformed("malformed size of a chunk")
		}
		if digits++; digits > 15 {
			return 0, malformed("size of a chunk too large")
		}
	}
	if digits == 0 {
		return 0, malformed("a chunk without a size")
	}
	return n, nil
}

func (b *Body) readTrailers() error {
	for size := 0; ; {
		line, err := b.in.line(MaxField)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return io.EOF
		}
		if size += len(line); size > MaxResponseHead {
			return errTooLong
		}
		f, err := parseField(string(line))
		if err != nil {
			return err
		}
		if !f.hop && !f.Is("Host") {
			b.Trailers = append(b.Trailers, f)
		}
	}
}
