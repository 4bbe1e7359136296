package cloudwatch

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/store"
)

// A compositeRule is the part of a record that a composite alarm is evaluated
// by.
type compositeRule struct {
	text       string // AlarmRule as the client gave it
	rule       *alarm.Expression
	children   []string // names of the alarms in the rule
	suppressor string   // name of the alarm that suppresses the actions, or ""
	given      string   // the suppressor as the client gave it: a name or an ARN
	wait       time.Duration
	extension  time.Duration
}

// A suppression is what holds back the actions of a composite alarm, as in
// "Alarm suppression" in the CloudWatch User Guide.
type suppression struct {
	By    types.ActionsSuppressedBy // "" is nothing
	Until time.Time                 // when the actions are carried out; zero while the suppressor is in ALARM
	Acted alarm.State               // the state whose actions were carried out last
}

// compositeRecord makes the record of a composite alarm from the definition in
// c. It fails if the rule cannot be read.
func (a *API) compositeRecord(c *types.CompositeAlarm, tags []types.Tag) (*record, error) {
	rule, err := alarm.ParseExpression(str(c.AlarmRule))
	if err != nil {
		return nil, err
	}
	r := &record{
		name:        *c.AlarmName,
		description: str(c.AlarmDescription),
		tags:        tags,
		configured:  alarm.At(*c.AlarmConfigurationUpdatedTimestamp),
		enabled:     *c.ActionsEnabled,
		composite:   &compositeRule{text: *c.AlarmRule, rule: rule},
	}
	r.act(c.OKActions, c.AlarmActions, c.InsufficientDataActions)
	for _, child := range rule.Alarms() {
		r.composite.children = append(r.composite.children, a.named(child))
	}
	if s := str(c.ActionsSuppressor); s != "" {
		r.composite.given, r.composite.suppressor = s, a.named(s)
		r.composite.wait = time.Duration(*c.ActionsSuppressorWaitPeriod) * time.Second
		r.composite.extension = time.Duration(*c.ActionsSuppressorExtensionPeriod) * time.Second
	}
	return r, nil
}

// describeComposite is the composite alarm as DescribeAlarms shows it.
func (a *API) describeComposite(r *record) types.CompositeAlarm {
	c := r.composite
	arn := a.alarmARN(r.name)
	configured, updated, transitioned := r.configured.Time(), r.updated.Time(), r.transitioned()
	text, data := r.reason()
	d := types.CompositeAlarm{
		AlarmName:                          &r.name,
		AlarmArn:                           &arn,
		AlarmDescription:                   optional(r.description),
		AlarmConfigurationUpdatedTimestamp: &configured,
		AlarmRule:                          &c.text,
		ActionsEnabled:                     ptr(r.enabled),
		OKActions:                          r.of(alarm.OK),
		AlarmActions:                       r.of(alarm.Alarm),
		InsufficientDataActions:            r.of(alarm.InsufficientData),
		StateValue:                         types.StateValue(r.State.String()),
		StateReason:                        &text,
		StateReasonData:                    optional(data),
		StateUpdatedTimestamp:              &updated,
		StateTransitionedTimestamp:         &transitioned,
	}
	if c.given != "" {
		d.ActionsSuppressor = &c.given
		d.ActionsSuppressorWaitPeriod = ptr(int32(c.wait / time.Second))
		d.ActionsSuppressorExtensionPeriod = ptr(int32(c.extension / time.Second))
	}
	if p := r.suppression; p != nil && p.By != "" {
		d.ActionsSuppressedBy = p.By
		d.ActionsSuppressedReason = ptr(fmt.Sprintf("Actions suppressed by %s", p.By))
	}
	return d
}

// children are the names in a composite alarm's rule.
func (a *API) children(name string) []string {
	if r := a.alarms[name]; r != nil && r.composite != nil {
		return r.composite.children
	}
	return nil
}

// stateOf is the state of an alarm by name or ARN; one that does not exist
// counts as INSUFFICIENT_DATA.
func (a *API) stateOf(nameOrARN string) alarm.State {
	if r := a.alarms[a.named(nameOrARN)]; r != nil {
		return r.State
	}
	return alarm.InsufficientData
}

// follow has the composite alarms that name this one follow its new state. The
// caller holds the lock.
func (a *API) follow(child *record, now time.Time) {
	for _, r := range a.parents[child.name] {
		// AWS allows cycles, and stops to evaluate the alarms in them.
		if to := r.composite.rule.Evaluate(a.stateOf); to != r.State && !alarm.Cyclic(r.name, a.children) {
			a.transition(r, r.Enter(now, to), a.compositeReason(now, child,
				fmt.Sprintf("%s transitioned to %s at %s", a.alarmARN(child.name), child.State, now.Format(reasonTime))), now)
		}
	}
	for _, r := range a.suppressed[child.name] {
		a.suppressorChanged(r, child.State, now)
	}
}

// settleComposite evaluates a composite alarm because it is new or its rule
// changed. The caller holds the lock.
func (a *API) settleComposite(r *record, did string, now time.Time) {
	to := r.composite.rule.Evaluate(a.stateOf)
	if to == r.State || alarm.Cyclic(r.name, a.children) {
		return
	}
	a.transition(r, r.Enter(now, to), a.compositeReason(now, nil, fmt.Sprintf("%s was %s and its alarm rule evaluates to %s", a.alarmARN(r.name), did, to), r.composite.children...), now)
}

const reasonTime = "Monday 02 January, 2006 15:04:05 UTC"

// compositeReason is the reason for a composite alarm's state: text, and the
// alarms that made it so.
func (a *API) compositeReason(now time.Time, child *record, text string, children ...string) reason {
	type state struct {
		Value     string `json:"value"`
		Timestamp string `json:"timestamp"`
	}
	type trigger struct {
		ARN   string `json:"arn"`
		State state  `json:"state"`
	}
	triggers := []trigger{}
	add := func(r *record, since time.Time) {
		triggers = append(triggers, trigger{a.alarmARN(r.name), state{r.State.String(), since.Format(alarm.TimeFormat)}})
	}
	if child != nil {
		add(child, now)
	}
	for _, name := range children {
		if r := a.alarms[name]; r != nil {
			add(r, r.updated.Time())
		}
	}
	return &said{text, string(encode(map[string]any{"triggeringAlarms": triggers}))}
}

// suppress decides, as the composite alarm goes into a new state, whether its
// actions are held back.
func (a *API) suppress(r *record, now time.Time) {
	c := r.composite
	if c.suppressor == "" {
		r.suppression = nil
		return
	}
	if r.suppression == nil {
		r.suppression = &suppression{}
	}
	p := r.suppression
	switch {
	case a.stateOf(c.suppressor) == alarm.Alarm:
		p.By, p.Until = types.ActionsSuppressedByAlarm, time.Time{}
	case p.By == types.ActionsSuppressedByExtensionPeriod:
		// The extension goes on; what is carried out at its end is the new state's.
	case c.wait > 0:
		p.By, p.Until = types.ActionsSuppressedByWaitPeriod, now.Add(c.wait)
		a.schedule.rouse()
	default:
		p.By, p.Until, p.Acted = "", time.Time{}, r.State
	}
}

// suppressorChanged has a composite alarm follow its suppressor.
func (a *API) suppressorChanged(r *record, suppressor alarm.State, now time.Time) {
	p := r.suppression
	if p == nil || p.By == "" {
		return // nothing is held back: a suppressor does not reach what was done
	}
	switch {
	case suppressor == alarm.Alarm:
		p.By, p.Until = types.ActionsSuppressedByAlarm, time.Time{}
	case p.By == types.ActionsSuppressedByAlarm:
		p.By, p.Until = types.ActionsSuppressedByExtensionPeriod, now.Add(r.composite.extension)
		a.schedule.rouse()
	default:
		return
	}
	b := new(store.Batch)
	putState(b, r)
	a.Store.Write(b)
}

// endSuppressions carries out the actions whose wait is over.
func (a *API) endSuppressions(now time.Time) {
	for _, list := range a.suppressed {
		for _, r := range list {
			p := r.suppression
			if p == nil || p.By == "" || p.Until.IsZero() || now.Before(p.Until) {
				continue
			}
			acted := p.Acted
			p.By, p.Until, p.Acted = "", time.Time{}, r.State
			if r.State != acted {
				a.fire(r, acted, now, false, nil)
			}
			b := new(store.Batch)
			putState(b, r)
			a.Store.Write(b)
		}
	}
}
