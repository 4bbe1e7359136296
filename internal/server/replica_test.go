package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/aws/smithy-go"

	"flyball/internal/client"
	"flyball/internal/postgres/postgrestest"
	"flyball/internal/task"
	"flyball/internal/task/idle"
)

func TestMain(m *testing.M) {
	http.DefaultClient = &http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{}} // without a proxy: all is on this machine
	postgrestest.Main(m)
}

var replicaAdministrator = &Administrator{"AKIAREPLICAADMIN0001", "the secret of all replicas"}

// A testReplica is one that a test runs.
type testReplica struct {
	*Replica
	stop context.CancelFunc
	done chan error
}

// startReplica starts a replica on a database.
func startReplica(t testing.TB, url string, changes ...func(*Config)) *testReplica {
	t.Helper()
	cfg := replicaConfig(t, url)
	for _, change := range changes {
		change(&cfg)
	}
	r, err := OpenReplica(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	started := &testReplica{r, stop, make(chan error, 1)}
	go func() { started.done <- r.Run(ctx) }()
	t.Cleanup(func() { started.end(t) })
	return started
}

func replicaConfig(t testing.TB, url string) Config {
	return Config{
		Addr: "127.0.0.1:0", Data: t.TempDir(), Runtime: "simulated", Speed: 1, Account: "123456789012", Region: "us-east-1",
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Administrator: replicaAdministrator, Store: url,
	}
}

// end stops the replica as SIGTERM does.
func (r *testReplica) end(t testing.TB) {
	t.Helper()
	r.stop()
	if err, running := <-r.done; running && err != nil {
		t.Errorf("the replica ended with %v", err)
	}
	select {
	case <-r.done:
	default:
		close(r.done)
	}
}

// config calls the replica as the administrator.
func (r *testReplica) config() aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(r.PublicURL()),
		Credentials: credentials.NewStaticCredentialsProvider(replicaAdministrator.AccessKey, replicaAdministrator.Secret, ""),
	}
}

// holder waits until one of the replicas has the lease, and returns it.
func holder(t testing.TB, replicas ...*testReplica) *testReplica {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, r := range replicas {
			if _, in, _ := r.now(); in != nil {
				return r
			}
		}
	}
	t.Fatal("no replica has the lease")
	return nil
}

// Whichever replica is asked answers, and what was acknowledged is there with the next owner: rows, messages of
// queues, log events.
func TestAnyReplicaAnswersAndNothingIsLostWhenTheOwnerChanges(t *testing.T) {
	url := postgrestest.Database(t)
	a, b := startReplica(t, url), startReplica(t, url)
	owner := holder(t, a, b)
	other := map[*testReplica]*testReplica{a: b, b: a}[owner]
	ctx := t.Context()
	for i, r := range []*testReplica{owner, other} {
		if _, err := ecs.NewFromConfig(r.config()).CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String(fmt.Sprint("c", i))}); err != nil {
			t.Fatal(err)
		}
	}
	queues := sqs.NewFromConfig(other.config())
	queue, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if _, err := queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String(fmt.Sprint("m", i))}); err != nil {
			t.Fatal(err)
		}
	}
	logs := cloudwatchlogs.NewFromConfig(other.config())
	_, err1 := logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g")})
	_, err2 := logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	_, err3 := logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"),
		LogEvents: []logtypes.InputLogEvent{{Message: aws.String("hello"), Timestamp: aws.Int64(time.Now().UnixMilli())}}})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}

	owner.end(t)
	if holder(t, other) != other {
		t.Fatal("the other one has not taken over")
	}
	clusters, err := ecs.NewFromConfig(other.config()).ListClusters(ctx, &ecs.ListClustersInput{})
	if err != nil || len(clusters.ClusterArns) != 2 {
		t.Errorf("clusters %v, %v", clusters, err)
	}
	got := map[string]bool{}
	for range 10 {
		out, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			got[*m.Body] = true
		}
		if len(got) == 5 {
			break
		}
	}
	if len(got) != 5 {
		t.Errorf("of 5 messages %v are there", got)
	}
	events, err := logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), StartFromHead: aws.Bool(true)})
	if err != nil || len(events.Events) != 1 {
		t.Errorf("log events %v, %v", events, err)
	}
}

// A replica that does not reach the database loses what it has to another one, says so to callers or forwards
// them, and takes part again when it does.
func TestAReplicaBehindACutNetworkIsReplaced(t *testing.T) {
	cluster := postgrestest.Shared(t)
	url := postgrestest.Database(t)
	proxy, err := cluster.NewProxy()
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	_, name, _ := strings.Cut(strings.TrimPrefix(url, "postgres://"), "/")
	name, _, _ = strings.Cut(name, "?")
	cut := startReplica(t, cluster.URLThrough(proxy.Address(), name))
	if holder(t, cut) != cut {
		t.Fatal("the first one has no lease")
	}
	other := startReplica(t, url)
	before, _, _ := cut.now()
	proxy.Cut()
	began := time.Now()
	holder(t, other)
	t.Logf("taken over after %v", time.Since(began))
	if fence, held := before.member.Held(); held {
		t.Errorf("the one before takes itself for the owner: %+v", fence)
	}
	if _, err := ecs.NewFromConfig(other.config()).CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("c")}); err != nil {
		t.Fatal(err)
	}
	proxy.Heal()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		out, err := ecs.NewFromConfig(cut.config()).ListClusters(ctx, &ecs.ListClustersInput{})
		if err == nil && len(out.ClusterArns) == 1 {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the one before does not forward: %v, %v", out, err)
		}
	}
}

func TestAReplicaLetsNobodyInWithoutItsCertificate(t *testing.T) {
	r := startReplica(t, postgrestest.Database(t))
	holder(t, r)
	for _, scheme := range []string{"http", "https"} {
		resp, err := (&http.Client{Timeout: 5 * time.Second}).Get(scheme + "://" + r.inner.Addr().String() + "/")
		if err == nil && resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s is answered with %s", scheme, resp.Status)
		}
	}
	req, _ := http.NewRequest("GET", r.PublicURL()+"/console/api/regions", nil)
	req.Header.Set("Flyball-Client", "127.0.0.1:1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode < 400 {
		t.Errorf("a call without a key is answered: %s %s", resp.Status, text)
	}
}

// stubborn runs tasks that stop when the test lets them.
type stubborn struct {
	idle.Runtime
	stop chan struct{}
}

type stubbornTask struct {
	task.Task
	stop chan struct{}
}

func (r stubborn) Start(ctx context.Context, spec task.Spec) (task.Task, error) {
	t, err := r.Runtime.Start(ctx, spec)
	return stubbornTask{t, r.stop}, err
}

func (t stubbornTask) Stop(ctx context.Context) error {
	<-t.stop
	return t.Task.Stop(ctx)
}

// startStubborn starts a replica on a database by way of a proxy, which has a task that does not stop before it is let.
func startStubborn(t *testing.T) (r *testReplica, url string, proxy *postgrestest.Proxy, let func()) {
	t.Helper()
	cluster := postgrestest.Shared(t)
	url = postgrestest.Database(t)
	proxy, err := cluster.NewProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proxy.Close() })
	_, name, _ := strings.Cut(strings.TrimPrefix(url, "postgres://"), "/")
	name, _, _ = strings.Cut(name, "?")
	stop := make(chan struct{})
	let = sync.OnceFunc(func() { close(stop) })
	r = startReplica(t, cluster.URLThrough(proxy.Address(), name), func(c *Config) { c.Tasks = stubborn{stop: stop} })
	t.Cleanup(let) // before the replica is ended
	c := client.New(client.Config{Endpoint: r.PublicURL(), Region: testRegion, Credentials: aws.Credentials{AccessKeyID: replicaAdministrator.AccessKey, SecretAccessKey: replicaAdministrator.Secret}})
	furnish(t, c)
	for deadline := time.Now().Add(time.Minute); ; {
		out, err := c.ECS.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"web"}})
		if err != nil {
			t.Fatal(err)
		}
		if out.Services[0].RunningCount > 0 {
			return r, url, proxy, let
		}
		if time.Now().After(deadline) {
			t.Fatalf("no task runs after a minute: %v", out.Services[0].Events)
		}
	}
}

// callable waits until a replica answers, by itself or by another one.
func callable(t *testing.T, r *testReplica) {
	t.Helper()
	for began := time.Now(); ; {
		_, err := ecs.NewFromConfig(r.config()).ListClusters(t.Context(), &ecs.ListClustersInput{})
		if err == nil {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatal(err)
		}
	}
}

// An owner that is to end hands over before its tasks have stopped, and hands calls on until it has ended.
func TestAnotherOneGoesOnWhileTasksTakeTheirTimeToStop(t *testing.T) {
	first, url, _, let := startStubborn(t)
	other := startReplica(t, url)
	first.stop()
	holder(t, other)
	callable(t, other)
	callable(t, first)
	select {
	case <-first.ended():
		t.Error("the server has ended before its task")
	default:
	}
	let()
	first.end(t)
}

// A replica whose lease is another's hands calls on at once, and asks for the lease again when its tasks have stopped.
func TestAReplicaForwardsWhileItsTasksStop(t *testing.T) {
	cut, url, proxy, let := startStubborn(t)
	other := startReplica(t, url)
	proxy.Cut()
	holder(t, other)
	proxy.Heal()
	callable(t, cut)
	if cut.rests() {
		t.Fatal("the server has ended before its task")
	}
	other.end(t)
	if _, in, _ := cut.now(); in != nil {
		t.Error("it runs a second server beside the one that ends")
	}
	let()
	holder(t, cut)
	callable(t, cut)
}

// What is answered leads a caller back by the way that it came, and metrics tell of all replicas, whichever is asked.
func TestWhoAsksAReplicaIsToldOfThatOne(t *testing.T) {
	url := postgrestest.Database(t)
	a, b := startReplica(t, url), startReplica(t, url)
	owner := holder(t, a, b)
	other := map[*testReplica]*testReplica{a: b, b: a}[owner]
	for _, r := range []*testReplica{owner, other} {
		queue, err := sqs.NewFromConfig(r.config()).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
		if err != nil {
			t.Fatal(err)
		}
		if want := r.PublicURL() + "/123456789012/q"; *queue.QueueUrl != want {
			t.Errorf("the queue is at %s, want %s", *queue.QueueUrl, want)
		}
		token, err := ecr.NewFromConfig(r.config()).GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
		if err != nil {
			t.Fatal(err)
		}
		if got := *token.AuthorizationData[0].ProxyEndpoint; got != r.PublicURL() {
			t.Errorf("images are at %s, want %s", got, r.PublicURL())
		}
	}
	// On a busy machine the lease may move meanwhile: then the next scrape tells of that.
	for deadline := time.Now().Add(time.Minute); ; {
		owner := holder(t, a, b)
		other := map[*testReplica]*testReplica{a: b, b: a}[owner]
		if _, err := sqs.NewFromConfig(other.config()).ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
			t.Fatal(err)
		}
		metrics, fromOther := owner.metrics(t), other.metrics(t)
		missing := ""
		for _, want := range []string{
			fmt.Sprintf(`flyball_replica_owner{release="",replica="%s"} 1`, owner.inner.Addr()),
			fmt.Sprintf(`flyball_replica_owner{release="",replica="%s"} 0`, other.inner.Addr()),
			fmt.Sprintf(`flyball_replica_refused_writes_total{replica="%s"} 0`, owner.inner.Addr()),
			fmt.Sprintf(`flyball_replica_forwarded_calls_total{replica="%s"} [1-9]`, other.inner.Addr()),
			`flyball_lease_epoch [1-9]`,
		} {
			line := regexp.MustCompile("(?m)^" + strings.NewReplacer("{", `\{`, "}", `\}`, ".", `\.`).Replace(want))
			if !line.MatchString(metrics) || !line.MatchString(fromOther) {
				missing = want
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no line %s: %s\nand by way of the other one: %s", missing, metrics, fromOther)
		}
	}
}

// metrics are what a scrape of the replica is answered with, which the administrator signs.
func (r *testReplica) metrics(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.PublicURL()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	key := aws.Credentials{AccessKeyID: replicaAdministrator.AccessKey, SecretAccessKey: replicaAdministrator.Secret}
	empty := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(t.Context(), key, req, hex.EncodeToString(empty[:]), "flyball", testRegion, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %s", resp.Status, err, text)
	}
	return string(text)
}

// A database without room has what changes something be refused, in words that say what to do, and reads be answered.
func TestADatabaseWithoutRoomIsToldOf(t *testing.T) {
	url := postgrestest.Database(t)
	r := startReplica(t, url)
	holder(t, r)
	cfg := r.config()
	cfg.RetryMaxAttempts = 1
	c := ecs.NewFromConfig(cfg)
	create := func(name string) error {
		_, err := c.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: &name})
		return err
	}
	if err := create("before"); err != nil {
		t.Fatal(err)
	}
	queues, logs := sqs.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)
	queue, err1 := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	_, err2 := logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g")})
	_, err3 := logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	send := func() error {
		_, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("m")})
		return err
	}
	put := func() error {
		_, err := logs.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"),
			LogEvents: []logtypes.InputLogEvent{{Message: aws.String("m"), Timestamp: aws.Int64(time.Now().UnixMilli())}}})
		return err
	}
	makeRoom := postgrestest.Fill(t, url)
	waiting, waitingElsewhere := make(chan error), make(chan error)
	for _, call := range []func() error{send, put} {
		go func() { waitingElsewhere <- call() }()
	}
	go func() { waiting <- create("waits") }()
	deadline := time.Now().Add(time.Minute)
	for n := 0; ; n++ { // until the database has said so
		err := create(fmt.Sprint("refused-", n))
		if err == nil {
			t.Fatal("a call is answered whose changes are nowhere")
		}
		failure, ok := errors.AsType[smithy.APIError](err)
		if !ok || failure.ErrorFault() != smithy.FaultServer || !strings.Contains(failure.ErrorMessage(), "The database has no room") {
			t.Fatal(err)
		}
		if strings.Contains(failure.ErrorMessage(), "nothing of this call was kept") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("after a minute the server still tells this of a call: ", err)
		}
	}
	out, err := c.ListClusters(t.Context(), &ecs.ListClustersInput{})
	if err != nil || len(out.ClusterArns) == 0 {
		t.Errorf("reads are answered with %v, %v", out, err)
	}
	// Those whose writes take another way are told as well, whether they are under way or begin now.
	for range 2 {
		if err := <-waitingElsewhere; err == nil || !strings.Contains(err.Error(), "The database has no room") {
			t.Errorf("a call that waits is told %v", err)
		}
	}
	for name, call := range map[string]func() error{"SendMessage": send, "PutLogEvents": put} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "nothing of this call was kept") {
			t.Errorf("%s is told %v", name, err)
		}
	}
	makeRoom()
	if err := <-waiting; err != nil && !strings.Contains(err.Error(), "The database has no room") {
		t.Error(err)
	}
	for deadline = time.Now().Add(time.Minute); ; {
		err := create("after")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestReplicasAreNotConfiguredInVain(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"postgres://":          func(c *Config) { c.Store = "mysql://localhost/x" },
		"--auth":               func(c *Config) { c.Administrator = nil },
		"wall clock":           func(c *Config) { c.Speed = 60 },
		"--advertise":          func(c *Config) { c.ReplicaAddr = ":7000" },
		"HOST:PORT":            func(c *Config) { c.ReplicaAddr = "7000" },
		"--store needs --data": func(c *Config) { c.Data = "" },
	} {
		cfg := replicaConfig(t, "postgres://nobody@127.0.0.1:1/none")
		change(&cfg)
		if r, err := OpenReplica(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
			if err == nil {
				r.Close()
			}
		}
	}
}
