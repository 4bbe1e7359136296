package pattern

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// terms is a pattern of terms. Terms with a question mark count only where there are no
// others ("Using filter patterns to match terms in unstructured log events").
type terms struct {
	all, any, none []term
}

// A term is a text, or a regular expression.
type term struct {
	text  []byte
	regex *regex
}

func (t term) in(message []byte) bool {
	if t.regex != nil {
		return t.regex.Match(message)
	}
	return bytes.Contains(message, t.text)
}

func (t *terms) match(message []byte) (Match, bool) {
	in := func(t term) bool { return t.in(message) }
	if slices.ContainsFunc(t.none, in) {
		return Match{}, false
	}
	for _, must := range t.all {
		if !in(must) {
			return Match{}, false
		}
	}
	return Match{}, len(t.all)+len(t.none) > 0 || slices.ContainsFunc(t.any, in)
}

func (t *terms) knows(string) bool { return false }

// A TermError is a term with characters that have to be in quotation marks, in AWS's
// words.
type TermError string

func (e TermError) Error() string { return fmt.Sprintf("Invalid character(s) in term '%s'", string(e)) }

// terms reads a pattern of terms.
func (p *parser) terms() (matcher, error) {
	t := &terms{}
	for p.space(); !p.end(); p.space() {
		list := &t.all
		switch {
		case p.take("?"):
			list = &t.any
		case p.take("-"):
			list = &t.none
		}
		p.space()
		next, err := p.term()
		if err != nil {
			return nil, err
		}
		*list = append(*list, next)
	}
	// A space in quotation marks stands for every message.
	if len(t.all) == 1 && len(t.any)+len(t.none) == 0 && string(t.all[0].text) == " " {
		return nil, nil
	}
	return t, nil
}

func (p *parser) term() (t term, err error) {
	switch {
	case p.take(`"`):
		text, err := p.quoted()
		return term{text: []byte(text)}, err
	case p.take("%"):
		t.regex, err = p.regex()
		return t, err
	}
	text := p.run(func(c byte) bool { return strings.IndexByte(" \t\r\n", c) < 0 })
	bad := strings.IndexFunc(text, func(r rune) bool { return r > 127 || !isName(byte(r)) })
	if text == "" || bad >= 0 && text[bad] < 128 {
		return t, TermError(text)
	}
	return term{text: []byte(text)}, nil
}
