package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

var replicaAdministrator = &Administrator{"AKIAREPLICAADMIN0001", "the secret of all replicas"}

// A testReplica is one that a test runs.
type testReplica struct {
	*Replica
	stop context.CancelFunc
	done chan error
}

// startReplica starts a replica on a database.
func startReplica(t testing.TB, url string) *testReplica {
	t.Helper()
	r, err := OpenReplica(t.Context(), replicaConfig(t, url))
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
