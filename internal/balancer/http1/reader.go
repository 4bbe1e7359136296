package http1

import (
	"bytes"
	"errors"
	"io"
)

// bufferSize is what a connection holds for reading; only a larger head makes it
// grow, until the head is read.
const bufferSize = 4 << 10

// A Reader reads messages, one after the other, from a connection.
type Reader struct {
	src  io.Reader
	buf  []byte
	r, w int // buf[r:w] was read from src and not from the Reader
}

// NewReader returns a Reader of a source.
func NewReader(src io.Reader) *Reader { return &Reader{src: src} }

// Buffered is how many bytes can be read without waiting.
func (r *Reader) Buffered() int { return r.w - r.r }

// Fill waits for more bytes than there are.
func (r *Reader) Fill() error {
	r.makeRoom()
	n, err := r.src.Read(r.buf[r.w:])
	r.w += n
	switch {
	case n > 0:
		return nil
	case err == nil:
		return io.ErrNoProgress
	default:
		return err
	}
}

// makeRoom makes sure that something can be read into the buffer.
func (r *Reader) makeRoom() {
	if r.r == r.w {
		r.r, r.w = 0, 0
		if len(r.buf) != bufferSize {
			r.buf = make([]byte, bufferSize)
		}
		return
	}
	if r.w < len(r.buf) {
		return
	}
	to := r.buf
	if r.r == 0 {
		to = make([]byte, 2*len(r.buf))
	}
	r.w = copy(to, r.buf[r.r:r.w])
	r.buf, r.r = to, 0
}

// Read reads what is buffered, or else from the source.
func (r *Reader) Read(p []byte) (int, error) {
	if r.r == r.w {
		if len(p) >= bufferSize {
			return r.src.Read(p)
		}
		if err := r.Fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.buf[r.r:r.w])
	r.r += n
	return n, nil
}

var errTooLong = errors.New("line or head too long")

// head returns all bytes up to and with the empty line that ends a head. A line that
// ends without a carriage return ends here, too, so that it is refused at once
// and not when the client has waited for long. What it returns holds until the next
// read.
func (r *Reader) head(limit int) ([]byte, error) {
	for seen := 0; ; {
		have := r.buf[r.r:r.w]
		for {
			i := bytes.IndexByte(have[seen:], '\n')
			if i < 0 {
				break
			}
			if end := seen + i + 1; emptyLine(have[:end]) {
				r.r += end
				return have[:end], nil
			} else {
				seen = end
			}
		}
		if len(have) > limit {
			return have, errTooLong
		}
		if err := r.Fill(); err != nil {
			return nil, incomplete(err, len(have))
		}
	}
}

// emptyLine says whether the last line, which has ended, is empty.
func emptyLine(b []byte) bool {
	b = b[:len(b)-1]
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	return len(b) == 0 || b[len(b)-1] == '\n'
}

// line returns a line without its ending, which must be CR and LF.
func (r *Reader) line(limit int) ([]byte, error) {
	for {
		have := r.buf[r.r:r.w]
		i := bytes.IndexByte(have, '\n')
		switch {
		case i == 0 || i > 0 && have[i-1] != '\r':
			return nil, errors.New("a line ends without CR")
		case i > 0:
			r.r += i + 1
			return have[:i-1], nil
		case len(have) > limit:
			return nil, errTooLong
		}
		if err := r.Fill(); err != nil {
			return nil, incomplete(err, 1)
		}
	}
}

// hasLine says whether a whole line is buffered after so many bytes.
func (r *Reader) hasLine(after int) bool {
	return r.Buffered() > after && bytes.IndexByte(r.buf[r.r+after:r.w], '\n') >= 0
}

// incomplete makes an end of input in the middle of something unexpected.
func incomplete(err error, read int) error {
	if err == io.EOF && read > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}
