package telemetry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"flyball/internal/telemetry"
	"flyball/scaling"
)

// full is a reading in which there is one of everything.
func full() telemetry.Reading {
	return telemetry.Reading{
		Clock: telemetry.Clock{Now: time.Unix(1700000000, 0), Lead: 90 * time.Second, Speed: 60},
		Store: telemetry.Store{Transactions: 3, Documents: 5, Bytes: 7, Stalled: true},
		Lease: &telemetry.Lease{Epoch: 7, Replicas: []telemetry.Replica{
			{Address: "10.0.0.1:4567", Release: "1.2.0", Owner: true, Silent: 250 * time.Millisecond, Renewals: 90},
			{Address: "10.0.0.2:4567", Release: "1.1.0", Silent: 2 * time.Second, Renewals: 80, Forwarded: 12, Waited: 400 * time.Millisecond, Refused: 1},
		}},
		Cells: []telemetry.Cell{{
			Account: "123456789012", Region: "us-east-1",
			Services:  []telemetry.Service{{Cluster: "demo", Name: "web", Desired: 4, Running: 3, Pending: 1}},
			Targets:   []telemetry.Target{{Resource: "service/demo/web", Min: 1, Max: 9}},
			Alarms:    map[string]int{"OK": 2, "ALARM": 1, "INSUFFICIENT_DATA": 0},
			Queues:    []telemetry.Queue{{Name: "orders", Visible: 10, NotVisible: 2, Delayed: 1}},
			Forecasts: []telemetry.Forecast{{Resource: "service/demo/web", Policy: "tomorrow", Error: 0.25}},
		}},
	}
}

// scrape is the answer to a scrape.
func scrape(t testing.TB, of http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	of.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("a scrape is answered with %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// happened has one of everything happen.
func happened(of *telemetry.Telemetry) {
	of.Call("ecs", "ListTasks", 200, time.Millisecond)
	of.Cell("123456789012", "us-east-1")
	decided := func(d scaling.Direction, reasons ...scaling.Code) {
		decision := scaling.Decision{Direction: d}
		for _, code := range reasons {
			decision.Reasons = append(decision.Reasons, scaling.Reason{Code: code})
		}
		of.Decision("123456789012", "us-east-1", decision)
	}
	decided(scaling.Out)
	decided(scaling.Hold, scaling.InCooldown, scaling.NotInAlarm)
	decided(scaling.Hold, scaling.NotInAlarm, scaling.AlreadyAtMaxCapacity, scaling.AlreadyAtMinCapacity)
	for _, a := range []scaling.Activity{
		{Status: scaling.Pending}, {Status: scaling.InProgress}, {Status: scaling.Successful},
		{Status: scaling.Failed, NotScaled: []scaling.Reason{{Code: scaling.InCooldown}}},
	} {
		of.Activity("123456789012", "us-east-1", a)
	}
	of.FailedToStart("123456789012", "us-east-1", "CannotPullContainerError: there is no image shop/api")
	of.FailedToStart("123456789012", "us-east-1", "task 4711 would not start")
}

func TestAScrapeTellsWhatThereIsAndWhatHasHappened(t *testing.T) {
	of := telemetry.New(full)
	happened(of)
	got := scrape(t, of.Handler())
	const here = `account="123456789012",`
	for _, want := range []string{
		"flyball_clock_timestamp_seconds 1.7e+09",
		"flyball_clock_lead_seconds 90",
		"flyball_clock_speed_ratio 60",
		"flyball_store_transactions_total 3",
		"flyball_store_written_documents_total 5",
		"flyball_store_written_bytes_total 7",
		"flyball_store_stalled 1",
		"flyball_lease_epoch 7",
		`flyball_replica_owner{release="1.2.0",replica="10.0.0.1:4567"} 1`,
		`flyball_replica_owner{release="1.1.0",replica="10.0.0.2:4567"} 0`,
		`flyball_replica_silent_seconds{replica="10.0.0.1:4567"} 0.25`,
		`flyball_replica_renewals_total{replica="10.0.0.2:4567"} 80`,
		`flyball_replica_forwarded_calls_total{replica="10.0.0.2:4567"} 12`,
		`flyball_replica_renewal_seconds_total{replica="10.0.0.2:4567"} 0.4`,
		`flyball_replica_refused_writes_total{replica="10.0.0.2:4567"} 1`,
		`flyball_service_desired_tasks{` + here + `cluster="demo",region="us-east-1",service="web"} 4`,
		`flyball_service_running_tasks{` + here + `cluster="demo",region="us-east-1",service="web"} 3`,
		`flyball_service_pending_tasks{` + here + `cluster="demo",region="us-east-1",service="web"} 1`,
		`flyball_scalable_target_min_capacity{` + here + `region="us-east-1",resource="service/demo/web"} 1`,
		`flyball_scalable_target_max_capacity{` + here + `region="us-east-1",resource="service/demo/web"} 9`,
		`flyball_alarms{` + here + `region="us-east-1",state="ALARM"} 1`,
		`flyball_queue_messages{` + here + `queue="orders",region="us-east-1",state="visible"} 10`,
		`flyball_queue_messages{` + here + `queue="orders",region="us-east-1",state="not_visible"} 2`,
		`flyball_queue_messages{` + here + `queue="orders",region="us-east-1",state="delayed"} 1`,
		`flyball_forecast_error_ratio{` + here + `policy="tomorrow",region="us-east-1",resource="service/demo/web"} 0.25`,
		`flyball_call_duration_seconds_count{operation="ListTasks",service="ecs",status="200"} 1`,
		`flyball_scaling_decisions_total{` + here + `outcome="scale_out",reason="",region="us-east-1"} 1`,
		`flyball_scaling_decisions_total{` + here + `outcome="hold",reason="Cooldown",region="us-east-1"} 1`,
		`flyball_scaling_decisions_total{` + here + `outcome="hold",reason="AlreadyAtMaxCapacity",region="us-east-1"} 1`,
		`flyball_scaling_decisions_total{` + here + `outcome="hold",reason="AlreadyAtMinCapacity",region="us-east-1"} 0`,
		`flyball_scaling_activities_total{` + here + `region="us-east-1",status="Successful"} 1`,
		`flyball_scaling_activities_total{` + here + `region="us-east-1",status="Failed"} 0`,
		`flyball_task_start_failures_total{` + here + `reason="CannotPullContainerError",region="us-east-1"} 1`,
		`flyball_task_start_failures_total{` + here + `reason="Other",region="us-east-1"} 1`,
	} {
		if !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("there is no line %s", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestNamesFollowThePrometheusConventions(t *testing.T) {
	of := telemetry.New(full)
	happened(of)
	problems, err := promlint.New(strings.NewReader(scrape(t, of.Handler()))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// What a task's error says, and what there was and is no more, leaves nothing behind.
func TestSeriesDoNotGrowWithTime(t *testing.T) {
	reading := full()
	of := telemetry.New(func() telemetry.Reading { return reading })
	happened(of)
	series := func() int { return len(regexp.MustCompile(`(?m)^flyball_`).FindAllString(scrape(t, of.Handler()), -1)) }
	before := series()
	for i := range 100 {
		of.FailedToStart("123456789012", "us-east-1", fmt.Sprintf("Error%d: no", i))
		reading.Cells[0].Services[0].Name = fmt.Sprint("web-", i)
		reading.Cells[0].Queues[0].Name = fmt.Sprint("orders-", i)
		series()
	}
	if after := series(); after != before {
		t.Errorf("there are %d series, and there were %d", after, before)
	}
}

func TestNamesThatAreNoTextAreNoReasonToFail(t *testing.T) {
	reading := full()
	reading.Cells[0].Forecasts[0].Policy = "caf\xe9"
	if got := scrape(t, telemetry.New(func() telemetry.Reading { return reading }).Handler()); !strings.Contains(got, "policy=\"caf\ufffd\"") {
		t.Error(got)
	}
}

func many(n int) telemetry.Reading {
	r := full()
	for i := range n {
		name := fmt.Sprint("web-", i)
		r.Cells[0].Services = append(r.Cells[0].Services, telemetry.Service{Cluster: "demo", Name: name, Desired: i})
		r.Cells[0].Targets = append(r.Cells[0].Targets, telemetry.Target{Resource: "service/demo/" + name, Max: i})
		r.Cells[0].Queues = append(r.Cells[0].Queues, telemetry.Queue{Name: name})
	}
	return r
}

func BenchmarkScrapeOf1000Services(b *testing.B) {
	of := telemetry.New(func() telemetry.Reading { return many(1000) })
	happened(of)
	for b.Loop() {
		scrape(b, of.Handler())
	}
}
