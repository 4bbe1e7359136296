package main

import (
	"strings"
	"testing"
)

func TestWhatStaysWrongIsCountedOnce(t *testing.T) {
	tally := newTally()
	tally.add(1, []fault{{orphan, "process 1", "process 1 runs"}, {orphan, "process 2", "process 2 runs"}})
	added := tally.add(2, []fault{{orphan, "process 1", "process 1 still runs"}, {lost, "process 1", "another kind"}})
	if len(added) != 1 || added[0].kind != lost || tally.failures != 3 {
		t.Errorf("counted %d, of which %v in the second round", tally.failures, added)
	}
	tally.forget("process 1")
	if tally.add(3, []fault{{orphan, "process 1", "again"}}); tally.failures != 4 {
		t.Errorf("counted %d after it was forgotten, want 4", tally.failures)
	}
}

func TestWhatIsThereAtOneLookOnlyPasses(t *testing.T) {
	before := []fault{{orphan, "process 1", "it runs"}}
	now := []fault{{orphan, "process 1", "it still runs"}, {orphan, "process 2", "it runs"}, {taskLost, "process 1", "another kind"}}
	if stays := both(before, now); len(stays) != 1 || stays[0] != now[0] {
		t.Errorf("%v stay, want %v", stays, now[:1])
	}
}

func TestTheTableHasALineForEachTorment(t *testing.T) {
	some := newTally()
	some.attempts = 9
	some.add(7, []fault{{dirtyRead, "x", "first\nexample"}})
	some.add(8, []fault{{lost, "y", "second"}})
	var text strings.Builder
	failures := printResults(&text, []result{{"kill", "", some}, {"full", "needs root", newTally()}, {"flip", "", newTally()}})
	want := `fault attempts failures memory at most slowest answer slowest large first failure
kill 9 2 round 7: dirty read: first example
full skipped needs root
flip 0 0`
	if got := squeezed(text.String()); got != want || failures != 2 {
		t.Errorf("%d failures and this table, want 2 and %s:\n%s", failures, want, got)
	}
}

// squeezed is a table with one blank between its columns.
func squeezed(table string) string {
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(table)) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestFaultsAreChosenByName(t *testing.T) {
	if all, err := choose(""); err != nil || len(all) != len(torments) {
		t.Errorf("%d faults without a name, %v", len(all), err)
	}
	some, err := choose("stop,flip")
	if err != nil || len(some) != 2 || some[0].name != "stop" || some[1].name != "flip" {
		t.Errorf("chosen are %v, %v", some, err)
	}
	if _, err := choose("stop,fire"); err == nil {
		t.Error("a name that there is not is taken")
	}
}
