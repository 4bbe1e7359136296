package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/flyballtest"
	"flyball/internal/capacity"
	"flyball/internal/control"
	"flyball/internal/policydoc"
	"flyball/internal/source"
	"flyball/scaling"
)

const cpuPolicy = `
service: shop/web
min: 2
max: 20
policies:
  cpu: 50
`

// A world is a Flyball that stands for AWS, and a controller that scales its services.
type world struct {
	*flyballtest.Server
	t         *testing.T
	cfg       control.Config
	host      *control.Host
	documents *control.Documents
	folder    string
	records   []control.Record
	cloud     *source.CloudWatch
	queues    *source.Queues
}

// newWorld has a service shop/web of two tasks, and policies for it.
func newWorld(t *testing.T, policies string, configure ...func(*control.Config)) *world {
	t.Helper()
	w := &world{Server: flyballtest.Start(t), t: t, folder: t.TempDir()}
	w.Deploy("shop/web", 2)
	w.write("web.yaml", policies)
	client := w.Config()
	w.cloud = &source.CloudWatch{Client: cloudwatch.NewFromConfig(client), Budget: &source.Budget{}}
	w.queues = &source.Queues{Client: sqs.NewFromConfig(client), Samples: &source.Samples{}}
	w.cfg = control.Config{
		Capacity: capacity.Kinds{scaling.Services: capacity.Services{ECS: ecs.NewFromConfig(client), PauseTag: "flyball:paused"}, scaling.Custom: capacity.Custom{}},
		State:    control.Forgetful{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Tell: w.tell,
	}
	for _, change := range configure {
		change(&w.cfg)
	}
	w.start()
	return w
}

// start starts the controller, or another in its place.
func (w *world) start() {
	w.t.Helper()
	w.host = control.New(w.cfg)
	registry := &source.Registry{CloudWatch: w.cloud, Queues: w.queues}
	w.documents = &control.Documents{Paths: []string{w.folder}, Tell: w.tell, Compile: func(d policydoc.Documents, _ policydoc.Beside) ([]control.Target, []control.Problem) {
		return control.Compile(d, registry)
	}}
	w.look()
}

func (w *world) tell(r control.Record) { w.records = append(w.records, r) }

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.folder, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// look has the controller see what has become of the folder.
func (w *world) look() {
	w.t.Helper()
	if _, err := w.documents.Look(w.host, w.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// run lets time pass, with all rounds of the controller that are due in it.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	for until := w.Now().Add(d); w.Now().Before(until); {
		next := w.host.Round(context.Background(), w.Now())
		w.host.Forecast(context.Background(), w.Now())
		w.Advance(max(time.Second, min(next.Sub(w.Now()), until.Sub(w.Now()))))
	}
}

// wants checks the desired count.
func (w *world) wants(want int) {
	w.t.Helper()
	if desired, _ := w.Tasks("shop/web"); desired != want {
		w.t.Fatalf("there are %d desired tasks, and %d should be; records:\n%s", desired, want, w.told())
	}
}

// told are the records, for people.
func (w *world) told() (text string) {
	for _, r := range w.records {
		text += r.At.Format(time.TimeOnly) + " " + string(r.Event) + " " + r.Reason
		if r.Activity != nil {
			text += " " + r.Activity.Description + " " + string(r.Activity.Status) + " " + r.Activity.Message + " " + r.Activity.Cause
		}
		text += "\n"
	}
	return text
}

// has reports whether there is a record of an event.
func (w *world) has(e control.Event) bool {
	for _, r := range w.records {
		if r.Event == e {
			return true
		}
	}
	return false
}

func TestAServiceOfAWSIsScaledByItsCPU(t *testing.T) {
	w := newWorld(t, cpuPolicy)
	w.SetLoad("shop/web", flyballtest.Load{TotalCPU: 200})
	w.run(5 * time.Minute)
	w.wants(4)
	w.SetLoad("shop/web", flyballtest.Load{TotalCPU: 20})
	w.run(40 * time.Minute)
	w.wants(2)
	t.Log(w.told())
}

func TestAFileThatIsBadChangesNothingAndTheOthersGoOn(t *testing.T) {
	w := newWorld(t, cpuPolicy)
	w.Deploy("shop/api", 2)
	w.write("api.yaml", strings.ReplaceAll(cpuPolicy, "web", "api"))
	w.look()
	w.run(time.Minute)
	w.write("web.yaml", "service: shop/web\nmin: 9\npolicies: {")
	w.look()
	w.write("api.yaml", strings.ReplaceAll(strings.ReplaceAll(cpuPolicy, "web", "api"), "min: 2", "min: 3"))
	w.look()
	w.look()
	w.run(time.Minute)
	w.wants(2)
	if desired, _ := w.Tasks("shop/api"); desired != 3 {
		t.Errorf("the other file's target has %d tasks, and should have 3:\n%s", desired, w.told())
	}
	refused := 0
	for _, r := range w.records {
		if r.Event == control.Refused {
			refused++
		}
	}
	if refused != 1 || !strings.Contains(w.told(), "web.yaml cannot be read") {
		t.Errorf("the bad file is named once:\n%s", w.told())
	}
}

func TestAPolicyOnAResourceThatIsNotThereIsTold(t *testing.T) {
	w := newWorld(t, cpuPolicy)
	w.write("none.yaml", strings.ReplaceAll(cpuPolicy, "shop/web", "shop/none"))
	w.look()
	w.SetLoad("shop/web", flyballtest.Load{TotalCPU: 200})
	w.run(5 * time.Minute)
	w.wants(4)
	if !w.has(control.Missing) {
		t.Errorf("it is told:\n%s", w.told())
	}
}

func TestATagPauses(t *testing.T) {
	w := newWorld(t, cpuPolicy)
	client := ecs.NewFromConfig(w.Config())
	out, err := client.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	arn := out.Services[0].ServiceArn
	if _, err := client.TagResource(t.Context(), &ecs.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("flyball:paused"), Value: aws.String("migration")}}}); err != nil {
		t.Fatal(err)
	}
	w.SetLoad("shop/web", flyballtest.Load{TotalCPU: 200})
	w.run(6 * time.Minute)
	w.wants(2)
	if !w.has(control.Paused) {
		t.Errorf("that it is paused is told:\n%s", w.told())
	}
	if _, err := client.UntagResource(t.Context(), &ecs.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"flyball:paused"}}); err != nil {
		t.Fatal(err)
	}
	w.run(3 * time.Minute)
	w.wants(4)
}

func TestMessagesOfAQueueScaleItsWorkers(t *testing.T) {
	w := newWorld(t, `
ScalableTargets: [{ServiceNamespace: ecs, ResourceId: service/shop/web, MinCapacity: 1, MaxCapacity: 20}]
ScalingPolicies:
- {PolicyName: backlog, PolicyType: TargetTrackingScaling, ServiceNamespace: ecs, ResourceId: service/shop/web,
   TargetTrackingScalingPolicyConfiguration: {TargetValue: 5, PredefinedMetricSpecification: {PredefinedMetricType: FlyballSQSBacklogPerTask, ResourceLabel: orders}}}
`)
	client := sqs.NewFromConfig(w.Config())
	queue, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("an order")}); err != nil {
			t.Fatal(err)
		}
	}
	w.run(8 * time.Minute)
	w.wants(8)
}

// A thing is a custom resource.
type thing struct {
	desired float64
	asked   []float64
}

func (c *thing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPatch {
		var in struct {
			Desired float64 `json:"desiredCapacity"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.desired = in.Desired
		c.asked = append(c.asked, in.Desired)
	}
	fmt.Fprintf(w, `{"actualCapacity": %.1f, "desiredCapacity": %.1f, "scalableTargetDimensionId": "1", "scalingStatus": "Successful", "version": "1"}`, c.desired, c.desired)
}

func TestACustomResourceIsScaledByAMetricOfCloudWatch(t *testing.T) {
	of := &thing{desired: 2}
	server := httptest.NewServer(of)
	defer server.Close()
	w := newWorld(t, fmt.Sprintf(`
ScalableTargets: [{ServiceNamespace: custom-resource, ScalableDimension: "custom-resource:ResourceType:Property", ResourceId: %[1]q, MinCapacity: 1, MaxCapacity: 20}]
ScalingPolicies:
- {PolicyName: load, PolicyType: TargetTrackingScaling, ServiceNamespace: custom-resource, ResourceId: %[1]q,
   TargetTrackingScalingPolicyConfiguration: {TargetValue: 50, CustomizedMetricSpecification: {Namespace: Shop, MetricName: Load, Statistic: Average}}}
`, server.URL+"/scalableTargetDimensions/1"))
	for range 5 {
		w.Feed("Shop", "Load", 150)
		w.run(time.Minute)
	}
	if fmt.Sprint(of.asked) != "[6]" {
		t.Errorf("asked for %v, and should be for 6:\n%s", of.asked, w.told())
	}
}

func TestARightThatIsMissingIsSaidAndChangesNothing(t *testing.T) {
	for missing, event := range map[string]control.Event{
		"cloudwatch:GetMetricData": control.Blind, "ecs:DescribeServices": control.Unseen, "ecs:UpdateService": control.Followed,
	} {
		t.Run(missing, func(t *testing.T) {
			w := newWorld(t, cpuPolicy)
			w.SetLoad("shop/web", flyballtest.Load{TotalCPU: 200})
			client := w.limited(missing)
			w.cloud.Client = cloudwatch.NewFromConfig(client)
			w.cfg.Capacity = capacity.Kinds{scaling.Services: capacity.Services{ECS: ecs.NewFromConfig(client)}}
			w.start()
			w.run(6 * time.Minute)
			w.wants(2)
			if !w.has(event) || !strings.Contains(w.told(), missing) {
				t.Errorf("that %s is missing is said as %s:\n%s", missing, event, w.told())
			}
		})
	}
}

// limited is the configuration of a user who may do what a controller needs, but for one thing.
func (w *world) limited(missing string) aws.Config {
	w.t.Helper()
	var allowed []string
	for _, action := range []string{"cloudwatch:GetMetricData", "ecs:DescribeServices", "ecs:UpdateService"} {
		if action != missing {
			allowed = append(allowed, action)
		}
	}
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": allowed, "Resource": "*"}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.user(string(document))
}

// user is the configuration of a user who may do what a policy document says.
func (w *world) user(document string) aws.Config {
	w.t.Helper()
	config := w.Config()
	users := iam.NewFromConfig(config)
	if _, err := users.CreateUser(w.t.Context(), &iam.CreateUserInput{UserName: aws.String("controller")}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := users.PutUserPolicy(w.t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("controller"), PolicyName: aws.String("control"), PolicyDocument: &document}); err != nil {
		w.t.Fatal(err)
	}
	key, err := users.CreateAccessKey(w.t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("controller")})
	if err != nil {
		w.t.Fatal(err)
	}
	config.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	return config
}
