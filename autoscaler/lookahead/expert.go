package lookahead

import (
	"math"
	"time"
)

// A forecaster says what the highest load of the next intervals will be.
type forecaster interface {
	name() string
	// forecast is what it says; NaN: it cannot say anything yet.
	forecast(*past) float64
}

// last expects what there is.
type last struct{}

func (last) name() string             { return "the last value" }
func (last) forecast(p *past) float64 { return p.at(0) }

// A trend expects what there is to go on rising as it does.
type trend struct {
	begun        bool
	level, slope float64
}

func (*trend) name() string { return "the trend" }

func (t *trend) forecast(p *past) float64 {
	const level, slope = 0.4, 0.1
	v := p.at(0)
	if !t.begun {
		t.begun, t.level = true, v
		return v
	}
	was := t.level
	t.level = level*v + (1-level)*(t.level+t.slope)
	t.slope = slope*(t.level-was) + (1-slope)*t.slope
	return max(0, t.level+max(0, t.slope)*float64(p.ahead))
}

// A mean expects what there was on average for some time.
type mean struct {
	of   time.Duration
	said string
}

func (m mean) name() string { return m.said }

func (m mean) forecast(p *past) float64 { return p.mean(0, min(p.n, int(m.of/p.interval))) }

// A before expects what came some time ago, as much higher or lower as the load is now.
type before struct {
	lag  time.Duration
	said string
}

func (b before) name() string { return b.said }

func (b before) forecast(p *past) float64 {
	const smoothed = 10 // intervals
	lag := int(b.lag / p.interval)
	if !p.has(lag + smoothed) {
		return math.NaN()
	}
	now, then := p.mean(0, smoothed), p.mean(lag, smoothed)
	floor := p.level / 50
	return p.highest(lag) * min(3, max(1.0/3, (now+floor)/(then+floor)))
}

// A scale is what errors are measured on. On that of logarithms the noise of a load that is a share of it is alike by
// day and by night; on that of roots the chance by which independent requests come is.
type scale struct{ of, back func(float64) float64 }

// scales are those; a small error of the usual load is as large on both.
func scales() []scale {
	return []scale{
		{math.Log, math.Exp},
		{func(v float64) float64 { return 2 * math.Sqrt(v) }, func(v float64) float64 { return max(0, v) * max(0, v) / 4 }},
	}
}

// An expert is a forecaster with the margin that it needs on a scale, and what it has cost.
type expert struct {
	forecaster
	scale
	said   []float64 // of the last intervals, which are still to come true
	level  float64   // the usual load, which its errors are shares of
	margin float64   // what is added to its forecasts, on the scale
	spread float64   // how far it was wrong lately, on average, on the scale
	loss   float64   // what its quantiles cost lately (pinball loss), as a share of the level
	judged int       // intervals that came true
}

// ready reports whether it has come true for long enough to be believed.
func (e *expert) ready() bool {
	const enough = 60
	return e.judged >= enough && e.upper() >= 0 // it may have nothing to say
}

// learn lets what was said some intervals ago come true, and has it say something new.
func (e *expert) learn(p *past, quantile float64) {
	e.level = p.level + 1e-9
	if len(e.said) == p.ahead {
		if said := e.said[0]; said == said {
			e.judge(said, p.highest(p.ahead), quantile)
		}
		e.said = e.said[:copy(e.said, e.said[1:])]
	}
	e.said = append(e.said, e.forecast(p))
}

// judge compares what was said with what came.
func (e *expert) judge(said, came, quantile float64) {
	const (
		memory = 600 // intervals
		pace   = 0.1 // by which the margin changes at most, of what it is usually wrong by
	)
	wrong := e.measure(came) - e.measure(said)
	e.judged++
	weight := 1 / math.Min(float64(e.judged), memory)
	e.spread += (math.Abs(wrong) - e.spread) * weight
	above := (came - e.raised(said)) / e.level
	e.loss += (max(quantile*above, (quantile-1)*above) - e.loss) * weight
	step := pace * max(e.spread, 0.005)
	if wrong > e.margin {
		e.margin += step * quantile
	} else {
		e.margin -= step * (1 - quantile)
	}
}

// floor is added to loads, as a share of the usual one: what is far below that is no matter.
const floor = 1.0 / 50

// measure is a load on the scale.
func (e *expert) measure(load float64) float64 { return e.of(load/e.level + floor) }

// raised is a load with the margin.
func (e *expert) raised(load float64) float64 {
	return max(0, e.level*(e.back(e.measure(load)+e.margin)-floor))
}

// upper is what it says, with its margin.
func (e *expert) upper() float64 { return e.raised(e.said[len(e.said)-1]) }

// A pool are experts who are listened to together.
type pool []*expert

// upper is the mean of what those say, with their margins, who are ready: they count by how little they lost. What one
// of them leaves out others make up for, so that more of the intervals stay within than within the margin of one.
func (p pool) upper() float64 {
	best := p.best()
	if !best.ready() {
		return best.upper()
	}
	sum, weights := 0.0, 0.0
	for _, e := range p {
		if e.ready() {
			weight := math.Pow((best.loss+1e-12)/(e.loss+1e-12), favour)
			sum, weights = sum+weight*e.upper(), weights+weight
		}
	}
	return sum / weights
}

// favour is the power of the losses by which experts count: who lost a tenth more counts two fifths as much.
const favour = 10

// best is the expert that was cheapest lately; the first while none is ready.
func (p pool) best() *expert {
	best := p[0]
	for _, e := range p[1:] {
		if e.ready() && (e.loss < best.loss || !best.ready()) {
			best = e
		}
	}
	return best
}
