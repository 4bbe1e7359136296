package forecast

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A regression explains a value by earlier ones and by the time of day and
// week, and forecasts step by step, each forecast being the next one's past.
type regression struct {
	// lags chooses the lags for a sample, ascending; nil if it is too short.
	lags func(s *sample) []int
	// harmonics is how many sine waves describe each season.
	harmonics []int
	// ridge is the penalty on coefficients away from the prior, in values of
	// average size: 0.1 means that of a tenth of an observation.
	ridge float64
}

// lagRegression explains a value by those just before it and by those around
// the same time of the day and week before: with the seasons 24 and 168 by lags
// 1-5, 22-26, 166-170 and 190-194, as an autoregression with seasonal factors
// does. With further, also by the second week before. A short history takes
// fewer lags around, or the day alone.
func lagRegression(further bool) *regression {
	return &regression{ridge: 0.1, lags: func(s *sample) []int {
		for _, centres := range lagCentres(s.seasons, further) {
			for width := 2; width > 0; width-- {
				if l := lagsAround(centres, width); enough(s, l, len(l)+1) {
					return l
				}
			}
		}
		return nil
	}}
}

// dayRegression explains a value by those just before it, by those around the
// same time of the last two days and, with harmonics, by sine waves of the day: what
// a week ago says is noise to many loads.
func dayRegression(ridge float64, harmonics ...int) *regression {
	return &regression{ridge: ridge, harmonics: harmonics, lags: func(s *sample) []int {
		if len(s.seasons) == 0 {
			return nil
		}
		width, waves := 2, 0
		if len(harmonics) > 0 {
			width, waves = 1, 2*harmonics[0] // they share the shape of the day
		}
		day := s.seasons[0]
		l := lagsAround([]int{day, 2 * day}, width)
		if !enough(s, l, len(l)+waves+1) {
			return nil
		}
		return l
	}}
}

// lagCentres are the seasonal lags to try, the best first.
func lagCentres(seasons []int, further bool) (sets [][]int) {
	n := len(seasons)
	if further {
		if n > 1 {
			day, long := seasons[0], seasons[n-1]
			sets = append(sets, append(slices.Clone(seasons), long+day, 2*long, 2*long+day))
		}
		return sets
	}
	if n > 1 {
		sets = append(sets, append(slices.Clone(seasons), seasons[n-1]+seasons[0]))
	}
	return append(sets, seasons)
}

// lagsAround are the lags within width of the centres, and the first few.
func lagsAround(centres []int, width int) []int {
	var l []int
	for i := 1; i <= 2*width+1; i++ {
		l = append(l, i)
	}
	for _, c := range centres {
		for i := max(1, c-width); i <= c+width; i++ {
			l = append(l, i)
		}
	}
	slices.Sort(l)
	return slices.Compact(l)
}

// enough says whether two observations remain for each coefficient.
func enough(s *sample, lags []int, coefficients int) bool {
	return s.origins[0]-lags[len(lags)-1] >= 2*coefficients+8
}

// harmonics describes the week by many sine waves or, where the history is too short for
// them, by few.
func harmonics(s *sample) [][]float64 {
	if paths := harmonicRegression(8, 24, 2).forecast(s); paths != nil {
		return paths
	}
	return harmonicRegression(4, 8, 1).forecast(s)
}

// harmonicRegression describes the week by so many sine waves of the day and the
// week, and the rest by the last hours and the days before.
func harmonicRegression(daily, weekly, days int) *regression {
	return &regression{ridge: 0.3, harmonics: []int{daily, weekly}, lags: func(s *sample) []int {
		if len(s.seasons) == 0 {
			return nil
		}
		var centres []int
		for d := range days {
			centres = append(centres, (d+1)*s.seasons[0])
		}
		l := lagsAround(centres, 1)
		if !enough(s, l, len(l)+2*(daily+weekly)+1) {
			return nil
		}
		return l
	}}
}

// forecast fits the coefficients once for each origin. Observations far from
// what the others say count less (Huber's weights).
func (r *regression) forecast(s *sample) [][]float64 {
	lags := r.lags(s)
	if lags == nil {
		return nil
	}
	d := r.design(s, lags)
	weights := make([]float64, len(d.target))
	for i := range weights {
		if s.known[d.start+i] {
			weights[i] = 1
		}
	}
	paths := s.paths()
	coef := d.solve(weights, s.origins[len(s.origins)-1:])
	if coef == nil {
		return nil
	}
	d.reweigh(weights, coef[0])
	coefs := d.solve(weights, s.origins)
	if coefs == nil {
		return nil
	}
	for k, from := range s.origins {
		d.extend(paths[k], s.values[:from], coefs[k])
	}
	return paths
}

// A design holds the rows of a regression: the features of each value that has
// all its lags, and how far the value lies from the prior's forecast.
type design struct {
	lags   []int
	prior  []float64 // of the lags
	waves  []wave
	ridge  float64
	mean   float64
	spread float64 // variance
	start  int     // index of the first row's value
	width  int
	rows   []float64
	target []float64
}

func (r *regression) design(s *sample, lags []int) *design {
	d := &design{lags: lags, ridge: r.ridge, start: lags[len(lags)-1], mean: mean(s.values)}
	for _, v := range s.values {
		d.spread += (v - d.mean) * (v - d.mean) / float64(len(s.values))
	}
	d.prior = make([]float64, len(lags))
	seasonal := 0
	for _, season := range s.seasons {
		if slices.Contains(lags, season) {
			seasonal++
		}
	}
	for j, l := range lags {
		if slices.Contains(s.seasons, l) {
			d.prior[j] = 1 / float64(seasonal)
		}
	}
	d.width = len(lags) + 1
	for i, k := range r.harmonics[:min(len(r.harmonics), len(s.seasons))] {
		d.waves = append(d.waves, newWave(s.seasons[i], k))
		d.width += 2 * k
	}
	n := len(s.values) - d.start
	d.rows, d.target = make([]float64, n*d.width), make([]float64, n)
	for i := range n {
		row := d.rows[i*d.width : (i+1)*d.width]
		d.features(row, s.values, d.start+i)
		d.target[i] = s.values[d.start+i] - d.mean
		for j, p := range d.prior {
			d.target[i] -= p * row[j]
		}
	}
	return d
}

// A wave is a table of sine and cosine pairs for each position in a season.
type wave struct {
	season, width int
	table         []float64
}

func newWave(season, harmonics int) wave {
	w := wave{season: season, width: 2 * harmonics}
	for t := range season {
		for k := 1; k <= harmonics; k++ {
			sin, cos := math.Sincos(2 * math.Pi * float64(k*t%season) / float64(season))
			w.table = append(w.table, sin, cos)
		}
	}
	return w
}

func (w wave) at(t int) []float64 {
	i := t % w.season * w.width
	return w.table[i : i+w.width]
}

func (d *design) features(row, values []float64, t int) {
	for j, l := range d.lags {
		row[j] = values[t-l] - d.mean
	}
	next := len(d.lags)
	for _, w := range d.waves {
		next += copy(row[next:], w.at(t))
	}
	row[next] = 1
}

// solve fits the coefficients to the rows before each origin, ascending, in
// one pass: the sums of one are the start of the next one's. It returns nil if
// the series does not determine them.
func (d *design) solve(weights []float64, origins []int) [][]float64 {
	n := d.width
	gram, moment := make([]float64, n*n), make([]float64, n)
	coefs := make([][]float64, 0, len(origins))
	i := 0
	for _, from := range origins {
		for ; i < from-d.start; i++ {
			w := weights[i]
			if w == 0 {
				continue
			}
			row := d.rows[i*n : (i+1)*n]
			for a, x := range row {
				x *= w
				moment[a] += x * d.target[i]
				floats.AddScaled(gram[a*n:a*n+a+1], x, row[:a+1])
			}
		}
		c := d.coefficients(gram, moment)
		if c == nil {
			return nil
		}
		coefs = append(coefs, c)
	}
	return coefs
}

// coefficients solves the normal equations, whose lower triangle is gram.
func (d *design) coefficients(gram, moment []float64) []float64 {
	n := d.width
	sym := mat.NewSymDense(n, nil)
	for a := range n {
		for b := range a + 1 {
			sym.SetSym(a, b, gram[a*n+b])
		}
		// A sine wave has variance one half; the tiny term keeps a constant
		// series solvable.
		penalty := d.ridge / 5
		if a < len(d.lags) {
			penalty = d.ridge * d.spread
		}
		sym.SetSym(a, a, gram[a*n+a]+penalty+1e-9)
	}
	var chol mat.Cholesky
	if !chol.Factorize(sym) {
		return nil
	}
	var c mat.VecDense
	if err := chol.SolveVecTo(&c, mat.NewVecDense(n, moment)); err != nil {
		return nil
	}
	return c.RawVector().Data
}

// reweigh takes weight from rows whose error is beyond 1.5 robust standard
// deviations, in proportion.
func (d *design) reweigh(weights, coef []float64) {
	errs := make([]float64, len(weights))
	for i, y := range d.target {
		for j, x := range d.rows[i*d.width : (i+1)*d.width] {
			y -= coef[j] * x
		}
		errs[i] = math.Abs(y)
	}
	sorted := slices.Sorted(slices.Values(errs))
	limit := 1.5*1.4826*sorted[len(sorted)/2] + 1e-9
	for i, e := range errs {
		if weights[i] > 0 {
			weights[i] = limit / max(e, limit)
		}
	}
}

// extend forecasts what follows past. A forecast that leaves the range of the
// past by more than half of it is held there: the coefficients may describe an
// explosion.
func (d *design) extend(path, past, coef []float64) {
	n := len(past)
	v := append(slices.Clone(past), path...)
	lo, hi := bounds(past)
	slack := (hi - lo) / 2
	row := make([]float64, d.width)
	for i := range path {
		d.features(row, v, n+i)
		y := d.mean
		for j, x := range row {
			y += coef[j] * x
			if j < len(d.prior) {
				y += d.prior[j] * x
			}
		}
		v[n+i] = min(max(y, lo-slack), hi+slack)
	}
	copy(path, v[n:])
}
