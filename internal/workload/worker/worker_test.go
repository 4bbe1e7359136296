package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A fakeQueue is a standard queue whose clock runs at a speed.
type fakeQueue struct {
	mu       sync.Mutex
	speed    float64
	start    time.Time
	messages map[string]time.Time // by ID: when each becomes visible, on the wall clock
	deleted  []string
	changes  []int32 // visibility timeouts that were set, one for each message
	broken   error   // every call fails with it
	calls    int
}

func newFakeQueue(messages int, speed float64) *fakeQueue {
	q := &fakeQueue{speed: speed, start: time.Now(), messages: map[string]time.Time{}}
	for i := range messages {
		q.messages[fmt.Sprintf("m%02d", i)] = q.start
	}
	return q
}

func (q *fakeQueue) real(seconds int32) time.Duration {
	return time.Duration(float64(seconds) / q.speed * float64(time.Second))
}

// lock locks the queue for a call, which fails if the queue is broken.
func (q *fakeQueue) lock() error {
	q.mu.Lock()
	q.calls++
	return q.broken
}

func (q *fakeQueue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broken = err
}

func (q *fakeQueue) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	end := time.Now().Add(time.Duration(in.WaitTimeSeconds) * time.Second)
	for {
		out, err := q.take(in)
		if err != nil || len(out.Messages) > 0 || time.Now().After(end) {
			return out, err
		}
		if !sleep(ctx, 100*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

func (q *fakeQueue) take(in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	err := q.lock()
	defer q.mu.Unlock()
	if err != nil {
		return nil, err
	}
	out := &sqs.ReceiveMessageOutput{}
	now := time.Now()
	for i := range 100 {
		id := fmt.Sprintf("m%02d", i)
		if visible, ok := q.messages[id]; !ok || visible.After(now) || len(out.Messages) == int(in.MaxNumberOfMessages) {
			continue
		}
		q.messages[id] = now.Add(q.real(in.VisibilityTimeout))
		out.Messages = append(out.Messages, types.Message{MessageId: &id, ReceiptHandle: &id, Attributes: map[string]string{
			"SentTimestamp": "1000", "ApproximateFirstReceiveTimestamp": "3500", "ApproximateReceiveCount": "1",
		}})
	}
	return out, nil
}

func (q *fakeQueue) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	err := q.lock()
	defer q.mu.Unlock()
	if err != nil {
		return nil, err
	}
	for _, e := range in.Entries {
		delete(q.messages, *e.ReceiptHandle)
		q.deleted = append(q.deleted, *e.ReceiptHandle)
	}
	return &sqs.DeleteMessageBatchOutput{}, nil
}

func (q *fakeQueue) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	err := q.lock()
	defer q.mu.Unlock()
	if err != nil {
		return nil, err
	}
	for _, e := range in.Entries {
		q.messages[*e.ReceiptHandle] = time.Now().Add(q.real(e.VisibilityTimeout))
		q.changes = append(q.changes, e.VisibilityTimeout)
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// A working is a worker at work on a fakeQueue, in a bubble of synctest.
type working struct {
	*testing.T
	q    *fakeQueue
	out  bytes.Buffer
	stop context.CancelFunc
	done chan struct{}
}

// begin starts a worker with an environment beside its queue's.
func begin(t *testing.T, q *fakeQueue, env map[string]string, protection http.RoundTripper) *working {
	t.Helper()
	settings, err := readSettings(func(name string) string {
		switch name {
		case "QUEUE_URL":
			return "http://127.0.0.1/123456789012/q"
		case "FLYBALL_SPEED":
			return strconv.FormatFloat(q.speed, 'g', -1, 64)
		}
		return env[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &working{T: t, q: q, done: make(chan struct{})}
	worker := &worker{settings: settings, queue: q, out: &w.out}
	if protection != nil {
		if worker.protection, err = newProtection("http://agent/id", settings); err != nil {
			t.Fatal(err)
		}
		worker.protection.client.Transport = protection
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.stop = cancel
	t.Cleanup(func() { cancel(); <-w.done })
	go func() {
		defer close(w.done)
		worker.run(ctx)
	}()
	return w
}

func (w *working) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// A state is what has become of the messages of a queue.
type state struct {
	messages map[string]time.Time
	deleted  []string
	changes  []int32
	calls    int
}

func (w *working) state() state {
	w.q.mu.Lock()
	defer w.q.mu.Unlock()
	return state{maps.Clone(w.q.messages), slices.Clone(w.q.deleted), slices.Clone(w.q.changes), w.q.calls}
}

func TestAMessageTakesItsTimeOnTheQueuesClock(t *testing.T) {
	for _, tt := range []struct {
		speed float64
		after time.Duration // ten messages of 100 ms
	}{{1, time.Second}, {10, 100 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			w := begin(t, newFakeQueue(10, tt.speed), nil, nil)
			w.pass(tt.after - time.Millisecond)
			if len(w.state().deleted) != 0 {
				t.Errorf("at speed %v, %d messages were deleted before their time", tt.speed, len(w.state().deleted))
			}
			w.pass(2 * time.Millisecond)
			if len(w.state().deleted) != 10 {
				t.Errorf("at speed %v, %d messages were deleted in %v, want 10", tt.speed, len(w.state().deleted), tt.after)
			}
		})
	}
}

func TestAMessageIsDeletedWithinASecondOfItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, newFakeQueue(10, 1), map[string]string{"TIME_PER_MESSAGE": "800ms"}, nil)
		w.pass(2500 * time.Millisecond) // three are done, the first 1.7 s ago
		if len(w.state().deleted) != 3 {
			t.Errorf("deleted %v, want three", w.state().deleted)
		}
	})
}

func TestAMessageThatTakesLongStaysInvisible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, newFakeQueue(2, 1), map[string]string{"TIME_PER_MESSAGE": "100s", "VISIBILITY_TIMEOUT": "30s"}, nil)
		w.pass(99 * time.Second)
		for id, visible := range w.state().messages {
			if !visible.After(time.Now()) {
				t.Errorf("%s has come back while it was worked on", id)
			}
		}
		w.pass(102 * time.Second)
		if len(w.state().deleted) != 2 || len(w.state().messages) != 0 {
			t.Errorf("deleted %v, left %v", w.state().deleted, w.state().messages)
		}
	})
}

func TestAWorkerThatStopsFinishesOneMessageAndGivesTheOthersBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, newFakeQueue(10, 1), map[string]string{"TIME_PER_MESSAGE": "10s"}, nil)
		w.pass(5 * time.Second)
		w.stop()
		w.pass(5 * time.Second)
		<-w.done
		if !slices.Equal(w.state().deleted, []string{"m00"}) || !slices.Equal(w.state().changes, make([]int32, 9)) {
			t.Errorf("deleted %v and set timeouts %v; want the first deleted and nine times 0", w.state().deleted, w.state().changes)
		}
	})
}

func TestAMessageThatCannotBeFinishedInTimeIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, newFakeQueue(1, 1), map[string]string{"TIME_PER_MESSAGE": "2m", "VISIBILITY_TIMEOUT": "5m"}, nil)
		w.pass(5 * time.Second)
		w.stop()
		w.pass(finishWithin)
		<-w.done
		if len(w.state().deleted) != 0 || !slices.Equal(w.state().changes, []int32{0}) {
			t.Errorf("deleted %v and set timeouts %v; want none deleted and 0", w.state().deleted, w.state().changes)
		}
	})
}

func TestAWorkerThatWaitsStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, newFakeQueue(0, 1), nil, nil)
		w.pass(time.Second)
		w.stop()
		synctest.Wait()
		select {
		case <-w.done:
		default:
			t.Error("the worker still waits")
		}
	})
}

func TestAWorkerOutlivesItsQueuesServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, newFakeQueue(20, 1), nil, nil)
		w.pass(500 * time.Millisecond)
		w.q.fail(errors.New("connection refused"))
		w.pass(time.Minute)
		if calls := w.state().calls; calls > 30 {
			t.Errorf("%d calls in a minute of a server that is down", calls)
		}
		w.q.fail(nil)
		w.pass(10 * time.Second)
		if len(w.state().deleted) != 20 {
			t.Errorf("deleted %d messages, want 20; it said:\n%s", len(w.state().deleted), &w.out)
		}
	})
}

func TestALineTellsHowLongAMessageHasWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, newFakeQueue(2, 10), map[string]string{"LOG_MESSAGES": "1"}, nil)
		w.pass(time.Second)
		want := "message m00 waited 2.500 s\nmessage m01 waited 2.600 s\n" // the second begins 100 ms later, on the queue's clock
		if w.out.String() != want {
			t.Errorf("wrote %q, want %q", w.out.String(), want)
		}
	})
}

// An agent notes what it is asked.
type agent struct{ asked []string }

func (a *agent) RoundTrip(r *http.Request) (*http.Response, error) {
	var b bytes.Buffer
	_, _ = b.ReadFrom(r.Body)
	a.asked = append(a.asked, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, &b))
	rec := httptest.NewRecorder()
	fmt.Fprint(rec, `{"protection": {"ProtectionEnabled": true, "TaskArn": "arn"}}`)
	return rec.Result(), nil
}

func TestATaskIsProtectedWhileItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &agent{}
		w := begin(t, newFakeQueue(20, 1), map[string]string{"PROTECT": "1"}, a)
		w.pass(2100 * time.Millisecond) // the work takes two seconds
		want := []string{
			`PUT /id/task-protection/v1/state {"ExpiresInMinutes":120,"ProtectionEnabled":true}`,
			`PUT /id/task-protection/v1/state {"ProtectionEnabled":false}`,
		}
		if !slices.Equal(a.asked, want) {
			t.Errorf("asked %q, want %q", a.asked, want)
		}
	})
}

func TestAWorkerThatIsAlwaysBusyGivesWayEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &agent{}
		w := begin(t, newFakeQueue(90, 1), map[string]string{"PROTECT": "1", "TIME_PER_MESSAGE": "1s"}, a)
		w.pass(85 * time.Second)
		if len(a.asked) != 3 { // on; off and on again after a minute
			t.Errorf("asked %q, want on, off and on", a.asked)
		}
	})
}

func TestAWorkerNeedsSettingsThatItCanKeep(t *testing.T) {
	for _, tt := range []struct{ name, value string }{
		{"QUEUE_URL", ""},
		{"TIME_PER_MESSAGE", "soon"},
		{"TIME_PER_MESSAGE", "-1s"},
		{"VISIBILITY_TIMEOUT", "0s"},
		{"VISIBILITY_TIMEOUT", "1500ms"},
		{"BATCH", "11"},
		{"BATCH", "0"},
		{"WORK", "play"},
		{"PROTECT", "perhaps"},
		{"PROTECT", "1"}, // where there is no agent
		{"FLYBALL_SPEED", "0"},
		{"FLYBALL_SPEED", "NaN"},
	} {
		env := map[string]string{"QUEUE_URL": "http://127.0.0.1/123456789012/q", tt.name: tt.value}
		err := run(t.Context(), func(name string) string { return env[name] })
		if err == nil || !strings.HasPrefix(err.Error(), tt.name+":") {
			t.Errorf("with %s=%q: %v, want an error that names it", tt.name, tt.value, err)
		}
	}
}

func TestBATCHIsAWholeNumber(t *testing.T) {
	env := map[string]string{"QUEUE_URL": "q", "BATCH": "2.9"}
	if s, err := readSettings(func(name string) string { return env[name] }); err == nil {
		t.Errorf("BATCH=2.9 is taken as %d", s.batch)
	}
}

func TestSettingsThatCannotBeReadSayWhichAndWhy(t *testing.T) {
	for name, tt := range map[string]struct{ value, want string }{
		"TIME_PER_MESSAGE": {"soon", `TIME_PER_MESSAGE: "soon" is not a duration such as 100ms`},
		"BATCH":            {"ten", `BATCH: "ten" is not a number`},
		"PROTECT":          {"maybe", `PROTECT: "maybe" is neither 0 nor 1`},
		"WORK":             {"play", `WORK: "play" is neither wait nor cpu`},
	} {
		env := map[string]string{"QUEUE_URL": "http://127.0.0.1/123456789012/q", name: tt.value}
		if _, err := readSettings(func(name string) string { return env[name] }); err == nil || err.Error() != tt.want {
			t.Errorf("%s=%s: %v, want %s", name, tt.value, err, tt.want)
		}
	}
}
