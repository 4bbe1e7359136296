package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/broker"
	"flyball/internal/clock"
	"flyball/internal/deliver"
	"flyball/internal/queue"
)

func TestWhenDeliveriesComeBackToAFullLane(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	waiting := make([]queue.Receipt, 50_000)
	fast := &lane{waiting: waiting, pace: pace{since: start, second: 10_000}}
	stuck := &lane{waiting: waiting, pace: pace{since: start}}
	for _, tt := range []struct {
		name string
		lane *lane
		want time.Duration
	}{
		{"when half of those that wait are gone", fast, 2500 * time.Millisecond},
		{"each after the one before, a little faster than the lane is emptied", fast, 2500*time.Millisecond + 80*time.Microsecond},
		{"after minutes if nothing goes", stuck, latest},
	} {
		if got := tt.lane.comeAgain(start.Add(time.Millisecond)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestDeliveriesComeBackToAFullLaneInTimesOfAWallClock(t *testing.T) {
	key := laneKey{"o", "t"}
	q := &Queue{
		Options: Options{Clock: clock.New(time.Now(), 60)}, mostWaiting: 50_000, mostHeld: mostHeld,
		lanes: map[laneKey]*lane{key: {running: mostAttempts, waiting: make([]queue.Receipt, 50_000)}},
	}
	again, ok := q.admit(t.Context(), broker.Received{Message: &broker.Message{Sender: key.owner, Source: key.to}})
	if ok || again != 60*latest {
		t.Errorf("it comes back after %s of the server's time", again)
	}
}

func TestMoreThanALaneHoldsArriveAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var router deliver.Router
		var mu sync.Mutex
		taken := 0
		router.Handle("target", func(context.Context, arn.ARN, any) error {
			time.Sleep(10 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			taken++
			return nil
		})
		q, err := Open(Options{Folder: t.TempDir(), Lazy: true, Clock: clock.New(time.Now(), 1), Router: &router, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		q.mostWaiting = 10
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = q.Run(ctx) })
		all := make([]Delivery, 3000)
		for i := range all {
			all[i] = Delivery{To: "arn:aws:target:us-east-1:123456789012:t"}
		}
		if err := q.Deliver(ctx, all...); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if taken != len(all) {
			t.Errorf("%d of %d were delivered", taken, len(all))
		}
		cancel()
		running.Wait()
		q.Close()
	})
}

// A target that takes much has what its lane has no room for as soon as it can take it: how fast that is was
// seen before the lane was full.
func TestALaneThatIsFullForTheFirstTimeKnowsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var router deliver.Router
		var taken atomic.Int64
		router.Handle("target", func(context.Context, arn.ARN, any) error {
			time.Sleep(10 * time.Millisecond) // so 3,200 a second
			taken.Add(1)
			return nil
		})
		q, err := Open(Options{Folder: t.TempDir(), Lazy: true, Clock: clock.New(time.Now(), 1), Router: &router, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		q.mostWaiting = 1000
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = q.Run(ctx) })
		defer running.Wait()
		defer cancel()
		all := make([]Delivery, 3000)
		for i := range all {
			all[i] = Delivery{To: "arn:aws:target:us-east-1:123456789012:t"}
		}
		for _, some := range [][]Delivery{all[:900], all[900:]} {
			if err := q.Deliver(ctx, some...); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * paceTime)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if taken.Load() != int64(len(all)) {
			t.Errorf("%d of %d were delivered", taken.Load(), len(all))
		}
	})
}

func TestTargetsThatTakeNothingLeaveRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var router deliver.Router
		taken := make(chan struct{}, 1)
		router.Handle("stuck", func(ctx context.Context, _ arn.ARN, _ any) error { <-ctx.Done(); return ctx.Err() })
		router.Handle("target", func(context.Context, arn.ARN, any) error { taken <- struct{}{}; return nil })
		q, err := Open(Options{Folder: t.TempDir(), Lazy: true, Clock: clock.New(time.Now(), 1), Router: &router, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		q.mostHeld = 1000
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = q.Run(ctx) })
		defer running.Wait()
		defer cancel()
		var all []Delivery
		for i := range 40 {
			for range 100 {
				all = append(all, Delivery{To: fmt.Sprintf("arn:aws:stuck:us-east-1:123456789012:%d", i)})
			}
		}
		if err := q.Deliver(ctx, append(all, Delivery{To: "arn:aws:target:us-east-1:123456789012:t"})...); err != nil {
			t.Fatal(err)
		}
		select {
		case <-taken:
		case <-time.After(time.Minute):
			t.Error("nothing is delivered")
		}
	})
}

// Of many deliveries to a target that is busy some are attempted, from time to time; when it is not any
// more, all arrive.
func TestABusyTargetIsNotAskedByAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var router deliver.Router
		var attempts, taken atomic.Int64
		var free atomic.Bool
		router.Handle("target", func(context.Context, arn.ARN, any) error {
			attempts.Add(1)
			if !free.Load() {
				return &deliver.Busy{Err: errors.New("throttled")}
			}
			taken.Add(1)
			return nil
		})
		q, err := Open(Options{Folder: t.TempDir(), Lazy: true, Clock: clock.New(time.Now(), 1), Router: &router, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = q.Run(ctx) })
		defer running.Wait()
		defer cancel()
		all := make([]Delivery, 3000)
		for i := range all {
			all[i] = Delivery{To: "arn:aws:target:us-east-1:123456789012:t"}
		}
		if err := q.Deliver(ctx, all...); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if most := int64(mostAttempts * 40); attempts.Load() > most {
			t.Errorf("%d attempts in an hour, want %d at most", attempts.Load(), most)
		}
		free.Store(true)
		time.Sleep(mostBusy)
		synctest.Wait()
		if taken.Load() != int64(len(all)) {
			t.Errorf("%d of %d were delivered", taken.Load(), len(all))
		}
	})
}

// A target with room for one at a time takes what has found it busy before what came later.
func TestWhoFoundATargetBusyComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var router deliver.Router
		var room sync.Mutex
		var taken []string
		router.Handle("target", func(_ context.Context, _ arn.ARN, message any) error {
			if !room.TryLock() {
				return &deliver.Busy{Err: errors.New("throttled")}
			}
			defer room.Unlock()
			time.Sleep(time.Second)
			taken = append(taken, message.(deliver.Invocation).ID)
			return nil
		})
		q, err := Open(Options{Folder: t.TempDir(), Lazy: true, Clock: clock.New(time.Now(), 1), Router: &router, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		all := make([]Delivery, 320)
		first := map[string]bool{}
		for i := range all {
			all[i] = Delivery{To: "arn:aws:target:us-east-1:123456789012:t", Invocation: deliver.Invocation{ID: fmt.Sprint(i)}}
			first[fmt.Sprint(i)] = i < mostAttempts
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := q.Deliver(ctx, all...); err != nil {
			t.Fatal(err)
		}
		var running sync.WaitGroup
		running.Go(func() { _ = q.Run(ctx) })
		time.Sleep(time.Duration(len(all)+60) * time.Second)
		cancel()
		running.Wait()
		late := 0
		for i, id := range taken {
			if first[id] && i >= 2*mostAttempts {
				late++
			}
		}
		if len(taken) != len(all) || late > 0 {
			t.Errorf("%d of %d were taken, and %d of the first %d late", len(taken), len(all), late, mostAttempts)
		}
	})
}
