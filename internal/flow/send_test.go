package flow

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

// A reader takes an answer, so many bytes at a time with a pause after each; what is 0 bytes at a time
// is not taken until it leaves.
type reader struct {
	each  int
	pause time.Duration
	got   bytes.Buffer
	leave chan struct{}
}

func (c *reader) Write(p []byte) (int, error) {
	if c.each == 0 {
		<-c.leave
		return 0, io.ErrClosedPipe
	}
	for taken := 0; taken < len(p); taken += c.each {
		time.Sleep(c.pause)
		c.got.Write(p[taken:min(taken+c.each, len(p))])
	}
	return len(p), nil
}

// sent sends an answer that takes the whole of a budget.
func sent(t *testing.T, b *Budget, c *reader, freed *int) chan error {
	t.Helper()
	ended := make(chan error, 1)
	s := b.Share()
	if !s.Grow(t.Context(), size+spared) {
		t.Fatal("the budget had no room")
	}
	go func() {
		err := s.Send(t.Context(), c, make([]byte, size), func() { *freed++ })
		s.Set(0)
		ended <- err
	}()
	synctest.Wait()
	return ended
}

func TestAnAnswerThatNobodyTakesIsGivenUpOnceOthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(size, time.Minute)
		c, freed := &reader{leave: make(chan struct{})}, 0
		ended := sent(t, b, c, &freed)
		time.Sleep(15 * time.Second) // nobody else wants its memory
		if freed != 0 {
			t.Fatal("the answer was given up for nobody")
		}
		began, other := time.Now(), b.Share()
		if !other.Grow(t.Context(), size+spared) {
			t.Fatal("who waited got nothing")
		}
		if took := time.Since(began); took > lookEvery {
			t.Errorf("who waited got its memory after %v", took)
		}
		select {
		case <-ended:
			t.Error("the connection was ended, so that its reader can come again")
		default:
		}
		other.Set(0)
		close(c.leave)
		if err := <-ended; !errors.Is(err, ErrGivenUp) || freed != 1 {
			t.Errorf("the answer ended with %v, and was freed %d times", err, freed)
		}
		if all := b.Share(); !all.Grow(t.Context(), size+spared) {
			t.Error("the budget is not whole again")
		}
	})
}

// What waits for its client, for long, must not hold the answer that was given up.
func TestAnAnswerThatIsGivenUpLeavesMemory(t *testing.T) {
	b := NewBudget(size, time.Minute)
	c, ended, there := &reader{leave: make(chan struct{})}, make(chan error, 1), make(chan weak.Pointer[[size]byte], 1)
	go func() {
		s := b.Share()
		s.Set(size + spared)
		answer := new([size]byte)
		there <- weak.Make(answer)
		ended <- s.Send(t.Context(), c, answer[:], func() {})
	}()
	answer := <-there
	other := b.Share()
	if !other.Grow(t.Context(), size+spared) {
		t.Fatal("who waited got nothing")
	}
	runtime.GC()
	if answer.Value() != nil {
		t.Error("the answer is still in memory")
	}
	close(c.leave)
	<-ended
}

func TestAClientThatIsBehindForAShortTimeKeepsItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(size, time.Minute)
		c, freed := &reader{each: leastCopied, pause: 15 * time.Millisecond}, 0 // the usual pace
		ended := sent(t, b, c, &freed)
		other := b.Share()
		if !other.Grow(t.Context(), size+spared) {
			t.Error("who waited got nothing")
		}
		if err := <-ended; err != nil || c.got.Len() != size || freed != 1 {
			t.Errorf("%v; %d of %d bytes came, and the answer was freed %d times", err, c.got.Len(), size, freed)
		}
	})
}

func TestATrickleDoesNotKeepAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(size, time.Minute)
		c, freed := &reader{each: leastCopied, pause: 100 * time.Millisecond}, 0 // it would take 6 s
		ended := sent(t, b, c, &freed)
		began, other := time.Now(), b.Share()
		if !other.Grow(t.Context(), size+spared) || time.Since(began) > 2*mostBehind {
			t.Errorf("who waited got its memory after %v", time.Since(began))
		}
		if err := <-ended; !errors.Is(err, ErrGivenUp) {
			t.Errorf("the answer ended with %v", err)
		}
	})
}

func TestTheClientThatIsFurthestBehindLosesItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(2*size, time.Minute)
		later, first := &reader{leave: make(chan struct{})}, &reader{leave: make(chan struct{})}
		var ofFirst, ofLater int
		endOfFirst := sent(t, b, first, &ofFirst)
		time.Sleep(mostBehind)
		endOfLater := sent(t, b, later, &ofLater)
		time.Sleep(2 * mostBehind)
		other := b.Share()
		if !other.Grow(t.Context(), size+spared) || ofFirst != 1 || ofLater != 0 {
			t.Errorf("the first answer was freed %d times, the later one %d times", ofFirst, ofLater)
		}
		close(first.leave)
		close(later.leave)
		<-endOfFirst
		<-endOfLater
	})
}

func TestASmallAnswerIsSentAsItIs(t *testing.T) {
	b, freed := NewBudget(0, time.Second), 0
	s := b.Share()
	var got bytes.Buffer
	if err := s.Send(t.Context(), &got, []byte("small"), func() { freed++ }); err != nil || got.String() != "small" || freed != 1 {
		t.Errorf("%v; %q came, and the answer was freed %d times", err, got.String(), freed)
	}
}
