package lambda

import (
	"context"
	"sync"

	"flyball/internal/function"
	"flyball/internal/state"
)

// A Provisioner keeps environments of functions started; a function.Host is one.
type Provisioner interface {
	Provision(fn function.Function, n int)
	Provisioning(arn string) function.Provisioning
}

// provisions know what the provisioner was told, and how many invocations are under way
// of what has provisioned concurrency.
type provisions struct {
	telling sync.Mutex
	told    map[string]map[string]int // environments, by function and version

	mu   sync.Mutex
	busy map[string]int32 // invocations, by key of the qualifier
}

// reprovision has the environments of a function be as many as its rows say, once they
// are what the change makes them.
func (a *API) reprovision(tx *state.Tx, function string) {
	tx.After(func() { a.provision(function) })
}

// provision tells how many environments are to be kept of a function's versions. What
// was told last is what is stored now, as only one does it at a time.
func (a *API) provision(function string) {
	if a.cfg.Provisioner == nil {
		return
	}
	a.kept.telling.Lock()
	defer a.kept.telling.Unlock()
	want, versions := a.environments(function)
	for number := range a.kept.told[function] {
		if _, stays := want[number]; !stays {
			if v, exists := versions[number]; exists { // else its environments are ended with it
				a.tellProvisioned(v, 0)
			}
		}
	}
	for number, n := range want {
		if a.kept.told[function][number] != n {
			a.tellProvisioned(versions[number], n)
		}
	}
	if a.kept.told == nil {
		a.kept.told = map[string]map[string]int{}
	}
	a.kept.told[function] = want
}

// environments are how many are to be kept of which versions of a function, and these.
func (a *API) environments(function string) (want map[string]int, versions map[string]version) {
	want, versions = map[string]int{}, map[string]version{}
	a.cell.State.View(context.Background(), func() {
		for _, v := range a.versions.Rows(key(function, "")) {
			versions[v.Number] = v
		}
		for _, p := range a.provisions.Rows(key(function, "")) {
			for number, n := range a.shares(p) {
				if _, exists := versions[number]; exists {
					want[number] += n
				}
			}
		}
	})
	return want, versions
}

func (a *API) tellProvisioned(v version, n int) {
	fn, err := a.runnable(v)
	if err != nil {
		a.cell.Log.Warn("environments cannot be provisioned", "function", v.Function, "version", v.Number, "error", err)
		return
	}
	a.cfg.Provisioner.Provision(fn, n)
}

// provisioning is how far the environments of a version are.
func (a *API) provisioning(function, number string) (p function.Provisioning) {
	if a.cfg.Provisioner != nil {
		p = a.cfg.Provisioner.Provisioning(a.qualified(function, number))
	}
	return p
}

// provisionEverything starts what is to be kept started.
func (a *API) provisionEverything() {
	functions := map[string]bool{}
	a.cell.State.View(context.Background(), func() {
		for _, p := range a.provisions.Rows("") {
			functions[p.Function] = true
		}
	})
	for function := range functions {
		a.provision(function)
	}
}

// A spell is an invocation of what has provisioned concurrency, for its metrics. The zero
// spell is one of anything else.
type spell struct {
	api      *API
	function string
	of       string // the qualifier that has it
	wanted   int32  // how much it has
	busy     int32  // invocations of it that are under way, with this one
}

// beginSpell begins one for an invocation, if what is invoked has provisioned
// concurrency: the qualifier that the caller gave, or the version that it stands for. It
// may still be refused.
func (a *API) beginSpell(ctx context.Context, t target, ran version) (s spell) {
	a.cell.State.View(ctx, func() {
		for _, qualifier := range []string{t.qualifier, ran.Number} {
			if p, has := a.provisions.Get(key(t.function.Name, qualifier)); has {
				s = spell{api: a, function: p.Function, of: p.Qualifier, wanted: p.Wanted}
				return
			}
		}
	})
	if s.api == nil {
		return s
	}
	a.kept.mu.Lock()
	defer a.kept.mu.Unlock()
	if a.kept.busy == nil {
		a.kept.busy = map[string]int32{}
	}
	a.kept.busy[key(s.function, s.of)]++
	s.busy = a.kept.busy[key(s.function, s.of)]
	return s
}

// isCovered tells whether there is provisioned concurrency for the invocation. Otherwise it
// spills over into what functions have on demand.
func (s spell) isCovered() bool { return s.api != nil && s.busy <= s.wanted }

// entered measures an invocation that was not refused.
func (s spell) entered() {
	if s.api == nil {
		return
	}
	busy := min(s.busy, s.wanted)
	s.measure("ProvisionedConcurrentExecutions", float64(busy))
	s.measure("ProvisionedConcurrencyUtilization", float64(busy)/float64(s.wanted))
}

// end ends the invocation.
func (s spell) end() {
	if s.api == nil {
		return
	}
	s.api.kept.mu.Lock()
	defer s.api.kept.mu.Unlock()
	k := key(s.function, s.of)
	if s.api.kept.busy[k]--; s.api.kept.busy[k] == 0 {
		delete(s.api.kept.busy, k)
	}
}

// answered counts an answer: of an environment that was provisioned, or of one that was
// started because too few were.
func (s spell) answered(byProvisioned bool) {
	switch {
	case s.api == nil:
	case byProvisioned:
		s.measure("ProvisionedConcurrencyInvocations", 1)
	default:
		s.measure("ProvisionedConcurrencySpilloverInvocations", 1)
	}
}

// measure adds a value to a metric of the function and of what has the concurrency.
func (s spell) measure(name string, value float64) {
	of := measure{name: name, unit: "Count", function: s.function}
	s.api.meter.Add(of, value)
	of.resource = s.function + ":" + s.of
	s.api.meter.Add(of, value)
}
