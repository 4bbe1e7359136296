package main

import (
	"strings"
	"testing"
)

func TestWhatStaysWrongIsCountedOnce(t *testing.T) {
	tally := newTally()
	tally.add(1, []fault{{orphan, "process 1", "process 1 runs"}, {orphan, "process 2", "process 2 runs"}})
	added := tally.add(2, []fault{{orphan, "process 1", "process 1 still runs"}, {lost, "process 1", "another kind"}})
	if len(added) != 1 || added[0].kind != lost || tally.counts[orphan] != 2 || tally.total() != 3 {
		t.Errorf("counted %v, of which %v in the second round", tally.counts, added)
	}
	tally.forget("process 1")
	if tally.add(3, []fault{{orphan, "process 1", "again"}}); tally.counts[orphan] != 3 {
		t.Errorf("counted %d after it was forgotten, want 3", tally.counts[orphan])
	}
}

func TestTheTableHasALineForEachKind(t *testing.T) {
	tally := newTally()
	tally.add(7, []fault{{dirtyRead, "x", "first\nexample"}})
	tally.add(8, []fault{{dirtyRead, "y", "second"}})
	var text strings.Builder
	tally.print(&text)
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(lines) != 1+len(kinds) {
		t.Fatalf("%d lines:\n%s", len(lines), text.String())
	}
	for i, k := range kinds {
		want := string(k) + " 0"
		if k == dirtyRead {
			want = "dirty reads 2 round 7: first example"
		}
		if got := strings.Join(strings.Fields(lines[i+1]), " "); got != want {
			t.Errorf("line %q, want %q", got, want)
		}
	}
}
