package forecast

import (
	"fmt"
	"math"
	"slices"
)

// MaxParts is into how many parts an hour can be divided: minutes.
const MaxParts = 60

// Fine forecasts parts of hours: with 12 parts, each 5 minutes. The hours of a history are
// forecast as Forecast does, by options that are theirs: the horizon is in hours. They are
// divided as the same hours of the day or of the week were: fine has the parts of the newest
// hours, and may go back less far than these. The parts of an hour add up to it.
func Fine(hours, fine []float64, parts int, o Options) (Result, error) {
	if parts < 1 || parts > MaxParts {
		return Result{}, fmt.Errorf("%d parts of an hour; it must be 1 to %d", parts, MaxParts)
	}
	o, err := o.complete()
	if err != nil {
		return Result{}, err
	}
	r, err := Forecast(hours, o)
	if err != nil {
		return Result{}, err
	}
	fine = fine[max(0, len(fine)-parts*min(len(hours), maxHistory)):]
	d := newDivision(fine[len(fine)%parts:], parts, o)
	return d.divide(hours, r, o), nil
}

// Hours are the sums of the parts of each hour, the last of which ends with the last part. Of
// those of which parts are missing, the others stand for them.
func Hours(fine []float64, parts int) []float64 {
	var hours []float64
	for from := len(fine) % parts; from < len(fine); from += parts {
		sum, n := 0.0, 0
		for _, v := range fine[from : from+parts] {
			if !math.IsNaN(v) {
				sum += v
				n++
			}
		}
		hours = append(hours, sum/float64(n)*float64(parts)) // NaN without any
	}
	return hours
}

// A division is how the load of hours is divided among their parts.
type division struct {
	parts  int
	fine   []float64 // of the parts
	hours  []float64 // sums of them
	places []int     // of each hour, and each to come, on the service's clock
	scale  float64   // the mean size of a part
	signed bool
}

func newDivision(fine []float64, parts int, o Options) *division {
	d := &division{parts: parts, fine: fine, hours: Hours(fine, parts)}
	d.scale = meanSize(fine)
	d.signed = slices.ContainsFunc(fine, func(v float64) bool { return v < 0 })
	n := len(d.hours)
	for i := range n + o.Horizon {
		d.places = append(d.places, i)
	}
	if c := o.Calendar; c != nil {
		w := c.wall(d.hours, 0)
		for i := range d.places {
			d.places[i] = max(w.place(i), 0)
		}
	}
	return d
}

// Shares are how each part of a season differs from what the course of the hours says.
type shares struct {
	season int       // in hours; 0: none differs
	ratios []float64 // times what the course says
}

// of is the share of a part of an hour at a place.
func (s shares) of(place, part, parts int) float64 {
	if s.season == 0 {
		return 1
	}
	return s.ratios[place%s.season*parts+part]
}

// expect puts into out what parts an hour is expected to have, if it and its neighbours have
// such loads.
func (d *division) expect(out []float64, before, load, after float64, place int, s shares) {
	if math.IsNaN(before) {
		before = load
	}
	if math.IsNaN(after) {
		after = load
	}
	total := 0.0
	for j := range out {
		x := (float64(j) + 0.5) / float64(d.parts)
		v := 1.0
		switch {
		case d.signed:
		case x < 0.5:
			v = before*(0.5-x) + load*(0.5+x)
		default:
			v = load*(1.5-x) + after*(x-0.5)
		}
		out[j] = v * s.of(place, j, d.parts)
		total += out[j]
	}
	for j := range out {
		if total == 0 {
			out[j] = load / float64(d.parts)
		} else {
			out[j] *= load / total
		}
	}
}

// past is what was to expect of the parts of an hour that was.
func (d *division) past(out []float64, hour int, s shares) {
	before, after := math.NaN(), math.NaN()
	if hour > 0 {
		before = d.hours[hour-1]
	}
	if hour+1 < len(d.hours) {
		after = d.hours[hour+1]
	}
	d.expect(out, before, d.hours[hour], after, d.places[hour], s)
}

// repeating are the shares that repeat in a season, from the newest four seasons of the hours
// before one.
func (d *division) repeating(season, until int) shares {
	const newest, doubt = 4, 0.5 // seasons; parts of usual size that say there is no difference
	s := shares{season, make([]float64, season*d.parts)}
	usual := make([]float64, len(s.ratios))
	for i := range usual {
		s.ratios[i], usual[i] = doubt*d.scale, doubt*d.scale
	}
	parts := make([]float64, d.parts)
	for hour := max(0, until-newest*season); hour < until; hour++ {
		if math.IsNaN(d.hours[hour]) {
			continue
		}
		d.past(parts, hour, shares{})
		for j, e := range parts {
			if v := d.fine[hour*d.parts+j]; !math.IsNaN(v) {
				k := d.places[hour]%season*d.parts + j
				s.ratios[k] += v
				usual[k] += e
			}
		}
	}
	for i := range s.ratios {
		s.ratios[i] /= usual[i]
	}
	return s
}

// misses are how far parts of the hours from one on were from what was to expect, ascending, in
// units of unitError, and the mean of their size.
func (d *division) misses(from int, s shares) (all []float64, size float64) {
	parts := make([]float64, d.parts)
	for hour := from; hour < len(d.hours); hour++ {
		if math.IsNaN(d.hours[hour]) {
			continue
		}
		d.past(parts, hour, s)
		for j, e := range parts {
			if v := d.fine[hour*d.parts+j]; !math.IsNaN(v) {
				all = append(all, (v-e)/d.scale/unitError(e/d.scale, 0, 0))
				size += math.Abs(v - e)
			}
		}
	}
	slices.Sort(all)
	return all, size / float64(len(all))
}

// learn chooses the season in which shares repeat, by the newest quarter of the history, and
// a week of it at most: a day if that is better than none, a week if that is better still.
func (d *division) learn(seasons []int) (chosen shares, misses []float64) {
	n := len(d.hours)
	until := n - min(n/4, 7*24)
	misses, least := d.misses(until, chosen)
	if d.signed {
		return chosen, misses
	}
	for _, season := range seasons {
		if until < 2*season {
			break
		}
		m, size := d.misses(until, d.repeating(season, until))
		if size < least {
			chosen, misses, least = d.repeating(season, n), m, size
		}
	}
	return chosen, misses
}

// divide is what was forecast of hours that follow others, in parts.
func (d *division) divide(past []float64, r Result, o Options) Result {
	s, misses := d.learn(o.Seasons)
	out := Result{Methods: r.Methods}
	hours := append(slices.Clone(past[len(past)-1:]), r.Values...)
	d.scale = meanSize(past[len(past)-len(d.hours):]) / float64(d.parts)
	parts := make([]float64, d.parts)
	for i, load := range r.Values {
		after := math.NaN()
		if i+1 < len(r.Values) {
			after = r.Values[i+1]
		}
		d.expect(parts, hours[i], load, after, d.places[len(d.hours)+i], s)
		out.Values = append(out.Values, parts...)
	}
	for _, in := range r.Intervals {
		tail := (1 - in.Level) / 2
		out.Intervals = append(out.Intervals, Interval{in.Level,
			d.quantile(out.Values, r.Values, in.Lower, misses, tail), d.quantile(out.Values, r.Values, in.Upper, misses, 1-tail)})
	}
	for k, q := range r.Quantiles {
		out.Quantiles = append(out.Quantiles, d.quantile(out.Values, r.Values, q, misses, o.Quantiles[k]))
	}
	return out
}

// quantile is that of the parts, of which those of the hours are known: how far an hour may be
// off, and how far a part in it, are independent.
func (d *division) quantile(values, hours, of, misses []float64, p float64) []float64 {
	noise := quantile(misses, p) - quantile(misses, 0.5)
	out := make([]float64, len(values))
	for i, v := range values {
		hour := i / d.parts
		share := 1 / float64(d.parts)
		if hours[hour] != 0 {
			share = v / hours[hour]
		}
		out[i] = v + math.Copysign(math.Hypot((of[hour]-hours[hour])*share, noise*d.scale*unitError(v/d.scale, 0, 0)), p-0.5)
		if p == 0.5 {
			out[i] = v
		}
		if !d.signed {
			out[i] = max(out[i], 0)
		}
	}
	return out
}

// meanSize is the mean size of values that are known, 1 if that is none.
func meanSize(v []float64) float64 {
	sum, n := 0.0, 0.0
	for _, x := range v {
		if !math.IsNaN(x) {
			sum += math.Abs(x)
			n++
		}
	}
	if !(sum > 0) {
		return 1
	}
	return sum / n
}
