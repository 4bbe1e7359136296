package flow

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

const size = 1 << 20

func TestWhatIsSmallNeedsNoBudget(t *testing.T) {
	b := NewBudget(0, time.Second)
	s := b.Share()
	if !s.Grow(t.Context(), spared) {
		t.Error("what every request may have was refused")
	}
}

func TestABudgetThatIsUsedUpIsWaitedForAndThenRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(size, 2*time.Second)
		first, second := b.Share(), b.Share()
		if !first.Grow(t.Context(), size+spared) {
			t.Fatal("an unused budget had no room")
		}
		began := time.Now()
		if second.Grow(t.Context(), spared+1) {
			t.Error("more was given than there is")
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it was refused after %v", took)
		}
		go func() { time.Sleep(time.Second); first.Set(0) }()
		if !second.Grow(t.Context(), size+spared) {
			t.Error("what was given back could not be had")
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		third := b.Share()
		if third.Grow(ended, spared+1) {
			t.Error("a caller that is gone got memory")
		}
	})
}

func TestWhoWaitsIsServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(size, time.Minute)
		has := b.Share()
		has.Grow(t.Context(), size+spared)
		var order []string
		for _, w := range []struct {
			name  string
			bytes int64
		}{{"large", size}, {"small", 1}} {
			go func() {
				s := b.Share()
				if s.Grow(t.Context(), w.bytes+spared) {
					order = append(order, w.name)
					s.Set(0)
				}
			}()
			synctest.Wait()
		}
		has.Set(spared + size/2) // room for the small one, which has come later
		synctest.Wait()
		if len(order) != 0 {
			t.Errorf("%v went before the one that waited longer", order)
		}
		has.Set(0)
		synctest.Wait()
		if len(order) != 2 || order[0] != "large" {
			t.Errorf("served in the order %v", order)
		}
	})
}

func TestTheNewestGoesFirstOnceMoreComeThanAreServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(size, time.Minute)
		has := b.Share()
		has.Grow(t.Context(), size+spared)
		var order []int
		for n := range 3 {
			go func() {
				s := b.Share()
				if s.Grow(t.Context(), size+spared) {
					order = append(order, n)
					s.Set(0)
				}
			}()
			synctest.Wait()
			time.Sleep(inTurn)
		}
		has.Set(0)
		synctest.Wait()
		// The last one has waited for no longer than anybody does in turn.
		if !slices.Equal(order, []int{2, 1, 0}) {
			t.Errorf("served in the order %v", order)
		}
	})
}

func TestMemoryThatIsInUseIsCountedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(size, time.Second)
		over, next := b.Share(), b.Share()
		over.Set(3*size + spared)
		if next.Grow(t.Context(), spared+1) {
			t.Error("a budget that is overdrawn gave more")
		}
		over.Set(0)
		if !next.Grow(t.Context(), spared+size) {
			t.Error("the budget is not whole again")
		}
	})
}

func TestClientsThatDoNotReadGoLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(size, time.Second)
		has := b.Share()
		has.Grow(t.Context(), size+spared)
		hostile := WithClient(t.Context())
		if s := b.Share(); s.Grow(hostile, size+spared) {
			t.Fatal("more was given than there is")
		}
		var order []string
		for _, w := range []struct {
			name string
			ctx  context.Context
		}{{"who waited in vain", hostile}, {"who is new", WithClient(t.Context())}} {
			go func() {
				s := b.Share()
				if s.Grow(w.ctx, size+spared) {
					order = append(order, w.name)
					s.Set(0)
				}
			}()
			synctest.Wait()
		}
		has.Set(0)
		synctest.Wait()
		if !slices.Equal(order, []string{"who is new", "who waited in vain"}) {
			t.Errorf("served in the order %v", order)
		}
	})
}
