package threshold

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Bounds of a condition, which is typed on a command line.
const (
	longest = 4096
	deepest = 32
)

// Parse reads a condition on some names.
func Parse(text string, names Names) (Condition, error) {
	if len(text) > longest {
		return Condition{}, fmt.Errorf("a condition has at most %d characters", longest)
	}
	p := parser{names: names, words: split(text)}
	root, err := p.any(0)
	if err != nil {
		return Condition{}, err
	}
	if word := p.peek(); word != "" {
		return Condition{}, fmt.Errorf(`%q cannot stand there: join comparisons by "and" or "or"`, word)
	}
	return Condition{text: strings.TrimSpace(text), root: root}, nil
}

// A parser goes through the words of a condition.
type parser struct {
	names Names
	words []string
}

// peek is the next word, or "" at the end.
func (p *parser) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

func (p *parser) next() string {
	word := p.peek()
	if word != "" {
		p.words = p.words[1:]
	}
	return word
}

// any reads parts of which one is to be met.
func (p *parser) any(depth int) (node, error) {
	return p.list(false, []string{"or", "||"}, func() (node, error) {
		return p.list(true, []string{"and", "&&"}, func() (node, error) { return p.part(depth) })
	})
}

// list reads parts between which one of some words stands.
func (p *parser) list(all bool, between []string, part func() (node, error)) (node, error) {
	var parts []node
	for {
		n, err := part()
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
		if word := strings.ToLower(p.peek()); word != between[0] && word != between[1] {
			break
		}
		p.next()
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return joined{all, parts}, nil
}

// part reads a comparison, or what stands in parentheses.
func (p *parser) part(depth int) (node, error) {
	word := p.next()
	switch {
	case word == "":
		return nil, errors.New("a comparison is missing: write one such as " + p.example())
	case word == "(" && depth == deepest:
		return nil, fmt.Errorf("parentheses are nested more than %d deep", deepest)
	case word == "(":
		n, err := p.any(depth + 1)
		if err == nil && p.next() != ")" {
			err = errors.New(`a ")" is missing`)
		}
		return n, err
	}
	return p.comparison(word)
}

func (p *parser) comparison(spelled string) (node, error) {
	name, err := p.names.find(spelled)
	if err != nil {
		return nil, err
	}
	c := comparison{name: name, operator: p.next()}
	switch c.operator {
	case ">", ">=", "<", "<=", "==", "!=":
	case "=":
		return nil, fmt.Errorf("%s: write == for equal", spelled)
	default:
		return nil, fmt.Errorf("%s is compared by one of > >= < <= == !=, as in %s", spelled, p.example())
	}
	if c.written = p.next(); c.written == "" {
		return nil, fmt.Errorf("%s %s has no value, %s", spelled, c.operator, name.Unit.example())
	}
	if c.value, err = name.Unit.parse(c.written); err != nil {
		return nil, fmt.Errorf("%s: %w", spelled, err)
	}
	return c, nil
}

// example is a comparison of the first name.
func (p *parser) example() string {
	if len(p.names) == 0 {
		return "name > 1"
	}
	example := strings.TrimPrefix(p.names[0].Unit.example(), "such as ")
	return fmt.Sprintf("%q", p.names[0].Name+" > "+example)
}

// split cuts a text into words: parentheses, operators, and what stands between them and
// spaces.
func split(text string) []string {
	var words []string
	begin, last := 0, other
	cut := func(end int) {
		if last != space {
			words = append(words, text[begin:end])
		}
		begin = end
	}
	for i, r := range text {
		kind := kindOf(r)
		if i > 0 && (kind != last || kind == parenthesis) {
			cut(i)
		}
		last = kind
	}
	if text != "" {
		cut(len(text))
	}
	return words
}

// A kind is that of a character.
type kind int

const (
	other kind = iota
	space
	parenthesis
	operator
)

func kindOf(r rune) kind {
	switch {
	case unicode.IsSpace(r):
		return space
	case r == '(' || r == ')':
		return parenthesis
	case strings.ContainsRune("<>=!&|", r):
		return operator
	}
	return other
}
