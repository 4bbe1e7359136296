package http1

import "strings"

// A Field is one header field as it was sent, without the space around its value.
type Field struct {
	Name, Value string
	hop         bool
}

// NewField returns a field.
func NewField(name, value string) Field { return Field{name, value, hopByHop(name)} }

// Is says whether the field has a name, whatever the case.
func (f Field) Is(name string) bool {
	return len(f.Name) == len(name) && strings.EqualFold(f.Name, name)
}

// Hop says whether the field speaks of the connection or of the framing of the message:
// a proxy does not pass it on, but says what is true of its own connection.
func (f Field) Hop() bool { return f.hop }

// hopByHop knows the fields of RFC 9110, section 7.6.1, those that frame a message, and
// Expect, which a proxy has answered before it passes the body on.
func hopByHop(name string) bool {
	var hop string
	switch len(name) {
	case 2:
		hop = "TE"
	case 6:
		return strings.EqualFold(name, "Expect")
	case 7:
		return strings.EqualFold(name, "Trailer") || strings.EqualFold(name, "Upgrade")
	case 10:
		return strings.EqualFold(name, "Connection") || strings.EqualFold(name, "Keep-Alive")
	case 14:
		hop = "Content-Length"
	case 16:
		hop = "Proxy-Connection"
	case 17:
		hop = "Transfer-Encoding"
	case 18:
		hop = "Proxy-Authenticate"
	case 19:
		hop = "Proxy-Authorization"
	default:
		return false
	}
	return strings.EqualFold(name, hop)
}

// Get returns the value of the first field of a name.
func Get(fields []Field, name string) (string, bool) {
	for _, f := range fields {
		if f.Is(name) {
			return f.Value, true
		}
	}
	return "", false
}

// HasToken says whether a list with commas has a token, whatever the case.
func HasToken(list, token string) bool {
	for list != "" {
		var item string
		item, list, _ = strings.Cut(list, ",")
		if strings.EqualFold(strings.Trim(item, " \t"), token) {
			return true
		}
	}
	return false
}

// cutLine cuts a line off a head. A carriage return has to be before the line feed and
// nowhere else.
func cutLine(head string) (line, rest string, err error) {
	i := strings.IndexByte(head, '\n')
	if i <= 0 || head[i-1] != '\r' {
		return "", "", malformed("a line ends without CR")
	}
	return head[:i-1], head[i+1:], nil
}

// appendFields reads the fields of a head or of trailers, whose last line is empty.
func appendFields(fields []Field, head string) ([]Field, error) {
	for {
		line, rest, err := cutLine(head)
		if err != nil {
			return fields, err
		}
		if line == "" {
			return fields, nil
		}
		f, err := parseField(line)
		if err != nil {
			return fields, err
		}
		fields = append(fields, f)
		head = rest
	}
}

func parseField(line string) (Field, error) {
	colon := strings.IndexByte(line, ':')
	switch {
	case len(line) > MaxField:
		return Field{}, malformed("header field too long")
	case line[0] == ' ' || line[0] == '\t':
		// Obsolete line folding, which readers join in different ways.
		return Field{}, malformed("a header line begins with space")
	case colon < 0 || !isToken(line[:colon]):
		return Field{}, malformed("malformed header name")
	}
	value := strings.Trim(line[colon+1:], " \t")
	if !isValue(value) {
		return Field{}, malformed("malformed header value")
	}
	return NewField(line[:colon], value), nil
}
