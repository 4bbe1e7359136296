package math

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"flyball/metric"
)

// maxSearch is how many characters the query of a search may have.
const maxSearch = 1024

// A Search is a SEARCH function: which metrics it looks for, and what it reads of
// each.
type Search struct {
	Query     string
	Statistic metric.Statistic
	Period    time.Duration // 0 where the function names none

	schema *schema
	term   term // nil matches all that the schema has
}

// A schema is {Namespace, DimensionName, ...}: it has the metrics of a namespace
// with these dimensions and no others, or with any where it names none.
type schema struct {
	namespace  string
	dimensions []string // sorted
}

// newSearch checks the arguments of a SEARCH.
func newSearch(source string, args []node) (*Search, *Error) {
	query, statistic := args[0].(*str), args[1].(*str)
	s := &Search{Query: strings.TrimSpace(query.value)}
	var err error
	if s.Statistic, err = metric.ParseStatistic(statistic.value); err != nil {
		return nil, errorAt(source, statistic.offset, "SEARCH: '%s' is not a statistic", statistic.value)
	}
	if len(args) == 3 {
		n, ok := args[2].(*literal)
		if !ok || n.value < 1 || n.value > 86400 || n.value != float64(int(n.value)) || n.value >= 60 && int(n.value)%60 != 0 ||
			n.value < 60 && !slices.Contains([]float64{1, 5, 10, 20, 30}, n.value) {
			return nil, errorAt(source, args[2].place(), "SEARCH: the period must be a multiple of 60 up to 86400, or one of 1, 5, 10, 20, 30")
		}
		s.Period = time.Duration(n.value) * time.Second
	}
	if len(query.value) > maxSearch {
		return nil, errorAt(source, query.offset, "SEARCH: the query is longer than %d characters", maxSearch)
	}
	p := &searchParser{expression: source, source: query.value, start: query.offset + 1}
	return s, p.read(s)
}

// Namespace is the only one that the search finds metrics in, or "".
func (s *Search) Namespace() string {
	if s.schema == nil {
		return ""
	}
	return s.schema.namespace
}

// Matches tells whether the search finds a metric.
func (s *Search) Matches(id metric.ID) bool {
	return s.schema.has(id) && (s.term == nil || s.term.matches(id))
}

func (s *schema) has(id metric.ID) bool {
	if s == nil {
		return true
	}
	if s.namespace != id.Namespace {
		return false
	}
	if len(s.dimensions) == 0 {
		return true
	}
	return slices.EqualFunc(s.dimensions, id.Dimensions, func(name string, d metric.Dimension) bool { return name == d.Name })
}

// A term is what a search says of a metric.
type term interface{ matches(metric.ID) bool }

type (
	both    struct{ left, right term }
	either  struct{ left, right term }
	neither struct{ of term }
	exact   struct{ property, text string }
	partial struct {
		property string // MetricName, Namespace or a dimension; "" is any
		words    [][]string
		whole    string
	}
)

func (t both) matches(id metric.ID) bool    { return t.left.matches(id) && t.right.matches(id) }
func (t either) matches(id metric.ID) bool  { return t.left.matches(id) || t.right.matches(id) }
func (t neither) matches(id metric.ID) bool { return !t.of.matches(id) }

func (t exact) matches(id metric.ID) bool {
	return slices.Contains(values(id, t.property), t.text)
}

// matches: a word that is one token matches a token in any case. One of several,
// such as Count1, must have them in a row and in the same case, as the one before
// it and the one after must be in a row with it.
func (t partial) matches(id metric.ID) bool {
	return slices.ContainsFunc(values(id, t.property), func(s string) bool {
		switch whole := joined(s); {
		case t.whole == whole:
			return true
		case !strings.Contains(whole, t.whole): // nearly all
			return false
		}
		tokens := slices.Concat(tokenize(s)...)
		for start := range tokens {
			if t.at(tokens[start:]) {
				return true
			}
		}
		return false
	})
}

// at tells whether tokens begin with those of the term.
func (t partial) at(tokens []string) bool {
	for _, word := range t.words {
		if len(tokens) < len(word) {
			return false
		}
		same := func(a, b string) bool { return a == b }
		if len(word) == 1 {
			same = strings.EqualFold
		}
		if !slices.EqualFunc(word, tokens[:len(word)], same) {
			return false
		}
		tokens = tokens[len(word):]
	}
	return len(t.words) > 0
}

// values are what a property of a metric has; without a property, all its names
// and values.
func values(id metric.ID, property string) []string {
	switch property {
	case "MetricName":
		return []string{id.Name}
	case "Namespace":
		return []string{id.Namespace}
	}
	var all []string
	if property == "" {
		all = append(all, id.Namespace, id.Name)
	}
	for _, d := range id.Dimensions {
		if property == "" {
			all = append(all, d.Name)
		}
		if property == "" || property == d.Name {
			all = append(all, d.Value)
		}
	}
	return all
}

// tokenize cuts a string into words at what is no letter or digit, and words into
// tokens where a capital or a digit begins one: SDBFailure1 is SDB, Failure, 1.
func tokenize(s string) [][]string {
	var words [][]string
	for _, w := range strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
		var tokens []string
		runes, start := []rune(w), 0
		for i := 1; i <= len(runes); i++ {
			if i == len(runes) || begins(runes, i) {
				tokens = append(tokens, string(runes[start:i]))
				start = i
			}
		}
		words = append(words, tokens)
	}
	return words
}

// begins tells whether a token begins at i.
func begins(w []rune, i int) bool {
	before, c := w[i-1], w[i]
	switch {
	case unicode.IsDigit(before) != unicode.IsDigit(c):
		return true
	case !unicode.IsUpper(c):
		return false
	case !unicode.IsUpper(before):
		return true
	}
	return i+1 < len(w) && unicode.IsLower(w[i+1]) // the F of SDBFailure
}

// joined is a whole string as one token, in small letters.
func joined(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return -1
		}
		return unicode.ToLower(c)
	}, s)
}

// A searchParser reads the query of a search.
type searchParser struct {
	expression string // that the search is in
	start      int    // where the query is in it
	source     string
	offset     int // of what is next
	depth      int
}

func (p *searchParser) read(s *Search) *Error {
	var err *Error
	if p.take("{") {
		if s.schema, err = p.schema(); err != nil {
			return err
		}
		p.take(",")
	}
	if p.more() {
		if s.term, err = p.or(""); err != nil {
			return err
		}
	}
	switch {
	case p.more():
		c, _ := utf8.DecodeRuneInString(p.source[p.offset:])
		return p.fail("unexpected '%c'", c)
	case s.schema == nil && s.term == nil:
		return p.fail("the query is empty")
	}
	return nil
}

// fail is an error at what is next.
func (p *searchParser) fail(format string, args ...any) *Error {
	return errorAt(p.expression, p.start+p.offset, "SEARCH: "+format, args...)
}

// more moves past space, and tells whether there is more.
func (p *searchParser) more() bool {
	rest := strings.TrimLeft(p.source[p.offset:], space)
	p.offset = len(p.source) - len(rest)
	return rest != ""
}

// take moves past a character, if it is next.
func (p *searchParser) take(c string) bool {
	if !p.more() || !strings.HasPrefix(p.source[p.offset:], c) {
		return false
	}
	p.offset += len(c)
	return true
}

// word reads a bare or a quoted word, up to one of the characters that stop it.
// Neither is there if text is "".
func (p *searchParser) word(stop string) (text string, quoted bool, err *Error) {
	if !p.more() {
		return "", false, nil
	}
	rest := p.source[p.offset:]
	if rest[0] == '"' {
		n := quotedLen(rest)
		if n <= len(`""`) {
			return "", true, p.fail("the quotes that start here are empty, or have no end")
		}
		p.offset += n
		return unescape(rest[1 : n-1]), true, nil
	}
	n := strings.IndexAny(rest, stop+space+`"`)
	if n < 0 {
		n = len(rest)
	}
	p.offset += n
	return rest[:n], false, nil
}

// unescape takes the backslashes away that keep quotes, parentheses and other
// backslashes in an exact match from being taken for what they are.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// schema reads what follows its brace.
func (p *searchParser) schema() (*schema, *Error) {
	var names []string
	for {
		name, _, err := p.word(",{}")
		if err != nil {
			return nil, err
		}
		if name == "" {
			return nil, p.fail("expected a namespace or the name of a dimension")
		}
		names = append(names, name)
		switch {
		case p.take("}"):
			slices.Sort(names[1:])
			return &schema{names[0], names[1:]}, nil
		case !p.take(","):
			return nil, p.fail("expected ',' or '}' in the metric schema")
		}
	}
}

// or reads terms joined by OR; a property applies to all of them that have none of
// their own.
func (p *searchParser) or(property string) (term, *Error) {
	left, err := p.and(property)
	for err == nil && p.operator("OR") {
		var right term
		right, err = p.and(property)
		left = either{left, right}
	}
	return left, err
}

// and reads terms joined by AND or by nothing.
func (p *searchParser) and(property string) (term, *Error) {
	left, err := p.not(property)
	for err == nil && p.more() && p.source[p.offset] != ')' && !p.peek("OR") {
		p.operator("AND")
		var right term
		right, err = p.not(property)
		left = both{left, right}
	}
	return left, err
}

// peek tells whether an operator is next.
func (p *searchParser) peek(name string) bool {
	rest, ok := strings.CutPrefix(p.source[p.offset:], name)
	return ok && (rest == "" || strings.ContainsRune(space+`("`, rune(rest[0])))
}

// operator moves past an operator, if it is next.
func (p *searchParser) operator(name string) bool {
	if !p.more() || !p.peek(name) {
		return false
	}
	p.offset += len(name)
	return true
}

func (p *searchParser) not(property string) (term, *Error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("the query is nested deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	if p.operator("NOT") {
		of, err := p.not(property)
		return neither{of}, err
	}
	if !p.take("(") {
		return p.term(property)
	}
	inner, err := p.or(property)
	if err == nil && !p.take(")") {
		err = p.fail("expected ')'")
	}
	return inner, err
}

// term reads a word, or a property and what it must have.
func (p *searchParser) term(property string) (term, *Error) {
	if p.more() && (p.peek("AND") || p.peek("OR")) {
		return nil, p.fail("expected a term")
	}
	text, quoted, err := p.word("()=")
	if err != nil {
		return nil, err
	}
	if text != "" && p.take("=") {
		if property != "" {
			return nil, p.fail("'%s' is inside of what %s must be", text, property)
		}
		if strings.HasPrefix(text, ":aws.") {
			return nil, p.fail("'%s' is not supported: there are no other accounts", text)
		}
		return p.not(text)
	}
	switch {
	case text == "":
		return nil, p.fail("expected a term")
	case quoted:
		return exact{property, text}, nil
	}
	t := partial{property: property, words: tokenize(text), whole: joined(text)}
	if len(t.words) == 0 {
		return nil, p.fail("'%s' has no letter or digit to search for", text)
	}
	return t, nil
}
