package console

import (
	"net/http"

	"flyball/governor"
	"flyball/internal/hindsight"
	"flyball/internal/report"
	"flyball/internal/status"
	"flyball/scaling"
)

// A servicePage is all about one service.
type servicePage struct {
	Cluster, Name string
	status.Resource
	Needs     []Need
	Window    window
	Lengths   []string
	Why       *governor.Explanation  // nil where nothing scales it
	Moment    *decision              // of the moment that is asked about
	Stood     *hindsight.Explanation // how it stood then; nil if that is not known
	Unknown   string                 // why it is not
	Decisions []decision
	details
}

// Urgent reports whether somebody should look at it now.
func (p servicePage) Urgent() bool { return len(p.Needs) > 0 && p.Needs[0].Urgent }

// Tracked are the names of the target tracking policies.
func (p servicePage) Tracked() (names []string) {
	for _, policy := range p.Target.Policies {
		if policy.Goal != nil {
			names = append(names, policy.Name)
		}
	}
	return names
}

// service shows one service.
func (c *console) service(v *visit) error {
	p := servicePage{Cluster: v.r.PathValue("cluster"), Name: v.r.PathValue("service")}
	var err error
	if p.Resource, err = c.resource(v, p.Cluster, p.Name); err != nil {
		return err
	}
	p.Needs = needsOf(p.Resource)
	if p.Window, err = windowOf(v.r.FormValue("range"), v.r.FormValue("at"), v.clock.Now); err != nil {
		return err
	}
	p.Lengths = lengthNames()
	if err := p.read(v); err != nil {
		return err
	}
	c.show(v, http.StatusOK, "service.html", page{Title: p.Cluster + "/" + p.Name, Section: "services", Live: true, Body: p})
	return nil
}

// resource finds a service in the state.
func (c *console) resource(v *visit, cluster, service string) (status.Resource, error) {
	state, err := c.snapshots.of(v.r.Context(), v.Visitor)
	if err != nil {
		return status.Resource{}, err
	}
	for _, r := range state.Resources {
		if r.Name == cluster+"/"+service {
			return r, nil
		}
	}
	return status.Resource{}, &missing{"There is no service " + cluster + "/" + service + " in region " + v.Region + "."}
}

// read reads what the page shows beside the state.
func (p *servicePage) read(v *visit) error {
	if p.State == status.Missing {
		return nil
	}
	ctx := v.r.Context()
	run, err := p.run(v)
	if err != nil {
		return err
	}
	p.Decisions = decisionsOf(run, keptActivities(v, run))
	if !p.Window.At.IsZero() {
		p.Moment = nearest(p.Decisions, p.Window.At)
	}
	if p.Target != nil {
		if err := p.explain(v); err != nil {
			return err
		}
	}
	p.details, err = readDetails(ctx, v.Client, p.Cluster, p.Name)
	readUses(v, p.Cluster, p.Name, p.Tasks)
	return err
}

// keptActivities are the activities of a run as the server keeps them, by their identifiers. Whoever
// may not read them sees what the API tells.
func keptActivities(v *visit, run report.Run) map[string]scaling.Activity {
	kept := map[string]scaling.Activity{}
	if len(run.Activities) == 0 {
		return kept
	}
	all, err := v.Client.Activities(v.r.Context(), string(run.Service), run.From, run.To)
	if err != nil {
		return kept
	}
	for _, a := range all {
		kept[a.ID] = a
	}
	return kept
}

// explain reads how the target stands, and how it stood at the moment that is asked about.
func (p *servicePage) explain(v *visit) error {
	e, err := v.Client.Explain(v.r.Context(), string(p.Target.ResourceID))
	if err != nil {
		return err
	}
	p.Why = &e
	if p.Window.At.IsZero() {
		return nil
	}
	stood, err := hindsight.Read(v.r.Context(), v.Client, hindsight.Question{Resource: p.Target.ResourceID, At: p.Window.At})
	if err != nil {
		p.Unknown = sentence(err) // the page tells the rest
		return nil
	}
	p.Stood = &stood
	return nil
}

// run reads what became of the service in the window.
func (p *servicePage) run(v *visit) (report.Run, error) {
	return readRun(v, p.Cluster, p.Name, p.Window)
}
