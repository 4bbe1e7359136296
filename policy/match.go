package policy

import (
	"strings"
	"unicode/utf8"
)

// pattern is text of a policy, cut where it is not to be taken as it stands: at
// wildcards and at policy variables. An empty pattern matches the empty string.
type pattern []piece

type piece struct {
	kind     pieceKind
	text     string    // of a literal
	variable *variable // of a reference
}

type pieceKind uint8

const (
	literal   pieceKind = iota
	one                 // ?: one character
	run                 // *: any characters, or none
	reference           // ${key}: what the request says of a key, taken as it stands
)

// syntax is what has a meaning in a text.
type syntax struct {
	wildcards bool
	variables bool
	fold      bool // upper and lower case are the same
}

// compilePattern reads text. The three characters that mean something can be
// written ${*}, ${?} and ${$} where there are variables.
func compilePattern(text string, s syntax) pattern {
	var p pattern
	var plain strings.Builder
	add := func(next piece) {
		if plain.Len() > 0 {
			p = append(p, piece{text: plain.String()})
			plain.Reset()
		}
		p = append(p, next)
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '*' && s.wildcards:
			if plain.Len() > 0 || len(p) == 0 || p[len(p)-1].kind != run {
				add(piece{kind: run})
			}
		case c == '?' && s.wildcards:
			add(piece{kind: one})
		case c == '$' && s.variables && variableLen(text[i:]) > 0:
			n := variableLen(text[i:])
			switch body := text[i+2 : i+n-1]; body {
			case "*", "?", "$":
				plain.WriteString(body)
			default:
				add(piece{kind: reference, variable: compileVariable(body)})
			}
			i += n - 1
		default:
			plain.WriteByte(c)
		}
	}
	if plain.Len() > 0 {
		p = append(p, piece{text: plain.String()})
	}
	return p
}

// match compares all of s. It goes back to the last * only: what the earlier
// ones could take differently, that one can take as well. So the work is at most
// the product of the two lengths.
func (p pattern) match(s string, fold bool, r *Request) bool {
	at, i := 0, 0
	back, from := -1, 0 // the last *, and where what follows it was tried
	for {
		if i < len(p) && p[i].kind == run {
			if i == len(p)-1 {
				return true
			}
			back, from = i, at
			i++
			continue
		}
		if i < len(p) {
			if n := p[i].prefix(s[at:], fold, r); n >= 0 {
				at += n
				i++
				continue
			}
		} else if at == len(s) {
			return true
		}
		if back < 0 || from == len(s) {
			return false
		}
		from += runeLen(s[from:])
		at, i = from, back+1
	}
}

// prefix is the length of what the piece takes from the beginning of s, or -1.
func (p *piece) prefix(s string, fold bool, r *Request) int {
	text := p.text
	switch p.kind {
	case one:
		if s == "" {
			return -1
		}
		return runeLen(s)
	case reference:
		value, ok := p.variable.value(r)
		if !ok {
			return -1
		}
		text = value
	}
	if len(s) < len(text) {
		return -1
	}
	if s[:len(text)] == text || fold && strings.EqualFold(s[:len(text)], text) {
		return len(text)
	}
	return -1
}

// runeLen is the length of the character that s begins with.
func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}
