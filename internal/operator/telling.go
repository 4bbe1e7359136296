package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"flyball/governor"
	"flyball/internal/control"
	"flyball/internal/operator/v1alpha1"
	"flyball/scaling"
	"flyball/schedule"
)

// tell writes how a target stands, and its policies and actions. It reports whether the host has looked at it.
func (r *Reconciler) tell(ctx context.Context, d described, v verdict) (looked bool, err error) {
	now := r.now()
	s := r.standings.of(scaling.ResourceID(d.resource))
	e, looked := r.host.Explain(scaling.ResourceID(d.resource), now)
	if d.resource == "" {
		looked = false
	}
	if !looked && v.refused == nil && s == (standing{}) && toldBefore(d.target) {
		return false, nil
	}
	key := client.ObjectKeyFromObject(d.target)
	var before []metav1.Condition
	err = r.statuses.target(ctx, key, func(t *v1alpha1.ScalableTarget) error {
		before = t.Status.Conditions
		status := t.Status.DeepCopy()
		status.ObservedGeneration = d.target.Generation
		s.write(status)
		if looked {
			outlook(status, e)
		} else if v.refused != nil {
			status.ScaleOutNeeds, status.ScaleInNeeds = []string{v.refused.text}, []string{v.refused.text}
		}
		for _, c := range conditions(d, v, s, looked, e) {
			c.ObservedGeneration = d.target.Generation
			meta.SetStatusCondition(&status.Conditions, c)
		}
		t.Status = *status
		return nil
	})
	if err != nil {
		return looked, client.IgnoreNotFound(err)
	}
	r.announce(d, before, v)
	for i := range d.policies {
		if err := r.tellPolicy(ctx, &d.policies[i], v, s, e); err != nil {
			return looked, err
		}
	}
	for i := range d.actions {
		if err := r.tellAction(ctx, d, &d.actions[i], v); err != nil {
			return looked, err
		}
	}
	return looked, nil
}

// toldBefore is whether the controller before this one has told how a target stands: until this one has looked, that is
// the best that is known, and of ten thousand targets none is written twice.
func toldBefore(t *v1alpha1.ScalableTarget) bool {
	c := meta.FindStatusCondition(t.Status.Conditions, v1alpha1.AbleToScale)
	return c != nil && c.Status == metav1.ConditionTrue && c.ObservedGeneration == t.Generation
}

// announce makes an event of a refusal, when the condition becomes what it is.
func (r *Reconciler) announce(d described, before []metav1.Condition, v verdict) {
	if v.refused == nil {
		return
	}
	c := meta.FindStatusCondition(before, v.refused.condition)
	if c != nil && c.Status == metav1.ConditionFalse && c.Reason == v.refused.reason && c.Message == v.refused.text {
		return
	}
	r.events.refuse(d.target, v.refused.reason, v.refused.text)
}

// write writes what was told of a target.
func (s standing) write(to *v1alpha1.ScalableTargetStatus) {
	if d := s.decision; d != nil {
		to.LastDecision = decision(*d)
	}
	if a := s.activity; a != nil {
		to.LastActivity = activity(*a)
	}
	if !s.scaled.IsZero() {
		to.LastScaleTime = &metav1.Time{Time: s.scaled.Truncate(time.Second)}
	}
}

// decision is a decision as a status has it.
func decision(d scaling.Decision) *v1alpha1.Decision {
	out := &v1alpha1.Decision{
		Time: metav1.Time{Time: d.At.Truncate(time.Second)}, Direction: d.Direction.String(), From: int32(d.Desired), To: int32(d.To),
		Policy: d.Policy, Alarm: d.Alarm, Text: d.Rule,
	}
	var why []string
	for _, r := range d.Reasons {
		out.Reasons = append(out.Reasons, v1alpha1.Reason{Code: string(r.Code), Policy: r.Policy, Message: r.String()})
		why = append(why, r.String())
	}
	if d.Direction == scaling.Hold {
		out.Text = strings.TrimPrefix(out.Text+"; "+strings.Join(why, "; "), "; ")
	}
	return out
}

// activity is an activity as a status has it.
func activity(a scaling.Activity) *v1alpha1.Activity {
	out := &v1alpha1.Activity{
		Description: a.Description, Cause: a.Cause, StatusCode: string(a.Status), Message: a.Message, Details: a.Details,
		StartTime: metav1.Time{Time: a.Start.Truncate(time.Second)},
	}
	if !a.End.IsZero() {
		out.EndTime = &metav1.Time{Time: a.End.Truncate(time.Second)}
	}
	return out
}

// outlook writes what has to happen for a target to be scaled.
func outlook(to *v1alpha1.ScalableTargetStatus, e governor.Explanation) {
	to.DesiredCapacity, to.RunningCapacity = new(int32(e.Desired)), new(int32(e.Running))
	to.ScaleOutNeeds, to.ScaleInNeeds = e.ScaleOut.Needs, e.ScaleIn.Needs
	to.Policies = nil
	for _, p := range e.Policies {
		to.Policies = append(to.Policies, v1alpha1.PolicyStatus{Name: p.Name, Alarms: alarms(p)})
	}
}

func alarms(p scaling.PolicyOutlook) (all []v1alpha1.AlarmStatus) {
	for _, a := range p.Alarms {
		all = append(all, v1alpha1.AlarmStatus{Name: a.Name, State: a.State, Text: a.Text})
	}
	return all
}

// conditions are those of a target.
func conditions(d described, v verdict, s standing, looked bool, e governor.Explanation) []metav1.Condition {
	able := condition(v1alpha1.AbleToScale, metav1.ConditionTrue, "ReadyToScale", "the capacity can be read and set")
	active := condition(v1alpha1.ScalingActive, metav1.ConditionTrue, "MetricsAvailable", "the metrics of all policies can be read")
	limited := condition(v1alpha1.ScalingLimited, metav1.ConditionFalse, "WithinBounds", "no bound holds the capacity back")
	switch {
	case v.refused != nil && v.refused.condition == v1alpha1.AbleToScale:
		able = condition(v1alpha1.AbleToScale, metav1.ConditionFalse, v.refused.reason, v.refused.text)
	case s.refused != "":
		able = condition(v1alpha1.AbleToScale, metav1.ConditionFalse, "StateUnreadable", s.refused)
	case s.missing:
		able = condition(v1alpha1.AbleToScale, metav1.ConditionFalse, "TargetNotFound", s.unable)
	case s.unable != "":
		able = condition(v1alpha1.AbleToScale, metav1.ConditionFalse, "FailedGetScale", s.unable)
	case failed(s.activity):
		able = condition(v1alpha1.AbleToScale, metav1.ConditionFalse, "FailedUpdateScale", s.activity.Message)
	case !looked:
		able = condition(v1alpha1.AbleToScale, metav1.ConditionUnknown, "NotLookedAtYet", "the capacity has not been looked at yet")
	}
	switch {
	case v.refused != nil && v.refused.condition == v1alpha1.ScalingActive:
		active = condition(v1alpha1.ScalingActive, metav1.ConditionFalse, v.refused.reason, v.refused.text)
	case v.refused != nil && s.blind == "": // a pause is when people look whether metrics can be read
		active = condition(v1alpha1.ScalingActive, metav1.ConditionFalse, v.refused.reason, "nothing is changed, as AbleToScale says")
	case len(d.policies)+len(d.actions) == 0:
		active = condition(v1alpha1.ScalingActive, metav1.ConditionFalse, "NoPolicies", "no ScalingPolicy and no ScheduledAction names it: the capacity is kept within the bounds, and nothing else")
	case s.blind != "":
		active = condition(v1alpha1.ScalingActive, metav1.ConditionFalse, "MetricUnavailable", s.blind)
	case s.held != "":
		active = condition(v1alpha1.ScalingActive, metav1.ConditionTrue, "ScaleInHeld", s.held)
	case !looked:
		active = condition(v1alpha1.ScalingActive, metav1.ConditionUnknown, "NotLookedAtYet", "the metrics have not been read yet")
	}
	if s.decision != nil {
		for _, r := range s.decision.Reasons {
			if r.Code == scaling.AlreadyAtMaxCapacity || r.Code == scaling.AlreadyAtMinCapacity || r.Code == scaling.ChangeLimited {
				limited = condition(v1alpha1.ScalingLimited, metav1.ConditionTrue, string(r.Code), r.String())
			}
		}
	}
	if looked && limited.Status == metav1.ConditionTrue && limited.Reason != string(scaling.ChangeLimited) && e.Desired > e.Min && e.Desired < e.Max {
		limited = condition(v1alpha1.ScalingLimited, metav1.ConditionFalse, "WithinBounds", "no bound holds the capacity back")
	}
	return []metav1.Condition{able, active, limited}
}

// failed reports whether the capacity could not be set.
func failed(a *scaling.Activity) bool {
	return a != nil && a.Status == scaling.Failed && len(a.NotScaled) == 0
}

// longest bounds the message of a condition, as the API server does.
const longest = 32768

func condition(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest-3], "") + "..."
	}
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
}

// tellPolicy writes how a policy stands.
func (r *Reconciler) tellPolicy(ctx context.Context, p *v1alpha1.ScalingPolicy, v verdict, s standing, e governor.Explanation) error {
	var its []v1alpha1.AlarmStatus
	seen := false
	for _, o := range e.Policies {
		if o.Name == p.Name {
			its = alarms(o)
			for _, a := range o.Alarms {
				seen = seen || a.Latest != nil
			}
		}
	}
	available := condition(v1alpha1.MetricAvailable, metav1.ConditionTrue, "Read", "its metric has data")
	switch {
	case its == nil:
		available = condition(v1alpha1.MetricAvailable, metav1.ConditionUnknown, "NotReadYet", "its metric has not been read yet")
	case !seen && s.blind != "":
		available = condition(v1alpha1.MetricAvailable, metav1.ConditionFalse, "Unreadable", s.blind)
	case !seen:
		available = condition(v1alpha1.MetricAvailable, metav1.ConditionFalse, "NoData", "its metric has no data: it neither adds nor removes capacity until there is")
	}
	takes := accepted("ScalingPolicy "+p.Name, v)
	err := r.statuses.policy(ctx, client.ObjectKeyFromObject(p), func(to *v1alpha1.ScalingPolicy) error {
		to.Status.ObservedGeneration = p.Generation
		to.Status.Alarms = its
		meta.SetStatusCondition(&to.Status.Conditions, stamped(takes, p.Generation))
		meta.SetStatusCondition(&to.Status.Conditions, stamped(available, p.Generation))
		return nil
	})
	return client.IgnoreNotFound(err)
}

// accepted says whether a policy or an action takes part.
func accepted(name string, v verdict) metav1.Condition {
	if err := v.wrong[name]; err != nil {
		return condition(v1alpha1.Accepted, metav1.ConditionFalse, "Invalid", err.Error())
	}
	if v.refused != nil {
		return condition(v1alpha1.Accepted, metav1.ConditionFalse, "TargetNotScaled", "its target is not scaled: "+v.refused.text)
	}
	return condition(v1alpha1.Accepted, metav1.ConditionTrue, "Accepted", "it takes part in scaling its target")
}

func stamped(c metav1.Condition, generation int64) metav1.Condition {
	c.ObservedGeneration = generation
	return c
}

// tellAction writes how an action stands.
func (r *Reconciler) tellAction(ctx context.Context, d described, a *v1alpha1.ScheduledAction, v verdict) error {
	takes := accepted("ScheduledAction "+a.Name, v)
	err := r.statuses.action(ctx, client.ObjectKeyFromObject(a), func(to *v1alpha1.ScheduledAction) error {
		to.Status.ObservedGeneration = a.Generation
		to.Status.NextRunTime = nil
		if takes.Status == metav1.ConditionTrue {
			to.Status.NextRunTime = r.nextRun(d, a.Name)
		}
		meta.SetStatusCondition(&to.Status.Conditions, stamped(takes, a.Generation))
		return nil
	})
	return client.IgnoreNotFound(err)
}

// orphans tells those that name a target which is not there.
func (r *Reconciler) orphans(ctx context.Context, d described) error {
	for i := range d.policies {
		p := &d.policies[i]
		c := missing(p.Spec.ScalableTargetRef.Name)
		if err := r.statuses.policy(ctx, client.ObjectKeyFromObject(p), func(to *v1alpha1.ScalingPolicy) error {
			to.Status.ObservedGeneration, to.Status.Alarms = p.Generation, nil
			meta.SetStatusCondition(&to.Status.Conditions, stamped(c, p.Generation))
			return nil
		}); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	for i := range d.actions {
		a := &d.actions[i]
		c := missing(a.Spec.ScalableTargetRef.Name)
		if err := r.statuses.action(ctx, client.ObjectKeyFromObject(a), func(to *v1alpha1.ScheduledAction) error {
			to.Status.ObservedGeneration, to.Status.NextRunTime = a.Generation, nil
			meta.SetStatusCondition(&to.Status.Conditions, stamped(c, a.Generation))
			return nil
		}); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	return nil
}

func missing(target string) metav1.Condition {
	return condition(v1alpha1.Accepted, metav1.ConditionFalse, "TargetNotFound", fmt.Sprintf("there is no ScalableTarget %s in this namespace", target))
}

// nextRun is when an action runs next; nil: never, or that is not known yet.
func (r *Reconciler) nextRun(d described, name string) *metav1.Time {
	var memory control.Memory
	if s := d.target.Status.State; s == nil || json.Unmarshal(s.Memory.Raw, &memory) != nil {
		return nil
	}
	known, ok := memory.Schedules[name]
	given, _ := r.of(client.ObjectKeyFromObject(d.target))
	for _, s := range given.target.Schedules {
		if s.Name != name || !ok {
			continue
		}
		times, err := s.Compile(known.Created, schedule.Zone)
		if err != nil {
			return nil
		}
		if next, is := times.Next(r.now()); is {
			return &metav1.Time{Time: next.Truncate(time.Second)}
		}
	}
	return nil
}
