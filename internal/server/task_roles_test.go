package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"flyball/internal/task"
	"flyball/internal/task/idle"
)

// tellingRuntime runs tasks that do nothing, and tells what they are told.
type tellingRuntime struct {
	idle.Runtime
	started chan task.Spec
}

func (r tellingRuntime) Start(ctx context.Context, spec task.Spec) (task.Task, error) {
	r.started <- spec
	return r.Runtime.Start(ctx, spec)
}

func TestATaskActsAsItsRole(t *testing.T) {
	runtime := tellingRuntime{started: make(chan task.Spec, 1)}
	s := open(t, "", knownKeysOnly, func(c *Config) { c.Tasks = runtime })
	defer running(t, s)()
	admin, ctx := userWith(s.URL(), "", adminKey), t.Context()
	run := func() *ecs.RunTaskOutput {
		t.Helper()
		if _, err := admin.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{}); err != nil {
			t.Fatal(err)
		}
		_, err := admin.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("web"), TaskRoleArn: aws.String(scalerARN),
			ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("web"), Memory: aws.Int32(16)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := admin.ecs.RunTask(ctx, &ecs.RunTaskInput{TaskDefinition: aws.String("web")})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	admin.makeScaler(t, trusting("ecs-tasks.amazonaws.com", `, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:ecs:us-east-1:`+testAccount+`:*"},
		"StringEquals": {"aws:SourceAccount": "`+testAccount+`"}}`), document("Allow", "ecs:ListClusters", "*", ""))
	arn := *run().Tasks[0].TaskArn
	id := arn[strings.LastIndexByte(arn, '/')+1:]

	key := credentialsAt(t, (<-runtime.started).Containers[0].Env)
	acting := userWith(s.URL(), "", key)
	if got := acting.who(t); got != "arn:aws:sts::"+testAccount+":assumed-role/scaler/"+id {
		t.Errorf("the task acts as %s", got)
	}
	if _, err := acting.ecs.ListClusters(ctx, &ecs.ListClustersInput{}); err != nil {
		t.Error(err)
	}
	_, err := acting.ecs.DescribeClusters(ctx, &ecs.DescribeClustersInput{})
	refused(t, err, "AccessDeniedException", http.StatusBadRequest, "assumed-role/scaler/"+id+" is not authorized to perform: ecs:DescribeClusters")

	// Another trust lets no new task act as the role.
	if _, err := admin.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("scaler"), PolicyDocument: aws.String(trusting("ec2.amazonaws.com", ""))}); err != nil {
		t.Fatal(err)
	}
	stopped := admin.awaitStopped(t, *run().Tasks[0].TaskArn)
	if !strings.HasPrefix(stopped, "ECS was unable to assume the role '"+scalerARN+"' that was provided for this task.") {
		t.Errorf("the task stopped for %s", stopped)
	}
}

func TestCredentialsThatAreReleasedAreNobodys(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	admin := userWith(s.URL(), "", adminKey)
	admin.makeScaler(t, trusting("ecs-tasks.amazonaws.com", ""), "")
	roles := taskRoles{s, s.home()}
	c, err := roles.Assume(t.Context(), "scaler", "arn:aws:ecs:us-east-1:"+testAccount+":task/shop/1", "1", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	acting := callerWith(s.URL(), testRegion, aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.Token})
	if got := acting.who(t); got != "arn:aws:sts::"+testAccount+":assumed-role/scaler/1" {
		t.Errorf("the task acts as %s", got)
	}
	roles.Release(c.AccessKeyID)
	if got := acting.refused(t); got != "InvalidClientTokenId" {
		t.Errorf("refused with %s", got)
	}
}

// credentialsAt are those that a container finds by its environment.
func credentialsAt(t *testing.T, env []string) aws.Credentials {
	t.Helper()
	for _, e := range env {
		uri, ok := strings.CutPrefix(e, "AWS_CONTAINER_CREDENTIALS_FULL_URI=")
		if !ok {
			continue
		}
		res, err := http.Get(uri)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var c struct {
			AccessKeyID     string `json:"AccessKeyId"`
			SecretAccessKey string
			Token           string
			Expiration      time.Time
		}
		if err := json.NewDecoder(res.Body).Decode(&c); err != nil || res.StatusCode != http.StatusOK || time.Until(c.Expiration) < 5*time.Hour {
			t.Fatalf("%s: %s %+v, %v", uri, res.Status, c, err)
		}
		return aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.Token}
	}
	t.Fatalf("there are no credentials in %v", env)
	return aws.Credentials{}
}

// awaitStopped waits until a task has stopped, and returns why it did.
func (u user) awaitStopped(t *testing.T, arn string) string {
	t.Helper()
	var reason string
	await(t, "the task has stopped", func() bool {
		out, err := u.ecs.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Tasks: []string{arn}})
		if err != nil {
			t.Fatal(err)
		}
		reason = aws.ToString(out.Tasks[0].StoppedReason)
		return *out.Tasks[0].LastStatus == "STOPPED"
	})
	return reason
}
