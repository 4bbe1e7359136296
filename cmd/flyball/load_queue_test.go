package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestTheNumberOfMessagesSaysWhatIsNotGivenOfRateAndTime(t *testing.T) {
	minute := loading{hold: time.Minute, timed: true}
	for _, tt := range []struct {
		rule   string
		l      loading
		length time.Duration
		total  float64
	}{
		{"neither: all at once", loading{messages: 1500, hold: 30 * time.Second}, 0, 0},
		{"a rate: as long as it takes", loading{messages: 1500, rate: 10}, 150 * time.Second, 1500},
		{"a rate and ramps", loading{messages: 1500, rate: 10, ramp: time.Minute}, 180 * time.Second, 1500},
		{"a time: evenly", loading{messages: 1500, hold: minute.hold, timed: true}, time.Minute, 1500},
		{"a whole time with ramps", loading{messages: 1500, duration: 2 * time.Minute, ramp: time.Minute, timed: true}, 2 * time.Minute, 1500},
		{"both: whatever ends first", loading{messages: 1500, rate: 100, hold: minute.hold, timed: true}, time.Minute, 6000},
	} {
		s, err := tt.l.pace()
		if err != nil || s.Duration() != tt.length || s.Total(s.Duration()) < tt.total-1e-6 || s.Total(s.Duration()) > tt.total+1e-6 {
			t.Errorf("%s: %v, %v", tt.rule, s, err)
		}
	}
}

func TestLoadRefusesFlagsThatDoNotGoTogether(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"--queue q --users 3 --messages 1", "--users is for requests"},
		{"--messages 3 http://127.0.0.1/", "--queue"},
		{"--queue q", "--rate"},
		{"--queue q --messages 1 http://127.0.0.1/", "takes the place of addresses"},
		{"--queue q.fifo --messages 1", "--group"},
		{"--queue q --messages 1 --body {{.M}}", "--body"},
		{"--queue q --messages -1", "not below 0"},
		{"--queue q --messages 5 --rate 10 --ramp 1m", "ramps"},
	} {
		out, err := flyball(t, append([]string{"load"}, strings.Fields(tt.args)...)...)
		if err == nil || !strings.Contains(out, tt.want) {
			t.Errorf("load %s: %q, want an error that says %q", tt.args, out, tt.want)
		}
	}
}

func TestALoadOfAQueueThatIsNotThereSaysSo(t *testing.T) {
	s := serve(t, t.TempDir())
	out, err := flyball(t, "load", "--queue", "none", "--messages", "1", "--endpoint", s.Endpoint)
	if want := "flyball: there is no queue none in region us-east-1"; err == nil || !strings.HasPrefix(out, want) {
		t.Errorf("%q, want %q", out, want)
	}
}

// Messages go into a queue, and a service of flyball/worker takes them out again, with
// the server killed in between.
func TestWorkersTakeTheMessagesOfALoadAcrossAKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, data, "--speed", "10")
	ctx := t.Context()
	url := *must(s.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("vouchers")}))(t).QueueUrl
	out, err := flyball(t, "load", "--endpoint", s.Endpoint, "--queue", "vouchers", "--messages", "300", "--json", "--body", `{"n": {{.N}}}`)
	var sent struct{ Sent, Failed int }
	if err != nil || json.Unmarshal([]byte(out), &sent) != nil || sent.Sent != 300 || sent.Failed != 0 {
		t.Fatalf("load printed %q, %v; want 300 sent", out, err)
	}
	s.createWorkers(t, url)
	left := func() string { return s.depth(t, url) }
	awaitTrue(t, func() bool { return left() != "300 0" })
	address := strings.TrimPrefix(s.Endpoint, "http://")
	s.kill(t)
	s = serve(t, data, "--speed", "10", "--addr", address)
	awaitTrue(t, func() bool { return left() == "0 0" })
	if err := s.stop(t); err != nil {
		t.Error(err)
	}
}

// createWorkers runs two tasks of flyball/worker.
func (s *served) createWorkers(t *testing.T, url string) {
	t.Helper()
	ctx := t.Context()
	must(s.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("test")}))(t)
	must(s.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("worker"), Cpu: aws.String("256"), Memory: aws.String("512"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("worker"), Image: aws.String("flyball/worker"),
			Environment: []ecstypes.KeyValuePair{{Name: aws.String("QUEUE_URL"), Value: &url}, {Name: aws.String("PROTECT"), Value: aws.String("1")}},
		}},
	}))(t)
	must(s.ECS.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("test"), ServiceName: aws.String("worker"), TaskDefinition: aws.String("worker"), DesiredCount: aws.Int32(2),
	}))(t)
}

// depth is how many messages of a queue are visible, and how many are not.
func (s *served) depth(t *testing.T, url string) string {
	t.Helper()
	a := must(s.SQS.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	}))(t).Attributes
	return fmt.Sprint(a["ApproximateNumberOfMessages"], " ", a["ApproximateNumberOfMessagesNotVisible"])
}

// awaitTrue waits for what is bound to come true.
func awaitTrue(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v", patience)
		}
		<-time.After(20 * time.Millisecond)
	}
}
