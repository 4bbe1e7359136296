package server

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/broker"
	"flyball/internal/client"
	"flyball/internal/damage"
	"flyball/internal/logstore"
)

// taken is a life of a server on a folder, which has a queue and log events, and from which
// a test takes something away.
type taken struct {
	*testing.T
	dir  string
	told bytes.Buffer // at this life's start and since
	*client.Client
	queue *string
	stop  func()
}

func (l *taken) start() {
	l.Helper()
	l.told.Reset()
	s := open(l.T, l.dir, logTo(&l.told))
	ctx, cancel := context.WithCancel(l.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	l.stop = func() {
		cancel()
		<-ended // with an error where something was taken away, which the log tells, too
	}
	l.Client = client.New(client.Config{Endpoint: s.URL(), Region: testRegion})
	out, err := l.SQS.CreateQueue(l.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		l.Fatal(err)
	}
	l.queue = out.QueueUrl
}

func (l *taken) send() error {
	_, err := l.SQS.SendMessage(l.Context(), &sqs.SendMessageInput{QueueUrl: l.queue, MessageBody: aws.String("one")}, func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	return err
}

// remove removes what a pattern names in the folder.
func (l *taken) remove(pattern string) {
	l.Helper()
	found, err := filepath.Glob(filepath.Join(l.dir, pattern))
	if err != nil || len(found) == 0 {
		l.Fatal("there is no", pattern, err)
	}
	for _, name := range found {
		if err := os.RemoveAll(name); err != nil {
			l.Fatal(err)
		}
	}
}

// says reports whether the log tells of something as an error.
func (l *taken) says(what string) bool {
	for line := range strings.Lines(l.told.String()) {
		if strings.Contains(line, "level=ERROR") && strings.Contains(line, what) {
			return true
		}
	}
	return false
}

func TestWhatIsTakenAwayOfQueuesAndLogsIsTold(t *testing.T) {
	l := &taken{T: t, dir: t.TempDir()}
	l.start()
	if err := l.send(); err != nil {
		t.Fatal(err)
	}
	group, stream := aws.String("app"), aws.String("web")
	_, err := l.Logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group})
	if err == nil {
		_, err = l.Logs.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream})
	}
	if err == nil {
		_, err = l.Logs.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream,
			LogEvents: []logstypes.InputLogEvent{{Message: aws.String("a line"), Timestamp: aws.Int64(time.Now().UnixMilli())}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	l.stop()
	if l.says("") {
		t.Fatal("before anything is taken away it tells of", l.told.String())
	}

	l.remove("queues/*/*/lengths")
	l.remove("logs/*/*/lengths")
	for folder, check := range map[string]func(string) (damage.Report, error){"queues": broker.Check, "logs": logstore.Check} {
		found, err := check(filepath.Join(l.dir, folder, testAccount, testRegion))
		if err != nil || len(found.Found) != 1 || !strings.Contains(found.Found[0].Where, "it is gone") {
			t.Errorf("a check of %s finds %+v, %v", folder, found.Found, err)
		}
	}
	l.start()
	if err := l.send(); err != nil {
		t.Fatal(err)
	}
	if !l.says("how long their logs were") || !l.says("how long they were") {
		t.Errorf("without the notes of lengths it tells %q", l.told.String())
	}

	l.remove("queues")
	if err := l.send(); err == nil || !strings.Contains(err.Error(), "its file was removed while the server ran") {
		t.Errorf("of a folder that is gone a caller hears %v", err)
	}
	l.stop()
	if !l.says("was removed while the server ran") {
		t.Errorf("of a folder that is gone it tells %q", l.told.String())
	}

	l.start()
	defer l.stop()
	if !l.says("their folder is gone") {
		t.Errorf("the next start tells %q", l.told.String())
	}
	if err := l.send(); err != nil {
		t.Errorf("the queue does not begin anew: %v", err)
	}
}

func TestFoldersThatWereThereAreMissed(t *testing.T) {
	l := &taken{T: t, dir: t.TempDir()}
	l.start()
	if err := l.send(); err != nil {
		t.Fatal(err)
	}
	l.stop()
	l.remove("deliveries")
	l.remove("logs")
	l.start()
	if !l.says("begins empty") || strings.Count(l.told.String(), "begins empty") != 2 {
		t.Errorf("without deliveries and log events it tells %q", l.told.String())
	}
	l.stop()

	// A queue is opened when it is first needed, by which time its folder may be gone.
	l.start()
	if l.says("") {
		t.Errorf("it tells once more of %q", l.told.String())
	}
	l.remove("queues")
	if err := l.send(); err != nil {
		t.Fatal(err)
	}
	l.stop()
	if !l.says("their folder is gone") {
		t.Errorf("of a folder that is gone before it is opened it tells %q", l.told.String())
	}
}
