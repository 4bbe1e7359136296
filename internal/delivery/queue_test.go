package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"flyball/internal/clock"
	"flyball/internal/deliver"
	"flyball/internal/delivery"
)

const (
	target = "arn:aws:target:us-east-1:123456789012:t"
	other  = "arn:aws:target:us-east-1:123456789012:other"
	dead   = "arn:aws:sqs:us-east-1:123456789012:dead"
)

// A world is a queue with a target that answers as it is told, and a queue for dead
// letters.
type world struct {
	*delivery.Queue
	router deliver.Router
	answer func(to string, m deliver.Invocation) error

	mu      sync.Mutex
	taken   []deliver.Invocation
	letters []deliver.Invocation
	reports []delivery.Report
	start   time.Time
	times   []time.Duration // of attempts
}

// life opens a queue over a folder and runs it until the returned function is called.
func life(t *testing.T, folder string, w *world) (stop func()) {
	t.Helper()
	w.start = time.Now()
	w.router.Handle("target", func(_ context.Context, to arn.ARN, message any) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		m := message.(deliver.Invocation)
		w.times = append(w.times, time.Since(w.start))
		if w.answer != nil {
			if err := w.answer(to.String(), m); err != nil {
				return err
			}
		}
		w.taken = append(w.taken, m)
		return nil
	})
	w.router.Handle("sqs", func(_ context.Context, _ arn.ARN, message any) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.letters = append(w.letters, message.(deliver.Invocation))
		return nil
	})
	var err error
	w.Queue, err = delivery.Open(delivery.Options{
		Folder: folder, Lazy: true, Clock: clock.New(time.Now(), 1), Router: &w.router, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Register("test", delivery.Owner{Done: func(_ context.Context, r delivery.Report) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.reports = append(w.reports, r)
	}})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return func() { cancel(); running.Wait(); w.Close() }
}

func (w *world) outcomes() (out []delivery.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.reports {
		out = append(out, r.Outcome)
	}
	return out
}

func TestATakenDeliveryIsWhatWasDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		defer life(t, t.TempDir(), w)()
		sent := deliver.Invocation{
			ID: "id", Principal: "events.amazonaws.com", Source: "arn:rule", Role: "arn:role", Body: []byte("{\xff}"),
			Attributes: map[string]string{"a": "b"},
			Parameters: &types.EcsParameters{TaskDefinitionArn: aws.String("family:1"), TaskCount: aws.Int32(2)},
		}
		if err := w.Deliver(t.Context(), delivery.Delivery{Owner: "test", To: target, Invocation: sent, Note: []byte("n")}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		sent.Attempt = 1
		if len(w.taken) != 1 || !reflect.DeepEqual(w.taken[0], sent) {
			t.Errorf("it is %+v", w.taken)
		}
		if r := w.reports; len(r) != 1 || r[0].Outcome != delivery.Taken || string(r[0].Note) != "n" || r[0].Attempts != 1 {
			t.Errorf("reports %+v", r)
		}
	})
}

func TestParametersThatNoTargetHasAreRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		defer life(t, t.TempDir(), w)()
		if w.Deliver(t.Context(), delivery.Delivery{To: target, Invocation: deliver.Invocation{Parameters: 1}}) == nil {
			t.Error("they are taken")
		}
	})
}

func TestFailuresAreAttemptedAgainAndThenAreDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{answer: func(string, deliver.Invocation) error { return errors.New("down") }}
		defer life(t, t.TempDir(), w)()
		err := w.Deliver(t.Context(), delivery.Delivery{
			Owner: "test", To: target, Invocation: deliver.Invocation{ID: "id", Body: []byte("changed")},
			Retry:      delivery.Retry{MaxAge: time.Hour, Retries: 2, Backoff: []time.Duration{time.Minute, 2 * time.Minute}},
			DeadLetter: dead, Attributes: map[string]string{"RULE_ARN": "r"}, Original: []byte("event"),
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := w.outcomes(); !reflect.DeepEqual(got, []delivery.Outcome{delivery.Retried, delivery.Retried, delivery.Exhausted, delivery.Buried}) {
			t.Errorf("outcomes %v", got)
		}
		for i, want := range []time.Duration{0, time.Minute, 3 * time.Minute} {
			if got := w.times[i].Round(100 * time.Millisecond); got != want {
				t.Errorf("attempt %d at %s, want %s", i+1, got, want)
			}
		}
		want := map[string]string{
			"RULE_ARN": "r", "ERROR_CODE": "ERROR_FROM_TARGET", "ERROR_MESSAGE": "down",
			"EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts", "RETRY_ATTEMPTS": "2",
		}
		if len(w.letters) != 1 || string(w.letters[0].Body) != "event" || !reflect.DeepEqual(w.letters[0].Attributes, want) {
			t.Errorf("letters %+v", w.letters)
		}
	})
}

func TestAPanicIsAFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panics := true
		w := &world{answer: func(string, deliver.Invocation) error {
			if panics {
				panics = false
				panic("a fault of ours")
			}
			return nil
		}}
		defer life(t, t.TempDir(), w)()
		err := w.Deliver(t.Context(), delivery.Delivery{
			Owner: "test", To: target, Invocation: deliver.Invocation{ID: "id"},
			Retry: delivery.Retry{MaxAge: time.Hour, Retries: 2, Backoff: []time.Duration{time.Minute}},
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got, want := w.outcomes(), []delivery.Outcome{delivery.Retried, delivery.Taken}; !reflect.DeepEqual(got, want) {
			t.Errorf("outcomes %v, want %v", got, want)
		}
	})
}

func TestARefusalIsADeadLetterAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{answer: func(string, deliver.Invocation) error {
			return &deliver.Refused{Code: "NO_RESOURCE", Err: errors.New("gone")}
		}}
		defer life(t, t.TempDir(), w)()
		d := delivery.Delivery{Owner: "test", To: target, Retry: delivery.Retry{Retries: 185}, DeadLetter: dead}
		if err := w.Deliver(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(w.letters) != 1 || w.letters[0].Attributes["ERROR_CODE"] != "NO_RESOURCE" || w.letters[0].Attributes["RETRY_ATTEMPTS"] != "0" {
			t.Errorf("letters %+v", w.letters)
		}
	})
}

func TestWhatIsTooOldIsNotAttempted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		w := &world{answer: func(string, deliver.Invocation) error { return &deliver.Busy{Err: errors.New("full")} }}
		stop := life(t, folder, w)
		if err := w.Deliver(t.Context(), delivery.Delivery{Owner: "test", To: target, Retry: delivery.Retry{MaxAge: time.Minute}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		next := &world{}
		defer life(t, folder, next)()
		synctest.Wait()
		if len(next.times) != 0 || len(next.reports) != 1 || next.reports[0].Condition != delivery.ByAge {
			t.Errorf("attempts %v, reports %+v", next.times, next.reports)
		}
	})
}

// The last attempt is due as the age ends, and comes a little later: what it fails with is told.
func TestAnAttemptAsTheAgeEndsMayBeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{answer: func(_ string, m deliver.Invocation) error {
			if m.ID == "slow" {
				time.Sleep(500 * time.Millisecond)
				return nil
			}
			return errors.New("down")
		}}
		defer life(t, t.TempDir(), w)()
		w.Register("one", delivery.Owner{Most: 1})
		d := delivery.Delivery{Owner: "one", To: target, DeadLetter: dead, Retry: delivery.Retry{MaxAge: time.Minute, Retries: 9, Backoff: []time.Duration{time.Minute}}}
		if err := w.Deliver(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - 200*time.Millisecond)
		if err := w.Deliver(t.Context(), delivery.Delivery{Owner: "one", To: target, Invocation: deliver.Invocation{ID: "slow"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		want := map[string]string{
			"ERROR_CODE": "ERROR_FROM_TARGET", "ERROR_MESSAGE": "down", "EXHAUSTED_RETRY_CONDITION": "MaximumEventAgeInSeconds", "RETRY_ATTEMPTS": "1",
		}
		if len(w.letters) != 1 || !reflect.DeepEqual(w.letters[0].Attributes, want) {
			t.Errorf("letters %+v", w.letters)
		}
	})
}

// A kill leaves what the files held at that moment; a folder's copy is that.
func TestAfterAKillAttemptsThatWereUnderWayAreMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder, after := t.TempDir(), t.TempDir()
		hold := make(chan struct{})
		w := &world{}
		w.router.Handle("held", func(context.Context, arn.ARN, any) error { <-hold; return nil })
		stop := life(t, folder, w)
		for i := range 5 {
			d := delivery.Delivery{Owner: "test", To: target, Invocation: deliver.Invocation{ID: fmt.Sprint("taken", i)}}
			held := delivery.Delivery{Owner: "test", To: "arn:aws:held:us-east-1:123456789012:h", Invocation: deliver.Invocation{ID: fmt.Sprint("held", i)}}
			if err := w.Deliver(t.Context(), d, held); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if err := os.CopyFS(after, os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
		close(hold)
		stop()
		next := &world{}
		again := map[string]bool{}
		next.router.Handle("held", func(_ context.Context, _ arn.ARN, m any) error {
			next.mu.Lock()
			defer next.mu.Unlock()
			again[m.(deliver.Invocation).ID] = true
			return nil
		})
		defer life(t, after, next)()
		synctest.Wait()
		if len(next.taken) != 0 || len(again) != 5 || !again["held0"] {
			t.Errorf("taken again %v, held %v", next.taken, again)
		}
	})
}

func TestASlowTargetHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		w := &world{}
		var slow int
		w.router.Handle("held", func(context.Context, arn.ARN, any) error {
			<-hold
			w.mu.Lock()
			defer w.mu.Unlock()
			slow++
			return nil
		})
		defer life(t, t.TempDir(), w)()
		const many = 2000 // more than a lane has room for
		var all []delivery.Delivery
		for range many {
			all = append(all, delivery.Delivery{Owner: "test", To: "arn:aws:held:us-east-1:123456789012:h", Retry: delivery.Retry{MaxAge: time.Hour}})
		}
		if err := w.Deliver(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
		if err := w.Deliver(t.Context(), delivery.Delivery{Owner: "test", To: other}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(w.taken) != 1 {
			t.Fatal("the other target waits")
		}
		close(hold)
		time.Sleep(time.Minute)
		synctest.Wait()
		if slow != many {
			t.Errorf("%d of %d were delivered", slow, many)
		}
	})
}

// A taker of its own is asked in place of the router.
func TestAnOwnerMayMakeTheAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		defer life(t, t.TempDir(), w)()
		var got delivery.Delivery
		w.Register("own", delivery.Owner{Take: func(_ context.Context, d delivery.Delivery) error { got = d; return nil }})
		if err := w.Deliver(t.Context(), delivery.Delivery{Owner: "own", To: target, Note: []byte("n")}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got.To != target || string(got.Note) != "n" || got.Invocation.ID == "" || len(w.taken) != 0 {
			t.Errorf("it got %+v", got)
		}
	})
}
