package tuning

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"flyball/internal/policydoc"
	"flyball/internal/simulation"
	"flyball/internal/tune"
	"flyball/sim"
)

// problem is a small one: half a day of load, and few candidates.
func problem(t *testing.T, candidates int) tune.Problem {
	t.Helper()
	goal, err := tune.ParseGoal("p95 utilization < 80%")
	if err != nil {
		t.Fatal(err)
	}
	p := tune.Problem{
		Subject: tune.NewSubject("service/shop/web", policydoc.Documents{}), Goal: goal, Start: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		Service: sim.Service{CPU: 10 * time.Millisecond, VCPU: 0.25, Concurrency: 1000, Start: 30 * time.Second},
		Train:   480, WarmUp: 30, Min: 1, Max: 20, Candidates: candidates, Seed: 1,
	}
	for i := range 720 {
		p.Requests = append(p.Requests, 6000+4000*math.Sin(float64(i)/60))
	}
	p.Build = func(d policydoc.Documents) (sim.Scenario, error) {
		s, _, err := simulation.New(d, simulation.Setup{Start: p.Start, Service: p.Service})
		return s, err
	}
	return p
}

// waiting is a problem whose search waits after some scenarios until it is told to go on, so that no busy
// machine comes to its end before.
func waiting(t *testing.T, after int) (p tune.Problem, goOn func()) {
	t.Helper()
	p = problem(t, MostCandidates)
	told := make(chan struct{})
	build, built := p.Build, 0
	p.Build = func(d policydoc.Documents) (sim.Scenario, error) {
		if built++; built > after {
			<-told
		}
		return build(d)
	}
	return p, sync.OnceFunc(func() { close(told) })
}

func TestASearchIsFollowedToItsEnd(t *testing.T) {
	s := New()
	defer s.Close()
	me := Owner{Key: "me"}
	v, err := s.Start(me, problem(t, 64), tune.Report{})
	if err != nil {
		t.Fatal(err)
	}
	tried := -1
	var last View
	if err := s.Follow(t.Context(), me, v.ID, func(v View) error {
		if v.Tried < tried {
			t.Errorf("%d candidates were tried after %d", v.Tried, tried)
		}
		tried, last = v.Tried, v
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if last.State != Ended || last.Tried != 64 || last.Report.Best.Candidate.Max == 0 || len(last.Report.Compared) == 0 {
		t.Errorf("at its end it is %s after %d: %s %+v", last.State, last.Tried, last.Problem, last.Report.Best)
	}
	if _, found := s.Find(Owner{Key: "other"}, v.ID); found || s.Stop(Owner{Key: "other"}, v.ID) {
		t.Error("another one's search is shown")
	}
	if got := s.List(me, "service/shop/web"); len(got) != 1 {
		t.Errorf("%d searches are listed", len(got))
	}
}

func TestASearchThatIsStoppedKeepsTheBest(t *testing.T) {
	s := New()
	defer s.Close()
	me := Owner{}
	p, goOn := waiting(t, MostCandidates/2)
	v, err := s.Start(me, p, tune.Report{})
	if err != nil {
		t.Fatal(err)
	}
	var last View
	if err := s.Follow(t.Context(), me, v.ID, func(v View) error {
		if last = v; v.Best != nil && v.Runs() {
			s.Stop(me, v.ID)
			goOn()
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if last.State != Stopped || last.Tried >= MostCandidates || last.Report.Best.Candidate.Max == 0 || !last.Report.Ended {
		t.Errorf("it is %s after %d of %d: %+v", last.State, last.Tried, last.Of, last.Report.Best)
	}
}

func TestThereIsRoomForSomeSearches(t *testing.T) {
	s := New()
	var all []func()
	for range MostAtOnce {
		p, goOn := waiting(t, 1)
		all = append(all, goOn)
		if _, err := s.Start(Owner{}, p, tune.Report{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Start(Owner{}, problem(t, 1), tune.Report{}); !errors.As(err, new(BusyError)) {
		t.Errorf("one more: %v", err)
	}
	for _, goOn := range all {
		goOn()
	}
	s.Close()
	if _, err := s.Start(Owner{}, problem(t, 1), tune.Report{}); !errors.Is(err, ErrClosed) {
		t.Errorf("one when the server has ended: %v", err)
	}
	for _, v := range s.List(Owner{}, "service/shop/web") {
		if v.Runs() {
			t.Error("a search outlasts the server")
		}
	}
	if err := s.Follow(context.Background(), Owner{}, "none", func(View) error { return errors.New("told") }); err != nil {
		t.Error(err)
	}
}

// Calls that start searches may be under way when the server ends.
func TestNoSearchOutlastsTheServer(t *testing.T) {
	s := New()
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() { _, _ = s.Start(Owner{}, problem(t, MostCandidates), tune.Report{}) })
	}
	s.Close()
	for _, v := range s.List(Owner{}, "service/shop/web") {
		if v.Runs() {
			t.Error("a search outlasts the server")
		}
	}
	calls.Wait()
}
