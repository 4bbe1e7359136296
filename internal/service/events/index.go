package events

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"flyball/internal/service/events/pattern"
)

// An index is the rules that are enabled as events find them: compiled. It follows the
// rows of rules, and is read without the lock of the state. Under its own lock nothing is
// asked of the state: events are matched inside changes, too.
type index struct {
	following sync.Mutex // held while the index is brought to a row

	mu       sync.RWMutex
	active   map[string]*active                // by ruleKey
	patterns map[string]*pattern.Index[string] // of ruleKeys, by bus
}

// An active is a rule that is enabled.
type active struct {
	rule
	arn     string
	targets []target
	next    time.Time // when its schedule is due
}

// A target is one of a rule, with what it is sent.
type target struct {
	types.Target
	input input
}

// An input makes what a target is sent of an event.
type input struct {
	constant    []byte
	path        *pattern.InputPath
	transformer *pattern.Transformer
}

// compileInput reads what a target is to be sent.
func compileInput(t types.Target) (in input, err error) {
	switch {
	case t.Input != nil:
		in.constant = []byte(*t.Input)
	case t.InputPath != nil:
		var p pattern.InputPath
		p, err = pattern.ParsePath(*t.InputPath)
		in.path = &p
	case t.InputTransformer != nil:
		in.transformer, err = pattern.ParseTransformer(t.InputTransformer.InputPathsMap, *t.InputTransformer.InputTemplate)
	}
	return in, err
}

// given tells whether the target has an input of its own.
func (in input) given() bool { return in.constant != nil || in.path != nil || in.transformer != nil }

// of is what is sent of an event. A path that leads nowhere makes null.
func (in input) of(e *event, r *active) ([]byte, error) {
	switch {
	case in.constant != nil:
		return in.constant, nil
	case in.path != nil:
		if found := in.path.Find(e.parsed); found != nil {
			return found, nil
		}
		return []byte("null"), nil
	case in.transformer != nil:
		return in.transformer.Apply(e.parsed, pattern.Context{RuleARN: r.arn, RuleName: r.Name, Ingested: e.ingested})
	}
	return e.document, nil
}

// follow has the index be as the row of a rule is now.
func (a *API) follow(ctx context.Context, key string) {
	a.index.following.Lock()
	defer a.index.following.Unlock()
	var r rule
	var exists bool
	a.cell.State.View(ctx, func() { r, exists = a.rules.Get(key) })
	a.index.mu.Lock()
	defer a.index.mu.Unlock()
	if !exists || !r.enabled() {
		a.forget(key)
		return
	}
	after := a.cell.Clock.Now()
	if old := a.index.active[key]; old != nil && old.Schedule == r.Schedule && old.Since.Equal(r.Since) && !old.next.IsZero() {
		after = old.next.Add(-1) // it may be due already, and not fired yet
	}
	a.enter(key, r, after)
}

// forget takes a rule out of the index, under its lock.
func (a *API) forget(key string) {
	old := a.index.active[key]
	if old == nil {
		return
	}
	delete(a.index.active, key)
	a.due.Drop(key)
	if p := a.index.patterns[old.Bus]; p != nil {
		p.Delete(key)
	}
}

// enter puts a rule into the index, under its lock. Its schedule is due at the first time
// after one.
func (a *API) enter(key string, r rule, after time.Time) {
	a.forget(key)
	x := &a.index
	if x.active == nil {
		x.active, x.patterns = map[string]*active{}, map[string]*pattern.Index[string]{}
	}
	act := &active{rule: r, arn: a.ruleARN(r.Bus, r.Name)}
	for _, t := range r.Targets {
		in, err := compileInput(t)
		if err != nil { // it was checked when it was put
			a.cell.Log.Error("the input of a target cannot be read", "rule", act.arn, "target", *t.Id, "error", err)
			continue
		}
		act.targets = append(act.targets, target{t, in})
	}
	x.active[key] = act
	if r.Pattern != "" {
		a.enterPattern(key, r)
	}
	if r.Schedule != "" {
		a.plan(key, act, after)
	}
}

func (a *API) enterPattern(key string, r rule) {
	p, err := pattern.Parse(r.Pattern)
	if err != nil { // it was checked when it was put
		a.cell.Log.Error("the pattern of a rule cannot be read", "rule", a.ruleARN(r.Bus, r.Name), "error", err)
		return
	}
	x := a.index.patterns[r.Bus]
	if x == nil {
		x = &pattern.Index[string]{}
		a.index.patterns[r.Bus] = x
	}
	x.Set(key, p)
}

// match are the rules of a bus that want an event.
func (a *API) match(busName string, e *pattern.Event) (rules []*active) {
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	x := a.index.patterns[busName]
	if x == nil {
		return nil
	}
	for _, key := range x.Match(e) {
		rules = append(rules, a.index.active[key])
	}
	return rules
}

// listens tells whether a bus has rules that wait for events.
func (a *API) listens(busName string) bool {
	a.index.mu.RLock()
	defer a.index.mu.RUnlock()
	x := a.index.patterns[busName]
	return x != nil && x.Len() > 0
}

// wants tells whether a rule of a bus wants an event.
func (a *API) wants(busName string, e *pattern.Event) bool { return len(a.match(busName, e)) > 0 }
