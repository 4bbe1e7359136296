package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// An expression is what a JSON pattern asks of a message.
type expression interface {
	holds(fields any) bool
}

type (
	both   struct{ left, right expression } // &&
	either struct{ left, right expression } // ||
	// A comparison holds if any value that its selector finds is as its condition asks.
	comparison struct {
		selector
		condition
	}
	// A state holds if any value is null, true or false.
	state struct {
		selector
		value any
	}
	absent struct{ selector } // NOT EXISTS
)

func (e both) holds(fields any) bool   { return e.left.holds(fields) && e.right.holds(fields) }
func (e either) holds(fields any) bool { return e.left.holds(fields) || e.right.holds(fields) }

func (e comparison) holds(fields any) bool {
	for v := range e.find(fields) {
		if text, ok := scalar(v); ok && e.condition.holds(text) {
			return true
		}
	}
	return false
}

func (e state) holds(fields any) bool {
	for v := range e.find(fields) {
		switch v.(type) {
		case nil, bool:
			if v == e.value {
				return true
			}
		}
	}
	return false
}

func (e absent) holds(fields any) bool {
	for range e.find(fields) {
		return false
	}
	return true
}

// scalar is the text of a value that is a string or a number: only these are compared.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// fields is a pattern of what is in a message of JSON.
type fields struct{ expression }

func (f fields) match(message []byte) (Match, bool) {
	message = bytes.TrimLeft(message, " \t\r\n")
	if len(message) == 0 || message[0] != '{' && message[0] != '[' {
		return Match{}, false
	}
	d := json.NewDecoder(bytes.NewReader(message))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return Match{}, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Match{}, false
	}
	return Match{fields: v}, f.holds(v)
}

func (f fields) knows(reference string) bool {
	_, err := parseSelector(reference)
	return err == nil
}

// maxDepth bounds how deep parentheses are nested.
const maxDepth = 100

// json reads a JSON pattern, of which the first brace was read.
func (p *parser) json() (matcher, error) {
	e, err := p.either(maxDepth)
	if err != nil {
		return nil, err
	}
	if p.space(); !p.take("}") {
		return nil, fmt.Errorf("no closing brace at %q", p.rest())
	}
	return fields{e}, nil
}

func (p *parser) either(depth int) (expression, error) {
	left, err := p.both(depth)
	for err == nil {
		if p.space(); !p.take("||") {
			break
		}
		var right expression
		right, err = p.both(depth)
		left = either{left, right}
	}
	return left, err
}

func (p *parser) both(depth int) (expression, error) {
	left, err := p.operand(depth)
	for err == nil {
		if p.space(); !p.take("&&") {
			break
		}
		var right expression
		right, err = p.operand(depth)
		left = both{left, right}
	}
	return left, err
}

func (p *parser) operand(depth int) (expression, error) {
	p.space()
	if depth == 0 {
		return nil, errors.New("too many parentheses")
	}
	if p.take("(") {
		e, err := p.either(depth - 1)
		if err != nil {
			return nil, err
		}
		if p.space(); !p.take(")") {
			return nil, fmt.Errorf("no closing parenthesis at %q", p.rest())
		}
		return e, nil
	}
	s, err := p.selector()
	if err != nil {
		return nil, err
	}
	switch {
	case p.word("IS"):
		return p.state(s)
	case p.word("NOT"):
		if !p.word("EXISTS") {
			return nil, fmt.Errorf("NOT without EXISTS at %q", p.rest())
		}
		return absent{s}, nil
	}
	c, err := p.condition()
	return comparison{s, c}, err
}

func (p *parser) state(s selector) (expression, error) {
	switch {
	case p.word("NULL"):
		return state{s, nil}, nil
	case p.word("TRUE"):
		return state{s, true}, nil
	case p.word("FALSE"):
		return state{s, false}, nil
	}
	return nil, fmt.Errorf("IS without NULL, TRUE or FALSE at %q", p.rest())
}
