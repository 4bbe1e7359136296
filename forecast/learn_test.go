package forecast

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"flag"
	"fmt"
	"go/format"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

var learnFrom = flag.String("learn", "", "learn the widths of intervals from this file of series, as of forecast --batch, and write learnt.go")

// kept is how many of the newest values of a series are no part of any lesson: the accuracy in
// docs/predictive.md is that on the values from 336 before the end on.
const kept = 336

// block is how many series in a row are in the same half: neighbours are often alike.
const block = 46

// TestLearn learns how wide intervals should be and writes learnt.go. Before, it judges
// what is learnt so: each half of the series, by hold-outs, with what the other half teaches.
func TestLearn(t *testing.T) {
	if *learnFrom == "" {
		t.Skip("without -learn FILE there is nothing to learn from")
	}
	series, err := readSeries(*learnFrom)
	if err != nil {
		t.Fatal(err)
	}
	lessons := make([][]lesson, len(series))
	trials := make([][]lesson, len(series)) // hold-outs, in turns
	holds := []int{48, 120, 216, 336}
	each(len(series), func(s int) {
		random := rand.New(rand.NewPCG(1, uint64(s)))
		past := series[s][:max(0, len(series[s])-kept)]
		for end := len(past) - 48 - random.IntN(16); end >= 200; end -= 16 {
			newest := end
			if random.IntN(3) == 0 {
				newest = 168 + random.IntN(168) // young services, too
			}
			if l, ok := newLesson(past[max(0, end-newest):end+48], past); ok {
				lessons[s] = append(lessons[s], l)
			}
		}
		for _, h := range holds {
			end := len(series[s]) - h
			for _, newest := range []int{maxHistory, 168, 336, 672} {
				l, _ := newLesson(series[s][max(0, end-newest):end+48], series[s][:end])
				trials[s] = append(trials[s], l)
			}
		}
	})
	of := func(in func(s int) bool) (some []lesson) {
		for s, l := range lessons {
			if in(s) {
				some = append(some, l...)
			}
		}
		return some
	}
	judges := make([]*learner, 2)
	half := func(s int) int { return s / block % 2 }
	each(len(judges), func(k int) { judges[k] = learn(of(func(s int) bool { return half(s) != k })) })
	everything := learn(of(func(int) bool { return true }))
	for _, kind := range []struct {
		name string
		by   func(s int) *learner
	}{
		{"back-tests alone", func(int) *learner { return &learner{} }},
		{"with what other series taught", func(s int) *learner { return judges[half(s)] }},
		{"with what all series taught", func(int) *learner { return everything }},
	} {
		for n, newest := range []int{maxHistory, 168, 336, 672} {
			for h, hold := range holds {
				var wide, narrow score
				for s := range trials {
					trials[s][4*h+n].score(kind.by(s), &wide, &narrow)
				}
				t.Logf("%s, newest %d, %d held back: %v, %v", kind.name, newest, hold, wide, narrow)
			}
		}
	}
	if err := os.WriteFile("learnt.go", everything.source(t, len(of(func(int) bool { return true })), len(series)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsLearntHasLimits holds each side to at most so much wider and narrower, whatever the signs.
func TestWhatIsLearntHasLimits(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 0))
	for range 1000 {
		var raw [signs]float64
		for i := range raw {
			raw[i] = 100 * random.NormFloat64()
		}
		raw[random.IntN(signs)] = math.Inf(1)
		wider, _ := learnt.wider(learnt.standard(raw))
		for side, w := range wider {
			if !(w >= -narrowest && w <= widest) {
				t.Fatalf("signs %v make side %d wider by e^%v, want within e^-%v and e^%v", raw, side, w, narrowest, widest)
			}
		}
	}
}

// TestOnlyHoursAreWidened leaves to the back-tests what is not like the series that were learnt from.
func TestOnlyHoursAreWidened(t *testing.T) {
	series := make([]float64, 5*168)
	for i := range series {
		series[i] = 100 + 50*math.Sin(float64(i)*math.Pi/12) + float64(i*i%17)
	}
	for _, test := range []struct {
		seasons []int
		widened bool
	}{{[]int{24, 168}, true}, {[]int{7}, false}, {[]int{}, false}} {
		h, err := newHistory(series, test.seasons)
		if err != nil {
			t.Fatal(err)
		}
		c := h.backTest(48)
		c.weigh()
		paths := c.combineAll()
		d := c.deviation(paths)
		c.widen(&d, paths)
		if got := d.wider != nil; got != test.widened {
			t.Errorf("with seasons %v, widened is %v, want %v", test.seasons, got, test.widened)
		}
	}
}

// A lesson is a forecast, what the back-tests say of its error, and what came.
type lesson struct {
	signs  [][signs]float64
	misses []float64 // what came less the forecast, like all lengths here in times of scale
	values []float64
	signed bool
	sides  [2][][sides]float64 // of 95 % and 80 % intervals
}

// coverages are those of the two intervals that are scored, and usual their usual scores, which make
// them count alike.
var (
	coverages = [2]float64{0.95, 0.8}
	usual     = [2]float64{5.4, 3.4}
)

// newLesson forecasts the last 48 values from those before. Lengths are in units of the error
// of repeating the last day in all of the series, as MSIS has them.
func newLesson(series, all []float64) (lesson, bool) {
	from := len(series) - 48
	o, err := Options{}.complete()
	if err != nil {
		panic(err)
	}
	h, err := newHistory(series[:from], o.Seasons)
	if err != nil {
		return lesson{}, false
	}
	c := h.backTest(48)
	c.weigh()
	paths := c.combineAll()
	path := paths[len(paths)-1]
	d := c.deviation(paths)
	scale := seasonalError(all, 24)
	l := lesson{signed: h.signed, misses: make([]float64, 48), values: make([]float64, 48)}
	if d.spreads != nil && slices.Equal(c.seasons, o.Seasons) {
		l.signs = c.signs(d, paths)
	}
	for i, f := range path {
		l.values[i], l.misses[i] = f/scale, (series[from+i]-f)/scale
	}
	for k, level := range coverages {
		l.sides[k] = make([][sides]float64, 48)
		lower, upper := c.quantile(path, d, (1-level)/2), c.quantile(path, d, (1+level)/2)
		for i, f := range path {
			l.sides[k][i] = [sides]float64{above: (upper[i] - f) / scale, below: (f - lower[i]) / scale}
		}
	}
	return l, l.signs != nil && scale > 0
}

// A score is a mean MSIS and a share of values inside.
type score struct{ sum, inside, count float64 }

func (s score) String() string {
	return fmt.Sprintf("MSIS %.3f, %.1f %% inside", s.sum/s.count, 100*s.inside/s.count)
}

// score adds how good the intervals are.
func (l lesson) score(by *learner, scores ...*score) {
	for i, miss := range l.misses {
		var wider [sides]float64
		if l.signs != nil {
			wider, _ = by.wider(by.standard(l.signs[i]))
		}
		for k, s := range scores {
			up, down := l.side(k, i, wider)
			s.sum += (up + down + 2/(1-coverages[k])*(max(miss-up, 0)+max(-miss-down, 0)))
			if miss <= up && -miss <= down {
				s.inside++
			}
			s.count++
		}
	}
}

// side are the two parts of an interval.
func (l lesson) side(k, i int, wider [sides]float64) (up, down float64) {
	up, down = l.sides[k][i][above]*math.Exp(wider[above]), l.sides[k][i][below]*math.Exp(wider[below])
	if !l.signed {
		down = min(down, max(l.values[i], 0))
	}
	return up, down
}

// Lessons with a score beyond limit teach nothing, for they would be all that counts, and each
// change of a width costs by its square: what little is gained by large ones does not last.
const (
	limit = 12.0
	cost  = 1.0
)

// learn minimizes the mean of both scores by gradient descent (Adam).
func learn(lessons []lesson) *learner {
	const rounds, batch, rate, decay = 10, 64, 0.01, 0.01
	random := rand.New(rand.NewPCG(2, 0))
	l := &learner{}
	l.standardize(lessons)
	standard := make([][][signs]float64, len(lessons))
	for s, lesson := range lessons {
		for _, raw := range lesson.signs {
			standard[s] = append(standard[s], l.standard(raw))
		}
	}
	var adam adam
	steps := 0
	for round := range rounds {
		order := random.Perm(len(lessons))
		for len(order) >= batch {
			var slope gradient
			for _, s := range order[:batch] {
				lessons[s].slope(l, standard[s], &slope)
			}
			order = order[batch:]
			steps++
			adam.step(l, &slope, batch, rate*(1-float64(round)/rounds), decay, steps)
		}
	}
	return l
}

func (l *learner) standardize(lessons []lesson) {
	n := 0.0
	var sums, squares [signs]float64
	for _, lesson := range lessons {
		for _, s := range lesson.signs {
			n++
			for i, v := range s {
				sums[i] += v
				squares[i] += v * v
			}
		}
	}
	for i := range signs {
		l.mean[i] = sums[i] / n
		l.spread[i] = math.Sqrt(max(squares[i]/n-l.mean[i]*l.mean[i], 0)) + 1e-6
	}
}

// A gradient has the shape of what it changes.
type gradient [sides][signs + 1]float64

// slope adds the gradient of a lesson's scores.
func (l lesson) slope(by *learner, standard [][signs]float64, g *gradient) {
	wider, steep := make([][sides]float64, len(standard)), make([][sides]float64, len(standard))
	for i, x := range standard {
		wider[i], steep[i] = by.wider(x)
	}
	slopes := make([][sides]float64, len(standard))
	for k, level := range coverages {
		penalty := 2 / (1 - level)
		weight := 1 / usual[k] / float64(len(standard))
		total := 0.0
		own := make([][sides]float64, len(standard))
		for i, miss := range l.misses {
			up, down := l.side(k, i, wider[i])
			total += weight * (up + down + penalty*(max(miss-up, 0)+max(-miss-down, 0)))
			own[i][above] = weight * up
			if miss > up {
				own[i][above] *= 1 - penalty
			}
			own[i][below] = weight * down
			if -miss > down {
				own[i][below] *= 1 - penalty
			}
			if !l.signed && down >= l.values[i] { // the floor holds it
				own[i][below] = 0
			}
		}
		if total > limit {
			continue
		}
		for i := range own {
			for side := range sides {
				slopes[i][side] += own[i][side] + cost*wider[i][side]/float64(len(standard))
			}
		}
	}
	for i, x := range standard {
		for k := range sides {
			s := slopes[i][k] * steep[i][k]
			for n, v := range x {
				g[k][n] += s * v
			}
			g[k][signs] += s
		}
	}
}

// adam holds the running moments of the gradients.
type adam struct{ mean, square gradient }

func (a *adam) step(l *learner, g *gradient, batch int, rate, decay float64, steps int) {
	const fade, fadeSquare = 0.9, 0.999
	move := func(w, mean, square *float64, slope float64) {
		slope /= float64(batch)
		*mean += (1 - fade) * (slope - *mean)
		*square += (1 - fadeSquare) * (slope*slope - *square)
		m, v := *mean/(1-math.Pow(fade, float64(steps))), *square/(1-math.Pow(fadeSquare, float64(steps)))
		*w -= rate * (m/(math.Sqrt(v)+1e-8) + decay**w)
	}
	for k := range l.weights {
		for j := range l.weights[k] {
			move(&l.weights[k][j], &a.mean[k][j], &a.square[k][j], g[k][j])
		}
	}
}

// source is the learner as Go.
func (l *learner) source(t *testing.T, lessons, series int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated by TestLearn. DO NOT EDIT.\n\npackage forecast\n\n")
	fmt.Fprintf(&b, "// learnt is from %d forecasts of the earlier parts of %d series.\nvar learnt = &learner{\n", lessons, series)
	row := func(v []float64) string {
		var words []string
		for _, x := range v {
			words = append(words, strconv.FormatFloat(x, 'g', 5, 64))
		}
		return "{" + strings.Join(words, ", ") + "},\n"
	}
	fmt.Fprintf(&b, "mean: [signs]float64%sspread: [signs]float64%sweights: [sides][signs+1]float64{\n", row(l.mean[:]), row(l.spread[:]))
	for _, w := range l.weights {
		b.WriteString(row(w[:]))
	}
	b.WriteString("},\n}\n")
	src, err := format.Source(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// each calls do for 0 to n-1, two at a time.
func each(n int, do func(int)) {
	var all sync.WaitGroup
	for k := range 2 {
		all.Go(func() {
			for i := k; i < n; i += 2 {
				do(i)
			}
		})
	}
	all.Wait()
}

// readSeries reads rows of a name and values, with a heading.
func readSeries(path string) ([][]float64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var in io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(file); err != nil {
			return nil, err
		}
	}
	r := csv.NewReader(in)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	var series [][]float64
	for _, row := range rows[1:] {
		var v []float64
		for _, word := range row[1:] {
			if word == "" {
				break
			}
			x, err := strconv.ParseFloat(word, 64)
			if err != nil {
				return nil, err
			}
			v = append(v, x)
		}
		series = append(series, v)
	}
	return series, nil
}
