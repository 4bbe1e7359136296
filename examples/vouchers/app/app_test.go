package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A letterbox keeps what is sent, and notes what is deleted.
type letterbox struct {
	bodies  []string
	deleted int
	err     error // of sending
}

func (l *letterbox) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if l.err != nil {
		return nil, l.err
	}
	l.bodies = append(l.bodies, *in.MessageBody)
	return &sqs.SendMessageOutput{}, nil
}

func (l *letterbox) ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	return nil, errors.New("not asked for here")
}

func (l *letterbox) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	l.deleted += len(in.Entries)
	return &sqs.DeleteMessageBatchOutput{}, nil
}

// messages are the bodies as a worker receives them, sent 2.5 s before.
func (l *letterbox) messages() []types.Message {
	var list []types.Message
	for _, body := range l.bodies {
		list = append(list, types.Message{Body: aws.String(body), ReceiptHandle: aws.String("handle"), Attributes: map[string]string{
			"SentTimestamp": "1000", "ApproximateFirstReceiveTimestamp": "3500",
		}})
	}
	return list
}

func newDatabase(t *testing.T) database {
	t.Helper()
	db, err := openDatabase(filepath.Join(t.TempDir(), "vouchers.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func call(t *testing.T, h http.Handler, method, path, body string) (status int, u upload, location string) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	if strings.HasPrefix(rec.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(rec.Body.Bytes(), &u); err != nil {
			t.Fatalf("%s %s: %q: %v", method, path, rec.Body, err)
		}
	}
	return rec.Code, u, rec.Header().Get("Location")
}

func TestAVoucherIsAnsweredOnceAWorkerHasTakenIt(t *testing.T) {
	cents := func(n int) *int { return &n }
	for _, tt := range []struct {
		code, status string
		balance      *int
	}{
		{"V-1", "valid", cents(37)},
		{"V-10", "expired", nil},
		{"V-1001", "unknown", nil},
		{"'; DROP TABLE vouchers", "unknown", nil},
	} {
		box := &letterbox{}
		db := newDatabase(t)
		h := web{db, box, "q"}.handler()
		body, _ := json.Marshal(map[string]string{"code": tt.code})
		status, u, location := call(t, h, "POST", "/vouchers", string(body))
		if status != http.StatusAccepted || u.Status != pending {
			t.Fatalf("%s: uploading: %d, %+v", tt.code, status, u)
		}
		if status, u, _ = call(t, h, "GET", location, ""); status != http.StatusOK || u.Status != pending || u.Waited != nil {
			t.Errorf("%s: before a worker took it: %d, %+v", tt.code, status, u)
		}
		w := worker{db: db, queue: box, url: "q", speed: 1}
		if err := w.answer(t.Context(), box.messages(), time.Now()); err != nil {
			t.Fatal(err)
		}
		status, u, _ = call(t, h, "GET", location, "")
		if status != http.StatusOK || u.Status != tt.status || (u.Balance == nil) != (tt.balance == nil) || u.Balance != nil && *u.Balance != *tt.balance {
			t.Errorf("%s: %d, %+v; want %s", tt.code, status, u, tt.status)
		}
		if u.Waited == nil || *u.Waited < 2.5 || *u.Waited > 3.5 || box.deleted != 1 {
			t.Errorf("%s: %+v, %d deleted; want 2.5 s of waiting and one deleted", tt.code, u, box.deleted)
		}
	}
}

func TestWhatIsNoVoucherIsRefused(t *testing.T) {
	box := &letterbox{}
	h := web{newDatabase(t), box, "q"}.handler()
	for _, body := range []string{"", "V-1", "{}", `{"code": " "}`, `{"code": "` + strings.Repeat("x", 101) + `"}`} {
		if status, _, _ := call(t, h, "POST", "/vouchers", body); status != http.StatusBadRequest {
			t.Errorf("%q: %d, want 400", body, status)
		}
	}
	if len(box.bodies) != 0 {
		t.Errorf("%q went to the queue", box.bodies)
	}
	if status, _, _ := call(t, h, "GET", "/vouchers/none", ""); status != http.StatusNotFound {
		t.Errorf("an ID that was never given out: %d, want 404", status)
	}
	box.err = errors.New("the queue is gone")
	if status, _, _ := call(t, h, "POST", "/vouchers", `{"code": "V-1"}`); status != http.StatusServiceUnavailable {
		t.Errorf("without a queue: %d, want 503", status)
	}
}

func TestAMessageThatComesTwiceKeepsItsFirstAnswer(t *testing.T) {
	db := newDatabase(t)
	for _, worker := range []string{"first", "second"} {
		if err := db.answer(t.Context(), []upload{{ID: "a", Code: "V-1", Status: "valid", Worker: worker}}); err != nil {
			t.Fatal(err)
		}
	}
	if u, ok, err := db.find(t.Context(), "a"); err != nil || !ok || u.Worker != "first" {
		t.Errorf("%+v, %v, %v", u, ok, err)
	}
}

func TestWaitingIsOfWhatWasAnsweredLately(t *testing.T) {
	db := newDatabase(t)
	waited := []float64{1, 10, 31}
	var answers []upload
	for i := range waited {
		answers = append(answers, upload{ID: string(rune('a' + i)), Code: "V-1", Status: "valid", Waited: &waited[i]})
	}
	if err := db.answer(t.Context(), answers); err != nil {
		t.Fatal(err)
	}
	want := waiting{Answered: 3, Within: 2, Average: 14, Longest: 31}
	if got, err := db.waiting(t.Context(), time.Now().Add(-time.Minute)); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if got, err := db.waiting(t.Context(), time.Now().Add(time.Minute)); err != nil || got != (waiting{}) {
		t.Errorf("%+v, %v; want nothing", got, err)
	}
}

func TestWhatIsNoVoucherStaysInTheQueue(t *testing.T) {
	box := &letterbox{bodies: []string{"nonsense", `{"id": "a", "code": "V-1"}`}}
	w := worker{db: newDatabase(t), queue: box, url: "q", speed: 1}
	if err := w.answer(t.Context(), box.messages(), time.Now()); err != nil || box.deleted != 1 {
		t.Errorf("%v, %d deleted; want the one that is a voucher", err, box.deleted)
	}
}

func TestAVoucherTakesItsTimeOnTheQueuesClock(t *testing.T) {
	box := &letterbox{bodies: []string{`{"id": "a", "code": "V-1"}`, `{"id": "b", "code": "V-2"}`}}
	w := worker{db: newDatabase(t), queue: box, url: "q", each: time.Second, speed: 10}
	begin := time.Now()
	if err := w.answer(t.Context(), box.messages(), begin); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 200*time.Millisecond {
		t.Errorf("two vouchers of a second took %v at ten times speed, want 200 ms", took)
	}
	if u, _, err := w.db.find(t.Context(), "b"); err != nil || u.Waited == nil || *u.Waited < 3.5 {
		t.Errorf("the second waited for %v, %v; want a second more than the first", u.Waited, err)
	}
}
