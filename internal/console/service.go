package console

import (
	"net/http"
	"time"

	"flyball/governor"
	"flyball/internal/report"
	"flyball/internal/status"
)

// A servicePage is all about one service.
type servicePage struct {
	Cluster, Name string
	status.Resource
	Needs     []Need
	Window    window
	Lengths   []string
	Why       *governor.Explanation // nil where nothing scales it
	Moment    *decision             // of the moment that is asked about
	Decisions []decision
	details
}

// Scaled reports whether a scalable target is registered.
func (p servicePage) Scaled() bool { return p.Target != nil }

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
	p.Decisions = decisionsOf(run)
	if !p.Window.At.IsZero() {
		p.Moment = nearest(p.Decisions, p.Window.At)
	}
	if p.Target != nil {
		e, err := v.Client.Explain(ctx, string(p.Target.ResourceID))
		if err != nil {
			return err
		}
		p.Why = &e
	}
	p.details, err = readDetails(ctx, v.Client, p.Cluster, p.Name)
	return err
}

// run reads what became of the service in the window.
func (p *servicePage) run(v *visit) (report.Run, error) {
	return readRun(v, p.Cluster, p.Name, p.Window)
}

// In is how long it takes until a moment, on the clock of an explanation.
func (p servicePage) In(at time.Time) time.Duration { return at.Sub(p.Why.At) }
