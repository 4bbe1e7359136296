package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"flyball/internal/service/events"
	"flyball/internal/state"
	"flyball/internal/store"
)

// publish tells of something in a change of the world's state.
func (w *world) publish(t testing.TB, fail error, versions ...int) {
	t.Helper()
	err := w.state.Change(context.Background(), func(_ context.Context, tx *state.Tx) error {
		for _, v := range versions {
			w.Published(tx, func() (events.Event, bool) {
				return events.Event{Source: "aws.ecs", DetailType: "ECS Task State Change", Resources: []string{"task"},
					Detail: json.RawMessage(fmt.Sprintf(`{"version":%d}`, v))}, true
			})
		}
		return fail
	})
	if !errors.Is(err, fail) {
		t.Fatal(err)
	}
}

// versions are those of the events that a queue was sent.
func (w *world) versions(t *testing.T, arn string) (all []int) {
	t.Helper()
	for _, body := range w.to(arn) {
		var e struct{ Detail struct{ Version int } }
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Detail.Version)
	}
	return all
}

const taskChanges = `{"source":["aws.ecs"],"detail-type":["ECS Task State Change"]}`

func TestEventsOfServicesArriveInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := fresh(t)
		defer stop()
		w.publish(t, nil, 0) // before there is a rule
		w.rule(t, "tasks", taskChanges, queue("q"))
		for v := 1; v < 1000; v += 2 {
			w.publish(t, nil, v, v+1)
		}
		time.Sleep(time.Minute)
		got := w.versions(t, queueARN)
		if len(got) != 1000 {
			t.Fatalf("%d events arrived, of 1000", len(got))
		}
		for i, v := range got {
			if v != i+1 {
				t.Fatalf("event %d has version %d", i, v)
			}
		}
		if left := w.news(t); left != 0 {
			t.Errorf("%d rows are left", left)
		}
	})
}

func TestAnEventOfAChangeThatFailsIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop := fresh(t)
		defer stop()
		w.rule(t, "tasks", taskChanges, queue("q"))
		w.publish(t, errors.New("failed"), 1)
		w.publish(t, nil, 2)
		time.Sleep(time.Minute)
		if got := w.versions(t, queueARN); len(got) != 1 || got[0] != 2 {
			t.Errorf("versions %v arrived", got)
		}
	})
}

// What a kill leaves between a change and its deliveries is the row of the change.
func TestAnEventOutlivesAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.OpenSQLite("")
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		folder := t.TempDir()
		w, stop := open(t, st, folder)
		w.rule(t, "tasks", taskChanges, queue("q"))
		stop() // nothing is delivered any more
		w.publish(t, nil, 1, 2)
		if got := w.versions(t, queueARN); len(got) != 0 {
			t.Fatalf("versions %v arrived", got)
		}
		w, stop = open(t, st, folder)
		defer stop()
		w.publish(t, nil, 3)
		time.Sleep(time.Minute)
		if got := w.versions(t, queueARN); fmt.Sprint(got) != "[1 2 3]" {
			t.Errorf("versions %v arrived", got)
		}
	})
}
