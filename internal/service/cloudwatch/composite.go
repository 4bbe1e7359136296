package cloudwatch

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/alarm"
	"flyball/internal/optional"
	"flyball/internal/state"
)

// A compositeRule is the part of an entry that a composite alarm is evaluated
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

// compositeEntry makes the entry of a composite alarm from the definition in
// c. It fails if the rule cannot be read.
func (a *alarms) compositeEntry(c *types.CompositeAlarm, tags map[string]string) (*entry, error) {
	rule, err := alarm.ParseExpression(aws.ToString(c.AlarmRule))
	if err != nil {
		return nil, err
	}
	e := &entry{
		name:        *c.AlarmName,
		description: aws.ToString(c.AlarmDescription),
		tags:        tags,
		configured:  alarm.At(*c.AlarmConfigurationUpdatedTimestamp),
		enabled:     *c.ActionsEnabled,
		composite:   &compositeRule{text: *c.AlarmRule, rule: rule},
	}
	e.setActions(c.OKActions, c.AlarmActions, c.InsufficientDataActions)
	for _, child := range rule.Alarms() {
		e.composite.children = append(e.composite.children, a.resolve(child))
	}
	if s := aws.ToString(c.ActionsSuppressor); s != "" {
		e.composite.given, e.composite.suppressor = s, a.resolve(s)
		e.composite.wait = time.Duration(*c.ActionsSuppressorWaitPeriod) * time.Second
		e.composite.extension = time.Duration(*c.ActionsSuppressorExtensionPeriod) * time.Second
	}
	return e, nil
}

// describeComposite is the composite alarm as DescribeAlarms shows it.
func (a *alarms) describeComposite(e *entry) types.CompositeAlarm {
	c := e.composite
	arn := a.arn(e.name)
	configured, updated, transitioned := e.configured.Time(), e.updated.Time(), e.transitioned()
	text, data := e.reason()
	d := types.CompositeAlarm{
		AlarmName:                          &e.name,
		AlarmArn:                           &arn,
		AlarmDescription:                   optional.String(e.description),
		AlarmConfigurationUpdatedTimestamp: &configured,
		AlarmRule:                          &c.text,
		ActionsEnabled:                     new(e.enabled),
		OKActions:                          e.actionsOf(alarm.OK),
		AlarmActions:                       e.actionsOf(alarm.Alarm),
		InsufficientDataActions:            e.actionsOf(alarm.InsufficientData),
		StateValue:                         types.StateValue(e.State.String()),
		StateReason:                        &text,
		StateReasonData:                    optional.String(data),
		StateUpdatedTimestamp:              &updated,
		StateTransitionedTimestamp:         &transitioned,
	}
	if c.given != "" {
		d.ActionsSuppressor = &c.given
		d.ActionsSuppressorWaitPeriod = new(int32(c.wait / time.Second))
		d.ActionsSuppressorExtensionPeriod = new(int32(c.extension / time.Second))
	}
	if p := e.suppression; p != nil && p.By != "" {
		d.ActionsSuppressedBy = p.By
		d.ActionsSuppressedReason = new(fmt.Sprintf("Actions suppressed by %s", p.By))
	}
	return d
}

// follow has the composite alarms that name this one follow its new state.
func (a *alarms) follow(tx *state.Tx, child *entry, now time.Time) {
	for _, e := range a.registry.parents[child.name] {
		// Another alarm may have changed its state since this one's evaluation began.
		now := later(now, e.updated.Time())
		// AWS allows cycles, and stops to evaluate the alarms in them.
		if to := e.composite.rule.Evaluate(a.stateOf); to != e.State && !alarm.Cyclic(e.name, a.registry.children) {
			a.transition(tx, e, e.Enter(now, to), a.compositeReason(now, child,
				fmt.Sprintf("%s transitioned to %s at %s", a.arn(child.name), child.State, now.Format(reasonTime))), now)
		}
	}
	for _, e := range a.registry.suppressed[child.name] {
		a.suppressorChanged(tx, e, child.State, now)
	}
}

func later(x, y time.Time) time.Time {
	if x.After(y) {
		return x
	}
	return y
}

// settleComposite evaluates a composite alarm because it is new or its rule
// changed.
func (a *alarms) settleComposite(tx *state.Tx, e *entry, did string, now time.Time) {
	to := e.composite.rule.Evaluate(a.stateOf)
	if to == e.State || alarm.Cyclic(e.name, a.registry.children) {
		return
	}
	a.transition(tx, e, e.Enter(now, to), a.compositeReason(now, nil, fmt.Sprintf("%s was %s and its alarm rule evaluates to %s", a.arn(e.name), did, to), e.composite.children...), now)
}

const reasonTime = "Monday 02 January, 2006 15:04:05 UTC"

// compositeReason is the reason for a composite alarm's state: text, and the
// alarms that made it so.
func (a *alarms) compositeReason(now time.Time, child *entry, text string, children ...string) reason {
	type shownState struct {
		Value     string `json:"value"`
		Timestamp string `json:"timestamp"`
	}
	type trigger struct {
		ARN   string     `json:"arn"`
		State shownState `json:"state"`
	}
	triggers := []trigger{}
	add := func(e *entry, since time.Time) {
		triggers = append(triggers, trigger{a.arn(e.name), shownState{e.State.String(), since.Format(alarm.TimeFormat)}})
	}
	if child != nil {
		add(child, now)
	}
	for _, name := range children {
		if e := a.registry.get(name); e != nil {
			add(e, e.updated.Time())
		}
	}
	return &statement{text, string(encode(map[string]any{"triggeringAlarms": triggers}))}
}
