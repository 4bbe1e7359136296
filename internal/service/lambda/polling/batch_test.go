package polling

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestWhenABatchIsComplete(t *testing.T) {
	for name, c := range map[string]struct {
		rules Rules
		adds  int
		after time.Duration
		want  bool
	}{
		"never without a record":             {Rules{Size: 10, Window: time.Second}, 0, time.Hour, false},
		"at once without a window":           {Rules{Size: 10}, 1, 0, true},
		"with its size":                      {Rules{Size: 3, Window: time.Minute}, 3, 0, true},
		"not before its size and its window": {Rules{Size: 3, Window: time.Minute}, 2, 59 * time.Second, false},
		"after its window":                   {Rules{Size: 3, Window: time.Minute}, 2, time.Minute, true},
	} {
		b := NewBatch(c.rules)
		for i := range c.adds {
			b.Add(noon, record(t, strconv.Itoa(i), "m"))
		}
		if got := b.Complete(noon.Add(c.after)); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func TestTheWindowBeginsWithTheFirstRecord(t *testing.T) {
	b := NewBatch(Rules{Size: 100, Window: time.Minute})
	if _, open := b.Closes(); open {
		t.Error("a batch without records closes")
	}
	b.Add(noon, record(t, "1", "m"))
	b.Add(noon.Add(30*time.Second), record(t, "2", "m"))
	if at, open := b.Closes(); !open || !at.Equal(noon.Add(time.Minute)) {
		t.Errorf("closes at %v", at)
	}
}

func TestACallAsksForWhatIsMissing(t *testing.T) {
	b := NewBatch(Rules{Size: 12, Window: time.Minute})
	if got := b.Wants(); got != 10 {
		t.Errorf("wants %d, want 10", got)
	}
	for i := range 7 {
		b.Add(noon, record(t, strconv.Itoa(i), "m"))
	}
	if got := b.Wants(); got != 5 {
		t.Errorf("wants %d, want 5", got)
	}
}

func TestAnEventIsNeverLargerThanAPayload(t *testing.T) {
	b := NewBatch(Rules{Size: 100, Window: time.Minute})
	large := strings.Repeat("m", 1<<20)
	added := 0
	for b.Add(noon, record(t, strconv.Itoa(added), large)) {
		added++
	}
	if added != 5 || len(b.Event()) > mostBytes || !b.Complete(noon) {
		t.Errorf("%d records of 1 MiB are %d bytes, complete: %t", added, len(b.Event()), b.Complete(noon))
	}
}
