package http1

import (
	"bufio"
	"strconv"
)

// AppendField appends a field and the end of its line.
func AppendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// AppendFraming appends the field that says how the body is framed, if any does.
func AppendFraming(b []byte, f Framing) []byte {
	switch {
	case f.Length >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, f.Length, 10)
		return append(b, "\r\n"...)
	case f.Length == Chunked:
		return append(b, "Transfer-Encoding: chunked\r\n"...)
	default:
		return b
	}
}

// WriteChunk writes one chunk, which must not be empty.
func WriteChunk(w *bufio.Writer, p []byte) error {
	b := strconv.AppendInt(w.AvailableBuffer(), int64(len(p)), 16)
	w.Write(append(b, "\r\n"...))
	w.Write(p)
	_, err := w.WriteString("\r\n") // a bufio.Writer keeps its first error
	return err
}

// WriteLastChunk ends a chunked body.
func WriteLastChunk(w *bufio.Writer, trailers []Field) error {
	w.WriteString("0\r\n")
	for _, f := range trailers {
		w.Write(AppendField(w.AvailableBuffer(), f.Name, f.Value))
	}
	_, err := w.WriteString("\r\n")
	return err
}
