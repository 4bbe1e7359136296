// Package pattern has the event patterns, input paths and input transformers of EventBridge: which events
// a rule wants, and what of an event its targets are sent. It is pure.
//
//	p, err := pattern.Parse(`{"source": ["aws.ecs"], "detail": {"lastStatus": [{"prefix": "RUN"}]}}`)
//	var rules pattern.Index[string]
//	rules.Set("running", p)
//	event, err := pattern.ParseEvent(document)
//	for _, rule := range rules.Match(event) { ... }
//
// The language is that of "Amazon EventBridge event patterns" and of its reference implementation,
// github.com/aws/event-ruler, whose rules on arrays are kept: two fields inside one array have to be of the
// same element; fields are looked at in the order of their paths, and a field that must not exist must be
// missing in the elements that those before it were found in.
package pattern

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// most is how many combinations the $or of a pattern may have.
const most = 1000

// A Pattern says which events a rule wants. It is not changed once it is parsed.
type Pattern struct {
	terms    []term
	branches []branch
}

// A term is a field of a pattern, which holds if one of its comparisons matches one of the values
// that the event has there, or, if absent is set, when it has none.
type term struct {
	path   string   // such as detail.state
	steps  []string // detail, state
	any    []comparison
	absent bool
}

// A branch is one way in which an event can match: all of these terms, by their place in the
// pattern, in the order of their paths.
type branch []uint16

// Parse reads an event pattern. Its error is what InvalidEventPatternException says.
func Parse(document string) (*Pattern, error) {
	root, err := parseDocument(document)
	if err != nil {
		return nil, invalid(document, err)
	}
	p, err := compile(root)
	if err != nil {
		return nil, invalid(document, err)
	}
	return p, nil
}

// invalid tells what is wrong with a pattern as AWS does: with the place, and the pattern's beginning.
func invalid(document string, err error) error {
	const beginning = "Event pattern is not valid. Reason: "
	wrong, ok := err.(*syntaxError)
	if !ok || wrong.at < 0 {
		return errors.New(beginning + err.Error())
	}
	line, column, shown := place(document, wrong.at)
	at := fmt.Sprintf("\n at [Source: (String)%s; line: %d, column: %d]", shown, line, column)
	if wrong.twice {
		at += at
	}
	return errors.New(beginning + wrong.reason + at)
}

// place is a place in a document by line and column, and the beginning of the document in quotes.
func place(document string, at int) (line, column int, shown string) {
	before := document[:min(at, len(document))]
	line = strings.Count(before, "\n") + 1
	column = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	if runes := []rune(document); len(runes) > 500 {
		return line, column, fmt.Sprintf(`"%s"[truncated %d chars]`, string(runes[:500]), len(runes)-500)
	}
	return line, column, `"` + document + `"`
}

// Matches says whether an event is one that the pattern wants.
func (p *Pattern) Matches(event []byte) (bool, error) {
	e, err := ParseEvent(event)
	if err != nil {
		return false, err
	}
	return p.matches(e), nil
}

// byPath puts a branch in order, and leaves of several terms for one path the last.
func (p *Pattern) byPath(b branch) branch {
	slices.SortStableFunc(b, func(x, y uint16) int { return cmp.Compare(p.terms[x].path, p.terms[y].path) })
	kept := b[:0]
	for i, t := range b {
		if i+1 == len(b) || p.terms[b[i+1]].path != p.terms[t].path {
			kept = append(kept, t)
		}
	}
	return slices.Clip(kept)
}
