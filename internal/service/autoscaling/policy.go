package autoscaling

import (
	"time"

	"flyball/governor"
	"flyball/internal/service/autoscaling/rules"
	"flyball/scaling"
)

// A policy is a scaling policy. It is a value: a change is another policy in its
// place. What is encoded is what the store keeps.
type policy struct {
	ResourceID scaling.ResourceID
	Name       string
	ARN        string
	Created    time.Time
	rules.Policy
	Alarms   []string         `json:",omitempty"` // target tracking: the high one, then the low one if there is one
	Called   []string         `json:",omitempty"` // step: alarms of users that have called
	Cooldown scaling.Cooldown `json:",omitzero"`
	Acted    time.Time        `json:",omitzero"` // predictive: the last hour whose capacity was set

	rule       scaling.Policy // made from the configuration; predictive: nil
	prediction *prediction    // predictive: the newest; nil: none yet
	lacks      string         // predictive: why there is none
}

func (p *policy) named() string { return p.Name }
func (p *policy) id() policyID  { return policyID{p.ResourceID, p.Name} }

// compile makes the rule of the policy's configuration, or says what is wrong
// with it.
func (p *policy) compile() (err error) {
	p.rule, err = p.Compile(p.ResourceID.Kind())
	return err
}

// governed is the policy as package governor sees it.
func (p *policy) governed() governor.Policy {
	g := governor.Policy{Name: p.Name, Rule: p.rule, Alarms: p.Alarms, Cooldown: p.Cooldown}
	if p.Step != nil {
		g.Alarms = p.Called
	}
	if p.Predictive != nil {
		forecasts := p.Forecasts()
		forecasts.Acted, forecasts.Lacks = p.Acted, p.lacks
		if p.prediction != nil {
			forecasts.Plan = p.prediction.plan()
		}
		g.Predictive = &forecasts
	}
	return g
}

// become is the policy after a step: itself where nothing has changed.
func (p *policy) become(g governor.Policy) *policy {
	acted, called := p.Acted, p.Called
	if p.Step != nil {
		called = g.Alarms
	}
	if g.Predictive != nil {
		acted = g.Predictive.Acted
	}
	if g.Cooldown == p.Cooldown && len(called) == len(p.Called) && acted.Equal(p.Acted) {
		return p
	}
	changed := *p
	changed.Cooldown, changed.Called, changed.Acted = g.Cooldown, called, acted
	return &changed
}
