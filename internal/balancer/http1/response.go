package http1

import (
	"errors"
	"strings"
)

// A Response is the head of a response.
type Response struct {
	Status int
	Reason string
	Fields []Field
	Framing
	Close bool // the connection ends with it
	Size  int
}

// ReadResponse reads the head of the response to a request of a method. io.EOF comes
// only before the first byte.
func (r *Reader) ReadResponse(p *Response, method string) error {
	*p = Response{Fields: p.Fields[:0]}
	b, err := r.head(MaxResponseHead)
	if err != nil {
		return err
	}
	if len(b) > MaxResponseHead {
		return errTooLong
	}
	p.Size = len(b)
	line, rest, err := cutLine(string(b))
	if err != nil {
		return err
	}
	if err := p.parseLine(line); err != nil {
		return err
	}
	if p.Fields, err = appendFields(p.Fields, rest); err != nil {
		return err
	}
	return p.frame(method)
}

func (p *Response) parseLine(line string) error {
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(rest, " ")
	if version != "HTTP/1.1" && version != "HTTP/1.0" || len(code) != 3 || !isValue(reason) {
		return errors.New("malformed status line")
	}
	status, ok := parseLength(code)
	if !ok || status < 100 {
		return errors.New("malformed status code")
	}
	p.Status, p.Reason = int(status), reason
	p.Close = version == "HTTP/1.0"
	return nil
}

// frame finds the length of the body (RFC 9112, section 6.3).
func (p *Response) frame(method string) error {
	length, encoded := int64(UntilClose), false
	for _, f := range p.Fields {
		switch {
		case !f.hop:
		case f.Is("Connection"):
			p.Close = p.Close && !HasToken(f.Value, "keep-alive") || HasToken(f.Value, "close")
		case f.Is("Transfer-Encoding"):
			if encoded || !strings.EqualFold(f.Value, "chunked") {
				return errors.New("Transfer-Encoding not supported")
			}
			encoded = true
		case f.Is("Content-Length"):
			n, ok := parseLength(f.Value)
			if !ok || length >= 0 && n != length {
				return errors.New("malformed Content-Length")
			}
			length = n
		}
	}
	switch {
	case method == "HEAD" || p.Status < 200 || p.Status == 204 || p.Status == 304:
		p.Length = 0
	case encoded:
		p.Length = Chunked
		p.Close = p.Close || length >= 0
	default:
		p.Length = length
	}
	p.Close = p.Close || p.Length == UntilClose
	return nil
}
