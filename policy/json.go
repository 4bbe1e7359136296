package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep a document nests: the document, its statements, one of
// them, its Condition, an operator, the values of a key.
const maxDepth = 6

// object is a JSON object whose members are in the order of the text.
type object []member

type member struct {
	name  string
	value any // object, []any, string, json.Number, bool or nil
}

// readJSON reads one JSON value. It is strict where encoding/json is not: a name
// stands once in an object ("Grammar of the IAM JSON policy language"), names are
// taken as they are written, and the text is UTF-8.
func readJSON(text string) (any, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("not UTF-8")
	}
	var whole json.RawMessage // the decoder below would not look at what follows
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return readValue(d, 0)
}

func readValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'), json.Delim('['):
		if depth == maxDepth {
			return nil, errors.New("nested deeper than any policy")
		}
	}
	switch token {
	case json.Delim('{'):
		return readObject(d, depth+1)
	case json.Delim('['):
		return readArray(d, depth+1)
	}
	return token, nil
}

func readObject(d *json.Decoder, depth int) (object, error) {
	var o object
	seen := map[string]bool{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		if seen[name.(string)] {
			return nil, fmt.Errorf("%q stands twice in one element", name)
		}
		seen[name.(string)] = true
		value, err := readValue(d, depth)
		if err != nil {
			return nil, err
		}
		o = append(o, member{name.(string), value})
	}
	_, err := d.Token()
	return o, err
}

func readArray(d *json.Decoder, depth int) ([]any, error) {
	a := []any{}
	for d.More() {
		value, err := readValue(d, depth)
		if err != nil {
			return nil, err
		}
		a = append(a, value)
	}
	_, err := d.Token()
	return a, err
}
