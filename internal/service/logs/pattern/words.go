package pattern

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// words is a pattern of the words of a message. What is in brackets or in quotation
// marks is one word. The last of the names stands for all that follows, unless an
// ellipsis says where any number of words is.
type words struct {
	columns  []column
	ellipsis int // before which column any number of words is; -1 for nowhere
}

// A column is a word of a pattern: its name, which may be empty, and what is asked of it.
type column struct {
	name string
	// any is a list of lists of conditions: all of one of them hold.
	any [][]condition
}

func (c column) holds(word string) bool {
	for _, all := range c.any {
		holds := true
		for _, condition := range all {
			holds = holds && condition.holds(word)
		}
		if holds {
			return true
		}
	}
	return len(c.any) == 0
}

func (w *words) match(message []byte) (Match, bool) {
	most := -1
	if w.ellipsis < 0 && len(w.columns) > 0 {
		most = len(w.columns)
	}
	found := split(message, most)
	if len(found) < len(w.columns) {
		return Match{}, false
	}
	m := Match{words: make(map[string]string, len(found))}
	skipped := len(found) - len(w.columns)
	for i, word := range found {
		name := strconv.Itoa(i + 1)
		at := i
		if w.ellipsis >= 0 && i >= w.ellipsis {
			at = i - skipped
		}
		if inside := w.ellipsis >= 0 && i >= w.ellipsis && i < w.ellipsis+skipped; !inside && at < len(w.columns) {
			if !w.columns[at].holds(word) {
				return Match{}, false
			}
			if w.columns[at].name != "" {
				name = w.columns[at].name
			}
		}
		m.words["$"+name] = word
	}
	return m, true
}

// split cuts a message into words, of which the last holds the rest if there is a most.
func split(message []byte, most int) (all []string) {
	rest := bytes.Trim(message, " \t\r\n")
	for len(rest) > 0 {
		word, after := nextWord(rest)
		after = bytes.TrimLeft(after, " ")
		if len(all) == most-1 && len(after) > 0 {
			return append(all, string(rest))
		}
		all = append(all, string(word))
		rest = after
	}
	return all
}

// nextWord splits off the first word, without the brackets or quotation marks around it.
func nextWord(b []byte) (word, rest []byte) {
	closing := map[byte]byte{'"': '"', '[': ']'}[b[0]]
	if closing != 0 {
		if end := bytes.IndexByte(b[1:], closing); end >= 0 {
			return b[1 : 1+end], b[2+end:]
		}
	}
	if end := bytes.IndexByte(b, ' '); end >= 0 {
		return b[:end], b[end:]
	}
	return b, nil
}

func (w *words) knows(reference string) bool {
	name, ok := strings.CutPrefix(reference, "$")
	if n, err := strconv.Atoi(name); err == nil {
		return ok && n > 0
	}
	for _, c := range w.columns {
		if ok && c.name != "" && c.name == name {
			return true
		}
	}
	return false
}

// words reads a pattern of words, of which the first bracket was read.
func (p *parser) words() (matcher, error) {
	w := &words{ellipsis: -1}
	names := map[string]bool{}
	if p.space(); p.take("]") {
		return w, nil
	}
	for {
		p.space()
		if p.take("...") || p.take("…") {
			if w.ellipsis >= 0 {
				return nil, errors.New("more than one ellipsis")
			}
			w.ellipsis = len(w.columns)
		} else if err := p.column(w, names); err != nil {
			return nil, err
		}
		p.space()
		switch {
		case p.take(","):
		case p.take("]"):
			return w, nil
		default:
			return nil, fmt.Errorf("no comma or closing bracket at %q", p.rest())
		}
	}
}

// column reads one word of a pattern, with its conditions.
func (p *parser) column(w *words, names map[string]bool) error {
	c := column{name: p.run(func(c byte) bool { return isName(c) || c == '-' })}
	if c.name != "" && names[c.name] {
		return fmt.Errorf("two words are called %s", c.name)
	}
	names[c.name] = true
	p.space()
	if p.end() || c.name == "" || strings.IndexByte(",]", p.text[p.at]) >= 0 {
		w.columns = append(w.columns, c)
		return nil
	}
	all := []condition{}
	for {
		next, err := p.condition()
		if err != nil {
			return err
		}
		all = append(all, next)
		p.space()
		or := p.take("||")
		if !or && !p.take("&&") {
			break
		}
		if or {
			c.any, all = append(c.any, all), []condition{}
		}
		p.space()
		// AWS's own example writes [w1=ERROR || W1=WARNING, w2].
		if name := p.run(func(c byte) bool { return isName(c) || c == '-' }); !strings.EqualFold(name, c.name) {
			return fmt.Errorf("a condition on %q among those on %q", name, c.name)
		}
	}
	c.any = append(c.any, all)
	w.columns = append(w.columns, c)
	return nil
}
