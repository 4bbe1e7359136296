package math

import (
	"errors"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"

	insights "flyball/metric/query"
)

// An Expression is one that was read, and is not checked against the queries that
// it names.
type Expression struct {
	source string
	root   node
}

// A node is a part of an expression.
type node interface{ place() int } // the byte where it stands

type (
	literal struct {
		offset int
		value  float64
	}
	str struct { // a string
		offset int
		value  string
	}
	keyword struct { // such as REPEAT or DESC
		offset int
		name   string
		typ    Type
	}
	ref struct { // the result of a query
		offset int
		id     string
	}
	list struct { // [a, b]
		offset int
		items  []node
	}
	negation struct {
		offset int
		of     node
	}
	binary struct {
		offset      int // of the operator
		op          string
		left, right node
	}
	call struct {
		offset int
		name   string
		*function
		args   []node
		search *Search // of SEARCH, once it is checked
	}
	selection struct { // a whole expression: a Metrics Insights query
		query *insights.Query
	}
)

func (n *literal) place() int  { return n.offset }
func (n *str) place() int      { return n.offset }
func (n *keyword) place() int  { return n.offset }
func (n *ref) place() int      { return n.offset }
func (n *list) place() int     { return n.offset }
func (n *negation) place() int { return n.offset }
func (n *binary) place() int   { return n.offset }
func (n *call) place() int     { return n.offset }

func (n *selection) place() int { return 0 }

// keywords are the words that mean something as arguments.
var keywords = map[string]Type{
	"REPEAT": fillMode, "LINEAR": fillMode,
	"AVG": sortKey, "MIN": sortKey, "MAX": sortKey, "SUM": sortKey,
	"ASC": sortOrder, "DESC": sortOrder,
}

// levels are the binary operators from those that bind least to those that bind
// most; ^, which binds more, and to the right, is apart. CloudWatch documents no
// order: this is that of C, so that m1 > 15 AND m2 + 1 > 15 needs no parentheses.
var levels = [][]string{
	{"OR", "||"},
	{"AND", "&&"},
	{"==", "!="},
	{"<", "<=", ">", ">="},
	{"+", "-"},
	{"*", "/"},
}

// synonyms are the operators with two spellings.
var synonyms = map[string]string{"||": "OR", "&&": "AND"}

// Parse reads an expression. Its errors are of type *Error.
func Parse(source string) (*Expression, error) {
	x, err := parse(source)
	if err != nil {
		return nil, err
	}
	return x, nil
}

func parse(source string) (*Expression, *Error) {
	if n := utf8.RuneCountInString(source); n > MaxExpression {
		return nil, &Error{Message: "The expression is longer than " + strconv.Itoa(MaxExpression) + " characters"}
	}
	if insights.Begins(source) {
		return parseQuery(source)
	}
	p := &parser{source: source}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.token.kind == end {
		return nil, &Error{Message: "Syntax error: the expression is empty"}
	}
	root, err := p.binary(0)
	if err != nil {
		return nil, err
	}
	if p.token.kind != end {
		return nil, p.fail("Syntax error: unexpected %s", p.token.describe())
	}
	return &Expression{source, root}, nil
}

// parseQuery reads an expression that is a Metrics Insights query.
func parseQuery(source string) (*Expression, *Error) {
	q, err := insights.Parse(source)
	if wrong := (*insights.Error)(nil); errors.As(err, &wrong) {
		return nil, errorAt(source, wrong.Offset, "%s", wrong.Message)
	}
	return &Expression{source, &selection{q}}, nil
}

// Refs are the ids that the expression names, in the order of their first
// appearance.
func (x *Expression) Refs() []string {
	var ids []string
	walk(x.root, func(n node) {
		if r, ok := n.(*ref); ok && !slices.Contains(ids, r.id) {
			ids = append(ids, r.id)
		}
	})
	return ids
}

// walk visits a node and all below it.
func walk(n node, visit func(node)) {
	visit(n)
	switch n := n.(type) {
	case *list:
		for _, item := range n.items {
			walk(item, visit)
		}
	case *negation:
		walk(n.of, visit)
	case *binary:
		walk(n.left, visit)
		walk(n.right, visit)
	case *call:
		for _, arg := range n.args {
			walk(arg, visit)
		}
	}
}

// A parser reads by recursive descent.
type parser struct {
	source string
	token  token
	depth  int
}

// next moves on to the next token.
func (p *parser) next() *Error {
	t, err := lex(p.source, p.after())
	p.token = t
	return err
}

// after is where the token ends.
func (p *parser) after() int {
	n := p.token.offset + len(p.token.text)
	if p.token.kind == quoted {
		n += len(`""`)
	}
	return n
}

// is tells whether the token is a certain operator or word.
func (p *parser) is(text string) bool {
	return p.token.text == text && (p.token.kind == operator || p.token.kind == word)
}

// fail is an error at the token.
func (p *parser) fail(format string, args ...any) *Error {
	return errorAt(p.source, p.token.offset, format, args...)
}

// expect moves past an operator that must be here.
func (p *parser) expect(op string) *Error {
	if !p.is(op) {
		return p.fail("Syntax error: expected '%s' instead of %s", op, p.token.describe())
	}
	return p.next()
}

// binary reads operands joined by the operators of a level, or of one that binds
// more.
func (p *parser) binary(level int) (node, *Error) {
	if level == len(levels) {
		return p.unary()
	}
	left, err := p.binary(level + 1)
	for err == nil && slices.ContainsFunc(levels[level], p.is) {
		n := &binary{offset: p.token.offset, op: p.token.text, left: left}
		if s, ok := synonyms[n.op]; ok {
			n.op = s
		}
		if err = p.next(); err == nil {
			n.right, err = p.binary(level + 1)
		}
		left = n
	}
	return left, err
}

// unary reads an operand with its minus, if it has one: -2^2 is -4.
func (p *parser) unary() (node, *Error) {
	if !p.is("-") {
		return p.power()
	}
	leave, err := p.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	n := &negation{offset: p.token.offset}
	if err := p.next(); err != nil {
		return nil, err
	}
	n.of, err = p.unary()
	return n, err
}

// power reads an operand and its exponent: 2^-1 is 0.5, and 2^3^2 is 2^9.
func (p *parser) power() (node, *Error) {
	base, err := p.primary()
	if err != nil || !p.is("^") {
		return base, err
	}
	leave, err := p.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	n := &binary{offset: p.token.offset, op: "^", left: base}
	if err := p.next(); err != nil {
		return nil, err
	}
	n.right, err = p.unary()
	return n, err
}

// enter goes one deeper into the expression.
func (p *parser) enter() (leave func(), err *Error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("The expression is nested deeper than %d levels", maxDepth)
	}
	return func() { p.depth-- }, nil
}

func (p *parser) primary() (node, *Error) {
	leave, err := p.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	t := p.token
	switch {
	case t.kind == number:
		return p.number()
	case t.kind == quoted:
		return &str{t.offset, t.text}, p.next()
	case t.kind == word:
		return p.word()
	case p.is("("):
		if err := p.next(); err != nil {
			return nil, err
		}
		n, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case p.is("["):
		items, err := p.items("[", "]")
		return &list{t.offset, items}, err
	}
	return nil, p.fail("Syntax error: expected a metric, a number or a function instead of %s", t.describe())
}

func (p *parser) number() (node, *Error) {
	t := p.token
	v, err := strconv.ParseFloat(t.text, 64)
	if err != nil {
		return nil, p.fail("Syntax error: '%s' is not a number", t.text)
	}
	return &literal{t.offset, v}, p.next()
}

// word reads what begins with a word: the id of a query, a call or a keyword.
func (p *parser) word() (node, *Error) {
	t := p.token
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.is("(") {
		f, ok := functions[t.text]
		if !ok {
			return nil, unknownFunction(p.source, t)
		}
		args, err := p.items("(", ")")
		return &call{offset: t.offset, name: t.text, function: f, args: args}, err
	}
	if unicode.IsLower(rune(t.text[0])) {
		return &ref{t.offset, t.text}, nil
	}
	if typ, ok := keywords[t.text]; ok {
		return &keyword{t.offset, t.text, typ}, nil
	}
	if _, ok := functions[t.text]; ok {
		return nil, p.fail("Syntax error: expected '(' after the function %s instead of %s", t.text, p.token.describe())
	}
	return nil, errorAt(p.source, t.offset, "Syntax error: unexpected '%s' (the ID of a metric or an expression starts with a lowercase letter)", t.text)
}

// items reads expressions between parentheses or brackets.
func (p *parser) items(open, shut string) ([]node, *Error) {
	if err := p.expect(open); err != nil {
		return nil, err
	}
	if p.is(shut) {
		return nil, p.next()
	}
	var items []node
	for {
		item, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		if p.is(shut) {
			return items, p.next()
		}
		if !p.is(",") {
			return nil, p.fail("Syntax error: expected ',' or '%s' instead of %s", shut, p.token.describe())
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
}
