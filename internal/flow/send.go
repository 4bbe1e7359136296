package flow

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"
)

// ErrGivenUp is returned for an answer of which the rest was given up.
var ErrGivenUp = errors.New("the client took the answer too slowly while others waited for its memory")

// How far behind a client may be with an answer whose memory others wait for. Nobody is behind
// who takes it at the usual pace; who takes less is behind by the time that is left over, so that a
// trickle helps nobody.
const (
	usualPace  = 1 << 20 // bytes a second
	mostBehind = 500 * time.Millisecond
	lookEvery  = 100 * time.Millisecond
)

// How much of an answer is sent in one go, in bytes, from a copy: the answer itself can be given up
// while that waits for the client. More goes at once to who has taken more than the system keeps of an
// answer that nobody reads.
const (
	leastCopied = 16 << 10
	mostCopied  = 64 << 10
	surelyTaken = 512 << 10
)

var (
	smallCopies = sync.Pool{New: func() any { return new([leastCopied]byte) }}
	largeCopies = sync.Pool{New: func() any { return new([mostCopied]byte) }}
)

// A sending is an answer on its way. The budget's lock guards it.
type sending struct {
	size  int
	rest  []byte
	bytes int64  // of the budget
	free  func() // is called when nothing refers to the answer any more
	began time.Time
	moved int64 // bytes that the connection has taken
	going int64 // those after them that it is to take now
}

// Send sends an answer that the share covers, and calls free, which must not use the budget, once it
// is not referred to any more.
//
// While others wait for the budget, or it is overdrawn, the answers are given up whose clients are the
// furthest behind: their memory goes to others at once, and their connections stay as they are until
// they have taken what they were sent last, or Handler ends them. So whoever reads nothing has little of
// the budget, and cannot come again for that soon.
func (s *Share) Send(ctx context.Context, w io.Writer, answer []byte, free func()) (err error) {
	if s.taken == 0 {
		defer free()
		_, err = w.Write(answer)
		return err
	}
	one := s.budget.begin(answer, s.taken, free) // alone has the answer: nothing below refers to it, not even to its length
	small := smallCopies.Get().(*[leastCopied]byte)
	err = s.budget.sendOn(one, w, small[:], surelyTaken)
	smallCopies.Put(small)
	if err == nil && one.size > surelyTaken {
		large := largeCopies.Get().(*[mostCopied]byte)
		err = s.budget.sendOn(one, w, large[:], one.size)
		largeCopies.Put(large)
	}
	switch whole := s.budget.end(one); {
	case whole && err == nil:
		clientOf(ctx).took()
		return nil
	case whole:
		return err
	}
	clientOf(ctx).fail()
	s.taken = 0 // the budget has it
	return ErrGivenUp
}

// sendOn sends an answer through a buffer until so much of it is sent.
func (b *Budget) sendOn(one *sending, w io.Writer, part []byte, until int) (err error) {
	for sent := 0; err == nil && sent < until; {
		n := b.part(one, part)
		if n == 0 {
			break
		}
		_, err = w.Write(part[:n])
		sent += n
	}
	return err
}

// begin notes an answer that is to be sent.
func (b *Budget) begin(answer []byte, bytes int64, free func()) *sending {
	one := &sending{size: len(answer), rest: answer, bytes: bytes, free: free, began: time.Now()}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sending = append(b.sending, one)
	b.lookSoon()
	return one
}

// part copies the next part. After the last one, or if the rest was given up, that is nothing.
func (b *Budget) part(one *sending, part []byte) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := copy(part, one.rest)
	one.rest = one.rest[n:]
	one.moved, one.going = one.moved+one.going, int64(n)
	return n
}

// end forgets an answer, and reports whether it was not given up.
func (b *Budget) end(one *sending) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.sending, one)
	if i < 0 {
		return false
	}
	b.sending = slices.Delete(b.sending, i, i+1)
	one.leave()
	return true
}

// leave lets go of the answer.
func (s *sending) leave() {
	s.free()
	s.rest, s.free = nil, nil
}

// behind is how far behind its client is.
func (s *sending) behind(now time.Time) time.Duration {
	return now.Sub(s.began) - time.Duration(float64(s.moved)/usualPace*float64(time.Second))
}

// lookSoon has answers looked for that can be given up, if somebody waits or the budget is overdrawn. The
// lock is held.
func (b *Budget) lookSoon() {
	if !b.looking && (len(b.waiting) > 0 || b.free < 0) && len(b.sending) > 0 {
		b.looking = true
		time.AfterFunc(lookEvery, b.look)
	}
}

// look gives up answers, those first whose clients are the furthest behind, until there is room for
// all who wait and the budget is not overdrawn.
func (b *Budget) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	wanted, now := -b.free, time.Now()
	for _, w := range b.waiting {
		wanted += w.bytes
	}
	slices.SortFunc(b.sending, func(x, y *sending) int { return cmp.Compare(y.behind(now), x.behind(now)) })
	given := 0
	for _, one := range b.sending {
		if wanted <= 0 || one.behind(now) <= mostBehind {
			break
		}
		one.leave()
		wanted -= one.bytes
		b.free += one.bytes
		given++
	}
	b.sending = slices.Delete(b.sending, 0, given)
	b.looking = false
	b.admit()
	b.lookSoon()
}
