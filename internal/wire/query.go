package wire

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// queryReader reads a tree of parameters. Everything is text, so that a value
// is whatever the caller wants it to be.
type queryReader struct {
	now   *param // the value to read next
	stack []queryFrame
	buf   []byte
}

// A queryFrame is an open object, list or map.
type queryFrame struct {
	elems []param
	order []int // in which elems are read; nil: as they stand
	read  int
	dict  bool
	names [2]string // of keys and values
}

func (r *queryReader) null() bool { return false }

func (r *queryReader) scalar(want string) (string, error) {
	if !r.now.set {
		if len(r.now.children) > 0 {
			return "", errObject
		}
		return "", badValue{"NULL", want}
	}
	return r.now.value, nil
}

func (r *queryReader) text() ([]byte, error) {
	s, err := r.scalar(wantString)
	if err != nil {
		return nil, err
	}
	r.buf = append(r.buf[:0], s...)
	return validText(r.buf)
}

func (r *queryReader) boolean() (bool, error) {
	s, err := r.scalar(wantBool)
	if err != nil {
		return false, err
	}
	switch strings.ToLower(s) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, refusal("boolean must follow xsd1.1 definition")
}

func (r *queryReader) integer() (int64, error) {
	s, err := r.scalar(wantInteger)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, badValue{"STRING_VALUE", wantInteger}
	}
	return n, nil
}

func (r *queryReader) float() (float64, error) {
	s, err := r.scalar(wantDouble)
	if err != nil {
		return 0, err
	}
	if f, ok := parseSpecial(s); ok {
		return f, nil
	}
	// ParseFloat also takes "inf", hexadecimal and digits with underscores.
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, badValue{"STRING_VALUE", wantDouble}
	}
	return f, nil
}

func (r *queryReader) time() (time.Time, error) {
	s, err := r.scalar(wantTime)
	if err != nil {
		return time.Time{}, err
	}
	t, err := parseTime(s)
	if err != nil {
		return t, refusal("timestamp must follow ISO8601")
	}
	return t, nil
}

func (r *queryReader) blob() ([]byte, error) {
	s, err := r.scalar(wantBlob)
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, badValue{"STRING_VALUE", wantBlob}
	}
	return b, nil
}

func (r *queryReader) document() (any, error) { return nil, errNoDocuments }

func (r *queryReader) push(f queryFrame) error {
	if len(r.stack) == maxDepth {
		return errTooDeep
	}
	r.stack = append(r.stack, f)
	return nil
}

// step makes the next element of the innermost frame the value to read.
func (r *queryReader) step() bool {
	f := &r.stack[len(r.stack)-1]
	if f.read == len(f.elems) {
		r.stack = r.stack[:len(r.stack)-1]
		return false
	}
	i := f.read
	if f.order != nil {
		i = f.order[i]
	}
	r.now = &f.elems[i]
	f.read++
	return true
}

func (r *queryReader) object() error {
	if r.now.set && len(r.now.children) == 0 && r.now.value != "" {
		return errNotObject
	}
	return r.push(queryFrame{elems: r.now.children})
}

func (r *queryReader) key() (name []byte, more bool, err error) {
	if !r.step() {
		return nil, false, nil
	}
	f := &r.stack[len(r.stack)-1]
	if !f.dict {
		r.buf = append(r.buf[:0], r.now.name...)
		return r.buf, true, nil
	}
	key, value := r.now.find(f.names[0]), r.now.find(f.names[1])
	if key == nil || !key.set || value == nil {
		return nil, false, errMalformed
	}
	r.now = value
	r.buf = append(r.buf[:0], key.value...)
	return r.buf, true, nil
}

// list opens Name.member.N, or Name.N of a flattened list. Name= is an empty
// list.
func (r *queryReader) list() (int, error) {
	f, err := r.numbered("member", errNotList)
	if err != nil {
		return 0, err
	}
	return len(f.elems), r.push(f)
}

// dict opens Name.entry.N.key and .value, or Name.N.key of a flattened map, or what
// takes the place of key and value.
func (r *queryReader) dict(names [2]string) error {
	f, err := r.numbered("entry", errNotObject)
	if err != nil {
		return err
	}
	f.dict, f.names = true, names
	return r.push(f)
}

// numbered is the frame of the children called 1, 2, 3 and so on, in that order.
func (r *queryReader) numbered(under string, otherwise error) (queryFrame, error) {
	node := r.now
	if node.set && node.value != "" {
		return queryFrame{}, otherwise
	}
	if c := node.find(under); c != nil {
		node = c
	}
	sorted, last := true, -1
	for i := range node.children {
		n, err := strconv.Atoi(node.children[i].name)
		if err != nil || n < 0 {
			return queryFrame{}, errMalformed
		}
		sorted = sorted && n > last
		last = n
	}
	f := queryFrame{elems: node.children}
	if !sorted {
		f.order = byNumber(node.children)
	}
	return f, nil
}

// byNumber is the order of children by their names, which are numbers.
func byNumber(children []param) []int {
	order, number := make([]int, len(children)), make([]int, len(children))
	for i := range children {
		order[i] = i
		number[i], _ = strconv.Atoi(children[i].name)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(number[a], number[b]) })
	return order
}

func (r *queryReader) next() (bool, error) { return r.step(), nil }

func (r *queryReader) skip() error { return nil }
