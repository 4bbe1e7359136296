package server

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/client"
	"flyball/internal/event"
	"flyball/internal/service/autoscaling"
	serviceecs "flyball/internal/service/ecs"
	"flyball/scaling"
)

// metricsOf is the answer to a scrape of a server, which signs nothing.
func metricsOf(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v: %s", res.StatusCode, err, body)
	}
	return string(body)
}

func TestMetricsTellWhatThereIs(t *testing.T) {
	s := open(t, "")
	defer running(t, s)()
	c := client.New(client.Config{Endpoint: s.URL(), Region: testRegion})
	furnish(t, c)
	queue, err := c.SQS.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err == nil {
		_, err = c.SQS.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("untouched")})
	}
	if err == nil {
		_, err = c.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("one")})
	}
	if err != nil {
		t.Fatal(err)
	}
	const here = `{account="123456789012",`
	got := metricsOf(t, s.URL())
	for _, want := range []string{
		`flyball_service_desired_tasks` + here + `cluster="shop",region="us-east-1",service="web"} 1`,
		`flyball_scalable_target_max_capacity` + here + `region="us-east-1",resource="service/shop/web"} 4`,
		`flyball_alarms` + here + `region="us-east-1",state="INSUFFICIENT_DATA"} 2`,
		`flyball_queue_messages` + here + `queue="orders",region="us-east-1",state="visible"} 1`,
		`flyball_queue_messages` + here + `queue="untouched",region="us-east-1",state="visible"} 0`,
		`flyball_call_duration_seconds_count{operation="SendMessage",service="sqs",status="200"} 1`,
		`flyball_clock_speed_ratio 1`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("there is no line %s", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestEventsAreCounted(t *testing.T) {
	s := open(t, "")
	defer s.Close()
	activity := func(status scaling.Status, reasons ...scaling.Reason) autoscaling.ActivityChange {
		return autoscaling.ActivityChange{Activity: scaling.Activity{Status: status, NotScaled: reasons}}
	}
	stopped := func(code ecstypes.TaskStopCode, status string) ecstypes.Task {
		return ecstypes.Task{StopCode: code, LastStatus: &status, StoppedReason: aws.String("ResourceInitializationError: no descriptors")}
	}
	for _, tt := range []struct {
		kind   string
		detail any
		counts string // "" for nothing
	}{
		{autoscaling.EventActivity, activity(scaling.Pending), ""},
		{autoscaling.EventActivity, activity(scaling.InProgress), ""},
		{autoscaling.EventActivity, activity(scaling.Overridden), `flyball_scaling_activities_total{account="1",region="r",status="Overridden"} 1`},
		{autoscaling.EventActivity, activity(scaling.Failed, scaling.Reason{Code: scaling.InCooldown}), ""},
		{serviceecs.EventTask, stopped(ecstypes.TaskStopCodeEssentialContainerExited, "STOPPED"), ""},
		{serviceecs.EventTask, stopped(ecstypes.TaskStopCodeTaskFailedToStart, "DEPROVISIONING"), ""},
		{serviceecs.EventTask, stopped(ecstypes.TaskStopCodeTaskFailedToStart, "STOPPED"), `flyball_task_start_failures_total{account="1",reason="ResourceInitializationError",region="r"} 1`},
	} {
		before := countersOf(t, s)
		s.events.Publish(event.Event{Account: "1", Region: "r", Type: tt.kind, Detail: tt.detail})
		after := countersOf(t, s)
		if tt.counts == "" && !slices.Equal(after, before) || tt.counts != "" && !strings.Contains(strings.Join(after, "\n"), tt.counts) {
			t.Errorf("after %+v it counts %q", tt.detail, after)
		}
	}
}

// countersOf are the lines of counters of what happens in cells.
func countersOf(t *testing.T, s *Server) (lines []string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.telemetry.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "flyball_scaling_") || strings.HasPrefix(line, "flyball_task_") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// What a scrape takes is told with -v: of several the fastest, for the machine does other things, too.
func TestAThousandServicesAreScraped(t *testing.T) {
	s := open(t, "")
	defer running(t, s)()
	furnish(t, client.New(client.Config{Endpoint: s.URL(), Region: testRegion}))
	home := s.home()
	for i := range 999 {
		name := fmt.Sprint("web-", i)
		_, err := home.ecs.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: aws.String("shop"), ServiceName: &name, TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(0)})
		if err == nil {
			_, err = home.autoscaling.RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{
				ServiceNamespace: aastypes.ServiceNamespaceEcs, ResourceId: aws.String("service/shop/" + name), ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
				MinCapacity: aws.Int32(0), MaxCapacity: aws.Int32(4),
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fastest := time.Hour
	for range 5 {
		began := time.Now()
		got := metricsOf(t, s.URL())
		fastest = min(fastest, time.Since(began))
		if n := strings.Count(got, "\nflyball_service_running_tasks{"); n != 1000 {
			t.Fatalf("%d services are told of", n)
		}
	}
	t.Logf("a scrape takes %v", fastest)
}
