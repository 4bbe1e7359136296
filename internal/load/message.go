package load

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"text/template"
	"time"
)

// A Message is what the template of its body knows of it.
type Message struct {
	N    int       // counts from 1
	ID   string    // of no other message
	Time time.Time // when it is made
}

// A Template makes bodies, or message groups, of messages: one of text/template with the
// fields of Message and the function random, such as
//
//	{"voucher": "{{.ID}}", "amount": {{random 5 500}}}
type Template struct{ t *template.Template }

// ParseTemplate reads a template. One that can not be carried out is an error at once.
func ParseTemplate(text string) (Template, error) {
	t, err := template.New("message").Funcs(template.FuncMap{"random": random}).Parse(text)
	if err != nil {
		return Template{}, err
	}
	_, err = Template{t}.text(Message{N: 1, ID: "id"})
	return Template{t}, err
}

func (t Template) text(m Message) (string, error) {
	var b strings.Builder
	err := t.t.Execute(&b, m)
	return b.String(), err
}

// random is a whole number from lowest to highest, both included.
func random(lowest, highest int) (int, error) {
	if highest < lowest {
		return 0, fmt.Errorf("there is no number from %d to %d", lowest, highest)
	}
	return lowest + mathrand.IntN(highest-lowest+1), nil
}

func newMessage(n int, now time.Time) Message {
	return Message{N: n, ID: rand.Text(), Time: now}
}
