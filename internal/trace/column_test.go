package trace

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// What is appended is read again as it was, from memory and from the file, in turn and by its place,
// and the file has no name.
func TestAColumnIsReadAsItWasAppended(t *testing.T) {
	for name, dir := range map[string]string{"with a temporary file": t.TempDir(), "without": filepath.Join(t.TempDir(), "none")} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", dir)
			var c column[run]
			const n = (heldBlocks+3)*ofBlock + 7
			value := func(i int) run { return run{from: i, at: int64(-i), every: math.MaxInt64, line: i * 3, lines: 1} }
			for i := range n {
				c.append(value(i))
			}
			if written := c.file != nil; written != !c.full {
				t.Errorf("a file: %v, full: %v", written, c.full)
			}
			if left, err := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%v, %v: the file has a name", left, err)
			}
			for range 2 {
				next := 0
				for i, v := range c.all() {
					if i != next || v != value(i) {
						t.Fatalf("number %d is %v at %d", next, v, i)
					}
					next++
				}
				if next != n || c.len() != n {
					t.Fatalf("%d and %d values, want %d", next, c.len(), n)
				}
			}
			for i := 0; i < n; i += 997 {
				if got := c.at(i); got != value(i) {
					t.Fatalf("at %d is %v", i, got)
				}
			}
			if c.err != nil {
				t.Error(c.err)
			}
		})
	}
}

// A file that cannot be read again is an error, and not a shorter trace.
func TestAColumnTellsThatItsFileIsBroken(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	c := &column[float64]{}
	for range (heldBlocks + 2) * ofBlock {
		c.append(1)
	}
	s := Series{values: c}
	if err := c.file.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Trace(); err == nil || !strings.Contains(err.Error(), "temporary file") {
		t.Errorf("%v, want what could not be read", err)
	}
}

// What is made of rows that cannot be read again is an error, too, and a file that has become shorter is broken.
func TestRowsThatCannotBeReadAgainAreAnError(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const n = (heldBlocks + 4) * ofBlock
	whole := func(place func(i int) int64) *timeline {
		l := &timeline{}
		for i := range n {
			l.add(point{at: place(i), value: 1, line: i})
		}
		return l
	}
	inOrder := func(i int) int64 { return int64(i) * int64(time.Minute) }
	for name, c := range map[string]struct {
		place func(i int) int64
		as    points
	}{
		"numbers":            {func(i int) int64 { return int64(i) }, points{}},
		"events":             {inOrder, points{times: true, events: true}},
		"times":              {inOrder, points{times: true, kind: Counts}},
		"times out of order": {func(i int) int64 { return inOrder(i ^ 1) }, points{times: true, kind: Counts}},
		"times twice":        {func(i int) int64 { return inOrder(i / 2) }, points{times: true, kind: Counts}},
	} {
		c.as.rows = whole(c.place)
		if err := c.as.rows.values.file.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if s, err := c.as.series(Options{}); err == nil || !strings.Contains(err.Error(), "temporary file") {
			t.Errorf("%s: %d of %d steps and %v, want what could not be read", name, s.Len(), n, err)
		}
	}
	for name, make := range map[string]func(*timeline) *timeline{
		"sort":      (*timeline).sort,
		"between":   func(l *timeline) *timeline { return l.between(1, n) },
		"increases": func(l *timeline) *timeline { p := points{rows: l}; p.takeIncreases(); return p.rows },
		"once": func(l *timeline) *timeline {
			kept, err := (&Series{Kind: Counts}).once(l, false)
			if err != nil {
				t.Error(err)
			}
			return kept
		},
	} {
		l := whole(func(i int) int64 { return inOrder(i / 2) })
		if err := l.values.file.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if made := make(l); made.err() == nil {
			t.Errorf("%s makes %d points of %d that cannot be read, and does not tell", name, made.len(), n)
		}
	}
}

// rowsOf minutes, one after the other, of which some are missing or late.
type minutes struct {
	n, next int
	rest    string
}

func (m *minutes) Read(p []byte) (int, error) {
	for m.rest == "" {
		if m.next == m.n {
			return 0, io.EOF
		}
		if m.next++; m.next%1000 != 7 {
			m.rest = fmt.Sprintf("%d,%d\n", 1_420_070_400+60*m.next+m.next*7919%13, 1000+m.next%1440)
		}
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

// A trace of years takes no more memory than one of months.
func TestMemoryDoesNotGrowWithTheTrace(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	held := func(n int) int64 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s, err := Scan(&minutes{n: n}, Options{Assume: Counts})
		if err != nil || s.Step != time.Minute || s.Len() < n-1 {
			t.Fatalf("%v: %d steps of %v", err, s.Len(), s.Step)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(s)
		return int64(after.HeapAlloc) - int64(before.HeapAlloc)
	}
	const most = heldBlocks * ofBlock * 8
	if short, long := held(most/8), held(4*most/8); long > short+most/4 {
		t.Errorf("%d bytes for %d minutes, and %d for four times as many", short, most/8, long)
	}
}

// Unknown minutes are like the one before, unless there are many in a row.
func TestGapsAreCarriedOver(t *testing.T) {
	gap := math.NaN()
	given := Trace{Step: time.Minute, Values: []float64{gap, 5, gap, gap, 7, gap, gap, gap, 9, gap}}
	carried := given.Series().Carried(2)
	got, err := carried.Trace()
	if want := "[0 5 5 5 7 0 0 0 9 9]"; err != nil || fmt.Sprint(got.Values) != want {
		t.Errorf("%v, %v; want %s", got.Values, err, want)
	}
	if len(carried.Notes) != 2 || !strings.Contains(carried.Notes[0], "3 steps of 1m") || !strings.Contains(carried.Notes[1], "4 steps of 1m") {
		t.Errorf("%q", carried.Notes)
	}
}
