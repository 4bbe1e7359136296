package resource

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A BadName is a text that names nothing of the kinds that were asked for.
type BadName struct {
	Text string
	Of   []Kind
	Is   Kind // what it is the name of, if that is plain
}

// Error says what to type.
func (e *BadName) Error() string {
	what := fmt.Sprintf("%q is no name of a %s", e.Text, either(e.Of))
	if e.Is != "" {
		what = fmt.Sprintf("%s names a %s, not a %s", e.Text, e.Is, either(e.Of))
	}
	forms := make([]string, len(e.Of))
	for i, kind := range e.Of {
		forms[i] = fmt.Sprintf("a %s such as %s", kind, examples[kind])
	}
	return fmt.Sprintf("%s; name %s, or give its ARN", what, strings.Join(forms, ", or "))
}

// A Missing is a name of something that is not there.
type Missing struct {
	Name   Name // as far as it is known
	Of     []Kind
	Region string
	Near   []Name // what is there with a name like it, nearest first
	Others []Name // what else is there
}

// Error says what is there in its place.
func (e *Missing) Error() string {
	what := fmt.Sprintf("there is no %s %s in region %s", either(e.Of), e.Name, e.Region)
	switch {
	case len(e.Near) > 0:
		return what + "; did you mean " + list(e.Near, "or") + "?"
	case len(e.Others) > shown:
		return fmt.Sprintf("%s; there are %s and %d more", what, list(e.Others[:shown], ","), len(e.Others)-shown)
	case len(e.Others) > 0:
		return what + "; what is there: " + list(e.Others, "and")
	}
	return fmt.Sprintf("%s, nor any other; --region names another region, flyball status shows what is there", what)
}

// shown is how many names an error tells.
const shown = 3

// An Ambiguous name is one of several resources.
type Ambiguous struct {
	Text string
	Are  []Name
}

// Error says how to tell them apart.
func (e *Ambiguous) Error() string {
	names := e.Are[:min(len(e.Are), shown)]
	others := ""
	if n := len(e.Are) - len(names); n > 0 {
		others = fmt.Sprintf(", or one of %d others", n)
	}
	return fmt.Sprintf("%s is the name of several; say which: %s%s", e.Text, list(names, "or"), others)
}

// either lists kinds: service, task or queue.
func either(kinds []Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	return join(words, "or")
}

func list(names []Name, last string) string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = n.String()
	}
	return join(words, last)
}

// join lists words, with one word before the last.
func join(words []string, last string) string {
	n := len(words)
	if n < 2 || last == "," {
		return strings.Join(words, ", ")
	}
	return strings.Join(words[:n-1], ", ") + " " + last + " " + words[n-1]
}

// nearest returns the names that another one may have been meant as, nearest first.
func nearest(meant Name, names []Name) []Name {
	type near struct {
		Name
		distance int
	}
	var found []near
	text := meant.String()
	for _, n := range names {
		d := min(distance(text, n.String()), distance(text, n.ID))
		if n.ID == meant.ID {
			d = 0 // of another cluster
		}
		if contains := len(text) > 2 && strings.Contains(n.String(), text); contains || d <= max(1, len(text)/3) {
			found = append(found, near{n, d})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return cmp.Compare(a.distance, b.distance) })
	out := make([]Name, min(len(found), shown))
	for i := range out {
		out[i] = found[i].Name
	}
	return out
}

// distance is how many letters have to be changed, put in or left out, or changed with
// their neighbours, to make b of a (optimal string alignment).
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			other := 1
			if a[i] == b[j] {
				other = 0
			}
			row[j+1] = min(last[j]+other, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
