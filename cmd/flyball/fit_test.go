package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/flyballtest"
)

// prints runs a command line that is right, and returns what it printed.
func prints(t *testing.T, args ...string) (out, said string) {
	t.Helper()
	var printed, complaints bytes.Buffer
	if status := execute(t.Context(), args, &printed, &complaints); status != 0 {
		t.Fatalf("flyball %s: status %d: %s", strings.Join(args, " "), status, complaints.String())
	}
	return printed.String(), complaints.String()
}

// What a simulation was of is found in its minutes, and simulates the same again.
func TestFitFindsWhatWasSimulated(t *testing.T) {
	dir := t.TempDir()
	minutes, model := filepath.Join(dir, "minutes.csv"), filepath.Join(dir, "model.json")
	traffic := []string{"--generate", "daily(low=60/m, high=600/m)", "--for", "1d", "--min", "3", "--max", "3"}
	prints(t, append([]string{"simulate", "--cpu-per-request", "50ms", "--wait-per-request", "30ms", "--task-cpu", "256", "--one-by-one", "--minutes", minutes}, traffic...)...)
	out, said := prints(t, "fit", minutes, "--cpu-column", "use", "--task-cpu", "256", "--out", model)
	if !strings.Contains(out, "--cpu-per-request 50ms --wait-per-request 3") || !strings.Contains(out, "--memory-at-rest): there is no memory utilization") {
		t.Errorf("%s", out)
	}
	if !strings.Contains(said, "--cpu-unit percent") {
		t.Errorf("nothing is said of the unit: %s", said)
	}
	if out, _ := prints(t, append([]string{"simulate", "--model", model}, traffic...)...); !strings.Contains(out, "agreement    p95 < 92") {
		t.Errorf("%s", out)
	}
	wrong := filepath.Join(dir, "wrong")
	if err := os.WriteFile(wrong, []byte(`{"Model": {"cpu": "50ms"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, `"cpu" is not part of a model`, append([]string{"simulate", "--model", wrong}, traffic...)...)
}

// behindABalancer makes a service of three tasks of a vCPU behind a load balancer, and returns the dimensions
// of its requests.
func behindABalancer(t *testing.T, s *flyballtest.Server) (dimensions []string) {
	t.Helper()
	ctx, balancing, services := t.Context(), elb.NewFromConfig(s.Config()), ecs.NewFromConfig(s.Config())
	s.Deploy("shop/other", 1)
	group, err := balancing.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name: aws.String("web"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: aws.String("vpc-1"), TargetType: elbtypes.TargetTypeEnumIp,
	})
	if err != nil {
		t.Fatal(err)
	}
	arn := *group.TargetGroups[0].TargetGroupArn
	balancer, err := balancing.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{"subnet-1", "subnet-2"}})
	if err != nil {
		t.Fatal(err)
	}
	of := *balancer.LoadBalancers[0].LoadBalancerArn
	if _, err := balancing.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: &of, Port: aws.Int32(8080), Protocol: elbtypes.ProtocolEnumHttp,
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &arn}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := services.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), Cpu: aws.String("1024"), Memory: aws.String("2048"), NetworkMode: types.NetworkModeAwsvpc,
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("web"), PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(80)}}}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := services.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("shop"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(3), LaunchType: types.LaunchTypeFargate,
		LoadBalancers:        []types.LoadBalancer{{TargetGroupArn: &arn, ContainerName: aws.String("web"), ContainerPort: aws.Int32(80)}},
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
	}); err != nil {
		t.Fatal(err)
	}
	s.WaitRunning("shop/web", 3, time.Hour)
	_, name, _ := strings.Cut(of, ":loadbalancer/")
	return []string{"LoadBalancer", name, "TargetGroup", arn[strings.LastIndexByte(arn, ':')+1:]}
}

// A request of 50 ms and 30 ms of waiting is found in the metrics of a server. Its traffic is what was counted;
// two minutes of which nothing is known are told of, and are like the one before.
func TestFitAndSimulateReadAServersMetrics(t *testing.T) {
	s := flyballtest.Start(t)
	dimensions := behindABalancer(t, s)
	sum := 0.0
	s.Advance(s.Now().Truncate(time.Minute).Add(time.Minute).Sub(s.Now()))
	for minute := range 60 {
		requests := math.Round(1200 + 900*math.Sin(float64(minute)/7))
		s.SetLoad("shop/web", flyballtest.Load{TotalCPU: requests / 60 * 5})
		if minute == 29 {
			sum += 2 * requests
		}
		if minute != 30 && minute != 31 {
			sum += requests
			s.Feed("AWS/ApplicationELB", "RequestCount", requests, dimensions...)
			s.Feed("AWS/ApplicationELB", "TargetResponseTime", 0.08, dimensions...)
		}
		s.Advance(time.Minute)
	}
	out, _ := prints(t, "fit", "--from", s.URL(), "--service", "shop/web", "--last", "1h", "--json")
	var m struct {
		Model map[string]struct{ Value string }
	}
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		t.Fatal(err)
	}
	took, _ := time.ParseDuration(m.Model["cpu-per-request"].Value)
	wait, _ := time.ParseDuration(m.Model["wait-per-request"].Value)
	if math.Abs(took.Seconds()-0.05) > 0.001 || math.Abs(wait.Seconds()-0.03) > 0.002 || m.Model["task-cpu"].Value != "1024" || m.Model["start"].Value != "20s" {
		t.Errorf("%s", out)
	}
	out, said := prints(t, "simulate", "--traffic-from", s.URL(), "--service", "shop/web", "--last", "1h", "--cpu-per-request", "50ms", "--task-cpu", "1024", "--min", "3", "--max", "3", "--json")
	var r struct{ Requests float64 }
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if math.Abs(r.Requests-sum) > 1 || !strings.Contains(said, "Took 2 missing rows for unknown") || !strings.Contains(said, "Took 2 steps of 1m that are unknown for like the one before") {
		t.Errorf("%v requests, want %v; said %s", r.Requests, sum, said)
	}
	putsTheTrafficOnAnother(t, s.URL())
}

// putsTheTrafficOnAnother has the first minute's 1,200 requests of shop/web come in a second to a server that
// is no part of it: 20 a second, as they came.
func putsTheTrafficOnAnother(t *testing.T, from string) {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer server.Close()
	load := []string{"load", "--traffic-from", from, "--last", "1h", "--duration", "1m", "--speed", "60", "--json"}
	_, said := prints(t, append(load, "--traffic-service", "shop/web", server.URL)...)
	if requests.Load() != 20 || !strings.Contains(said, "60 steps of 1m") {
		t.Errorf("%d requests, want 20; said %s", requests.Load(), said)
	}
	for name, args := range map[string][]string{
		"--traffic-service": append(load, server.URL),
		"--traffic-from":    {"load", "--last", "1h", "--traffic", "requests.csv", server.URL},
	} {
		if out, err := flyball(t, args...); exitCode(err) != 2 || !strings.Contains(out, name) {
			t.Errorf("status %d, want 2 and %s in %s", exitCode(err), name, out)
		}
	}
}

// A steady 60 requests a minute are forecast to go on.
func TestForecastReadsWhatAServerHasCounted(t *testing.T) {
	s := flyballtest.Start(t)
	dimensions := behindABalancer(t, s)
	s.Advance(s.Now().Truncate(time.Hour).Add(time.Hour).Sub(s.Now()))
	for range 30 * 60 {
		s.Feed("AWS/ApplicationELB", "RequestCount", 60, dimensions...)
		s.Advance(time.Minute)
	}
	out, said := prints(t, "forecast", "--traffic-from", s.URL(), "--service", "shop/web", "--last", "30h", "--horizon", "3", "--format", "csv")
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 4 || !strings.Contains(said, "1800 rows make 30 hours") {
		t.Fatalf("%v: %s; said %s", err, out, said)
	}
	for _, row := range rows[1:] {
		if v, err := strconv.ParseFloat(row[1], 64); err != nil || math.Abs(v-3600) > 1 {
			t.Errorf("%v, want 3600 requests an hour", row)
		}
	}
}
