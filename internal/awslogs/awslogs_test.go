package awslogs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"pgregory.net/rapid"

	"flyball/internal/task"
)

func TestEveryLineBecomesAnEvent(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		c := newWriter()
		w.driver.Follow(c, "main", destination, "")
		c.write("one", "", "two", `long \`, "line")
		time.Sleep(2 * time.Second)
		w.wants("one", "two", "long ", "line")
		c.write("three")
		close(c.done)
		synctest.Wait()
		w.wants("one", "two", "long ", "line", "three")
		for _, e := range w.logs.stream("app", destination.Stream) {
			if at := time.UnixMilli(e.at).UTC(); at.Before(noon) || at.After(noon.Add(2*time.Second)) {
				t.Errorf("%q is of %v", e.message, at)
			}
		}
	})
}

func TestLinesWithATimeKeepIt(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		time.Sleep(48 * time.Hour)
		c := newWriter()
		began := time.Now()
		c.writeAt(began.Add(-30*time.Hour), "yesterday")
		c.writeAt(began.Add(-time.Minute), "lately")
		c.writeAt(began.Add(-2*time.Minute), "before that, but written later")
		w.driver.Follow(c, "main", destination, "")
		time.Sleep(3 * time.Second)
		now := w.cell.Clock.Now().Add(-3 * time.Second)
		events := w.logs.stream("app", destination.Stream)
		for i, ago := range []time.Duration{30 * time.Hour, time.Minute, time.Minute} {
			if want := now.Add(-ago).UnixMilli(); events[i].at != want {
				t.Errorf("event %d is of %d, want %d", i, events[i].at, want)
			}
		}
		if w.logs.batches() != 2 {
			t.Errorf("they were put in %d batches, want 2: one spans a day at most", w.logs.batches())
		}
	})
}

func TestLinesOfASecondAreOneBatch(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		c := newWriter()
		w.driver.Follow(c, "main", destination, "")
		for i := range 100 {
			c.write(fmt.Sprint(i))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		if w.logs.batches() > 11 || len(w.messages(destination.Stream)) != 100 {
			t.Errorf("%d batches of %d lines, want one a second", w.logs.batches(), len(w.messages(destination.Stream)))
		}
	})
}

func TestAPatternMakesOneEventOfManyLines(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		c := newWriter()
		to := destination
		to.Begins = regexp.MustCompile(`^\[`)
		w.driver.Follow(c, "main", to, "")
		c.write("before", "[1] panic", " at a", " at b", "[2] ok", `[3] \`, "x", "")
		time.Sleep(2 * time.Second)
		w.wants("before\n", "[1] panic\n at a\n at b\n", "[2] ok\n")
		time.Sleep(5 * time.Second)
		w.wants("before\n", "[1] panic\n at a\n at b\n", "[2] ok\n", "[3] x\n\n")
		c.write("more")
		close(c.done)
		synctest.Wait()
		w.wants("before\n", "[1] panic\n at a\n at b\n", "[2] ok\n", "[3] x\n\n", "more\n")
	})
}

func TestLongLinesAreCutAndInvalidTextIsMended(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		c := newWriter()
		w.driver.Follow(c, "main", destination, "")
		invalid := strings.Repeat("\xff", task.LineBytes)
		wide := strings.Repeat("é", task.LineBytes/2)
		for range 8 {
			c.write(invalid, "x"+wide[1:])
		}
		close(c.done)
		synctest.Wait()
		all := strings.Join(w.messages(destination.Stream), "")
		if n := strings.Count(all, "\uFFFD"); n < 8 {
			t.Errorf("%d of the letters stand for what is invalid, want one for each line at least", n)
		}
		if n := strings.Count(all, "é"); n != 8*(task.LineBytes/2-1) {
			t.Errorf("%d of the letters are there, want %d", n, 8*(task.LineBytes/2-1))
		}
	})
}

func TestWithoutItsGroupAContainerHasNoStream(t *testing.T) {
	inWorld(t, func(w *world) {
		to := destination
		to.Group = "other"
		if err := w.driver.Open(w.Context(), to, ""); !is[*types.ResourceNotFoundException](err) {
			t.Errorf("without the group: %v", err)
		}
		to.CreateGroup = true
		w.driver.cfg.Allow = func(_ context.Context, role, region, group string) error {
			if role != "builder" || region != "us-east-1" || group != "other" {
				t.Errorf("asked for %s, %s, %s", role, region, group)
			}
			return errDenied
		}
		if err := w.driver.Open(w.Context(), to, "builder"); err != errDenied {
			t.Errorf("without permission: %v", err)
		}
		w.driver.cfg.Allow = nil
		for range 2 {
			if err := w.driver.Open(w.Context(), to, ""); err != nil {
				t.Errorf("with awslogs-create-group: %v", err)
			}
		}
	})
}

var errDenied = errors.New("denied")

func TestAfterAFailureABatchIsPutAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		failures := 3
		w.logs.disturb(func() error {
			if failures--; failures >= 0 {
				return &types.ServiceUnavailableException{}
			}
			return nil
		}, nil)
		c := newWriter()
		w.driver.Follow(c, "main", destination, "")
		c.write("one")
		time.Sleep(10 * time.Second)
		w.wants("one")
	})
}

func TestWhatIsRefusedIsDropped(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		c := newWriter()
		w.driver.Follow(c, "main", destination, "")
		w.logs.disturb(func() error { return &types.InvalidParameterException{} }, nil)
		c.write("refused")
		time.Sleep(2 * time.Second)
		w.logs.disturb(nil, nil)
		c.write("taken")
		time.Sleep(2 * time.Second)
		w.wants("taken")
	})
}

func TestAStreamThatIsDeletedIsMadeAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		c := newWriter()
		w.driver.Follow(c, "main", destination, "")
		c.write("one")
		time.Sleep(2 * time.Second)
		w.logs.drop("app", destination.Stream)
		c.write("two")
		time.Sleep(2 * time.Second)
		w.wants("two")
	})
}

func TestWhatWasLostIsPassedOver(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		c := newWriter()
		c.write("one", "two")
		w.driver.Follow(c, "main", destination, "")
		time.Sleep(2 * time.Second)
		w.kill()
		c.write("three", "four", "five")
		c.lose(4)
		w.boot()
		w.driver.Follow(c, "main", destination, "")
		time.Sleep(2 * time.Second)
		w.wants("one", "two", "five")
		w.kill()
		w.boot()
		w.driver.Follow(c, "main", destination, "")
		c.write("six")
		time.Sleep(2 * time.Second)
		w.wants("one", "two", "five", "six")
	})
}

func TestTheEndOfATaskIsPutBeforeItsLogIsRemoved(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		c := newWriter()
		w.driver.Follow(c, "main", destination, "")
		w.logs.disturb(func() error { time.Sleep(time.Second); return nil }, nil)
		c.write("last words")
		close(c.done)
		w.driver.Finish(w.Context(), "1")
		w.wants("last words")
		if n := w.driver.marks.Len(); n != 0 {
			t.Errorf("%d marks are left", n)
		}
	})
}

func TestFinishDoesNotWaitForEver(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		c := newWriter()
		w.driver.Follow(c, "main", destination, "")
		w.logs.disturb(func() error { return &types.ServiceUnavailableException{} }, nil)
		c.write("last words")
		close(c.done)
		began := time.Now()
		w.driver.Finish(w.Context(), "1")
		if took := time.Since(began); took > 2*finishTime {
			t.Errorf("it took %v", took)
		}
	})
}

func TestCloseLeavesTheRestToTheNextLife(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		c := newWriter()
		w.driver.Follow(c, "main", destination, "")
		c.write("one")
		synctest.Wait()
		w.driver.Close(w.Context())
		w.wants("one")
		c.write("two")
		time.Sleep(2 * time.Second)
		w.wants("one")
		w.boot()
		w.driver.Follow(c, "main", destination, "")
		time.Sleep(2 * time.Second)
		w.wants("one", "two")
	})
}

// A step of a life that is killed: what is written, how the driver is killed, and how old
// the mark is that its next life finds.
type step struct{ lines, kill, age int }

// What is put is what was written, however often the driver is killed: before a batch is
// kept or after, and with marks that have not come to disk.
func TestKillsLoseNoLineAndDoubleNone(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		to := destination
		if rapid.Bool().Draw(r, "pattern") {
			to.Begins = regexp.MustCompile(`^0|5$`)
		}
		steps := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) step {
			return step{rapid.IntRange(0, 5).Draw(r, "lines"), rapid.IntRange(0, 4).Draw(r, "kill"), rapid.IntRange(0, 2).Draw(r, "age")}
		}), 1, 25).Draw(r, "steps")
		var got, want string
		inWorld(t, func(w *world) { got, want = w.liveThrough(to, steps) })
		if got != want {
			r.Errorf("the stream has %q, want %q", got, want)
		}
	})
}

// liveThrough returns what is put in a life with kills, and what was written.
func (w *world) liveThrough(to Destination, steps []step) (got, want string) {
	w.open()
	c := newWriter()
	w.driver.Follow(c, "main", to, "")
	// What is due at the end of a rest has been done after it, also what kills.
	rest := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
	marks := []mark{{}, {}, {}}
	for i, s := range steps {
		for j := range s.lines {
			line := fmt.Sprintf("%d %d", j, i)
			c.write(line)
			want += line
			if to.Begins != nil {
				want += "\n"
			}
		}
		die := func() error { w.driver.end(); return context.Canceled }
		switch s.kill {
		case 0:
			rest(15 * time.Second)
		case 1:
			rest(time.Second)
		case 2:
			w.logs.disturb(nil, die)
			rest(time.Second)
		case 3:
			w.logs.disturb(die, nil)
			rest(time.Second)
		}
		marks = append(marks, w.driver.markOf("1/main"))
		if s.kill == 4 || w.driver.lives.Err() != nil {
			w.kill()
			w.logs.disturb(nil, nil)
			w.driver.setMark("1/main", marks[len(marks)-1-s.age])
			w.boot()
			w.driver.Follow(c, "main", to, "")
		}
	}
	w.logs.disturb(nil, nil)
	close(c.done)
	rest(time.Second)
	return strings.Join(w.messages(to.Stream), ""), want
}
