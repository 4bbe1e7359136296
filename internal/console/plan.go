package console

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
)

// A plan is calls that are made together: all, or none of them.
type plan []planned

// A planned call of an operation.
type planned struct {
	Title   string
	Command string // of the aws CLI
	HCL     string // of Terraform
	Note    string // what to know of it besides; may be empty
	part    string // of the form that it is made of
	send    func(context.Context) error
}

// Commands are those of all calls, as a script.
func (p plan) Commands() string { return p.join(func(c planned) string { return c.Command }) }

// Terraform are the resources of all calls.
func (p plan) Terraform() string { return p.join(func(c planned) string { return c.HCL }) }

func (p plan) join(of func(planned) string) string {
	var all []string
	for _, c := range p {
		if text := of(c); text != "" {
			all = append(all, strings.TrimSuffix(text, "\n")+"\n")
		}
	}
	return strings.Join(all, "\n")
}

// errTried is why calls are taken back that were only tried.
var errTried = errors.New("the calls were tried only")

// try makes the calls and takes them back: what would be refused is known before anything changes.
func (p plan) try(v *visit) error {
	err := v.Together(v.r.Context(), func(ctx context.Context) error {
		if err := p.send(ctx); err != nil {
			return err
		}
		return errTried
	})
	if errors.Is(err, errTried) {
		return nil
	}
	return err
}

// carryOut makes the calls. The error of one takes back those before it.
func (p plan) carryOut(v *visit) error { return v.Together(v.r.Context(), p.send) }

func (p plan) send(ctx context.Context) error {
	for _, c := range p {
		if err := c.send(ctx); err != nil {
			return c.refused(err)
		}
	}
	return nil
}

// fieldsByWord are the fields that errors of AWS are about, by words in them, of each part of a form.
var fieldsByWord = map[string][][2]string{
	"bounds":             {{"aximum", "max"}, {"axCapacity", "max"}, {"inimum", "min"}, {"inCapacity", "min"}, {"", "max"}},
	"bounds with a role": {{"aximum", "max"}, {"axCapacity", "max"}, {"inimum", "min"}, {"inCapacity", "min"}, {"", "role-arn"}},
	"role":               {{"olicy", "role-name"}, {"", "role-name"}},
	"definition":         {{"mage", "image"}, {"", "image"}},
	"service":            {{"esired", "desired"}, {"ask definition", "revision"}, {"", "revision"}},
	"tags":               {{"", "tags"}},
	"tracking":           {{"olicyName", "name"}, {"policy name", "name"}, {"caleInCooldown", "in"}, {"caleOutCooldown", "out"}, {"amespace", "m1-namespace"}, {"imension", "m1-dimensions"}, {"xpression", "expression"}, {"etric", "metric"}, {"", "target"}},
	"step":               {{"olicyName", "name"}, {"ooldown", "cooldown"}, {"", "steps"}},
	"alarm":              {{"larmName", "name"}, {"valuationPeriods", "minutes"}, {"", "threshold"}},
	"scheduled":          {{"ctionName", "name"}, {"imezone", "zone"}, {"ime zone", "zone"}, {"apacity", "schedule-max"}, {"", "schedule"}},
	"predictive":         {{"olicyName", "name"}, {"uffer", "buffer"}, {"", "ahead-target"}},
}

// refused is the error of a call beside the field that it is about.
func (c planned) refused(err error) error {
	text, words := problem(err), err.Error()
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		words = api.ErrorCode() + ": " + api.ErrorMessage() // what to do has words of its own
	}
	for _, one := range fieldsByWord[c.part] {
		if strings.Contains(words, one[0]) {
			return &fieldError{one[1], text}
		}
	}
	return &fieldError{"", text}
}

// A fieldError is what is wrong with what was typed.
type fieldError struct{ Field, Text string }

func (e *fieldError) Error() string { return e.Text }

// A reviewed plan is one that is to be looked at, or that was carried out.
type reviewed struct {
	Plan, Done plan
	Values     map[string]string // that it was made of, to be sent again
}

// Reviewed reports whether there is one.
func (r reviewed) Reviewed() *reviewed {
	if len(r.Plan)+len(r.Done) == 0 {
		return nil
	}
	return &r
}

// take reviews a plan that was asked for, or carries it out. What is refused is told in the form.
func (c *console) take(v *visit, t *typed, made plan, err error) (r reviewed, status int, _ error) {
	do := v.r.PostFormValue("do")
	if do == "edit" { // back from what was shown
		return r, http.StatusOK, nil
	}
	switch {
	case err != nil:
	case len(made) == 0:
		err = &fieldError{"", "Nothing is different from what it is."}
	case do == "review":
		err = made.try(v)
	case do == "update":
		err = made.carryOut(v)
	default:
		return r, 0, &missing{"There is nothing to do that is called " + do + "."}
	}
	if err != nil {
		if !t.refuse(err) {
			return r, 0, err
		}
		return r, http.StatusBadRequest, nil
	}
	r.Values = t.Values
	if do == "review" {
		r.Plan = made
		return r, http.StatusOK, nil
	}
	c.snapshots.forget()
	r.Done = made
	return r, http.StatusOK, nil
}
