package broker_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"flyball/internal/broker"
	"flyball/internal/clock"
	"flyball/internal/damage"
	"flyball/internal/queue"
)

// A tester is a test, or one round of a property.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// settings keep messages for a day.
func settings(fifo bool) queue.Settings {
	return queue.Settings{FIFO: fifo, Retention: 24 * 3600 * 1000}
}

func openBroker(folder string, segment int64) *broker.Broker {
	return broker.New(broker.Options{
		Folder: folder, Lazy: true, Segment: segment, Clock: clock.New(time.Now(), 1), Log: slog.New(slog.DiscardHandler),
	})
}

// id makes the ID of a message.
func id(n int) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], uint64(n))
	return id
}

func message(n int, group string) *broker.Message {
	return &broker.Message{
		ID: id(n), Body: fmt.Sprintf("message %d", n), Group: group, Dedup: fmt.Sprint(n),
		Attributes: []broker.Attribute{{Name: "n", Type: "Number", Value: fmt.Sprint(n)}},
	}
}

// copyFolder copies what another process would find after a kill.
func copyFolder(t tester, from string) string {
	to := must(os.MkdirTemp("", "broker"))
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// A life is a queue beside what was answered of it.
type life struct {
	fifo     bool
	segment  int64
	folder   string
	broker   *broker.Broker
	q        *broker.Queue
	sent     int
	left     map[[16]byte]uint32 // receives of the messages that were not deleted
	receipts []broker.Received
}

func (l *life) open() {
	l.broker = openBroker(l.folder, l.segment)
	l.q = must(l.broker.Queue("q", settings(l.fifo)))
}

func (l *life) Send(t *rapid.T) {
	var batch []*broker.Message
	for range rapid.IntRange(1, 4).Draw(t, "batch") {
		l.sent++
		m := message(l.sent, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "group"))
		if rapid.IntRange(0, 3).Draw(t, "delayed") == 0 {
			m.Delay = 5000
		}
		batch = append(batch, m)
	}
	if _, err := l.q.Send(batch); err != nil {
		t.Fatal(err)
	}
	for _, m := range batch {
		l.left[m.ID] = 0
	}
}

func (l *life) Receive(t *rapid.T) {
	got, err := l.q.Receive(context.Background(), broker.Request{Most: rapid.IntRange(1, 10).Draw(t, "most"), Invisible: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	l.note(t, got)
}

// note notes what was received.
func (l *life) note(t tester, got []broker.Received) {
	t.Helper()
	for _, m := range got {
		receives, there := l.left[m.ID]
		if !there || m.Receives != receives+1 || m.Body != fmt.Sprintf("message %d", binary.BigEndian.Uint64(m.ID[:])) {
			t.Fatalf("%q was received the %d. time, after %d (deleted: %t)", m.Body, m.Receives, receives, !there)
		}
		l.left[m.ID]++
		l.receipts = append(l.receipts, m)
	}
}

func (l *life) Delete(t *rapid.T) {
	if len(l.receipts) == 0 {
		t.Skip("nothing was received")
	}
	m := rapid.SampledFrom(l.receipts).Draw(t, "receipt")
	errs, err := l.q.Delete([]queue.Receipt{m.Receipt})
	if err != nil {
		t.Fatal(err)
	}
	if errs[0] == nil {
		delete(l.left, m.ID)
	}
}

func (l *life) SetInvisible(t *rapid.T) {
	if len(l.receipts) == 0 {
		t.Skip("nothing was received")
	}
	m := rapid.SampledFrom(l.receipts).Draw(t, "receipt")
	_ = l.q.SetInvisible(m.Receipt, time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds"))*time.Second) // of what is gone it fails
}

func (l *life) Purge(t *rapid.T) {
	if rapid.IntRange(0, 5).Draw(t, "purge") > 0 {
		t.Skip("seldom")
	}
	if err := l.q.Purge(); err != nil {
		t.Fatal(err)
	}
	clear(l.left)
}

func (l *life) Wait(t *rapid.T) {
	time.Sleep(time.Duration(rapid.IntRange(1, 8).Draw(t, "seconds")) * time.Second)
}

// Kill has another process take over, with something unfinished at the log's end.
func (l *life) Kill(t *rapid.T) {
	before := l.q.Measure()
	synctest.Wait() // a checkpoint may be under way, which a copy would have in parts
	copied := copyFolder(t, l.folder)
	l.broker.Close()
	os.RemoveAll(l.folder)
	l.folder = copied
	logs := must(filepath.Glob(filepath.Join(l.folder, "q", "*.log")))
	last := must(os.OpenFile(slices.Max(logs), os.O_APPEND|os.O_WRONLY, 0))
	last.Write(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "unfinished"))
	last.Close()
	l.open()
	if after := l.q.Measure(); after != before {
		t.Fatalf("there are %+v after a kill, and were %+v", after, before)
	}
}

// Stop closes the broker and opens it again.
func (l *life) Stop(t *rapid.T) {
	before := l.q.Measure()
	if err := l.broker.Close(); err != nil {
		t.Fatal(err)
	}
	l.open()
	if after := l.q.Measure(); after != before {
		t.Fatalf("there are %+v after a stop, and were %+v", after, before)
	}
}

func (l *life) Check(t *rapid.T) {
	c := l.q.Measure().Counts
	if n := c.Visible + c.InFlight + c.Delayed; n != int64(len(l.left)) {
		t.Fatalf("there are %+v, want %d in all", c, len(l.left))
	}
}

// drain receives all that is left: each message once, those of a group in order.
func (l *life) drain(t *rapid.T) {
	time.Sleep(time.Minute)
	last := map[string]uint64{}
	for len(l.left) > 0 {
		got, err := l.q.Receive(context.Background(), broker.Request{Most: 10, Invisible: time.Minute})
		if err != nil || len(got) == 0 {
			t.Fatalf("%d messages are left and not received: %v", len(l.left), err)
		}
		l.note(t, got)
		var receipts []queue.Receipt
		for _, m := range got {
			n := binary.BigEndian.Uint64(m.ID[:])
			if l.fifo && n < last[m.Group] {
				t.Fatalf("%d was received after %d", n, last[m.Group])
			}
			last[m.Group] = n
			receipts = append(receipts, m.Receipt)
			delete(l.left, m.ID)
		}
		if errs, err := l.q.Delete(receipts); err != nil || cmp.Or(errs...) != nil {
			t.Fatal(errs, err)
		}
	}
}

// bubble runs a round of a property with a time of its own. How the round fails is
// handed to rapid, which is outside.
func bubble(t *testing.T, round func()) {
	var failure any
	synctest.Test(t, func(*testing.T) {
		defer func() { failure = recover() }()
		round()
	})
	if failure != nil {
		panic(failure)
	}
}

func TestWhatWasAnsweredOutlastsKills(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprintf("fifo=%t", fifo), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				bubble(t, func() {
					l := &life{fifo: fifo, left: map[[16]byte]uint32{}, folder: must(os.MkdirTemp("", "broker"))}
					l.segment = rapid.SampledFrom([]int64{300, 2000, 1 << 20}).Draw(rt, "segment")
					l.open()
					defer func() { l.broker.Close(); os.RemoveAll(l.folder) }()
					rt.Repeat(map[string]func(*rapid.T){
						"send": l.Send, "send again": l.Send, "receive": l.Receive, "receive again": l.Receive, "delete": l.Delete,
						"set invisible": l.SetInvisible, "purge": l.Purge, "wait": l.Wait, "kill": l.Kill, "stop": l.Stop, "": l.Check,
					})
					l.drain(rt)
				})
			})
		})
	}
}

func TestSegmentsWithoutMessagesAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		b := openBroker(folder, 1000)
		defer b.Close()
		q := must(b.Queue("q", settings(false)))
		for n := range 1000 {
			must(q.Send([]*broker.Message{message(n, "")}))
			got := must(q.Receive(t.Context(), broker.Request{Most: 1, Invisible: time.Minute}))
			must(q.Delete([]queue.Receipt{got[0].Receipt}))
			if n%10 == 0 {
				synctest.Wait() // for a checkpoint
			}
		}
		if logs := must(filepath.Glob(filepath.Join(folder, "q", "*.log"))); len(logs) > 5 {
			t.Errorf("%d segments are left of an empty queue", len(logs))
		}
	})
}

func TestAMessageWakesOneOfThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBroker(t.TempDir(), 0)
		defer b.Close()
		q := must(b.Queue("q", settings(false)))
		got := make(chan int, 3)
		start := time.Now()
		for range 3 {
			go func() {
				messages, err := q.Receive(t.Context(), broker.Request{Most: 1, Invisible: time.Minute, Wait: 20 * time.Second})
				if err != nil {
					t.Error(err)
				}
				got <- len(messages)
			}()
		}
		synctest.Wait()
		time.Sleep(time.Second)
		must(q.Send([]*broker.Message{message(1, "")}))
		if n := <-got; n != 1 || time.Since(start) != time.Second {
			t.Errorf("the first got %d after %v", n, time.Since(start))
		}
		if n := <-got + <-got; n != 0 || time.Since(start) != 20*time.Second {
			t.Errorf("the others got %d after %v", n, time.Since(start))
		}
	})
}

func TestTimeAloneWakesThoseWhoWait(t *testing.T) {
	for name, begin := range map[string]func(*broker.Queue){
		"a delay ends": func(q *broker.Queue) {
			m := message(1, "")
			m.Delay = 3000
			must(q.Send([]*broker.Message{m}))
		},
		"a message was not deleted in time": func(q *broker.Queue) {
			must(q.Send([]*broker.Message{message(1, "")}))
			must(q.Receive(context.Background(), broker.Request{Most: 1, Invisible: 3 * time.Second}))
		},
		"a message is given back": func(q *broker.Queue) {
			must(q.Send([]*broker.Message{message(1, "")}))
			got := must(q.Receive(context.Background(), broker.Request{Most: 1, Invisible: time.Hour}))
			time.AfterFunc(time.Second, func() { must(0, q.SetInvisible(got[0].Receipt, 2*time.Second)) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := openBroker(t.TempDir(), 0)
				defer b.Close()
				q, start := must(b.Queue("q", settings(false))), time.Now()
				begin(q)
				got := must(q.Receive(t.Context(), broker.Request{Most: 1, Invisible: time.Minute, Wait: 20 * time.Second}))
				if took := time.Since(start); len(got) != 1 || took.Round(10*time.Millisecond) != 3*time.Second {
					t.Errorf("got %d after %v", len(got), took)
				}
			})
		})
	}
}

func TestWhoeverElseLooksTakesNoTurnFromThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBroker(t.TempDir(), 0)
		defer b.Close()
		q := must(b.Queue("q", settings(false)))
		must(q.Send([]*broker.Message{message(1, "")}))
		must(q.Receive(t.Context(), broker.Request{Most: 1, Invisible: 3 * time.Second}))
		start, got := time.Now(), make(chan int, 1)
		go func() {
			got <- len(must(q.Receive(t.Context(), broker.Request{Most: 1, Invisible: time.Minute, Wait: 20 * time.Second})))
		}()
		time.Sleep(3 * time.Second)
		if c := q.Measure().Counts; c.Visible != 1 {
			t.Errorf("there are %+v", c)
		}
		if n := <-got; n != 1 || time.Since(start) > 3*time.Second+10*time.Millisecond {
			t.Errorf("got %d after %v", n, time.Since(start))
		}
	})
}

func TestACallerThatIsGoneGetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBroker(t.TempDir(), 0)
		defer b.Close()
		q := must(b.Queue("q", settings(false)))
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := q.Receive(ctx, broker.Request{Most: 1, Invisible: time.Minute, Wait: 20 * time.Second})
			gone <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		must(q.Send([]*broker.Message{message(1, "")}))
		if c := q.Measure().Counts; c != (queue.Counts{Visible: 1}) {
			t.Errorf("there are %+v", c)
		}
	})
}

func TestWhoeverWaitsGoesWhenTheBrokerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBroker(t.TempDir(), 0)
		defer b.Close()
		q := must(b.Queue("q", settings(false)))
		start, done := time.Now(), make(chan error, 1)
		go func() {
			_, err := q.Receive(t.Context(), broker.Request{Most: 1, Wait: 20 * time.Second})
			done <- err
		}()
		synctest.Wait()
		b.Stop()
		if err := <-done; err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestABrokerThatIsClosedOpensNoQueue(t *testing.T) {
	folder := t.TempDir()
	b := openBroker(folder, 0)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Queue("q", settings(false)); !errors.Is(err, broker.ErrClosed) {
		t.Errorf("a queue afterwards: %v", err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("there are files: %v, %v", left, err)
	}
}

func TestADuplicateIsTheMessageThatItRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		b := openBroker(folder, 0)
		q := must(b.Queue("q", settings(true)))
		first := must(q.Send([]*broker.Message{message(1, "a")}))
		got := must(q.Receive(t.Context(), broker.Request{Most: 1, Invisible: time.Minute}))
		must(q.Delete([]queue.Receipt{got[0].Receipt}))
		again := message(1, "a")
		again.ID = id(99)
		for _, restart := range []bool{false, true, false} {
			if restart {
				b.Close()
				b = openBroker(folder, 0)
				q = must(b.Queue("q", settings(true)))
			}
			if d := must(q.Send([]*broker.Message{again})); d[0] != first[0] {
				t.Errorf("a duplicate is %v, want %v", d[0], first[0])
			}
			time.Sleep(time.Minute)
		}
		time.Sleep(2 * time.Minute)
		if d := must(q.Send([]*broker.Message{again})); d[0].ID != again.ID {
			t.Errorf("five minutes later it is %v", d[0])
		}
		b.Close()
	})
}

func TestDeadMessagesAreBuriedAndKeepTheirID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBroker(t.TempDir(), 0)
		defer b.Close()
		q := must(b.Queue("q", settings(false)))
		must(q.Send([]*broker.Message{message(1, ""), message(2, "")}))
		var buried []*broker.Message
		r := broker.Request{Most: 1, Invisible: time.Second, MostReceives: 2, Bury: func(dead []*broker.Message) error {
			buried = append(buried, dead...)
			return nil
		}}
		for range 6 {
			must(q.Receive(t.Context(), r))
			time.Sleep(2 * time.Second)
		}
		if len(buried) != 2 || buried[0].Receives != 2 || q.Measure().Counts != (queue.Counts{}) {
			t.Errorf("%d are buried, and there are %+v", len(buried), q.Measure().Counts)
		}
	})
}

// A receiver that begins anew has all that the one before it had received.
func TestRecalledMessagesAreReceivedAgain(t *testing.T) {
	folder := t.TempDir()
	b := openBroker(folder, 0)
	q := must(b.Queue("q", settings(false)))
	must(q.Send([]*broker.Message{message(1, ""), message(2, ""), message(3, "")}))
	got := must(q.Receive(t.Context(), broker.Request{Most: 3, Invisible: time.Hour}))
	if err := q.Forget([]queue.Receipt{got[0].Receipt}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = openBroker(folder, 0)
	defer b.Close()
	q = must(b.Queue("q", settings(false)))
	q.Recall()
	again := must(q.Receive(t.Context(), broker.Request{Most: 3, Invisible: time.Hour}))
	if len(again) != 2 || again[0].Body != "message 2" || again[1].Body != "message 3" || again[0].Receives != 2 {
		t.Errorf("got %+v", again)
	}
}

// A queue that is used for the first time after the folder of all was taken away does not make
// another one, whose messages would be gone when the old one is put back.
func TestNoQueueBeginsInAFolderThatIsGone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "queues")
	b := broker.New(broker.Options{Folder: folder, Clock: clock.New(time.Now(), 1), Log: slog.New(slog.DiscardHandler)})
	defer b.Close()
	must(must(b.Queue("one", settings(false))).Send([]*broker.Message{message(1, "")}))
	if err := os.Rename(folder, folder+"-away"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"one", "two"} {
		q, err := b.Queue(id, settings(false))
		if err == nil {
			_, err = q.Send([]*broker.Message{message(2, "")})
		}
		if !errors.As(err, new(*damage.Gone)) {
			t.Errorf("queue %s takes a message: %v", id, err)
		}
	}
	if err := os.Rename(folder+"-away", folder); err != nil {
		t.Fatal(err)
	}
	must(must(b.Queue("two", settings(false))).Send([]*broker.Message{message(2, "")}))
}
