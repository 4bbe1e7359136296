package load

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A letterbox takes messages and notes them.
type letterbox struct {
	mu      sync.Mutex
	takes   time.Duration // a call
	err     error         // of every call
	refuse  string        // bodies that are refused
	bodies  []string
	groups  []string
	batches []int // sizes
	calls   int   // under way
	most    int   // of them
}

func (l *letterbox) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	l.most = max(l.most, l.calls)
	l.mu.Unlock()
	select {
	case <-time.After(l.takes):
	case <-ctx.Done():
	}
	l.mu.Lock()
	l.calls--
	if l.err != nil {
		return nil, l.err
	}
	l.batches = append(l.batches, len(in.Entries))
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		if *e.MessageBody == l.refuse {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InvalidMessageContents"), Message: aws.String("no")})
			continue
		}
		l.bodies = append(l.bodies, *e.MessageBody)
		l.groups = append(l.groups, aws.ToString(e.MessageGroupId)+" "+fmt.Sprint(e.MessageDeduplicationId != nil))
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func parsed(t *testing.T, text string) Template {
	t.Helper()
	tt, err := ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return tt
}

func TestMessagesGoOutAtTheirRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &letterbox{takes: time.Millisecond}
		var seconds []int
		summary, err := Feed{
			Queue: box, URL: "q", Body: parsed(t, "{{.N}}"), Schedule: Ramp(100, 2*time.Second, 2*time.Second, 0),
			Report: func(s Second) { seconds = append(seconds, s.Requests) },
		}.Run(t.Context())
		if err != nil || summary.Requests != 300 || summary.Errors != 0 {
			t.Fatalf("%+v, %v; want 300 messages and no error", summary, err)
		}
		for i, want := range []int{25, 75, 100, 100} { // each within what is due in 100 ms
			if got := seconds[i]; got < want-10 || got > want+10 {
				t.Errorf("%d messages in second %d, want about %d", got, i+1, want)
			}
		}
		if slices.Max(box.batches) > 10 {
			t.Errorf("batches of %v", box.batches)
		}
	})
}

func TestMessagesWithoutARateGoAtOnceInBatchesOfTen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &letterbox{takes: 10 * time.Millisecond}
		summary, err := Feed{Queue: box, URL: "q", Body: parsed(t, "{{.N}}"), Messages: 1505}.Run(t.Context())
		if err != nil || summary.Requests != 1505 || len(box.bodies) != 1505 || len(box.batches) != 151 {
			t.Fatalf("%+v, %v: %d messages in %d batches; want 1505 in 151", summary, err, len(box.bodies), len(box.batches))
		}
		if box.most != sendersAtOnce || summary.Elapsed > 200*time.Millisecond {
			t.Errorf("%d calls at once, in %v", box.most, summary.Elapsed)
		}
	})
}

func TestASlowQueueGetsItsMessagesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &letterbox{takes: time.Second}
		behind := 0
		summary, err := Feed{
			Queue: box, URL: "q", Body: parsed(t, "{{.N}}"), Schedule: Constant(1000, 2*time.Second),
			Report: func(s Second) { behind = max(behind, s.InFlight) },
		}.Run(t.Context())
		if err != nil || summary.Requests != 2000 || box.most > sendersAtOnce {
			t.Errorf("%+v, %v: want all 2000 messages and at most %d calls at once, not %d", summary, err, sendersAtOnce, box.most)
		}
		if behind < 1000 {
			t.Errorf("at most %d messages were told as behind", behind)
		}
	})
}

func TestMessagesThatAreRefusedCountByTheirCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &letterbox{refuse: "3"}
		summary, err := Feed{Queue: box, URL: "q", Body: parsed(t, "{{.N}}"), Messages: 5}.Run(t.Context())
		if err != nil || summary.Requests != 5 || summary.Failures.String() != "InvalidMessageContents × 1" {
			t.Errorf("%+v, %v", summary, err)
		}
		box = &letterbox{err: &types.QueueDoesNotExist{}}
		summary, err = Feed{Queue: box, URL: "q", Body: parsed(t, "{{.N}}"), Messages: 15}.Run(t.Context())
		if err != nil || summary.Errors != 15 || summary.Failures["QueueDoesNotExist"] != 15 {
			t.Errorf("%+v, %v; want 15 errors", summary, err)
		}
	})
}

func TestMessagesOfAFIFOQueueGoInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &letterbox{takes: time.Millisecond}
		group := parsed(t, "g{{.N}}")
		if _, err := (Feed{Queue: box, URL: "q.fifo", Body: parsed(t, "{{.N}}"), Group: &group, Messages: 25}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, body := range box.bodies {
			if body != fmt.Sprint(i+1) || box.groups[i] != fmt.Sprintf("g%d true", i+1) {
				t.Fatalf("message %d is %q in group %s", i+1, body, box.groups[i])
			}
		}
	})
}

func TestLargeMessagesGoInSmallerBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &letterbox{}
		large := strings.Repeat("x", 400<<10)
		if _, err := (Feed{Queue: box, URL: "q", Body: parsed(t, large), Messages: 5}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(box.batches)
		if !slices.Equal(box.batches, []int{1, 2, 2}) {
			t.Errorf("batches of %v, want two of two, of 800 KiB, and one", box.batches)
		}
	})
}

func TestTheEndOfAFeedIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		summary, err := Feed{Queue: &letterbox{takes: time.Millisecond}, URL: "q", Body: parsed(t, "x"), Schedule: Constant(100, time.Hour)}.Run(ctx)
		if err != nil || summary.Errors != 0 || summary.Requests < 140 || summary.Requests > 150 {
			t.Errorf("%+v, %v; want 150 messages", summary, err)
		}
	})
}

func TestAFeedWithoutMessagesIsAnError(t *testing.T) {
	for _, f := range []Feed{
		{},
		{Messages: -1},
		{Schedule: Schedule{{To: 5}}},
		{Schedule: Constant(0.1, time.Second)},
	} {
		if _, err := f.Run(t.Context()); err == nil {
			t.Errorf("%+v has no error", f)
		}
	}
}

func TestTemplatesAreTriedBeforeAnythingIsSent(t *testing.T) {
	for _, text := range []string{"{{", "{{.Voucher}}", "{{random 5 1}}", "{{random 1}}", "{{random 1 a}}", "{{if .N}}{{end}}", "{{.N | len}}", "{{$x := .N}}"} {
		if _, err := ParseTemplate(text); err == nil {
			t.Errorf("%q is a template", text)
		}
	}
	m := newMessage(3, time.Unix(60, 0).UTC())
	if got, want := parsed(t, `a {{.N}} {{random 7 7}} {{- .Time}} {{.ID}}`).text(m), "a 3 71970-01-01T00:01:00Z "+m.ID; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := parsed(t, "").text(m); got != "" {
		t.Errorf("nothing is %q", got)
	}
}
