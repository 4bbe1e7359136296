package wire

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader reads JSON, as strictly as RFC 8259, without building a tree.
type jsonReader struct {
	data  []byte
	pos   int
	depth int
	fresh bool   // a list or an object was just opened
	buf   []byte // strings with escapes are put together here
}

const errJSON = refusal("The request body is not valid JSON")

// peek returns the next byte that is not space, or 0 at the end.
func (r *jsonReader) peek() byte {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.pos++
	return true
}

func (r *jsonReader) literal(s string) bool {
	if len(r.data)-r.pos < len(s) || string(r.data[r.pos:r.pos+len(s)]) != s {
		return false
	}
	r.pos += len(s)
	return true
}

// end reports whether nothing but space is left.
func (r *jsonReader) end() bool {
	r.peek()
	return r.pos == len(r.data)
}

func (r *jsonReader) null() bool {
	return r.peek() == 'n' && r.literal("null")
}

// mismatch says what stands here instead of what was wanted.
func (r *jsonReader) mismatch(want string) error {
	switch c := r.peek(); {
	case c == '"':
		return badValue{"STRING_VALUE", want}
	case c == 't':
		return badValue{"TRUE_VALUE", want}
	case c == 'f':
		return badValue{"FALSE_VALUE", want}
	case c == '-' || '0' <= c && c <= '9':
		return badValue{"NUMBER_VALUE", want}
	case c == '{':
		return errObject
	case c == '[':
		return errList
	}
	return errJSON
}

func (r *jsonReader) text() ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.mismatch(wantString)
	}
	return r.str()
}

// str reads a string whose quote is next. It is part of the body unless it has
// escapes.
func (r *jsonReader) str() ([]byte, error) {
	r.pos++
	start := r.pos
	ascii := true
	for i, c := range r.data[start:] {
		switch {
		case c == '"':
			r.pos = start + i + 1
			s := r.data[start : start+i]
			if ascii {
				return s, nil
			}
			return validText(s)
		case c == '\\':
			r.buf = append(r.buf[:0], r.data[start:start+i]...)
			r.pos = start + i
			return r.escaped()
		case c < ' ':
			return nil, errJSON
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, errJSON
}

// escaped reads the rest of a string from its first escape.
func (r *jsonReader) escaped() ([]byte, error) {
	for r.pos < len(r.data) {
		c := r.data[r.pos]
		r.pos++
		switch {
		case c == '"':
			return validText(r.buf)
		case c < ' ':
			return nil, errJSON
		case c != '\\':
			r.buf = append(r.buf, c)
			continue
		}
		if r.pos == len(r.data) {
			return nil, errJSON
		}
		e := r.data[r.pos]
		r.pos++
		switch e {
		case '"', '\\', '/':
			r.buf = append(r.buf, e)
		case 'b':
			r.buf = append(r.buf, '\b')
		case 'f':
			r.buf = append(r.buf, '\f')
		case 'n':
			r.buf = append(r.buf, '\n')
		case 'r':
			r.buf = append(r.buf, '\r')
		case 't':
			r.buf = append(r.buf, '\t')
		case 'u':
			c, err := r.unicode()
			if err != nil {
				return nil, err
			}
			r.buf = utf8.AppendRune(r.buf, c)
		default:
			return nil, errJSON
		}
	}
	return nil, errJSON
}

// unicode reads the digits after \u, and the second half of a surrogate pair.
// Half a pair becomes the replacement character.
func (r *jsonReader) unicode() (rune, error) {
	c, ok := r.hex4()
	if !ok {
		return 0, errJSON
	}
	if !utf16.IsSurrogate(c) {
		return c, nil
	}
	back := r.pos
	if r.literal(`\u`) {
		low, ok := r.hex4()
		if !ok {
			return 0, errJSON
		}
		if both := utf16.DecodeRune(c, low); both != utf8.RuneError {
			return both, nil
		}
	}
	r.pos = back
	return utf8.RuneError, nil
}

func (r *jsonReader) hex4() (rune, bool) {
	if len(r.data)-r.pos < 4 {
		return 0, false
	}
	n := rune(0)
	for _, c := range r.data[r.pos : r.pos+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | rune(c)
	}
	r.pos += 4
	return n, true
}

func (r *jsonReader) boolean() (bool, error) {
	switch r.peek() {
	case 't':
		if r.literal("true") {
			return true, nil
		}
	case 'f':
		if r.literal("false") {
			return false, nil
		}
	}
	return false, r.mismatch(wantBool)
}

// number takes a number's text. Whole is false when it has a fraction or an
// exponent.
func (r *jsonReader) number(want string) (text []byte, whole bool, err error) {
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		return nil, false, r.mismatch(want)
	}
	start := r.pos
	digits := func() int {
		n := r.pos
		for r.pos < len(r.data) && '0' <= r.data[r.pos] && r.data[r.pos] <= '9' {
			r.pos++
		}
		return r.pos - n
	}
	at := func(set string) bool {
		for i := range len(set) {
			if r.pos < len(r.data) && r.data[r.pos] == set[i] {
				r.pos++
				return true
			}
		}
		return false
	}
	whole = true
	at("-")
	if !at("0") && digits() == 0 {
		return nil, false, errJSON
	}
	if at(".") {
		whole = false
		if digits() == 0 {
			return nil, false, errJSON
		}
	}
	if at("eE") {
		whole = false
		at("+-")
		if digits() == 0 {
			return nil, false, errJSON
		}
	}
	return r.data[start:r.pos], whole, nil
}

func (r *jsonReader) integer() (int64, error) {
	text, whole, err := r.number(wantInteger)
	if err != nil {
		return 0, err
	}
	if whole {
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return 0, badValue{"NUMBER_VALUE", wantLong}
		}
		return n, nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, badValue{"NUMBER_VALUE", wantInteger}
	}
	return int64(f), nil
}

func (r *jsonReader) float() (float64, error) {
	if r.peek() == '"' {
		s, err := r.str()
		if err != nil {
			return 0, err
		}
		if f, ok := parseSpecial(string(s)); ok {
			return f, nil
		}
		return 0, badValue{"STRING_VALUE", wantDouble}
	}
	text, _, err := r.number(wantDouble)
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return 0, badValue{"NUMBER_VALUE", wantDouble}
	}
	return f, nil
}

func (r *jsonReader) time() (time.Time, error) {
	if r.peek() == '"' {
		s, err := r.str()
		if err != nil {
			return time.Time{}, err
		}
		return parseTime(string(s))
	}
	text, _, err := r.number(wantTime)
	if err != nil {
		return time.Time{}, err
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return time.Time{}, badValue{"NUMBER_VALUE", wantTime}
	}
	return timeFromSeconds(f)
}

func (r *jsonReader) blob() ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.mismatch(wantBlob)
	}
	s, err := r.str()
	if err != nil {
		return nil, err
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
	n, err := base64.StdEncoding.Decode(b, s)
	if err != nil {
		return nil, badValue{"STRING_VALUE", wantBlob}
	}
	return b[:n], nil
}

func (r *jsonReader) document() (any, error) {
	r.peek()
	start := r.pos
	if err := r.skip(); err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(r.data[start:r.pos], &v); err != nil {
		return nil, errJSON
	}
	return v, nil
}

func (r *jsonReader) open(c byte, otherwise error) error {
	if !r.take(c) {
		if err := r.mismatch(""); err == errJSON {
			return err
		}
		return otherwise
	}
	r.fresh = true
	if r.depth++; r.depth > maxDepth {
		return errTooDeep
	}
	return nil
}

// step moves to the next element, or past the end of the list or object.
func (r *jsonReader) step(end byte) (more bool, err error) {
	fresh := r.fresh
	r.fresh = false
	if r.take(end) {
		r.depth--
		return false, nil
	}
	if !fresh && !r.take(',') {
		return false, errJSON
	}
	return true, nil
}

func (r *jsonReader) object() error { return r.open('{', errNotObject) }

func (r *jsonReader) key() (name []byte, more bool, err error) {
	if more, err = r.step('}'); err != nil || !more {
		return nil, false, err
	}
	if r.peek() != '"' {
		return nil, false, errJSON
	}
	if name, err = r.str(); err != nil {
		return nil, false, err
	}
	if !r.take(':') {
		return nil, false, errJSON
	}
	return name, true, nil
}

func (r *jsonReader) list() (int, error) { return 0, r.open('[', errNotList) }

func (r *jsonReader) next() (bool, error) {
	more, err := r.step(']')
	if more && r.peek() == ']' { // a comma before the end
		return false, errJSON
	}
	return more, err
}

func (r *jsonReader) skip() error {
	switch c := r.peek(); {
	case c == '"':
		_, err := r.str()
		return err
	case c == 't' || c == 'f':
		_, err := r.boolean()
		return err
	case c == 'n':
		if r.null() {
			return nil
		}
	case c == '-' || '0' <= c && c <= '9':
		_, _, err := r.number("")
		return err
	case c == '{':
		if err := r.object(); err != nil {
			return err
		}
		for {
			_, more, err := r.key()
			if err != nil || !more {
				return err
			}
			if err := r.skip(); err != nil {
				return err
			}
		}
	case c == '[':
		if _, err := r.list(); err != nil {
			return err
		}
		for {
			more, err := r.next()
			if err != nil || !more {
				return err
			}
			if err := r.skip(); err != nil {
				return err
			}
		}
	}
	return errJSON
}

// jsonWriter writes JSON as awsJson wants it.
type jsonWriter struct {
	buf   []byte
	first bool // nothing was written yet in the list or object
}

func (w *jsonWriter) comma() {
	if !w.first {
		w.buf = append(w.buf, ',')
	}
	w.first = false
}

func (w *jsonWriter) null()            { w.buf = append(w.buf, "null"...) }
func (w *jsonWriter) text(s string)    { w.buf = appendJSONString(w.buf, s) }
func (w *jsonWriter) boolean(b bool)   { w.buf = strconv.AppendBool(w.buf, b) }
func (w *jsonWriter) integer(n int64)  { w.buf = strconv.AppendInt(w.buf, n, 10) }
func (w *jsonWriter) time(t time.Time) { w.buf = appendSeconds(w.buf, t) }
func (w *jsonWriter) openObject()      { w.buf = append(w.buf, '{'); w.first = true }
func (w *jsonWriter) closeObject()     { w.buf = append(w.buf, '}'); w.first = false }
func (w *jsonWriter) openMap(int)      { w.openObject() }
func (w *jsonWriter) closeMap()        { w.closeObject() }
func (w *jsonWriter) openList(int)     { w.buf = append(w.buf, '['); w.first = true }
func (w *jsonWriter) item()            { w.comma() }
func (w *jsonWriter) closeList()       { w.buf = append(w.buf, ']'); w.first = false }
func (w *jsonWriter) document(v any)   { w.buf = append(w.buf, marshalDocument(v)...) }

func (w *jsonWriter) member(name string) {
	w.comma()
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
}

func (w *jsonWriter) entry(key string) {
	w.comma()
	w.buf = append(appendJSONString(w.buf, key), ':')
}

func (w *jsonWriter) float(f float64) {
	switch {
	case math.IsNaN(f):
		w.buf = append(w.buf, `"NaN"`...)
	case math.IsInf(f, 1):
		w.buf = append(w.buf, `"Infinity"`...)
	case math.IsInf(f, -1):
		w.buf = append(w.buf, `"-Infinity"`...)
	default:
		w.buf = appendFloat(w.buf, f)
	}
}

func (w *jsonWriter) blob(b []byte) {
	w.buf = append(w.buf, '"')
	w.buf = base64.StdEncoding.AppendEncode(w.buf, b)
	w.buf = append(w.buf, '"')
}

// appendFloat writes a number as Java-made services do, with a fraction even
// when it is whole: 50.0.
func appendFloat(b []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return append(strconv.AppendFloat(b, f, 'f', 0, 64), ".0"...)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// appendSeconds writes a time as seconds since 1970, to the millisecond.
func appendSeconds(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms%1000 == 0 {
		return strconv.AppendInt(b, ms/1000, 10)
	}
	return strconv.AppendFloat(b, float64(ms)/1000, 'f', -1, 64)
}

const hexDigits = "0123456789abcdef"

func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for {
		plain := 0
		for plain < len(s) && isPlain(s[plain]) {
			plain++
		}
		b = append(b, s[:plain]...)
		if s = s[plain:]; s == "" {
			return append(b, '"')
		}
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
}

// isPlain reports whether a byte of a text is the same in JSON.
func isPlain(c byte) bool { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' }

// sortedKeys gives maps one order on the wire.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
