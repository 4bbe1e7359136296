package console

import (
	"fmt"
	"strconv"
	"strings"
)

// pairs reads names with their values as people type them, such as "team=shop, stage=test". One that
// has a sign in it which parts others stands in double quotes, as strings of Go do: "a, b"="c=d".
func pairs(text string) (all [][2]string, err error) {
	for rest := text; ; {
		rest = strings.TrimLeft(rest, ", \t\r\n")
		if rest == "" {
			return all, nil
		}
		begun := rest
		var p [2]string
		if p[0], rest, err = word(rest, "=,"); err != nil {
			return nil, err
		}
		if p[0] == "" || !strings.HasPrefix(rest, "=") {
			one, _, _ := strings.Cut(begun, ",")
			return nil, fmt.Errorf("%q has no name or no value", one)
		}
		if p[1], rest, err = word(rest[1:], ","); err != nil {
			return nil, err
		}
		if rest != "" && rest[0] != ',' {
			return nil, fmt.Errorf("%q follows what stands in quotes", rest)
		}
		all = append(all, p)
	}
}

// word reads up to one of some signs, or what stands in quotes, and returns the rest.
func word(text, ends string) (read, rest string, err error) {
	text = strings.TrimLeft(text, " \t\r\n")
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ends)
		if end < 0 {
			end = len(text)
		}
		return strings.TrimSpace(text[:end]), text[end:], nil
	}
	in, err := strconv.QuotedPrefix(text)
	if err == nil {
		read, err = strconv.Unquote(in)
	}
	if err != nil {
		return "", "", fmt.Errorf("the quotes of %q do not end, or have something between them that is not known", text)
	}
	return read, strings.TrimLeft(text[len(in):], " \t\r\n"), nil
}

// paired writes a name with its value as pairs reads them.
func paired(name, value string) string { return quoted(name, "=,") + "=" + quoted(value, ",") }

// quoted is a text, in quotes where it has a sign in it that would end it.
func quoted(text, ends string) string {
	if strings.ContainsAny(text, ends) || strings.HasPrefix(text, `"`) || strings.TrimSpace(text) != text {
		return strconv.Quote(text)
	}
	return text
}
