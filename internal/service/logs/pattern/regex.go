package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// A regex is a regular expression of those that AWS takes ("Supported regular
// expressions (regex) syntax"): letters, digits, some symbols, and operators without
// groups.
type regex struct{ *regexp.Regexp }

const (
	regexSymbols   = ":_#=@/;,- "
	regexOperators = `^$?[]{}|\*+.`
	regexClasses   = "dDsSwW"
)

// regex reads a regular expression, of which the first % was read.
func (p *parser) regex() (*regex, error) {
	text, _, closed := strings.Cut(p.rest(), "%")
	if !closed || text == "" {
		return nil, errors.New("a regular expression is not closed, or empty")
	}
	p.at += len(text) + 1
	if p.regexes++; p.regexes > maxRegexes {
		return nil, fmt.Errorf("more than %d regular expressions", maxRegexes)
	}
	if err := checkRegex(text); err != nil {
		return nil, err
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	if err := checkSize(text); err != nil {
		return nil, err
	}
	return &regex{compiled}, nil
}

// maxSize is how many instructions a regular expression may be. A search can take each
// of them for each byte: x{1,1000} is 2,000, and would need a minute for 1 MiB.
const maxSize = 256

func checkSize(text string) error {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return err
	}
	if len(program.Inst) > maxSize {
		return errors.New("a regular expression has too many repetitions")
	}
	return nil
}

func checkRegex(text string) error {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '\\' {
			if !isName(c) && strings.IndexByte(regexSymbols+regexOperators, c) < 0 {
				return fmt.Errorf("regular expressions do not support %q", c)
			}
			continue
		}
		if i++; i == len(text) {
			return errors.New("a regular expression ends with a backslash")
		}
		switch c = text[i]; {
		case c == 'x' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]):
			i += 2
		case strings.IndexByte(regexClasses+regexSymbols+regexOperators, c) < 0:
			return fmt.Errorf("regular expressions do not support \\%c", c)
		}
	}
	return nil
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }
