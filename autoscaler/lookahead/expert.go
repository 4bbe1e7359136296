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

// An expert is a forecaster with the margin that it needs, and what it has cost.
type expert struct {
	forecaster
	said   []float64 // of the last intervals, which are still to come true
	margin float64   // logarithm of what its forecasts are multiplied with
	spread float64   // how far it was wrong lately, on average, as a logarithm
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
	if len(e.said) == p.ahead {
		if said := e.said[0]; said == said {
			e.judge(said, p.highest(p.ahead), p.level, quantile)
		}
		e.said = e.said[:copy(e.said, e.said[1:])]
	}
	e.said = append(e.said, e.forecast(p))
}

// judge compares what was said with what came.
func (e *expert) judge(said, came, level, quantile float64) {
	const (
		memory = 600 // intervals
		pace   = 0.1 // by which the margin changes at most, of what it is usually wrong by
	)
	floor := level/50 + 1e-9 // what is far below the usual load is no matter
	wrong := math.Log((came + floor) / (said + floor))
	e.judged++
	weight := 1 / math.Min(float64(e.judged), memory)
	e.spread += (math.Abs(wrong) - e.spread) * weight
	above := (came + floor - (said+floor)*math.Exp(e.margin)) / (level + floor)
	e.loss += (max(quantile*above, (quantile-1)*above) - e.loss) * weight
	step := pace * max(e.spread, 0.005)
	if wrong > e.margin {
		e.margin += step * quantile
	} else {
		e.margin -= step * (1 - quantile)
	}
}

// upper is what it says, with its margin.
func (e *expert) upper() float64 { return e.said[len(e.said)-1] * math.Exp(e.margin) }
