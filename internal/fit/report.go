package fit

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"flyball/internal/duration"
)

// Settings are what the model says as flags of flyball simulate, in order.
func (m Model) Settings() []Setting {
	all := []Setting{
		{Name: "task-cpu", Value: strconv.FormatFloat(math.Round(1024*m.Task.VCPU), 'f', -1, 64)},
	}
	if m.Task.Memory > 0 {
		all = append(all, Setting{Name: "task-memory", Value: strconv.FormatFloat(m.Task.Memory, 'f', -1, 64)})
	}
	if m.Workers {
		all = append(all, Setting{Name: "workers", Value: "true"})
	}
	for _, v := range m.Values {
		s := Setting{Name: v.Name, Value: v.Unit.flag(v.At)}
		if known(v.Low) {
			s.Low, s.High = v.Unit.flag(v.Low), v.Unit.flag(v.High)
		}
		all = append(all, s)
	}
	return all
}

// Flags are the settings as they are typed.
func (m Model) Flags() string {
	var flags []string
	for _, s := range m.Settings() {
		if s.Value == "true" {
			flags = append(flags, "--"+s.Name)
			continue
		}
		flags = append(flags, "--"+s.Name+" "+s.Value)
	}
	return strings.Join(flags, " ")
}

// flag is a value as a flag takes it, with four digits.
func (u Unit) flag(v float64) string {
	switch u {
	case Seconds:
		return duration.String(digits(v))
	case Whole:
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	}
	return strconv.FormatFloat(round(v), 'f', -1, 64)
}

// digits is a number of seconds, to four digits.
func digits(seconds float64) time.Duration {
	return time.Duration(math.Round(round(min(seconds, 1e9)) * float64(time.Second)))
}

// round keeps four digits.
func round(v float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 3, 64), 64) // which is a number as it was written
	return rounded
}

// text is a value with its unit.
func (u Unit) text(v float64) string {
	switch u {
	case Seconds:
		return duration.String(digits(v))
	case MiB:
		return strconv.FormatFloat(round(v), 'f', -1, 64) + " MiB"
	}
	return u.flag(v)
}

// WriteText writes the model for people.
func (m Model) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString(m.title())
	for _, v := range m.Values {
		between := "too few steps for bounds"
		if known(v.Low) {
			between = v.Unit.text(v.Low) + " to " + v.Unit.text(v.High)
		}
		fmt.Fprintf(&b, "%-32s %12s   %s\n", v.About, v.Unit.text(v.At), between)
	}
	if len(m.Values) > 0 {
		b.WriteString("The true value lies between the bounds in 95 of 100 cases, if the service is what the model says.\n")
	}
	if len(m.Missing) > 0 {
		b.WriteString("\nnot told by this history:\n")
	}
	for _, v := range m.Missing {
		fmt.Fprintf(&b, "  %s (--%s): %s\n", v.About, v.Name, v.Why)
	}
	if len(m.Notes) > 0 {
		b.WriteString("\n")
	}
	for _, note := range m.Notes {
		fmt.Fprintf(&b, "%s\n", note)
	}
	fmt.Fprintf(&b, "\nfor flyball simulate and flyball tune:\n  %s\n", m.Flags())
	_, err := io.WriteString(w, b.String())
	return err
}

// title says what the history was.
func (m Model) title() string {
	var b strings.Builder
	if m.Service != "" {
		b.WriteString(m.Service + ", ")
	}
	if !m.From.IsZero() {
		const minute = "2006-01-02 15:04"
		fmt.Fprintf(&b, "%s to %s, ", m.From.UTC().Format(minute), m.To.UTC().Format(minute))
	}
	fmt.Fprintf(&b, "%d steps of %s, tasks of %v vCPU", m.Steps, duration.String(m.Step), m.Task.VCPU)
	if m.Task.Memory > 0 {
		fmt.Fprintf(&b, " and %v MiB", m.Task.Memory)
	}
	return b.String() + "\n\n"
}

// A document is a model as it is written and read.
type document struct {
	Service  string                     `json:",omitempty"`
	From, To time.Time                  `json:",omitzero"`
	Model    map[string]json.RawMessage // by flags of flyball simulate
	NotTold  map[string]string          `json:",omitempty"`
	Notes    []string                   `json:",omitempty"`
}

// A Setting is a flag of flyball simulate with what a model says for it.
type Setting struct {
	Name  string `json:"-"`
	Value string
	Low   string `json:",omitempty"`
	High  string `json:",omitempty"`
}

// WriteJSON writes the model as ReadSettings reads it.
func (m Model) WriteJSON(w io.Writer) error {
	d := document{Service: m.Service, From: m.From, To: m.To, Model: map[string]json.RawMessage{}, Notes: m.Notes}
	for _, s := range m.Settings() {
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		d.Model[s.Name] = text
	}
	if len(m.Missing) > 0 {
		d.NotTold = map[string]string{}
	}
	for _, v := range m.Missing {
		d.NotTold[v.Name] = v.Why
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(d)
}

// maxModel bounds a file of a model.
const maxModel = 1 << 20

// ReadSettings reads a model, as WriteJSON writes it or as somebody wrote it by hand:
//
//	{"Model": {"cpu-per-request": "50ms", "task-cpu": 256}}
func ReadSettings(r io.Reader) ([]Setting, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxModel+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxModel {
		return nil, fmt.Errorf("it is larger than %d bytes, and no model is", maxModel)
	}
	const form = `write {"Model": {"cpu-per-request": "50ms", "task-cpu": 256}}, or have flyball fit --out write it`
	var d struct{ Model orderedSettings }
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("it is no model of a service: %s", form)
	}
	if len(d.Model) == 0 {
		return nil, fmt.Errorf("it says nothing of a service: %s", form)
	}
	return d.Model, nil
}

// orderedSettings are those of an object, by name.
type orderedSettings []Setting

// UnmarshalJSON reads settings that are values, or objects with a Value.
func (s *orderedSettings) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for name, member := range members {
		one := Setting{Name: name}
		if err := json.Unmarshal(member, &one); err != nil {
			var plain any
			if err := json.Unmarshal(member, &plain); err != nil {
				return err
			}
			switch v := plain.(type) {
			case string:
				one.Value = v
			case float64:
				one.Value = strconv.FormatFloat(v, 'f', -1, 64)
			case bool:
				one.Value = strconv.FormatBool(v)
			default:
				return fmt.Errorf("%s has no value", name)
			}
		}
		*s = append(*s, one)
	}
	return nil
}
