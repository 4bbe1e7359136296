package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Parse reads a query. Its errors are of type *Error.
func Parse(source string) (*Query, error) {
	p := &parser{source: source, query: &Query{limit: MaxSeries}}
	if err := p.next(); err != nil {
		return nil, err
	}
	for _, clause := range []func() *Error{p.selection, p.from, p.where, p.groupBy, p.orderBy, p.limit, p.end} {
		if err := clause(); err != nil {
			return nil, err
		}
	}
	return p.query, nil
}

// A parser reads a query clause by clause.
type parser struct {
	source string
	token  token
	query  *Query
}

// next moves on to the next token.
func (p *parser) next() *Error {
	t, err := lex(p.source, p.token.end)
	p.token = t
	return err
}

// is tells whether the token is a keyword or a sign.
func (p *parser) is(text string) bool {
	switch p.token.kind {
	case word:
		return strings.EqualFold(p.token.text, text)
	case sign:
		return p.token.text == text
	}
	return false
}

// take moves past a keyword or a sign, if it is next.
func (p *parser) take(text string) (bool, *Error) {
	if !p.is(text) {
		return false, nil
	}
	return true, p.next()
}

// expect moves past keywords or signs that must be next.
func (p *parser) expect(texts ...string) *Error {
	for _, text := range texts {
		taken, err := p.take(text)
		if err != nil {
			return err
		}
		if !taken {
			return p.fail("Syntax error: expected '%s' instead of %s", text, p.token.describe())
		}
	}
	return nil
}

// fail is an error at the token.
func (p *parser) fail(format string, args ...any) *Error {
	return &Error{Offset: p.token.start, Message: fmt.Sprintf(format, args...)}
}

// selection reads SELECT FUNCTION(metric).
func (p *parser) selection() (err *Error) {
	if err = p.expect("SELECT"); err != nil {
		return err
	}
	if p.query.Function, err = p.function(); err != nil {
		return err
	}
	if err = p.expect("("); err != nil {
		return err
	}
	if p.query.Metric, err = p.name("the name of a metric"); err != nil {
		return err
	}
	return p.expect(")")
}

// function reads the name of a function.
func (p *parser) function() (Function, *Error) {
	f, ok := functionNames[strings.ToUpper(p.token.text)]
	if !ok || p.token.kind != word {
		return 0, p.fail("Syntax error: expected one of the functions AVG, COUNT, MAX, MIN and SUM instead of %s", p.token.describe())
	}
	return f, p.next()
}

// name reads the name of a metric, a namespace or a label.
func (p *parser) name(what string) (string, *Error) {
	t := p.token
	switch {
	case t.kind == quoted && t.text == "":
		return "", p.fail("Syntax error: %s must not be empty", what)
	case t.kind == quoted:
	case t.kind == word && reserved[strings.ToUpper(t.text)]:
		return "", p.fail("Syntax error: expected %s instead of '%s' (a name that is a keyword stands in double quotes)", what, t.text)
	case t.kind == value:
		return "", p.fail("Syntax error: expected %s instead of %s (names stand in double quotes, values in single ones)", what, t.describe())
	case t.kind != word:
		return "", p.fail("Syntax error: expected %s instead of %s", what, t.describe())
	}
	if err := p.next(); err != nil {
		return "", err
	}
	if t.kind == word && (p.is("/") || p.is("-") || p.is(".")) {
		return "", p.fail("Syntax error: unexpected '%s' (a name with characters other than letters, digits and _ stands in double quotes)", p.token.text)
	}
	return t.text, nil
}

// from reads FROM namespace, or FROM SCHEMA(namespace, label, ...).
func (p *parser) from() (err *Error) {
	if err = p.expect("FROM"); err != nil {
		return err
	}
	q := p.query
	if q.exact, err = p.take("SCHEMA"); err != nil {
		return err
	}
	if !q.exact {
		q.Namespace, err = p.name("a namespace")
		return err
	}
	if err = p.expect("("); err != nil {
		return err
	}
	if q.Namespace, err = p.name("a namespace"); err != nil {
		return err
	}
	for p.is(",") {
		if err = p.next(); err != nil {
			return err
		}
		label, err := p.name("the name of a dimension")
		if err != nil {
			return err
		}
		q.schema = append(q.schema, label)
	}
	slices.Sort(q.schema)
	return p.expect(")")
}

// label reads the key of a label: a dimension or AWS.AccountId. There are no tags of
// resources beside metrics.
func (p *parser) label() (string, *Error) {
	start := p.token
	if start.kind == word && strings.HasPrefix(p.source[start.end:], ".") {
		if strings.EqualFold(start.text, "tag") {
			return "", p.fail("Tags of resources (tag.) are not supported in queries: filter and group by dimensions")
		}
		if err := p.next(); err != nil {
			return "", err
		}
		if err := p.next(); err != nil {
			return "", err
		}
		if name := start.text + "." + p.token.text; p.token.kind != word || name != accountLabel {
			return "", &Error{Offset: start.start, Message: fmt.Sprintf("Syntax error: unexpected '%s' (a label with a dot in its name stands in double quotes)", name)}
		}
		return accountLabel, p.next()
	}
	return p.name("the name of a dimension")
}

// where reads WHERE label = 'value' AND ...
func (p *parser) where() *Error {
	more, err := p.take("WHERE")
	for err == nil && more {
		if err = p.condition(); err == nil {
			more, err = p.take("AND")
		}
	}
	if err == nil && p.is("OR") {
		return p.fail("Syntax error: unexpected 'OR' (conditions are joined by AND)")
	}
	return err
}

func (p *parser) condition() (err *Error) {
	var c condition
	if c.label, err = p.label(); err != nil {
		return err
	}
	switch {
	case p.is("!="):
		c.not = true
	case !p.is("="):
		return p.fail("Syntax error: expected '=' or '!=' instead of %s", p.token.describe())
	}
	if err = p.next(); err != nil {
		return err
	}
	if err = p.value(&c); err != nil {
		return err
	}
	p.query.conditions = append(p.query.conditions, c)
	return nil
}

// value reads what a label is compared with. Of the account, whose page shows both, it
// may be a bare number or CURRENT_ACCOUNT_ID().
func (p *parser) value(c *condition) *Error {
	t := p.token
	switch account := c.label == accountLabel; {
	case t.kind == value, account && t.kind == word && allDigits(t.text):
		c.value = t.text
		return p.next()
	case account && p.is("CURRENT_ACCOUNT_ID"):
		c.own = true
		return p.expect("CURRENT_ACCOUNT_ID", "(", ")")
	}
	return p.fail("Syntax error: expected a value in single quotes instead of %s", t.describe())
}

func allDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// groupBy reads GROUP BY label, ...
func (p *parser) groupBy() *Error {
	if !p.is("GROUP") {
		return nil
	}
	if err := p.expect("GROUP", "BY"); err != nil {
		return err
	}
	for {
		label, err := p.label()
		if err != nil {
			return err
		}
		p.query.groups = append(p.query.groups, label)
		if more, err := p.take(","); err != nil || !more {
			return err
		}
	}
}

// orderBy reads ORDER BY FUNCTION() with its direction.
func (p *parser) orderBy() *Error {
	if !p.is("ORDER") {
		return nil
	}
	if err := p.expect("ORDER", "BY"); err != nil {
		return err
	}
	by, err := p.function()
	if err != nil {
		return err
	}
	if err := p.expect("(", ")"); err != nil {
		return err
	}
	p.query.order = &order{by: by}
	if ascending, err := p.take("ASC"); ascending || err != nil {
		return err
	}
	p.query.order.descending, err = p.take("DESC")
	return err
}

// limit reads LIMIT number.
func (p *parser) limit() *Error {
	if limited, err := p.take("LIMIT"); !limited {
		return err
	}
	n, err := strconv.Atoi(p.token.text)
	if p.token.kind != word || err != nil || n < 1 || n > MaxSeries {
		return p.fail("LIMIT must be a number from 1 to %d", MaxSeries)
	}
	p.query.limit = n
	return p.next()
}

// end lets a semicolon stand at the end, as the User Guide's page on alarms writes it.
func (p *parser) end() *Error {
	if _, err := p.take(";"); err != nil {
		return err
	}
	if p.token.kind != end {
		return p.fail("Syntax error: unexpected %s", p.token.describe())
	}
	return nil
}

// reserved are the words that names must not be without quotes: those of the language,
// and those of SQL that would be taken for it. AWS reserves some hundred more, of
// which it makes no use.
var reserved = func() map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(`
		SELECT FROM SCHEMA WHERE GROUP BY ORDER LIMIT AND ASC DESC AVG COUNT MAX MIN SUM
		ALL ANY AS BETWEEN CASE CROSS DISTINCT ELSE END EXCEPT EXISTS FALSE FULL HAVING IN INNER
		INTERSECT INTO IS JOIN LEFT LIKE NATURAL NOT NULL OFFSET ON OR OUTER RIGHT SET TABLE
		THEN TRUE UNION USING VALUES WHEN WITH`) {
		all[w] = true
	}
	return all
}()
