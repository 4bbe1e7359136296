package policydoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	// maxDepth bounds how deep values of a document lie in each other.
	maxDepth = 100
	// maxNodes bounds the values of a document, with those that are repeated by aliases.
	maxNodes = 2_000_000
)

// A misplaced is what is wrong with a value, and where the value is.
type misplaced struct {
	line, column int
	path         []string // the members that it lies in
	text         string
}

func (m *misplaced) Error() string {
	where := ""
	if len(m.path) > 0 {
		where = strings.Join(m.path, ".") + ": "
	}
	return fmt.Sprintf("line %d, column %d: %s%s", m.line, m.column, where, m.text)
}

// wrong is an error about a value, with its place.
func wrong(n *yaml.Node, format string, args ...any) error {
	return &misplaced{line: n.Line, column: n.Column, text: fmt.Sprintf(format, args...)}
}

// within names the member that an error is in.
func within(err error, name string) error {
	var m *misplaced
	if errors.As(err, &m) {
		m.path = slices.Insert(m.path, 0, name)
	}
	return err
}

// yamlTrees reads the documents of a YAML stream. Aliases are what they stand for.
func yamlTrees(text []byte) ([]*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var trees []*yaml.Node
	left := maxNodes
	for {
		var n yaml.Node
		err := loader.Load(&n)
		if errors.Is(err, io.EOF) {
			return trees, nil
		}
		if err != nil {
			return nil, notYAML(err)
		}
		if n.Kind != yaml.DocumentNode || len(n.Content) == 0 || isNull(n.Content[0]) {
			continue
		}
		if err := unfold(n.Content[0], &left, 0); err != nil {
			return nil, err
		}
		trees = append(trees, n.Content[0])
	}
}

// notYAML is an error of the YAML reader, with its place.
func notYAML(err error) error {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		return fmt.Errorf("it is neither JSON nor YAML: %w", err)
	}
	hint := "; look there, and just above, for a bracket, a quote, a colon or an indent that is wrong"
	if strings.Contains(load.Message, "cannot start any token") {
		hint = "; indent with spaces and not with tabs, and put text with special characters into quotes"
	}
	return fmt.Errorf("line %d, column %d: it is neither JSON nor YAML: %s%s", max(1, load.Mark.Line), max(1, load.Mark.Column), load.Message, hint)
}

// unfold puts what aliases stand for in their place, and refuses what cannot be read one way
// only: values in themselves, and names that are there twice.
func unfold(n *yaml.Node, left *int, depth int) error {
	if *left--; *left < 0 || depth > maxDepth {
		return wrong(n, "the document has too many values in each other; aliases that repeat themselves are not read")
	}
	for i, child := range n.Content {
		if child.Kind == yaml.AliasNode {
			child = child.Alias
			n.Content[i] = child
		}
		if err := unfold(child, left, depth+1); err != nil {
			return err
		}
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		name := n.Content[i]
		switch {
		case name.Kind != yaml.ScalarNode:
			return wrong(name, "a name is a word, and not a list or a mapping")
		case name.Tag == "!!merge":
			return wrong(name, "<< is not read here: write the members out")
		case seen[name.Value]:
			return wrong(name, "%s is there twice; remove one of the two", name.Value)
		}
		seen[name.Value] = true
	}
	return nil
}

// A jsonTree reads a JSON value into nodes.
type jsonTree struct {
	text    []byte
	lines   []int64 // where each line begins
	base    int64   // where the value begins
	decoder *json.Decoder
}

// readJSONTree reads the JSON value that ends at an offset of a text, and is well-formed.
func readJSONTree(text []byte, raw json.RawMessage, end int64) (*yaml.Node, error) {
	t := jsonTree{text: text, base: end - int64(len(raw)), lines: []int64{0}, decoder: json.NewDecoder(bytes.NewReader(raw))}
	for i, c := range text {
		if c == '\n' {
			t.lines = append(t.lines, int64(i)+1)
		}
	}
	t.decoder.UseNumber()
	return t.value(0)
}

// value reads the next value.
func (t *jsonTree) value(depth int) (*yaml.Node, error) {
	n := t.place()
	if depth > maxDepth {
		return nil, wrong(n, "the document has too many values in each other")
	}
	token, err := t.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		if v == '{' {
			n.Kind, n.Tag = yaml.MappingNode, "!!map"
		}
		return n, t.members(n, depth)
	case string:
		n.Tag, n.Value = "!!str", v
	case json.Number:
		n.Tag, n.Value = "!!int", v.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(v)
	case nil:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, nil
}

// members reads what a list or an object has.
func (t *jsonTree) members(n *yaml.Node, depth int) error {
	for t.decoder.More() {
		child, err := t.value(depth + 1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, child)
	}
	_, err := t.decoder.Token()
	return err
}

// place is a scalar where the next value begins.
func (t *jsonTree) place() *yaml.Node {
	at := t.base + t.decoder.InputOffset()
	for at < int64(len(t.text)) && strings.IndexByte(" \t\r\n,:", t.text[at]) >= 0 {
		at++
	}
	line, exact := slices.BinarySearch(t.lines, at)
	if !exact {
		line--
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Line: line + 1, Column: int(at-t.lines[line]) + 1}
}

// isNull reports whether nothing is said.
func isNull(n *yaml.Node) bool { return n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// get is the value of a name, or nil.
func get(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// members are the names and values of a mapping; those of any other value are none.
func members(n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// kindOf names what a value is.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	case n.Tag == "!!str":
		return fmt.Sprintf("the text %q", shortened(n.Value))
	}
	return shortened(n.Value)
}

// shortened is the beginning of a long text.
func shortened(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:57]) + "..."
	}
	return text
}
