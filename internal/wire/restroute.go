package wire

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// A route is the method and the path of an operation in restJson.
type route struct {
	operation string
	method    string
	path      []segment
	query     url.Values // what the query has to say, too
}

// A segment is what stands between two slashes of a path: a literal, a label, or a
// greedy label, which stands for one segment or more.
type segment struct {
	text   string // the literal, or the label's name
	label  bool
	greedy bool
}

// routesOf are the routes of a service. Those that say more come before those that
// would take their calls, too: a literal before a label, a label before a greedy one,
// and what asks for something in the query before what does not.
func routesOf(m *model) []route {
	var routes []route
	for _, operation := range sortedKeys(m.HTTP) {
		b := m.HTTP[operation]
		path, query, _ := strings.Cut(b.URI, "?")
		r := route{operation: operation, method: b.Method}
		r.query, _ = url.ParseQuery(query) // the tables are tested
		for _, text := range segments(path) {
			r.path = append(r.path, segmentOf(text))
		}
		routes = append(routes, r)
	}
	slices.SortStableFunc(routes, func(a, b route) int {
		n := min(len(a.path), len(b.path))
		byRank := func(a, b segment) int { return cmp.Compare(a.rank(), b.rank()) }
		return cmp.Or(
			slices.CompareFunc(a.path[:n], b.path[:n], byRank),
			cmp.Compare(len(b.path), len(a.path)), // literals behind a greedy label
			cmp.Compare(len(b.query), len(a.query)),
		)
	})
	return routes
}

func segmentOf(text string) segment {
	name, ok := strings.CutPrefix(text, "{")
	if !ok {
		return segment{text: text}
	}
	name = strings.TrimSuffix(name, "}")
	name, greedy := strings.CutSuffix(name, "+")
	return segment{text: name, label: true, greedy: greedy}
}

func (s segment) rank() int {
	switch {
	case s.greedy:
		return 2
	case s.label:
		return 1
	}
	return 0
}

// segments are those of an escaped path. Slashes at its end say nothing.
func segments(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// find returns the operation that is called, and the labels in its path.
func find(routes []route, method string, path []string, query url.Values) (operation string, labels map[string]string) {
	for i := range routes {
		r := &routes[i]
		if r.method != method || !r.asked(query) || !fits(r.path, path) {
			continue
		}
		labels = map[string]string{}
		if take(r.path, path, labels) {
			return r.operation, labels
		}
	}
	return "", nil
}

// asked reports whether a query says what the route wants of it.
func (r *route) asked(query url.Values) bool {
	for name, want := range r.query {
		if !slices.Equal(query[name], want) {
			return false
		}
	}
	return true
}

// fits reports whether the literals before any greedy label are those of a path.
func fits(pattern []segment, path []string) bool {
	for i, s := range pattern {
		switch {
		case s.greedy:
			return len(path) >= len(pattern)
		case i == len(path), !s.label && s.text != path[i]:
			return false
		}
	}
	return len(path) == len(pattern)
}

// take fills the labels of a path that fits, and reports whether all of them have a
// value.
func take(pattern []segment, path []string, labels map[string]string) bool {
	for i, s := range pattern {
		n := 1
		if s.greedy {
			n = len(path) - (len(pattern) - i - 1)
		}
		text, err := url.PathUnescape(strings.Join(path[:n], "/"))
		switch {
		case err != nil, text == "":
			return false
		case s.label:
			labels[s.text] = text
		case text != s.text:
			return false
		}
		path = path[n:]
	}
	return true
}
