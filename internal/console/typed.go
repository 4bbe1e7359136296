package console

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// A typed form is what somebody has typed, by the names of its fields, and what is wrong with it.
type typed struct {
	Values map[string]string
	Wrong  fieldError
}

// typedIn are the values of a request, or others where it has none.
func typedIn(value func(string) string, sent bool, usual map[string]string) typed {
	t := typed{Values: map[string]string{}}
	for name, otherwise := range usual {
		if t.Values[name] = strings.TrimSpace(value(name)); !sent && t.Values[name] == "" {
			t.Values[name] = otherwise
		}
	}
	return t
}

// refuse shows an error beside its field, if it is one of what was typed.
func (t *typed) refuse(err error) bool {
	wrong, is := errors.AsType[*fieldError](err)
	if is {
		t.Wrong = *wrong
	}
	return is
}

// Get is what was typed into a field.
func (t typed) Get(name string) string { return t.Values[name] }

// Query is the form as the query of an address.
func (t typed) Query() string {
	q := url.Values{}
	for name, value := range t.Values {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q.Encode()
}

// number reads a number.
func (t typed) number(field string) (float64, error) {
	v, err := strconv.ParseFloat(t.Get(field), 64)
	if err != nil {
		return 0, &fieldError{field, fmt.Sprintf("%q is no number; write one such as 50.", t.Get(field))}
	}
	return v, nil
}

// whole reads a count, nil where nothing was typed.
func (t typed) whole(field string) (*int32, error) {
	if t.Get(field) == "" {
		return nil, nil
	}
	n, err := whole(t.Get(field))
	if err != nil {
		return nil, &fieldError{field, sentence(err)}
	}
	return n, nil
}

// A control is one field as it is shown.
type control struct {
	Name, Label, Value string
	Problem            string
	Box, On            bool // it is on or off
	Numeric            bool
	List               string // of what is proposed
	Hint               string
	Choices            []choice
}

func (t typed) control(name, label string) control {
	c := control{Name: name, Label: label, Value: t.Get(name)}
	if t.Wrong.Field == name {
		c.Problem = t.Wrong.Text
	}
	return c
}

// Text is a field for a text, and Number for a number.
func (t typed) Text(name, label, hint string) control {
	c := t.control(name, label)
	c.Hint = hint
	return c
}

// Number is a field for a number.
func (t typed) Number(name, label, hint string) control {
	c := t.Text(name, label, hint)
	c.Numeric = true
	return c
}

// Listed is a field for a text of which a list proposes some.
func (t typed) Listed(name, label, list, hint string) control {
	c := t.Text(name, label, hint)
	c.List = list
	return c
}

// Check is a field that is on or off.
func (t typed) Check(name, label string) control {
	c := t.control(name, label)
	c.Box, c.On = true, c.Value != ""
	return c
}

// Radio is one of several values of a field.
func (t typed) Radio(name, value, label string) control {
	return control{Name: name, Label: label, Value: value, On: t.Get(name) == value}
}

// Select is a field with values to choose from.
func (t typed) Select(name, label string, choices []choice) control {
	c := t.control(name, label)
	c.Choices = choices
	return c
}
