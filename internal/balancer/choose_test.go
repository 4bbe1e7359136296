package balancer

import (
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/balancer/http1"
)

// rosterOf makes a roster of n targets.
func rosterOf(n int, algorithm string) *roster {
	r := &roster{turn: new(atomic.Uint64), tokens: map[string]*target{}, groupSettings: groupSettings{algorithm: algorithm}}
	for i := range n {
		t := newTarget(newGroup(testGroup, nil, nil), at(strings.Repeat("1", i+1)))
		r.targets = append(r.targets, t)
		r.tokens[t.token] = t
	}
	return r
}

// shares chooses many times and returns the part of each target.
func shares(r *roster) []float64 {
	const times = 20_000
	n := make([]float64, len(r.targets))
	for range times {
		n[slices.Index(r.targets, r.choose())] += 1.0 / times
	}
	return n
}

func near(got, want []float64) bool {
	return slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 0.02 })
}

func TestAlgorithms(t *testing.T) {
	for _, algorithm := range []string{"", "round_robin", "weighted_random", "least_outstanding_requests"} {
		t.Run(algorithm, func(t *testing.T) {
			if got := shares(rosterOf(4, algorithm)); !near(got, []float64{.25, .25, .25, .25}) {
				t.Errorf("shares %v, want the same for each", got)
			}
			if rosterOf(0, algorithm).choose() != nil {
				t.Error("chose a target where there is none")
			}
		})
	}
}

func TestLeastOutstandingRequests(t *testing.T) {
	r := rosterOf(3, "least_outstanding_requests")
	for i, n := range []int64{3, 1, 2} {
		r.targets[i].inFlight.Store(n)
	}
	if got := shares(r); !near(got, []float64{0, 1, 0}) {
		t.Errorf("shares %v, want all for the second", got)
	}
}

func TestSlowStart(t *testing.T) {
	for passed, want := range map[time.Duration][]float64{
		// A share of s beside 1: s/(1+s).
		25 * time.Second:  {.8, .2},
		50 * time.Second:  {.667, .333},
		100 * time.Second: {.5, .5},
	} {
		t.Run(passed.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rosterOf(2, "round_robin")
				r.slowStart = 100 * time.Second
				r.targets[1].warmFrom.Store(time.Now().UnixNano())
				time.Sleep(passed)
				if got := shares(r); !near(got, want) {
					t.Errorf("shares %v, want %v", got, want)
				}
			})
		})
	}
}

func TestWhoStartsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		for _, a := range []string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"} {
			n.serve(t, a, named(a))
		}
		p, g := virtual(t, &n, at("10.0.0.1"))
		g.Attributes["slow_start.duration_seconds"] = "30"
		p.SetGroup(g)
		synctest.Wait()
		targets := p.group(testGroup).targets
		if targets[0].warmFrom.Load() != 0 {
			t.Error("the first target of a group starts slowly")
		}
		g.Targets = append(g.Targets, at("10.0.0.2"))
		p.SetGroup(g)
		synctest.Wait()
		if p.group(testGroup).targets[1].warmFrom.Load() == 0 {
			t.Error("one that comes later does not")
		}
	})
}

func TestFailOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		n.serve(t, "10.0.0.1:80", named("a"))
		p, g := virtual(t, &n, at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		r := p.group(testGroup).roster.Load()
		if r.failOpen || len(r.targets) != 1 {
			t.Errorf("one healthy target of three: fail open %v, %d targets", r.failOpen, len(r.targets))
		}
		g.Attributes["target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage"] = "50"
		p.SetGroup(g)
		if r = p.group(testGroup).roster.Load(); !r.failOpen || len(r.targets) != 3 {
			t.Errorf("fewer than half healthy: fail open %v, %d targets", r.failOpen, len(r.targets))
		}
		g.Attributes = nil
		g.Targets = g.Targets[1:]
		p.SetGroup(g)
		if r = p.group(testGroup).roster.Load(); !r.failOpen || len(r.targets) != 2 {
			t.Errorf("none healthy: fail open %v, %d targets", r.failOpen, len(r.targets))
		}
	})
}

func TestWeights(t *testing.T) {
	p := &plan{groupOf: func(arn string) *group { return newGroup(arn, nil, nil) }}
	tuple := func(arn string, weight int32) types.TargetGroupTuple {
		return types.TargetGroupTuple{TargetGroupArn: &arn, Weight: &weight}
	}
	f := p.newForward(types.Action{ForwardConfig: &types.ForwardActionConfig{
		TargetGroups:                []types.TargetGroupTuple{tuple("a", 3), tuple("b", 1), tuple("c", 0)},
		TargetGroupStickinessConfig: &types.TargetGroupStickinessConfig{Enabled: aws.Bool(true), DurationSeconds: aws.Int32(60)},
	}}).(*forward)
	counts := map[string]float64{}
	for range 20_000 {
		counts[f.choose(&request{}).arn] += 1.0 / 20_000
	}
	if got := []float64{counts["a"], counts["b"], counts["c"]}; !near(got, []float64{.75, .25, 0}) {
		t.Errorf("shares %v, want 3 to 1 to 0", got)
	}
	bound := func(name, token string, age time.Duration) *weighted {
		value := sealCookie(token, time.Now().Add(-age))
		return f.bound(&request{fields: []http1.Field{http1.NewField("Cookie", "x=y; "+name+"="+value)}})
	}
	for name, c := range map[string]struct {
		got  *weighted
		want bool
	}{
		"a cookie binds":             {bound(groupCookie, newToken("b"), 0), true},
		"its twin binds":             {bound(groupCookie+corsSuffix, newToken("b"), 0), true},
		"not when it is old":         {bound(groupCookie, newToken("b"), 61*time.Second), false},
		"not to a group of weight 0": {bound(groupCookie, newToken("c"), 0), false},
		"not to an unknown group":    {bound(groupCookie, newToken("d"), 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			if (c.got != nil) != c.want {
				t.Errorf("bound %v, want %v", c.got != nil, c.want)
			}
		})
	}
}
