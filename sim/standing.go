package sim

import (
	"time"

	"flyball/alarm"
	"flyball/governor"
	"flyball/scaling"
)

// A standing answer is the one to an alarm that asks for a scale-in each minute and does not
// get it: nothing is done, and nothing is told that was not told before. It is the answer of
// the next minute, too, unless something that it was made of has changed. The zero value is
// no answer.
type standing struct {
	watcher  *watcher
	capacity governor.Capacity
	few      bool  // what the metric needs is less than there is
	until    int64 // when the cooldown ends that stands in the way
}

// stand keeps the answer of a step that did nothing. It does so in the one case that is both
// common and simple: the alarm below the target of a policy that is the only one, and no
// activity under way.
func (h *host) stand(now time.Time, call *called, seen governor.Capacity) {
	p := &h.governor.Policies[0]
	rule, tracks := p.Rule.(scaling.TargetTracking)
	v := call.newestValue(call.meter.late)
	if len(h.governor.Policies) > 1 || !tracks || !call.counts || call.rule.Comparison != alarm.Less || v != v ||
		h.governor.Activity != nil || seen.Running > seen.Desired || call.newestBegin(now).Before(h.governor.Emptied) {
		return
	}
	s := standing{call.watcher, seen, rule.Need(seen.Running, v) < seen.Desired, never}
	if p.Cooldown.Holds(now) {
		s.until = instant(p.Cooldown.Until)
	}
	h.standing = s
}

// stands reports whether the answer to a call is the one that stands.
func (h *host) stands(call *called) bool {
	s := &h.standing
	if s.watcher != call.watcher || h.run.now >= s.until || h.run.capacity() != s.capacity {
		return false
	}
	v := call.newestValue(call.meter.late)
	rule := h.governor.Policies[0].Rule.(scaling.TargetTracking)
	return v == v && rule.Need(s.capacity.Running, v) < s.capacity.Desired == s.few
}

// newestBegin is when the period of the newest datapoint began.
func (c *called) newestBegin(now time.Time) time.Time {
	return alarm.Boundary(now, c.meter.period).Add(-time.Duration(c.meter.late+1) * c.meter.period)
}
