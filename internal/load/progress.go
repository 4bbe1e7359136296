package load

import "time"

// A progress counts what a load does, and tells it at the end of each second.
type progress struct {
	planned profile
	end     time.Duration // of the schedule
	open    bool
	tell    func(Second) // may be nil
	start   time.Time

	second, whole *tally        // the second under way, and all before; whole is the reporter's
	reported      time.Duration // elapsed at the last report
}

// newProgress is that of a load which starts now.
func newProgress(s Schedule, open bool, tell func(Second)) *progress {
	return &progress{planned: s.profile(), end: s.Duration(), open: open, tell: tell, start: time.Now(), second: newTally(), whole: newTally()}
}

// report ends a second, at whose end some requests wait for their answers.
func (p *progress) report(inFlight int) {
	elapsed := time.Since(p.start)
	length := elapsed - p.reported
	level := 0.0 // while the last answers are waited for
	if p.reported < p.end || p.end == 0 {
		level = p.planned.level(min(elapsed, max(p.end-1, 0))) // the last stage may be a step
	}
	if p.reported > 0 && length < tick && p.second.empty() {
		return // the end came with that of a second
	}
	p.reported = elapsed
	done := p.second.reset()
	p.whole.merge(done)
	if p.tell == nil {
		return
	}
	total := done.summary(elapsed)
	p.tell(Second{
		Elapsed:  elapsed,
		Length:   length,
		Level:    level,
		Open:     p.open,
		Requests: total.Requests,
		Errors:   total.Errors,
		Failures: total.Failures,
		InFlight: inFlight,
		Err:      total.Err,
		Latency:  total.Latency,
		Answers:  done.latency.histogram(),
	})
}

// summary is of all seconds that have been reported.
func (p *progress) summary() Summary { return p.whole.summary(time.Since(p.start)) }
