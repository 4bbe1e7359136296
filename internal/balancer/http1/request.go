package http1

import (
	"errors"
	"strings"
)

// What a request may have, from the quotas of application load balancers.
const (
	MaxRequestLine  = 16 << 10
	MaxField        = 16 << 10
	MaxRequestHead  = 64 << 10
	MaxResponseHead = 32 << 10
)

// A Request is the head of a request.
type Request struct {
	Method, Target string
	Minor          int // of HTTP/1.Minor: 0 or 1
	Host           string
	Fields         []Field // without Host
	Framing
	Close   bool   // no request follows on this connection
	Upgrade string // the protocol that the client asks for
	Expect  bool   // the client waits for 100 Continue
	Flaw    Flaw
	Size    int // of the head, in bytes
}

// An Error is a request that is not served, with the status to answer with.
type Error struct {
	Status int
	Reason string
}

func (e *Error) Error() string { return e.Reason }

func malformed(reason string) error { return &Error{400, reason} }

// ReadRequest reads the head of a request. An error is an *Error, or the source's;
// io.EOF only before the first byte.
func (r *Reader) ReadRequest(q *Request) error {
	*q = Request{Fields: q.Fields[:0]}
	b, err := r.head(MaxRequestHead)
	if err == nil && len(b) <= 2 { // an empty line before a request is none of it
		b, err = r.head(MaxRequestHead)
	}
	if errors.Is(err, errTooLong) {
		return tooLong(b)
	}
	if err != nil {
		return err
	}
	if len(b) > MaxRequestHead {
		return tooLong(b)
	}
	q.Size = len(b)
	return q.parse(string(b))
}

// tooLong tells a request line that is too long from too many fields.
func tooLong(b []byte) error {
	if i := strings.IndexByte(string(b[:min(len(b), MaxRequestLine)]), '\n'); i < 0 {
		return &Error{414, "request line too long"}
	}
	return malformed("header fields too long")
}

// parse reads the head, whose last line is empty.
func (q *Request) parse(head string) error {
	line, rest, err := cutLine(head)
	if err != nil {
		return err
	}
	if len(line) > MaxRequestLine {
		return &Error{414, "request line too long"}
	}
	if err := q.parseLine(line); err != nil {
		return err
	}
	if q.Fields, err = appendFields(q.Fields, rest); err != nil {
		return err
	}
	return q.interpret()
}

func (q *Request) parseLine(line string) error {
	method, rest, _ := strings.Cut(line, " ")
	target, version, ok := strings.Cut(rest, " ")
	switch {
	case !ok || !isToken(method):
		return malformed("malformed request line")
	case !isTarget(target):
		return malformed("malformed request target")
	case version == "HTTP/1.1":
		q.Minor = 1
	case version == "HTTP/1.0":
	case len(version) == 8 && strings.HasPrefix(version, "HTTP/") && isDigit(version[5]) && version[6] == '.' && isDigit(version[7]):
		return &Error{505, "HTTP version not supported"}
	default:
		return malformed("malformed HTTP version")
	}
	q.Method, q.Target = method, target
	return nil
}

// interpret reads the fields that say how the message is framed and what becomes of
// the connection, and takes Host out.
func (q *Request) interpret() error {
	q.Close = q.Minor == 0
	hosts := 0
	var upgrade string
	var asked bool
	kept := q.Fields[:0]
	for _, f := range q.Fields {
		if f.Is("Host") {
			hosts++
			q.Host = f.Value
			continue
		}
		kept = append(kept, f)
		switch {
		case !f.hop:
			if suspicious(f.Name) {
				return malformed("a header that looks like one that frames the message: " + f.Name)
			}
		case f.Is("Connection"):
			q.Close = q.Close && !HasToken(f.Value, "keep-alive") || HasToken(f.Value, "close")
			asked = asked || HasToken(f.Value, "upgrade")
		case f.Is("Upgrade"):
			upgrade = f.Value
		case f.Is("Expect"):
			q.Expect = q.Minor == 1 && strings.EqualFold(f.Value, "100-continue")
		}
	}
	q.Fields = kept
	if hosts > 1 || hosts == 0 && q.Minor == 1 || !isHost(q.Host) {
		return malformed("not one valid Host header")
	}
	if asked && q.Minor == 1 {
		q.Upgrade = upgrade
	}
	return q.frame()
}

// Check refuses what another reader took for a request and which could be read as
// another one when it is written as HTTP/1: HTTP/2 lets a space into a method or a
// path, and two fields say what the host is. The fields are those without Host.
func Check(method, target, host string, fields []Field) error {
	switch {
	case !isToken(method):
		return malformed("malformed method")
	case !isTarget(target):
		return malformed("malformed request target")
	case !isHost(host):
		return malformed("malformed host")
	}
	for _, f := range fields {
		if f.Is("Host") {
			return malformed("more than one host")
		}
		if !f.hop && suspicious(f.Name) {
			return malformed("a header that looks like one that frames the message: " + f.Name)
		}
	}
	return nil
}

// frame finds the length of the body. What readers could take in two ways is a flaw;
// what has no length that one could rely on is an error.
func (q *Request) frame() error {
	var lengths, encodings int
	var encoding string
	for _, f := range q.Fields {
		switch {
		case !f.hop:
		case f.Is("Content-Length"):
			n, ok := parseLength(f.Value)
			switch {
			case !ok:
				return malformed("malformed Content-Length")
			case lengths > 0 && n != q.Length:
				return malformed("Content-Length headers that differ")
			}
			lengths++
			q.Length = n
		case f.Is("Transfer-Encoding"):
			encodings++
			encoding = f.Value
		}
	}
	if lengths > 1 {
		q.Flaw = DuplicateContentLength
	}
	if encodings == 0 {
		if lengths > 0 {
			q.noteLength()
		}
		return nil
	}
	if err := checkEncoding(encodings, encoding, q.Minor); err != nil {
		return err
	}
	q.Length = Chunked
	switch {
	case lengths > 0:
		q.Flaw = BothTeClPresent
	case q.Method == "GET" || q.Method == "HEAD":
		q.Flaw = UndefinedTransferEncodingSemantics
	}
	return nil
}

// noteLength notes a length where none is usual.
func (q *Request) noteLength() {
	switch {
	case q.Flaw != None || q.Method != "GET" && q.Method != "HEAD":
	case q.Length == 0:
		q.Flaw = GetHeadZeroContentLength
	default:
		q.Flaw = UndefinedContentLengthSemantics
	}
}

func checkEncoding(fields int, value string, minor int) error {
	switch {
	case fields > 1:
		return malformed("more than one Transfer-Encoding header")
	case minor == 0:
		return malformed("Transfer-Encoding in HTTP/1.0")
	case strings.EqualFold(value, "chunked"):
		return nil
	}
	for coding := range strings.SplitSeq(value, ",") {
		switch strings.ToLower(strings.Trim(coding, " \t")) {
		case "gzip", "x-gzip", "deflate", "compress", "x-compress", "identity", "chunked":
		default:
			return malformed("malformed Transfer-Encoding")
		}
	}
	return &Error{501, "Transfer-Encoding not supported"}
}
