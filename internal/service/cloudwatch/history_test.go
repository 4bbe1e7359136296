package cloudwatch

import (
	"fmt"
	"testing"
)

func TestTheOldestHistoryGoesFirst(t *testing.T) {
	var all []placedItem
	add := func(n int, alarm string, bytes int) {
		for range n {
			all = append(all, placedItem{fmt.Sprintf("%08d", len(all)), alarm, bytes})
		}
	}
	first := func(gone []placedItem) (n int) { // how many, all of them before those that stay
		for i, item := range gone {
			if want := len(gone) - 1 - i; item.key != fmt.Sprintf("%08d", want) {
				t.Fatalf("item %s goes before %d", item.key, want)
			}
		}
		return len(gone)
	}
	add(mostOfAlarm+10, "flaps", 500)
	if n := first(superfluous(all, "")); n != 10 {
		t.Errorf("%d items go of an alarm that has 10 too many", n)
	}
	all = nil
	for i := range mostItems/1000 + 2 {
		add(1000, fmt.Sprint(i), 500)
	}
	if n := first(superfluous(all, "")); n != 2000 {
		t.Errorf("%d items go where there are 2000 too many", n)
	}
	all = nil
	add(100, "long", mostItemBytes/50)
	if n := first(superfluous(all, "")); n != 50 {
		t.Errorf("%d items go where half the bytes are too many", n)
	}
	if n := first(superfluous(all, "00000070")); n != 70 {
		t.Errorf("%d items go where 70 are too old", n)
	}
}
