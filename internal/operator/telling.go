package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"flyball/governor"
	"flyball/internal/control"
	"flyball/internal/operator/v1alpha1"
	"flyball/scaling"
	"flyball/schedule"
)

// A view is how a target stands as a whole.
type view struct {
	generation int64 // that this is about
	bare       bool  // no policy and no action names it
	verdict    verdict

	standing standing
	looked   bool // the host has looked at it
	e        governor.Explanation
}

// view is how what is described stands, without what the host knows.
func (d described) view(v verdict) view {
	return view{generation: d.target.Generation, bare: len(d.policies)+len(d.actions) == 0, verdict: v}
}

// now fills in what the host knows of a target, and what it is about to tell.
func (w view) now(r *Reconciler, id scaling.ResourceID, records ...control.Record) view {
	w.standing = r.standings.of(id)
	for _, one := range records {
		w.standing = w.standing.after(one)
	}
	if id != "" {
		w.e, w.looked = r.host.Explain(id, r.now())
	}
	return w
}

// write writes it.
func (w view) write(to *v1alpha1.ScalableTargetStatus) {
	to.ObservedGeneration = w.generation
	w.standing.write(to)
	if w.looked {
		outlook(to, w.e)
	} else if w.verdict.refused != nil {
		to.ScaleOutNeeds, to.ScaleInNeeds = []string{w.verdict.refused.text}, []string{w.verdict.refused.text}
	}
	for _, c := range w.conditions() {
		c.ObservedGeneration = w.generation
		meta.SetStatusCondition(&to.Conditions, c)
	}
}

// show has a status that is written in any case say how its target stands.
func (r *Reconciler) show(t *v1alpha1.ScalableTarget, records []control.Record) {
	key := client.ObjectKeyFromObject(t)
	if g, known := r.of(key); known {
		g.now(r, g.target.Resource, records...).write(&t.Status)
		r.noteTold(key)
	}
}

// noteTold notes that all was told of a target.
func (r *Reconciler) noteTold(key client.ObjectKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if g, known := r.given[key]; known {
		g.told = r.now()
		r.given[key] = g
	}
}

// tell writes how a target stands, and its policies and actions, if that is news or was not written for long. It reports
// whether the host has looked at it.
func (r *Reconciler) tell(ctx context.Context, d described, v verdict) (looked bool, err error) {
	w := d.view(v).now(r, scaling.ResourceID(d.resource))
	if !w.looked && v.refused == nil && w.standing.silent() {
		return false, nil // soon there is something to tell
	}
	key := client.ObjectKeyFromObject(d.target)
	g, _ := r.of(key)
	whole := r.now().Sub(g.told) >= r.refresh()
	wrote := whole
	var before []metav1.Condition
	err = r.statuses.target(ctx, key, func(t *v1alpha1.ScalableTarget) error {
		before = t.Status.Conditions
		next := t.Status.DeepCopy()
		w.write(next)
		if wrote = whole || news(t.Status, *next); wrote {
			t.Status = *next
		}
		return nil
	})
	if err != nil {
		return w.looked, client.IgnoreNotFound(err)
	}
	r.announce(d, before, v)
	for i := range d.policies {
		if err := r.tellPolicy(ctx, &d.policies[i], w, whole); err != nil {
			return w.looked, err
		}
	}
	for i := range d.actions {
		if err := r.tellAction(ctx, d, &d.actions[i], v); err != nil {
			return w.looked, err
		}
	}
	if wrote {
		r.noteTold(key)
	}
	return w.looked, nil
}

// news reports whether a status says something that is to be known at once: all but numbers that change in each minute, and
// sentences with such numbers.
func news(was, is v1alpha1.ScalableTargetStatus) bool {
	return !equality.Semantic.DeepEqual(lasting(was), lasting(is))
}

// lasting is what of a status lasts for more than a minute.
func lasting(s v1alpha1.ScalableTargetStatus) v1alpha1.ScalableTargetStatus {
	out := v1alpha1.ScalableTargetStatus{
		ObservedGeneration: s.ObservedGeneration, DesiredCapacity: s.DesiredCapacity, RunningCapacity: s.RunningCapacity,
		LastScaleTime: s.LastScaleTime, LastActivity: s.LastActivity, Conditions: gists(s.Conditions),
	}
	if d := s.LastDecision; d != nil {
		gist := *d
		gist.Time, gist.Text, gist.Reasons = metav1.Time{}, "", nil
		for _, r := range d.Reasons {
			gist.Reasons = append(gist.Reasons, v1alpha1.Reason{Code: r.Code, Policy: r.Policy})
		}
		out.LastDecision = &gist
	}
	return out
}

// gists are conditions without their sentences, but for those that people have written.
func gists(all []metav1.Condition) (out []metav1.Condition) {
	for _, c := range all {
		gist := metav1.Condition{Type: c.Type, Status: c.Status, Reason: c.Reason, ObservedGeneration: c.ObservedGeneration}
		if c.Reason == paused {
			gist.Message = c.Message
		}
		out = append(out, gist)
	}
	return out
}

// toldBefore is whether the controller before this one has told how a target stands.
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
func (w view) conditions() []metav1.Condition {
	v, s, looked, e := w.verdict, w.standing, w.looked, w.e
	able := condition(v1alpha1.AbleToScale, metav1.ConditionTrue, "ReadyToScale", "the capacity can be read and set")
	active := condition(v1alpha1.ScalingActive, metav1.ConditionTrue, "MetricsAvailable", "the metrics of all policies can be read")
	limited := condition(v1alpha1.ScalingLimited, metav1.ConditionFalse, "WithinBounds", "no bound holds the capacity back")
	switch {
	case v.refused != nil && v.refused.condition == v1alpha1.AbleToScale:
		able = condition(v1alpha1.AbleToScale, metav1.ConditionFalse, v.refused.reason, v.refused.text)
	case s.refused != "":
		able = condition(v1alpha1.AbleToScale, metav1.ConditionFalse, "StateUnreadable", s.refused)
	case s.paused != "":
		able = condition(v1alpha1.AbleToScale, metav1.ConditionFalse, paused, s.paused)
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
	case w.bare:
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

// tellPolicy writes how a policy stands: as a whole, or what is news.
func (r *Reconciler) tellPolicy(ctx context.Context, p *v1alpha1.ScalingPolicy, w view, whole bool) error {
	s, e := w.standing, w.e
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
	takes := accepted("ScalingPolicy "+p.Name, w.verdict)
	err := r.statuses.policy(ctx, client.ObjectKeyFromObject(p), func(to *v1alpha1.ScalingPolicy) error {
		next := to.Status.DeepCopy()
		next.ObservedGeneration = p.Generation
		next.Alarms = its
		meta.SetStatusCondition(&next.Conditions, stamped(takes, p.Generation))
		if p.Spec.PolicyType == v1alpha1.PredictiveScaling {
			w.tellForecast(p.Name, next, p.Generation)
		} else {
			meta.SetStatusCondition(&next.Conditions, stamped(available, p.Generation))
		}
		if whole || !equality.Semantic.DeepEqual(to.Status.Forecast, next.Forecast) || !equality.Semantic.DeepEqual(gists(to.Status.Conditions), gists(next.Conditions)) {
			to.Status = *next
		}
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
