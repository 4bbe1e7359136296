package control_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flyball/governor"
	"flyball/internal/capacity"
	"flyball/internal/clock"
	"flyball/internal/control"
	"flyball/internal/policydoc"
	"flyball/internal/source"
	"flyball/scaling"
)

// Addresses are resources that answer at addresses, of which one never does.
type addresses struct {
	mu   sync.Mutex
	has  map[scaling.ResourceID]scaling.Capacity
	sets []string // after which time, what and to how many
	from time.Time
}

const silentAddress, quickAddress = "http://silent.example/dimensions/1", "http://quick.example/dimensions/1"

func (a *addresses) Look(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	seen := make([]governor.Capacity, len(ids))
	for i, id := range ids {
		if id == silentAddress {
			select {
			case <-time.After(10 * time.Second):
				return nil, errors.New("it does not answer")
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		a.mu.Lock()
		seen[i] = governor.Capacity{Desired: a.has[id], Running: a.has[id]}
		a.mu.Unlock()
	}
	return seen, nil
}

func (a *addresses) Set(_ context.Context, id scaling.ResourceID, to scaling.Capacity) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.has[id] = to
	a.sets = append(a.sets, fmt.Sprintf("%v %s %d", time.Since(a.from).Truncate(time.Second), id, to))
	return nil
}

// put has a host govern the targets of a document, and returns how many there are.
func put(t *testing.T, host *control.Host, document string) int {
	t.Helper()
	d, err := policydoc.Read(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	targets, problems := control.Compile(d, &source.Registry{CloudWatch: &source.Queues{}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, one := range targets {
		host.Put(one)
	}
	return len(targets)
}

func TestAnAddressThatDoesNotAnswerHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &addresses{from: time.Now(), has: map[scaling.ResourceID]scaling.Capacity{quickAddress: 1, "service/shop/web": 1}}
		taken := ""
		tell := func(r control.Record) {
			if r.Event == control.Taken && r.Target == silentAddress {
				taken = r.Reason
			}
		}
		host := control.New(control.Config{Capacity: a, State: control.Forgetful{}, Tell: tell, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		least := func(n int) {
			t.Helper()
			var b strings.Builder
			b.WriteString("ScalableTargets:\n")
			for _, id := range []string{silentAddress, quickAddress} {
				fmt.Fprintf(&b, "- {ServiceNamespace: custom-resource, ResourceId: %q, MinCapacity: %d, MaxCapacity: 9}\n", id, n)
			}
			fmt.Fprintf(&b, "- {ServiceNamespace: ecs, ResourceId: service/shop/web, MinCapacity: %d, MaxCapacity: 9}\n", n)
			if put(t, host, b.String()) != 3 {
				t.Fatal("it does not govern all three")
			}
		}
		least(3)
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- host.Run(ctx, clock.New(time.Now(), 1)) }()
		time.Sleep(2500 * time.Millisecond)
		least(5) // while the silent one is still asked
		time.Sleep(3 * time.Second)
		synctest.Wait()
		a.mu.Lock()
		sets := strings.Join(a.sets, "\n")
		a.mu.Unlock()
		for _, want := range []string{"0s " + quickAddress + " 3", "0s service/shop/web 3", "2s " + quickAddress + " 5", "2s service/shop/web 5"} {
			if !strings.Contains(sets, want) {
				t.Errorf("no %q in what was set:\n%s", want, sets)
			}
		}
		time.Sleep(time.Minute)
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if !strings.Contains(taken, "scaled from 5 to 9") {
			t.Errorf("the silent one has not got its new bounds: %s", taken)
		}
	})
}

// Busy are resources of which those at one address are asked too often, as it says after a second.
type busy struct{ addresses }

func (b *busy) Look(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	if ids[0] == silentAddress {
		time.Sleep(time.Second)
		return nil, &capacity.StatusError{Status: http.StatusTooManyRequests, Text: "asked too often"}
	}
	return b.addresses.Look(ctx, ids)
}

func TestAnAddressThatIsAskedTooOftenRestsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{addresses{from: time.Now(), has: map[scaling.ResourceID]scaling.Capacity{quickAddress: 1}}}
		host := control.New(control.Config{Capacity: b, State: control.Forgetful{}, Tell: func(control.Record) {}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		least := func(n int) {
			t.Helper()
			put(t, host, fmt.Sprintf(`ScalableTargets:
- {ServiceNamespace: custom-resource, ResourceId: %q, MinCapacity: %d, MaxCapacity: 9}
- {ServiceNamespace: custom-resource, ResourceId: %q, MinCapacity: %[2]d, MaxCapacity: 9}
`, silentAddress, n, quickAddress))
		}
		least(3)
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- host.Run(ctx, clock.New(time.Now(), 1)) }()
		time.Sleep(2500 * time.Millisecond)
		least(5)
		time.Sleep(5 * time.Second)
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got, want := strings.Join(b.sets, "\n"), "0s "+quickAddress+" 3\n2s "+quickAddress+" 5"; got != want {
			t.Errorf("set:\n%s\nwant:\n%s", got, want)
		}
	})
}
