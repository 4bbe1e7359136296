package balancer

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/metric"
)

// read returns the samples as name{dimensions}, with their sets.
func readSamples(samples []metric.Sample) map[string]metric.Set {
	read := map[string]metric.Set{}
	for _, s := range samples {
		var in []string
		for _, d := range s.Metric.Dimensions {
			in = append(in, d.Value)
		}
		read[s.Metric.Name+"{"+strings.Join(in, " ")+"}"] = s.Set
	}
	return read
}

func TestWhatIsReported(t *testing.T) {
	const lb, tg = "app/front/0123456789abcdef", "targetgroup/web/0123456789abcdef"
	b := newBench(t, named("a"), named("b"))
	status := "404"
	b.lb.Listeners[0].Rules = slices.Insert(b.lb.Listeners[0].Rules, 0, types.Rule{
		Conditions: []types.RuleCondition{{Field: aws.String("path-pattern"), Values: []string{"/no"}}},
		Actions:    []types.Action{{Type: types.ActionTypeEnumFixedResponse, FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: &status}}},
	})
	b.apply()
	idle := readSamples(b.Take(time.Now()))
	for name := range idle {
		if !strings.Contains(name, "Host") && !strings.Contains(name, "State") {
			t.Errorf("%s without traffic", name)
		}
	}
	for range 6 {
		b.get("/")
	}
	b.get("/no")
	got := readSamples(b.Take(time.Now()))
	for name, want := range map[string]float64{
		"RequestCount{" + lb + "}":                           6,
		"RequestCount{us-east-1a " + lb + "}":                6,
		"RequestCount{" + lb + " " + tg + "}":                6,
		"RequestCount{us-east-1a " + lb + " " + tg + "}":     6,
		"RequestCountPerTarget{" + tg + "}":                  3,
		"RequestCountPerTarget{" + lb + " " + tg + "}":       3,
		"HTTPCode_Target_2XX_Count{" + lb + " " + tg + "}":   6,
		"HTTPCode_ELB_4XX_Count{" + lb + "}":                 1,
		"HTTP_Fixed_Response_Count{" + lb + "}":              1,
		"RuleEvaluations{" + lb + "}":                        7,
		"HealthyHostCount{" + lb + " " + tg + "}":            2,
		"HealthyHostCount{us-east-1a " + lb + " " + tg + "}": 2,
		"UnHealthyHostCount{" + lb + " " + tg + "}":          0,
		"HealthyStateRouting{" + lb + " " + tg + "}":         1,
	} {
		set, ok := got[name]
		if !ok || set.Sum != want {
			t.Errorf("%s is %v (%v), want %v", name, set.Sum, ok, want)
		}
	}
	if set := got["TargetResponseTime{"+lb+"}"]; set.Count != 6 || set.Sum <= 0 || set.Sum > 6 {
		t.Errorf("TargetResponseTime %+v, want that of 6 requests", set)
	}
	if set := got["ProcessedBytes{"+lb+"}"]; set.Sum < 1000 {
		t.Errorf("ProcessedBytes %v", set.Sum)
	}
}

func TestZerosAreToldWithTraffic(t *testing.T) {
	b := newBench(t, named("a"))
	b.group.Targets = nil
	b.apply()
	b.get("/")
	got := readSamples(b.Take(time.Now()))
	if set, ok := got["RequestCount{app/front/0123456789abcdef}"]; !ok || set.Sum != 0 {
		t.Errorf("RequestCount %+v, %v; want a zero: no target was chosen", set, ok)
	}
	if set := got["HTTPCode_ELB_503_Count{app/front/0123456789abcdef}"]; set.Sum != 1 {
		t.Errorf("503s %v, want 1", set.Sum)
	}
}

func TestHostsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n network
		n.serve(t, "10.0.0.1:80", named("a"))
		p, g := virtual(t, &n, at("10.0.0.1"), at("10.0.0.2"))
		time.Sleep(time.Second)
		synctest.Wait()
		gr := p.group(testGroup)
		of := func() census {
			gr.mu.Lock()
			defer gr.mu.Unlock()
			return gr.censuses()[""]
		}
		if got := of(); got != (census{registered: 2, healthy: 1}) {
			t.Errorf("while one is initial: %+v", got)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := of(); got != (census{2, 1, 1}) {
			t.Errorf("when one is unhealthy: %+v", got)
		}
		g.Targets = nil
		p.SetGroup(g)
		if got := of(); got != (census{}) {
			t.Errorf("without targets: %+v", got)
		}
	})
}

func TestLatenciesKeepTheirPercentiles(t *testing.T) {
	var l latency
	for i := range 1000 {
		l.add(time.Duration(i+1) * 100 * time.Microsecond)
	}
	set := l.take()
	for stat, want := range map[string]float64{"p50": .05, "p99": .099, "Average": .05005} {
		s, err := metric.ParseStatistic(stat)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := set.Value(s); !ok || math.Abs(got/want-1) > .03 {
			t.Errorf("%s is %v, want %v", stat, got, want)
		}
	}
	if l.take().Count != 0 {
		t.Error("it does not begin anew")
	}
	for _, d := range []time.Duration{0, 1, time.Microsecond, time.Millisecond, time.Second, time.Hour, 1000 * time.Hour} {
		if b := binOf(d); b < 0 || b >= bins {
			t.Error(fmt.Sprint(d), "has bin", b)
		}
	}
}
