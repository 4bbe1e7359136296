package chart

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAxesHaveFewRoundTicks(t *testing.T) {
	for _, tt := range []struct {
		highest float64
		unit    Unit
		want    string
	}{
		{50, Whole, "0 25 50"},
		{3, Whole, "0 1 2 3"},
		{1, Whole, "0 1"},
		{5, Whole, "0 2 4 6"},
		{20, Whole, "0 10 20"},
		{100, Percent, "0 50 100"},
		{391, Percent, "0 200 400"},
		{0.75, Seconds, "0 250 500 750 ms"},
		{1.5, Seconds, "0 0.5 1 1.5 s"},
		{16.7, Number, "0 10 20"},
		{21.5, Seconds, "0 10 20 30 s"},
		{0, Number, "0 0.5 1"},
		{123_456, Number, "0 50000 100000 150000"},
	} {
		s := newScale(tt.highest, tt.unit, 3)
		var ticks []string
		for _, v := range s.ticks() {
			ticks = append(ticks, s.tick(v))
		}
		got := strings.Join(ticks, " ")
		if tt.unit == Seconds {
			got += " " + s.suffix()
		}
		if got != tt.want {
			t.Errorf("up to %v the ticks are %s, want %s", tt.highest, got, tt.want)
		}
	}
}

func TestAnAxisReachesItsHighestValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		highest := rapid.Float64Range(1e-9, 1e15).Draw(t, "highest")
		unit := Unit(rapid.IntRange(0, 3).Draw(t, "unit"))
		most := rapid.IntRange(1, 6).Draw(t, "ticks")
		s := newScale(highest, unit, most)
		if s.top < highest*(1-1e-9) || len(s.ticks()) > most+1 || len(s.ticks()) < 2 {
			t.Fatalf("up to %v the axis goes to %v by %v", highest, s.top, s.step)
		}
	})
}

func TestTimesAreRound(t *testing.T) {
	for _, tt := range []struct {
		length time.Duration
		most   int
		want   string
	}{
		{30 * time.Second, 8, "12:00:00 12:00:05 12:00:10 12:00:15 12:00:20 12:00:25 12:00:30"},
		{20 * time.Minute, 8, "12:00 12:05 12:10 12:15 12:20"},
		{20 * time.Minute, 3, "12:00 12:10 12:20"},
		{24 * time.Hour, 5, "12:00 18:00 00:00 06:00 12:00"},
		{14 * 24 * time.Hour, 8, "27 Nov 29 Nov 1 Dec 3 Dec 5 Dec 7 Dec 9 Dec"},
		{0, 8, "12:00:00"},
	} {
		ticks, layout := timeTicks(noon, noon.Add(tt.length), tt.most)
		var got []string
		for _, tick := range ticks {
			got = append(got, tick.Format(layout))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("over %v the ticks are %s, want %s", tt.length, s, tt.want)
		}
	}
}

func TestValuesAreWrittenWithTheirUnit(t *testing.T) {
	for want, got := range map[string]string{
		"387 ms":  newScale(2, Seconds, 3).value(0.3867),
		"1.51 s":  newScale(2, Seconds, 3).value(1.5068),
		"57.9 %":  newScale(100, Percent, 3).value(57.938923986175915),
		"12.5":    newScale(100, Number, 3).value(12.5),
		"1512":    newScale(100, Number, 3).value(1512),
		"0.00012": newScale(1, Number, 3).value(0.00012),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNamesAreNotWrittenOverEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var names []name
		for range rapid.IntRange(0, 7).Draw(t, "names") {
			names = append(names, name{y: rapid.Float64Range(0, 96).Draw(t, "y")})
		}
		spread(names, 0, 96)
		for i := 1; i < len(names); i++ {
			if names[i].y-names[i-1].y < 13-1e-9 {
				t.Fatalf("names stand at %v", names)
			}
		}
		if n := len(names); n > 0 && names[n-1].y > 96 {
			t.Fatalf("the last of %v stands below the plot", names)
		}
	})
}

func TestBarsOfALaneDoNotCoverEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var lane Lane
		for range rapid.IntRange(0, 8).Draw(t, "bars") {
			from := rapid.Float64Range(0, 18).Draw(t, "from")
			lane.Marks = append(lane.Marks, Mark{From: at(from), To: at(from + rapid.Float64Range(0.1, 9).Draw(t, "length"))})
		}
		p := newLayout(Figure{From: at(0), To: at(20)}, 900).pack(lane)
		for i, a := range p.Marks {
			for j, b := range p.Marks[:i] {
				if p.row[i] == p.row[j] && a.From.Before(b.To.Add(-2*time.Second)) && b.From.Before(a.To.Add(-2*time.Second)) {
					t.Fatalf("row %d has %v to %v and %v to %v", p.row[i], a.From, a.To, b.From, b.To)
				}
			}
		}
	})
}

func TestALineBreaksWhereValuesAreMissing(t *testing.T) {
	d := drawing{layout: newLayout(Figure{From: at(0), To: at(20)}, 900)}
	points := []Point{{at(0), 1}, {at(1), 1}, {at(2), 1}, {at(9), 1}, {at(10), 1}}
	for _, tt := range []struct {
		name   string
		series Series
		want   int
	}{
		{"a line", Series{Points: points, Gap: time.Minute}, 2},
		{"steps", Series{Points: points, Style: Step, Gap: time.Minute}, 2},
		{"a line that bridges any gap", Series{Points: points}, 1},
		{"steps that hold until the next", Series{Points: points, Style: Step}, 1},
		{"what was before", Series{Points: []Point{{at(-9), 1}, {at(-8), 1}}}, 0},
		{"a step that began before", Series{Points: []Point{{at(-9), 1}}, Style: Step}, 1},
		{"what comes after", Series{Points: []Point{{at(21), 1}}}, 0},
	} {
		if got := d.pieces(plot{d.layout, newScale(1, Number, 3), 0, 96}, tt.series); len(got) != tt.want {
			t.Errorf("%s: %d pieces, want %d", tt.name, len(got), tt.want)
		}
	}
}

func TestALongLineKeepsItsExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var piece []spot
		lowest, highest := 1e9, -1e9
		for i := range rapid.IntRange(1, 5000).Draw(t, "spots") {
			y := rapid.Float64Range(0, 96).Draw(t, fmt.Sprint("y", i%50)) // a few draws are random enough
			piece = append(piece, spot{float64(i) * 0.01, y})
			lowest, highest = min(lowest, y), max(highest, y)
		}
		kept := reduce(piece)
		low, high := 1e9, -1e9
		for i, s := range kept {
			low, high = min(low, s.y), max(high, s.y)
			if i > 0 && s.x < kept[i-1].x {
				t.Fatal("the line goes back")
			}
		}
		if low != lowest || high != highest || kept[0] != piece[0] || kept[len(kept)-1] != piece[len(piece)-1] {
			t.Fatalf("from %v to %v there is left %v to %v", lowest, highest, low, high)
		}
		if most := 4 * (len(piece)/50 + 1); len(kept) > most {
			t.Fatalf("%d spots are kept, want %d at most", len(kept), most)
		}
	})
}
