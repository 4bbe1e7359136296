package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flyball/governor"
	"flyball/internal/clock"
	"flyball/internal/control"
	"flyball/internal/policydoc"
	"flyball/internal/source"
	"flyball/scaling"
)

// A shop has a service whose load comes back each day: 200 by night, and 800 from 8 to 20 o'clock. Its
// metrics tell of each hour as CloudWatch does.
type shop struct {
	t       *testing.T
	now     time.Time
	since   time.Time // its metrics
	desired scaling.Capacity
	sets    []string // times with capacities
	sick    error
	poor    int // how many queries its budget is enough for at a time; 0: all
	asked   []source.Query
	cfg     control.Config
	host    *control.Host
	records []control.Record
}

func newShop(t *testing.T) *shop {
	s := &shop{t: t, now: start, since: start.Add(-14 * 24 * time.Hour), desired: 4}
	s.cfg = control.Config{Capacity: s, State: control.Forgetful{}, Tell: func(r control.Record) { s.records = append(s.records, r) }, Log: slog.New(slog.DiscardHandler)}
	return s
}

func load(at time.Time) float64 {
	if at.Hour() >= 8 && at.Hour() < 20 {
		return 800
	}
	return 200
}

func (s *shop) begin(policies string) *shop {
	s.t.Helper()
	s.host = control.New(s.cfg)
	s.put(policies)
	return s
}

func (s *shop) put(policies string) {
	s.t.Helper()
	d, err := policydoc.Read(strings.NewReader(policies))
	if err != nil {
		s.t.Fatal(err)
	}
	targets, problems := control.Compile(d, s)
	if len(problems) > 0 {
		s.t.Fatal(problems)
	}
	for _, t := range targets {
		s.host.Put(t)
	}
}

func (s *shop) Of(source.Query) (source.Source, error) { return s, nil }

func (s *shop) Read(_ context.Context, queries []source.Query) []source.Answer {
	s.asked = append(s.asked, queries...)
	answers := make([]source.Answer, len(queries))
	for i, q := range queries {
		if s.sick != nil {
			answers[i].Err = s.sick
			continue
		}
		if s.poor > 0 && i >= s.poor {
			answers[i].Err = source.ErrBudget
			continue
		}
		for p := range q.Periods {
			at := q.Start().Add(time.Duration(p) * q.Period)
			v := math.NaN()
			if !at.Before(s.since) {
				switch q.Statistic {
				case "Sum":
					v = load(at) * 60 * q.Period.Hours() // of all tasks and minutes
				case "SampleCount":
					v = 4 * 60
				default:
					v = load(at) / 4
				}
			}
			answers[i].Values = append(answers[i].Values, v)
		}
	}
	return answers
}

func (s *shop) Look(_ context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	return []governor.Capacity{{Desired: s.desired, Running: s.desired}}[:len(ids)], nil
}

func (s *shop) Set(_ context.Context, _ scaling.ResourceID, to scaling.Capacity) error {
	s.desired = to
	s.sets = append(s.sets, fmt.Sprintf("%s %d", s.now.Format("15:04"), to))
	return nil
}

// run lets time pass, by the minute.
func (s *shop) run(d time.Duration) {
	s.t.Helper()
	for until := s.now.Add(d); s.now.Before(until); s.now = s.now.Add(time.Minute) {
		s.host.Round(s.t.Context(), s.now)
		s.host.Forecast(s.t.Context(), s.now)
	}
}

// count is how many records of an event there are.
func (s *shop) count(e control.Event) (n int) {
	for _, r := range s.records {
		if r.Event == e {
			n++
		}
	}
	return n
}

const ahead = `
service: shop/web
min: 2
max: 40
policies:
  ahead: {metric: cpu, forecast: 50}
`

func TestAForecastScalesOutAheadOfItsHour(t *testing.T) {
	s := newShop(t).begin(ahead) // at 17 o'clock, of 800 % of 4 tasks: 16 are needed for 50 % each
	s.run(24 * time.Hour)
	if fmt.Sprint(s.sets) != "[17:01 16]" {
		t.Errorf("set %v: it is raised to what the running hour needs, and nothing forecasts that less is enough", s.sets)
	}
	s.desired = 4 // by hand, before the morning
	s.now = time.Date(2026, 3, 3, 21, 0, 0, 0, time.UTC)
	s.sets = nil
	s.run(12 * time.Hour)
	if len(s.sets) == 0 || s.sets[len(s.sets)-1] != "07:55 16" {
		t.Errorf("set %v: 16 are there five minutes before 8 o'clock", s.sets)
	}
	e, _ := s.host.Explain("service/shop/web", s.now)
	if !strings.Contains(e.String(), "floor      policy ahead forecasts that 16 are needed until 10:00:00") {
		t.Errorf("explained:\n%s", e)
	}
	if n := s.count(control.Forecasts); n != 6 {
		t.Errorf("%d forecasts in 36 hours, of which each is good for six", n)
	}
	last := s.records[0]
	for _, r := range s.records {
		if r.Event == control.Forecasts {
			last = r
		}
	}
	if o := last.Forecast.Before; o == nil || o.Hours != 6 || o.Off > 0.05*o.Load {
		t.Errorf("the forecast before the last turned out %+v", o)
	}
}

// The queries of the three metrics have names in common, as in the examples of AWS and of Terraform for EC2.
func TestMetricsOfAForecastMayHaveQueriesOfTheSameName(t *testing.T) {
	s := newShop(t).begin(`
ScalableTargets: [{ResourceId: service/shop/web, MinCapacity: 2, MaxCapacity: 40}]
ScalingPolicies:
- PolicyName: ahead
  PolicyType: PredictiveScaling
  ResourceId: service/shop/web
  PredictiveScalingPolicyConfiguration:
    Mode: ForecastAndScale
    MetricSpecifications:
    - TargetValue: 50
      CustomizedLoadMetricSpecification: {MetricDataQueries: [{Id: load_sum, MetricStat: {Metric: {Namespace: Shop, MetricName: Load}, Stat: Sum}}]}
      CustomizedScalingMetricSpecification:
        MetricDataQueries:
        - {Id: load_sum, ReturnData: false, MetricStat: {Metric: {Namespace: Shop, MetricName: Load}, Stat: Sum}}
        - {Id: capacity_sum, ReturnData: false, MetricStat: {Metric: {Namespace: Shop, MetricName: Tasks}, Stat: SampleCount}}
        - {Id: weighted_average, Expression: load_sum / (60 * capacity_sum / 60)}
      CustomizedCapacityMetricSpecification:
        MetricDataQueries:
        - {Id: capacity_sum, ReturnData: false, MetricStat: {Metric: {Namespace: Shop, MetricName: Tasks}, Stat: SampleCount}}
        - {Id: load_sum, Expression: capacity_sum / 60}
`)
	s.run(24 * time.Hour)
	if fmt.Sprint(s.sets) != "[17:01 16]" {
		t.Errorf("set %v: the names of one metric are not another's, and 800 %% need 16 tasks at 50 %%", s.sets)
	}
}

func TestAPolicyThatOnlyForecastsSetsNothing(t *testing.T) {
	s := newShop(t).begin(strings.ReplaceAll(ahead, "50}", "50, forecastOnly: true}"))
	s.run(26 * time.Hour)
	if len(s.sets) > 0 {
		t.Errorf("set %v", s.sets)
	}
	e, _ := s.host.Explain("service/shop/web", s.now)
	if !strings.Contains(e.String(), "forecast   policy ahead forecasts 4 for 2026-03-03 20:00:00 and does not scale") {
		t.Errorf("explained:\n%s", e)
	}
}

func TestADryRunForecastsAndReportsIt(t *testing.T) {
	s := newShop(t)
	s.cfg.DryRun = true
	s.begin(ahead).run(26 * time.Hour)
	if len(s.sets) > 0 {
		t.Errorf("set %v", s.sets)
	}
	report, err := control.Compare(strings.NewReader(lines(t, s.records)), start.Add(time.Hour), start.Add(25*time.Hour))
	if err != nil || len(report.Targets) != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	r := report.Targets[0]
	if r.There.Most != 4 || r.Would.Most != 16 {
		t.Errorf("there were %d, and would have been %d", r.There.Most, r.Would.Most)
	}
	// From 18 to 18 o'clock are 12 hours that need 16 tasks and 12 that need 4.
	if len(r.Ahead) != 1 || r.Ahead[0].Hours != 24 || r.Ahead[0].Needed != 240 || r.Ahead[0].Outcome == nil {
		t.Errorf("ahead: %+v", r.Ahead)
	}
	if !strings.Contains(report.String(), "forecast       240.0 task-hours, 4 to 16, by policy ahead; it was 0.0 % off the load of 24 hours") {
		t.Errorf("told:\n%s", report)
	}
}

func TestForecastsSurviveARestart(t *testing.T) {
	s := newShop(t)
	s.cfg.State = &disk{kept: map[scaling.ResourceID]*control.Memory{}}
	s.begin(ahead).run(3 * time.Minute)
	asked := len(s.asked)
	s.begin(ahead).run(time.Hour)
	for _, q := range s.asked[asked:] {
		t.Errorf("%s is read again an hour after the forecast was made", q)
	}
	e, _ := s.host.Explain("service/shop/web", s.now)
	if e.Floor.Capacity != 16 {
		t.Errorf("the floor is %+v after a restart", e.Floor)
	}
	s.put(strings.ReplaceAll(ahead, "50", "25"))
	s.run(3 * time.Minute)
	if e, _ := s.host.Explain("service/shop/web", s.now); e.Floor.Capacity != 32 {
		t.Errorf("the floor is %+v with half of the target value", e.Floor)
	}
}

func TestTooLittleHistoryIsToldOnceAndWaitedFor(t *testing.T) {
	s := newShop(t)
	s.since = start.Add(-20 * time.Hour)
	s.begin(ahead).run(2 * time.Hour)
	if s.count(control.NoForecast) != 1 || s.count(control.Forecasts) != 0 {
		t.Errorf("that there is no forecast is told %d times", s.count(control.NoForecast))
	}
	if e, _ := s.host.Explain("service/shop/web", s.now); !strings.Contains(e.String(), "policy ahead has no forecast: the load metric has 21 hours of data, and a minimum of 24 hours is required: there is enough at 2026-03-02 21:00 UTC, if each hour until then has data") {
		t.Errorf("explained:\n%s", e)
	}
	s.run(4 * time.Hour)
	if s.count(control.Forecasts) != 1 {
		t.Errorf("%d forecasts once there are 24 hours", s.count(control.Forecasts))
	}
}

func TestAPastThatCannotBeReadKeepsTheForecastThatThereIs(t *testing.T) {
	s := newShop(t).begin(ahead)
	s.run(time.Hour)
	s.sick = errors.New("no route to CloudWatch")
	s.run(7 * time.Hour)
	if e, _ := s.host.Explain("service/shop/web", s.now); len(e.Forecast) != 1 || e.Forecast[0].Capacity != 4 {
		t.Errorf("forecast: %+v", e.Forecast)
	}
	if s.count(control.NoForecast) != 1 {
		t.Errorf("told %d times", s.count(control.NoForecast))
	}
	s.sick = nil
	s.run(30 * time.Minute)
	if s.count(control.Forecasts) != 2 {
		t.Errorf("%d forecasts: another one is made once the past can be read", s.count(control.Forecasts))
	}
}

func TestABudgetHasThePastReadInParts(t *testing.T) {
	s := newShop(t)
	s.poor = 1 // metric a minute, where there are three
	s.begin(ahead).run(6 * time.Minute)
	if s.count(control.Forecasts) != 1 || s.count(control.NoForecast) != 0 {
		t.Errorf("%d forecasts; that none is made is told %d times", s.count(control.Forecasts), s.count(control.NoForecast))
	}
	if len(s.asked) != 3+2+1 {
		t.Errorf("%d queries: what was read is not read again", len(s.asked))
	}
}

func TestStepsOfMinutesByTags(t *testing.T) {
	s := newShop(t).begin(ahead + `tags: {"flyball:forecast-step": "600", "flyball:time-zone": Europe/Berlin, "flyball:history-days": "7"}` + "\n")
	s.run(90 * time.Minute)
	if n := s.count(control.Forecasts); n != 2 {
		t.Errorf("%d forecasts in one and a half hours: with steps each is good for one", n)
	}
	fine, hourly := 0, 0
	for _, q := range s.asked {
		switch q.Period {
		case 10 * time.Minute:
			fine = q.Periods
		case time.Hour:
			hourly = q.Periods
		}
	}
	if fine != 7*24*6 || hourly != 7*24 {
		t.Errorf("%d steps and %d hours were read of seven days", fine, hourly)
	}
	if s.records[len(s.records)-1].Forecast != nil && len(s.records[len(s.records)-1].Forecast.Capacity) != 48 {
		t.Error("a record has no capacity for each hour")
	}
}

func TestWhatCannotBeForecastIsRefused(t *testing.T) {
	policy := func(resource, specification string) string {
		return fmt.Sprintf(`
ScalableTargets: [{ResourceId: %[1]q, MinCapacity: 1, MaxCapacity: 9}]
ScalingPolicies:
- {PolicyName: ahead, PolicyType: PredictiveScaling, ResourceId: %[1]q,
   PredictiveScalingPolicyConfiguration: {MetricSpecifications: [{TargetValue: 50, %s}]}}
`, resource, specification)
	}
	const custom = `CustomizedLoadMetricSpecification: {MetricDataQueries: [{Id: l, MetricStat: {Metric: {Namespace: Shop, MetricName: Load}, Stat: Sum}}]},
		CustomizedScalingMetricSpecification: {MetricDataQueries: [{Id: s, MetricStat: {Metric: {Namespace: Shop, MetricName: Share}, Stat: Average}}]}`
	pair := `PredefinedMetricPairSpecification: {PredefinedMetricType: ECSServiceCPUUtilization}`
	for what, c := range map[string]struct{ document, says string }{
		"a predefined metric of ECS in Kubernetes": {policy("kubernetes/shop/deployments.apps/web", pair), "those of ECS services"},
		"a source without a past":                  {policy("kubernetes/shop/deployments.apps/web", custom), "a forecast needs the past, and where metric Load of Shop is read tells only how things are now"},
		"a tag that says nothing":                  {ahead + `tags: {"flyball:time-zone": Nowhere}` + "\n", "Tag flyball:time-zone must be the name of a time zone"},
	} {
		d, err := policydoc.Read(strings.NewReader(c.document))
		if err != nil {
			t.Fatal(what, err)
		}
		_, problems := control.Compile(d, &source.Registry{CloudWatch: &source.Queues{}})
		if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.says) {
			t.Errorf("%s: %v", what, problems)
		}
	}
}

// lines are records as an audit log has them.
func lines(t *testing.T, records []control.Record) string {
	var b strings.Builder
	for _, r := range records {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

// TestAHostThatRunsForecasts has a host run by a clock: what it forecasts, or why it does not, is known
// within seconds, and not with the next look at the target.
func TestAHostThatRunsForecasts(t *testing.T) {
	for what, c := range map[string]struct {
		since time.Duration // before now
		says  string
	}{
		"with a past":    {14 * 24 * time.Hour, "policy ahead forecasts"},
		"with too short": {10 * time.Hour, "policy ahead has no forecast: the load metric has"},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t)
				s.now = time.Now()
				s.since = s.now.Add(-c.since)
				s.cfg.Tell = nil
				s.begin(ahead)
				ctx, end := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- s.host.Run(ctx, clock.New(time.Now(), 1)) }()
				time.Sleep(3 * time.Second)
				synctest.Wait()
				if e, _ := s.host.Explain("service/shop/web", time.Now()); !strings.Contains(e.String(), c.says) {
					t.Errorf("explained:\n%s", e)
				}
				end()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
