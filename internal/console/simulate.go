package console

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/smithy-go"

	"flyball/internal/policydoc"
	"flyball/internal/tune"
	"flyball/internal/whatif"
)

// A simulatePage plays the load of a service through all that scales it, as it is and changed.
type simulatePage struct {
	Cluster, Name string
	Form          typed
	Lengths       []choice
	Problem       string
	Outcome       *whatif.Outcome
	Rows          []comparison
	Values        string // that are drawn, as JSON
	Notes         []string
	reviewed

	now, then policydoc.Documents
	label     string // of its target group
}

// usualAgreement is one that can be told of any service.
const usualAgreement = "p95 utilization < 80%"

// simulate shows what scales the service, to be changed.
func (c *console) simulate(v *visit) error {
	p, err := c.readSimulation(v)
	if err != nil {
		return err
	}
	return c.showSimulation(v, http.StatusOK, p)
}

// takeSimulation shows what would have been, or puts what was typed in place.
func (c *console) takeSimulation(v *visit) error {
	p, err := c.readSimulation(v)
	if err != nil {
		return err
	}
	id := resourceID(p.Cluster, p.Name)
	status := http.StatusOK
	p.then, err = readDocuments(v, p.Form.Get("documents"), id)
	if do := v.r.PostFormValue("do"); err == nil && do != "simulate" && do != "edit" {
		made, err := replacing(v, id, p.now, p.then)
		if err != nil {
			err = &fieldError{"documents", sentence(err)}
		}
		if p.reviewed, status, err = c.take(v, &p.Form, made, err); err != nil {
			return err
		}
		p.Form.Wrong.Field = "documents" // in which all of it is
	} else if err == nil {
		err = p.run(v)
	}
	if err != nil {
		if !p.Form.refuse(err) {
			return err
		}
		status = http.StatusBadRequest
	}
	return c.showSimulation(v, status, p)
}

func (c *console) showSimulation(v *visit, status int, p simulatePage) error {
	c.show(v, status, "simulate.html", page{Title: "Simulate " + p.Cluster + "/" + p.Name, Section: "services", Body: p})
	return nil
}

// readSimulation reads what scales the service, and the form.
func (c *console) readSimulation(v *visit) (p simulatePage, err error) {
	p = simulatePage{Cluster: v.r.PathValue("cluster"), Name: v.r.PathValue("service")}
	found, err := c.resource(v, p.Cluster, p.Name)
	if err != nil {
		return p, err
	}
	if p.now, err = documentsOf(v, found); err != nil {
		return p, err
	}
	p.label = resourceLabel(v, found.Groups)
	text, err := documentsText(p.now)
	if err != nil {
		return p, err
	}
	for _, l := range lengthNames() {
		p.Lengths = append(p.Lengths, choice{l, l})
	}
	p.Form = typedIn(v.r.PostFormValue, v.r.Method == http.MethodPost, map[string]string{"documents": text, "agree": usualAgreement, "range": usualPast})
	if len(p.now.Targets) == 0 {
		p.Problem = "Nothing scales this service yet: what is simulated as it is are the documents without their policies."
	}
	return p, nil
}

// run plays the load through both.
func (p *simulatePage) run(v *visit) error {
	w, err := windowOf(p.Form.Get("range"), "", v.clock.Now)
	if err != nil {
		return err
	}
	past, err := readPast(v, p.Cluster, p.Name, w)
	if err != nil {
		return err
	}
	if forecasts(slices.Concat(p.now.Policies, p.then.Policies)) {
		if past.Hours, err = readHours(v, p.Cluster, p.Name, p.label, past.Start); err != nil {
			return err
		}
	}
	if past.Own, err = readOwn(v, past, p.now, p.then); errors.As(err, new(smithy.APIError)) {
		return &fieldError{"documents", problem(err)}
	}
	if err != nil {
		return err
	}
	q := whatif.Question{Now: p.now, Then: p.then, Tracks: types.MetricTypeECSServiceAverageCPUUtilization, Limit: math.Inf(1), Price: priceOf(v)}
	if len(q.Now.Targets) == 0 {
		q.Now.Targets = p.then.Targets
	}
	if q.Goal, err = goalOf(v, p.Form.Get("agree")); err != nil {
		return err
	}
	outcome, err := whatif.Compare(past, q)
	if err != nil {
		return &fieldError{"documents", sentence(err)}
	}
	p.Outcome, p.Notes = &outcome, p.then.Notes
	p.Rows = append(agreementRows(outcome, *q.Goal), comparisons(outcome)...)
	text, err := json.Marshal(courseCharts(w, outcome.Now, outcome.Then, "as it is", "changed", q))
	p.Values = string(text)
	return err
}

// goalOf is an agreement that was typed.
func goalOf(v *visit, text string) (*tune.Goal, error) {
	goal, err := tune.ParseGoal(text)
	if err != nil {
		return nil, &fieldError{"agree", sentence(err)}
	}
	if goal.Unit() == "requests" && v.clock.Speed != 1 {
		return nil, &fieldError{"agree", "Latency is that of tasks, which live in real time, and the server's clock does not: agree on minutes, such as " + usualAgreement + "."}
	}
	return &goal, nil
}

// agreementRows are what was kept of what is agreed on.
func agreementRows(o whatif.Outcome, goal tune.Goal) []comparison {
	percent := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + " %" }
	return []comparison{{"Kept: " + goal.Text, "–", percent(o.Now.Kept), percent(o.Then.Kept)}}
}
