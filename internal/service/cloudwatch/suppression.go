package cloudwatch

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/state"
)

// A suppression is what holds back the actions of a composite alarm, as in
// "Alarm suppression" in the CloudWatch User Guide. It is replaced, never changed.
type suppression struct {
	By    types.ActionsSuppressedBy // "" is nothing
	Until time.Time                 // when the actions are carried out; zero while the suppressor is in ALARM
	Acted alarm.State               // the state whose actions were carried out last
}

// suppress decides, as the composite alarm goes into a new state, whether its
// actions are held back.
func (a *alarms) suppress(e *entry, now time.Time) {
	c := e.composite
	if c.suppressor == "" {
		e.suppression = nil
		return
	}
	p := suppression{}
	if e.suppression != nil {
		p = *e.suppression
	}
	switch {
	case a.stateOf(c.suppressor) == alarm.Alarm:
		p.By, p.Until = types.ActionsSuppressedByAlarm, time.Time{}
	case p.By == types.ActionsSuppressedByExtensionPeriod:
		// The extension goes on; what is carried out at its end is the new state's.
	case c.wait > 0:
		p.By, p.Until = types.ActionsSuppressedByWaitPeriod, now.Add(c.wait)
	default:
		p.By, p.Until, p.Acted = "", time.Time{}, e.State
	}
	e.suppression = &p
	a.schedule.suppressed(e)
}

// suppressorChanged has a composite alarm follow its suppressor.
func (a *alarms) suppressorChanged(tx *state.Tx, e *entry, suppressor alarm.State, now time.Time) {
	before := e.suppression
	if before == nil || before.By == "" {
		return // nothing is held back: a suppressor does not reach what was done
	}
	p := *before
	switch {
	case suppressor == alarm.Alarm:
		p.By, p.Until = types.ActionsSuppressedByAlarm, time.Time{}
	case p.By == types.ActionsSuppressedByAlarm:
		p.By, p.Until = types.ActionsSuppressedByExtensionPeriod, now.Add(e.composite.extension)
	default:
		return
	}
	a.setSuppression(tx, e, p)
}

// endSuppression carries out the actions of a composite alarm whose wait is over.
func (a *alarms) endSuppression(tx *state.Tx, e *entry, now time.Time) {
	p := e.suppression
	if e.deleted || p == nil || p.By == "" || p.Until.IsZero() || now.Before(p.Until) {
		return
	}
	a.setSuppression(tx, e, suppression{Acted: e.State})
	if e.State != p.Acted {
		before := e.status
		before.State = p.Acted
		a.fire(tx, e, before, false, nil, now)
	}
}

func (a *alarms) setSuppression(tx *state.Tx, e *entry, p suppression) {
	before := e.suppression
	tx.Undo(func() { e.suppression = before })
	e.suppression = &p
	a.schedule.suppressed(e)
	tx.Put(kindStatus, e.name, e.status.document())
}
