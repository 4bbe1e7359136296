package trace

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// Points of times at equal distances, with holes, repetitions, steps back and lines left out, come
// out as they went in; what is asked of all of them is as of a plain list.
func TestATimelineIsAListOfPoints(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		var want []point
		l, at, line := &timeline{}, int64(1000), 1
		for range 1 + random.IntN(60) {
			p := point{at, random.Float64(), line}
			want = append(want, p)
			l.add(p)
			at, line = at+60, line+1
			switch random.IntN(int(4 + seed%30)) {
			case 0:
				at += int64(random.IntN(300))
			case 1:
				at -= int64(random.IntN(300))
			case 2:
				line += random.IntN(3)
			}
		}
		same := func(what string, got *timeline, want []point) {
			t.Helper()
			var points []point
			for i, p := range got.all() {
				if i != len(points) {
					t.Errorf("seed %d, %s: point %d comes as number %d", seed, what, len(points), i)
				}
				points = append(points, p)
			}
			if !slices.Equal(points, want) {
				t.Errorf("seed %d, %s:\n%v, want\n%v", seed, what, points, want)
			}
		}
		same("as they came", l, want)
		from := random.IntN(len(want))
		to := from + random.IntN(len(want)-from) + 1
		same("a part", l.between(from, to), want[from:to])
		slices.SortStableFunc(want, byTime)
		sorted := l.sorted()
		same("in order", sorted, want)
		var distances []int64
		for i := 1; i < len(want); i++ {
			distances = append(distances, want[i].at-want[i-1].at)
		}
		slices.Sort(distances)
		var joined []int64
		for _, d := range sorted.distances() {
			joined = append(joined, slices.Repeat([]int64{d.time}, d.times)...)
		}
		if !slices.Equal(joined, distances) || len(distances) > 0 && median(sorted.distances()) != distances[len(distances)/2] {
			t.Errorf("seed %d: distances of %v with a median of %d, want %v", seed, joined, median(sorted.distances()), distances)
		}
		count := map[int64]int{}
		for _, d := range distances {
			count[d]++
		}
		slices.SortStableFunc(distances, func(a, b int64) int { return cmp.Compare(count[b], count[a]) })
		if len(distances) > 0 && mode(sorted.distances()).time != distances[0] {
			t.Errorf("seed %d: %d is the most frequent distance, want %d", seed, mode(sorted.distances()).time, distances[0])
		}
	}
}

// A row costs no more than its value, as long as rows are a minute apart.
func TestRegularRowsAreKeptInTheMemoryOfTheirValues(t *testing.T) {
	l := &timeline{}
	for i := range 100_000 {
		at := int64(i)
		if i > 50_000 {
			at += 17 // some are missing
		}
		l.add(point{at * 60, float64(i), i + 2})
	}
	if n := l.runs.len() + 1; n != 2 {
		t.Errorf("%d runs, want 2", n)
	}
}
