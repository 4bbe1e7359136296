package load

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"text/template/parse"
	"time"
)

// A Message is what the template of its body knows of it.
type Message struct {
	N    int       // counts from 1
	ID   string    // of no other message
	Time time.Time // when it is made
}

// A Template makes bodies, or message groups, of messages. It is written as those of
// text/template are, with the fields of Message and the function random, such as
//
//	{"voucher": "{{.ID}}", "amount": {{random 5 500}}}
//
// Only the parser is text/template's: its execution finds methods by name, with which every
// exported method of the program would stay in it, 8 MB more.
type Template struct{ parts []func(Message) string }

// ParseTemplate reads a template.
func ParseTemplate(text string) (Template, error) {
	trees, err := parse.Parse("message", text, "", "", map[string]any{"random": true})
	if err != nil {
		said := strings.TrimPrefix(err.Error(), "template: message:") // then comes the line
		return Template{}, fmt.Errorf("line %s; write a field as {{.N}}, {{.ID}} or {{.Time}}, and a number by chance as {{random 1 100}}", said)
	}
	var t Template
	if trees["message"] == nil {
		return t, nil // of an empty text
	}
	for _, node := range trees["message"].Root.Nodes {
		part, err := partOf(node)
		if err != nil {
			return Template{}, err
		}
		t.parts = append(t.parts, part)
	}
	return t, nil
}

func (t Template) text(m Message) string {
	var b strings.Builder
	for _, part := range t.parts {
		b.WriteString(part(m))
	}
	return b.String()
}

// partOf is what a node of a template comes to.
func partOf(node parse.Node) (func(Message) string, error) {
	if text, ok := node.(*parse.TextNode); ok {
		return func(Message) string { return string(text.Text) }, nil
	}
	if action, ok := node.(*parse.ActionNode); ok && len(action.Pipe.Cmds) == 1 && len(action.Pipe.Decl) == 0 {
		switch args := action.Pipe.Cmds[0].Args; {
		case len(args) == 1 && fields[args[0].String()] != nil:
			return fields[args[0].String()], nil
		case len(args) == 3 && args[0].String() == "random":
			return random(args[1].String(), args[2].String())
		}
	}
	return nil, fmt.Errorf("%s is none of {{.N}}, {{.ID}}, {{.Time}} and {{random LOWEST HIGHEST}}", node)
}

// fields are those of a message, as templates name them.
var fields = map[string]func(Message) string{
	".N":    func(m Message) string { return strconv.Itoa(m.N) },
	".ID":   func(m Message) string { return m.ID },
	".Time": func(m Message) string { return m.Time.Format(time.RFC3339Nano) },
}

// random makes whole numbers from lowest to highest, both included.
func random(lowest, highest string) (func(Message) string, error) {
	from, err := strconv.Atoi(lowest)
	to, err2 := strconv.Atoi(highest)
	if err != nil || err2 != nil || to < from {
		return nil, fmt.Errorf("there is no whole number from %s to %s", lowest, highest)
	}
	return func(Message) string { return strconv.Itoa(from + mathrand.IntN(to-from+1)) }, nil
}

func newMessage(n int, now time.Time) Message {
	return Message{N: n, ID: rand.Text(), Time: now}
}
