package server

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func queuesOf(url, region string, key aws.Credentials) *sqs.Client {
	return sqs.NewFromConfig(configOf(url, region, key))
}

func unknown(key string) aws.Credentials {
	return aws.Credentials{AccessKeyID: key, SecretAccessKey: "secret"}
}

// createQueue makes a queue and returns its URL.
func createQueue(t *testing.T, c *sqs.Client, name string) *string {
	t.Helper()
	out, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueUrl
}

func send(t *testing.T, c *sqs.Client, url *string) error {
	t.Helper()
	_, err := c.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m")})
	return err
}

func TestAQueueLeadsCallersBackWhereTheyCameFrom(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	byName := strings.Replace(url, "127.0.0.1", "localhost", 1)
	if got := *createQueue(t, queuesOf(url, "us-east-1", unknown("test")), "a"); got != url+"/"+testAccount+"/a" {
		t.Errorf("by address it is at %s", got)
	}
	c := queuesOf(byName, "us-east-1", unknown("test"))
	if got := *createQueue(t, c, "a"); got != byName+"/"+testAccount+"/a" {
		t.Errorf("by name it is at %s", got)
	}
	// The region is that of the signature.
	err := send(t, queuesOf(url, "eu-west-2", unknown("test")), aws.String(url+"/"+testAccount+"/a"))
	refused(t, err, "AWS.SimpleQueueService.NonExistentQueue", http.StatusBadRequest, "The specified queue does not exist")
}

func TestThePolicyOfAQueueHasAVoice(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	owner := queuesOf(url, "us-east-1", unknown(testAccount))
	queue := createQueue(t, owner, "a")
	arn := "arn:aws:sqs:us-east-1:" + testAccount + ":a"
	set := func(effect, principal, action string) {
		t.Helper()
		policy := document(effect, action, arn, `, "Principal": {"AWS": "`+principal+`"}`)
		_, err := owner.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: queue, Attributes: map[string]string{"Policy": policy}})
		if err != nil {
			t.Fatal(err)
		}
	}
	bobARN := "arn:aws:iam::" + testAccount + ":user/bob"
	u := createUser(t, url, "bob", document("Allow", "ecs:*", "*", ""))
	mine := queuesOf(url, "us-east-1", u.key)
	refused(t, send(t, mine, queue), "AccessDenied", http.StatusForbidden, bob+"sqs:SendMessage on resource: "+arn+" because no identity-based policy allows the sqs:SendMessage action")
	set("Allow", bobARN, "sqs:SendMessage")
	if err := send(t, mine, queue); err != nil {
		t.Errorf("the queue allows its own account's user: %v", err)
	}
	_, err := mine.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: queue, Entries: []sqstypes.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: aws.String("m")},
	}})
	if err != nil {
		t.Errorf("several messages are as one: %v", err)
	}
	set("Deny", bobARN, "sqs:*")
	refused(t, send(t, mine, queue), "AccessDenied", http.StatusForbidden, "with an explicit deny in a resource-based policy")

	// Another account's user needs both sides.
	other := callerOf(url, "us-east-1", "210987654321")
	eve := userWith(url, "eve", other.createKey(t, "eve"))
	theirs := queuesOf(url, "us-east-1", eve.key)
	embed(t, other, "eve", "own", document("Allow", "sqs:*", "*", ""))
	refused(t, send(t, theirs, queue), "AccessDenied", http.StatusForbidden, "because no resource-based policy allows the sqs:SendMessage action")
	set("Allow", "210987654321", "sqs:SendMessage")
	if err := send(t, theirs, queue); err != nil {
		t.Errorf("the queue and the user's own policy allow it: %v", err)
	}
}

func TestQueuesOutlastAServerWhoseCallersWait(t *testing.T) {
	dir := t.TempDir()
	url, stop := serving(t, dir)
	c := queuesOf(url, "us-east-1", unknown("test"))
	queue := createQueue(t, c, "a")
	waits, asked := make(chan error, 1), make(chan struct{})
	sent := sync.OnceFunc(func() { close(asked) })
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { sent() }})
	go func() {
		_, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue, WaitTimeSeconds: 20})
		waits <- err
	}()
	<-asked
	// The server has taken the connection of the one who waits when it has answered those after it.
	if err := send(t, c, createQueue(t, c, "c")); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-waits; err != nil { // it would be one if the server had to cut it off
		t.Errorf("whoever waits is told %v", err)
	}
	url, stop = serving(t, dir)
	defer stop()
	c = queuesOf(url, "us-east-1", unknown("test"))
	out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(url + "/" + testAccount + "/c")})
	if err != nil || len(out.Messages) != 1 {
		t.Errorf("after a restart there are %+v: %v", out, err)
	}
}

func TestConditionsSeeTheTagsOfAQueue(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	u := createUser(t, url, "bob", document("Allow", "sqs:*", "*", `, "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:username}"}}`))
	admin, bobs := queuesOf(url, "us-east-1", unknown("test")), queuesOf(url, "us-east-1", u.key)
	for _, name := range []string{"bob", "eve"} {
		made, err := admin.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Tags: map[string]string{"team": name}})
		if err != nil {
			t.Fatal(err)
		}
		err = send(t, bobs, made.QueueUrl)
		if allowed := err == nil; allowed != (name == "bob") {
			t.Errorf("a message to the queue of %s: %v", name, err)
		}
	}
}

func TestAnAttributeWithoutANameIsRefusedInTheWordsOfQueues(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	c := queuesOf(url, "us-east-1", unknown("test"))
	_, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: createQueue(t, c, "a"), AttributeNames: []sqstypes.QueueAttributeName{""}})
	if _, ok := errors.AsType[*sqstypes.InvalidAttributeName](err); !ok || !strings.Contains(err.Error(), "Unknown Attribute .") {
		t.Errorf("got %v", err)
	}
}
