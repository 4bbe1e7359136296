package server

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/client"
	"flyball/internal/datafolder"
)

func TestABackupOfARunningServerHasAllThatWasAcknowledged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer running(t, s)()
	queues := client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"}).SQS
	made, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: made.QueueUrl, MessageBody: aws.String("order")}); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"}).Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	path := filepath.Join(t.TempDir(), "backup.tar")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(file, archive); err != nil {
		t.Fatal(err)
	}
	file.Close()
	restored := filepath.Join(t.TempDir(), "restored")
	if _, err := datafolder.Restore(t.Context(), path, restored, false); err != nil {
		t.Fatal(err)
	}
	other := open(t, restored)
	defer running(t, other)()
	got, err := client.New(client.Config{Endpoint: other.URL(), Region: "us-east-1"}).SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(other.URL() + "/123456789012/orders"), MaxNumberOfMessages: 10,
	})
	if err != nil || len(got.Messages) != 5 {
		t.Errorf("%d messages, %v", len(got.Messages), err)
	}
}

func TestAServerThatKeepsNothingMakesNoBackup(t *testing.T) {
	s := open(t, "")
	defer running(t, s)()
	res, err := http.Post(s.URL()+"/console/api/backup", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", res.StatusCode)
	}
}

// Damage that comes while the server runs is in the backup, too, and is told in it.
func TestABackupOfARunningServerTellsWhatIsDamagedInIt(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer running(t, s)()
	queues := client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"}).SQS
	made, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: made.QueueUrl, MessageBody: aws.String("order")}); err != nil {
		t.Fatal(err)
	}
	backup := func() []string {
		archive, err := client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"}).Backup(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer archive.Close()
		same, damaged := datafolder.Watch(archive)
		if _, err := io.Copy(io.Discard, same); err != nil {
			t.Fatal(err)
		}
		told, err := damaged()
		if err != nil {
			t.Fatal(err)
		}
		return told
	}
	if told := backup(); len(told) > 0 {
		t.Errorf("nothing is damaged, and told is %q", told)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "queues/*/*/*/*.log"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("%v, %v", segments, err)
	}
	file, err := os.OpenFile(segments[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte{0xff}, info.Size()-3); err != nil {
		t.Fatal(err)
	}
	file.Close()
	if told := backup(); len(told) != 1 || !strings.HasPrefix(told[0], "queues/") {
		t.Errorf("told is %q", told)
	}
}
