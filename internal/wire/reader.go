package wire

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

// A reader reads the values of a request body, one after another, in one
// protocol. The caller knows from the type what should come next; a reader that
// finds something else says so in an error.
//
//	object: r.object(), then r.key() until it has no more, each followed by a value
//	list:   r.list(), then r.next() until it has no more, each followed by a value
//
// Bytes that a reader returns are valid until its next call. Keys may be invalid
// UTF-8, which matters where they are kept.
type reader interface {
	null() bool // takes a null, if there is one
	text() ([]byte, error)
	boolean() (bool, error)
	integer() (int64, error)
	float() (float64, error)
	time() (time.Time, error)
	blob() ([]byte, error)
	document() (any, error)
	object() error
	key() (name []byte, more bool, err error)
	list() (size int, err error) // size is a hint, 0 if not known
	next() (more bool, err error)
	skip() error // takes a value of any kind
}

// A dictionary is a reader whose maps are not written like its structs.
type dictionary interface {
	// dict opens a map, in which keys and values have names of their own; they
	// follow as for an object.
	dict(names [2]string) error
}

// Limits on what one request may hold, whatever its size.
const (
	maxDepth   = 64       // lists and objects in each other
	maxMemory  = 64 << 20 // bytes in lists of structs and in maps
	memoryStep = 64 << 10 // bytes of these that are asked for at a time
	maxParams  = 200_000  // nodes in the tree of query parameters
	maxInflate = 16 << 20 // bytes of an unpacked body
)

// A refusal says in a sentence to the client why a body cannot be read.
type refusal string

func (r refusal) Error() string { return string(r) }

// badValue is a value that cannot stand where it was found, in the words of
// AWS's JSON services.
type badValue struct {
	what string // "STRING_VALUE", "NUMBER_VALUE", "TRUE_VALUE" ...
	want string // "a String", "an Integer" ...
}

func (e badValue) Error() string { return fmt.Sprintf("%s can not be converted to %s", e.what, e.want) }

// What a member may want.
const (
	wantString  = "a String"
	wantBool    = "a Boolean"
	wantInteger = "an Integer"
	wantLong    = "a Long"
	wantDouble  = "a Double"
	wantTime    = "a Timestamp"
	wantBlob    = "a Blob"
)

const (
	errTooDeep   = refusal("The request is nested too deeply.")
	errNotObject = refusal("Expected structure or null")
	errNotList   = refusal("Expected list or null")
	errObject    = refusal("Start of structure or map found where not expected.")
	errList      = refusal("Start of list found where not expected.")
	errUTF8      = refusal("Invalid UTF-8 in a string")
)

// validText refuses what is not text.
func validText(b []byte) ([]byte, error) {
	if !utf8.Valid(b) {
		return nil, errUTF8
	}
	return b, nil
}

// Times that a timestamp may be: years 1 to 9999, so that every protocol can
// write it again.
const (
	minSeconds = -62135596800
	maxSeconds = 253402300799
)

// timeFromSeconds makes a time of seconds since 1970, to the millisecond as AWS
// keeps them.
func timeFromSeconds(f float64) (time.Time, error) {
	if !(f >= minSeconds && f <= maxSeconds) {
		return time.Time{}, badValue{"NUMBER_VALUE", wantTime}
	}
	whole := int64(f)
	ms := int64((f-float64(whole))*1000 + 0.5)
	if f < 0 {
		ms = int64((f-float64(whole))*1000 - 0.5)
	}
	return time.Unix(whole, ms*int64(time.Millisecond)).UTC(), nil
}

// parseTime reads ISO 8601 as SDKs write it, a date of HTTP, or seconds since 1970.
func parseTime(s string) (time.Time, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return timeFromSeconds(f)
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02", "20060102T150405Z", http.TimeFormat} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1 && t.Year() <= 9999 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, badValue{"STRING_VALUE", wantTime}
}

// parseSpecial reads the floats that are not numbers in JSON.
func parseSpecial(s string) (float64, bool) {
	switch s {
	case "NaN", "Infinity", "-Infinity":
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	}
	return 0, false
}
