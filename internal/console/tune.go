package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/internal/policydoc"
	"flyball/internal/tune"
	"flyball/internal/tuning"
	"flyball/internal/whatif"
	"flyball/sim"
)

// A tunePage starts a search for policies of a service, and lists those that there are.
type tunePage struct {
	Cluster, Name string
	Form          typed
	Lengths       []choice
	Searches      []tuning.View
}

// A searchPage is one search, while it goes on and after it.
type searchPage struct {
	Cluster, Name string
	tuning.View
	Commands, Terraform string
	Form                typed
	reviewed
}

// Best is what was found so far, in words.
func (p searchPage) Best() string {
	if p.View.Best == nil {
		return "nothing yet"
	}
	b := p.View.Best
	return fmt.Sprintf("$%.2f in 30 days, %.2f %% kept: %s", b.Score.Monthly(), b.Score.Kept(), b.Candidate)
}

// Rows are what was found beside others, on the part of the load that the search did not see.
func (p searchPage) Rows() []tune.Checked {
	return append([]tune.Checked{p.Report.Best}, p.Report.Compared...)
}

// leastTuned is how much load a search has to learn from and to be checked on, and warmsUp how much
// of it at most is not scored.
const (
	leastTuned = 3 * time.Hour
	warmsUp    = time.Hour
)

// ownerOf is whose searches a visitor sees.
func ownerOf(v *visit) tuning.Owner {
	return tuning.Owner{Key: v.Key, Account: v.Account, Region: v.Region}
}

// tune shows the form and the searches that there are.
func (c *console) tune(v *visit) error {
	return c.showTune(v, http.StatusOK, c.readTune(v))
}

func (c *console) readTune(v *visit) tunePage {
	p := tunePage{Cluster: v.r.PathValue("cluster"), Name: v.r.PathValue("service")}
	p.Form = typedIn(v.r.PostFormValue, v.r.Method == http.MethodPost, map[string]string{"agree": usualAgreement, "range": usualPast, "candidates": "200", "max": ""})
	for _, l := range lengths {
		if l.Duration >= leastTuned {
			p.Lengths = append(p.Lengths, choice{l.Name, l.Name})
		}
	}
	p.Searches = c.Searches.List(ownerOf(v), resourceID(p.Cluster, p.Name))
	return p
}

func (c *console) showTune(v *visit, status int, p tunePage) error {
	c.show(v, status, "tune.html", page{Title: "Tune " + p.Cluster + "/" + p.Name, Section: "services", Body: p})
	return nil
}

// startTuning starts a search.
func (c *console) startTuning(v *visit) error {
	p := c.readTune(v)
	problem, err := c.tuningProblem(v, p)
	var started tuning.View
	if err == nil {
		started, err = c.Searches.Start(ownerOf(v), problem, tune.Report{Resource: p.Cluster + "/" + p.Name})
		if errors.As(err, new(tuning.BusyError)) {
			err = &fieldError{"", sentence(err)}
		}
	}
	if err != nil {
		if !p.Form.refuse(err) {
			return err
		}
		return c.showTune(v, http.StatusBadRequest, p)
	}
	http.Redirect(v.w, v.r, linksOf(v).To("services", p.Cluster, p.Name, "tune", started.ID), http.StatusSeeOther)
	return nil
}

// tuningProblem is what was typed, on what was measured.
func (c *console) tuningProblem(v *visit, p tunePage) (problem tune.Problem, err error) {
	found, err := c.resource(v, p.Cluster, p.Name)
	if err != nil {
		return problem, err
	}
	today, err := documentsOf(v, found)
	if err != nil {
		return problem, err
	}
	w, err := windowOf(p.Form.Get("range"), "", v.clock.Now)
	if err != nil {
		return problem, err
	}
	goal, err := goalOf(v, p.Form.Get("agree"))
	if err != nil {
		return problem, err
	}
	past, err := readPast(v, p.Cluster, p.Name, w)
	if err != nil {
		return problem, err
	}
	if len(past.Minutes) < int(leastTuned/time.Minute) {
		return problem, &fieldError{"range", fmt.Sprintf("%d minutes were measured in this time, which are too few to learn from and to check on: %d are needed. Choose a longer time, or come back when more was measured.", len(past.Minutes), int(leastTuned.Minutes()))}
	}
	if forecasts(today.Policies) {
		if past.Hours, err = readHours(v, p.Cluster, p.Name, resourceLabel(v, found.Groups), past.Start); err != nil {
			return problem, err
		}
	}
	problem.Subject = tune.NewSubject(resourceID(p.Cluster, p.Name), today)
	if past.Own, err = readOwn(v, past, today); err != nil {
		return problem, err
	}
	q := whatif.Question{Now: today, Goal: goal, Tracks: types.MetricTypeECSServiceAverageCPUUtilization}
	if metric := problem.Subject.Tracking.PredefinedMetricSpecification; metric != nil {
		q.Tracks = metric.PredefinedMetricType
	} else if past.Own[whatif.OwnKey(problem.Subject.Tracking.CustomizedMetricSpecification)] == nil {
		return problem, &fieldError{"", noDatapoint}
	}
	model, err := past.Model(q)
	if err != nil {
		return problem, &fieldError{"", sentence(err)}
	}
	problem.Goal, problem.Service, problem.Start, problem.Requests, problem.Given, problem.Seed = *goal, model.Service, model.Start, model.Requests, model.Given(), 1
	problem.Train = len(model.Requests) * 2 / 3
	problem.WarmUp = min(int(warmsUp/time.Minute), problem.Train/10)
	if len(today.Policies) > 0 {
		problem.Today = &today
	}
	price := priceOf(v)
	problem.Build = func(d policydoc.Documents) (sim.Scenario, error) {
		s, _, err := model.Scenario(d)
		s.Price = price
		return s, err
	}
	return problem, p.bound(&problem, today.Targets)
}

// bound reads how far is searched, and how long.
func (p tunePage) bound(problem *tune.Problem, targets []types.ScalableTarget) error {
	problem.Min, problem.Max = 1, 2*problem.Peak()
	for _, t := range targets {
		if t.MaxCapacity != nil {
			problem.Max = *t.MaxCapacity
		}
	}
	most, err := p.Form.whole("max")
	if err != nil {
		return err
	}
	if most != nil {
		problem.Max = *most
	}
	if problem.Max < 1 {
		return &fieldError{"max", "There has to be a task at most."}
	}
	candidates, err := p.Form.whole("candidates")
	if err != nil {
		return err
	}
	if candidates == nil || *candidates < 1 || *candidates > tuning.MostCandidates {
		return &fieldError{"candidates", fmt.Sprintf("Try from 1 to %d.", tuning.MostCandidates)}
	}
	problem.Candidates = int(*candidates)
	return nil
}

// search shows one search.
func (c *console) search(v *visit) error {
	p, err := c.readSearch(v)
	if err != nil {
		return err
	}
	return c.showSearch(v, http.StatusOK, p)
}

func (c *console) readSearch(v *visit) (p searchPage, err error) {
	p = searchPage{Cluster: v.r.PathValue("cluster"), Name: v.r.PathValue("service")}
	view, found := c.Searches.Find(ownerOf(v), v.r.PathValue("id"))
	if !found || view.Subject.ResourceID != resourceID(p.Cluster, p.Name) {
		return p, &missing{"There is no search " + v.r.PathValue("id") + " any more: the newest are kept until the server ends."}
	}
	p.View = view
	p.Form = typed{Values: map[string]string{}}
	if view.Report.Best.Candidate.Max > 0 {
		var commands, terraform bytes.Buffer
		if err := errors.Join(view.Subject.WriteCommands(&commands, view.Report.Best.Candidate), view.Subject.WriteTerraform(&terraform, view.Report.Best.Candidate)); err != nil {
			return p, err
		}
		p.Commands, p.Terraform = commands.String(), terraform.String()
	}
	return p, nil
}

func (c *console) showSearch(v *visit, status int, p searchPage) error {
	c.show(v, status, "search.html", page{Title: "Tuning " + p.Cluster + "/" + p.Name, Section: "services", Body: p})
	return nil
}

// takeSearch stops a search, or puts what it found in place.
func (c *console) takeSearch(v *visit) error {
	p, err := c.readSearch(v)
	if err != nil {
		return err
	}
	if v.r.PostFormValue("do") == "stop" {
		c.Searches.Stop(ownerOf(v), p.ID)
		http.Redirect(v.w, v.r, linksOf(v).To("services", p.Cluster, p.Name, "tune", p.ID), http.StatusSeeOther)
		return nil
	}
	if p.Runs() || p.Report.Best.Candidate.Max == 0 {
		return &missing{"The search has found nothing yet that could be put in place."}
	}
	found, err := c.resource(v, p.Cluster, p.Name)
	if err != nil {
		return err
	}
	today, err := documentsOf(v, found)
	if err != nil {
		return err
	}
	made, err := replacing(v, p.Subject.ResourceID, today, p.Subject.Documents(p.Report.Best.Candidate))
	if err != nil {
		err = &fieldError{"", sentence(err)}
	}
	var status int
	if p.reviewed, status, err = c.take(v, &p.Form, made, err); err != nil {
		return err
	}
	return c.showSearch(v, status, p)
}

// progress tells of a search while it goes on, as server-sent events.
func (c *console) progress(v *visit) error {
	p, err := c.readSearch(v)
	if err != nil {
		return err
	}
	if !c.followers.enter(v.Key) {
		http.Error(v.w, "There are as many followers of searches as there can be; close some pages.", http.StatusTooManyRequests)
		return nil
	}
	defer c.followers.leave(v.Key)
	v.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	v.w.Header().Set("X-Accel-Buffering", "no") // of a proxy
	out := http.NewResponseController(v.w)
	_ = c.Searches.Follow(v.r.Context(), ownerOf(v), p.ID, func(view tuning.View) error { // until the reader is gone
		p.View = view
		text, err := json.Marshal(map[string]any{"tried": view.Tried, "of": view.Of, "best": p.Best(), "state": view.State})
		if err != nil {
			return err
		}
		if err := out.SetWriteDeadline(time.Now().Add(slowest)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := fmt.Fprintf(v.w, "data: %s\n\n", text); err != nil {
			return err
		}
		return out.Flush()
	})
	return nil
}
