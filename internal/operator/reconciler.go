package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"flyball/governor"
	"flyball/internal/control"
	"flyball/internal/operator/v1alpha1"
	"flyball/scaling"
)

// A Host governs targets: a control.Host.
type Host interface {
	Put(control.Target)
	Remove(scaling.ResourceID)
	Explain(id scaling.ResourceID, now time.Time) (governor.Explanation, bool)
}

var _ Host = (*control.Host)(nil)

// A Reconciler brings a ScalableTarget, with the policies and actions that name it, to its host, and
// tells in their status how they stand.
type Reconciler struct {
	client    client.Client
	statuses  statuses
	kinds     *kinds
	names     *names
	standings *standings
	host      Host
	events    notices
	bindings  *bindings
	now       func() time.Time

	again atomic.Pointer[requests] // where a reconciliation is asked for; nil until there is a queue

	mu    sync.Mutex
	given map[types.NamespacedName]given // only one reconciliation of a target is under way
}

// A given is what the host was given of a target.
type given struct {
	of     string // which resources, and how they were
	why    string // nothing is done; "": it is
	target control.Target
	ours   bool      // the host has it
	view             // without what changes by itself
	told   time.Time // when all of it was told last; zero: never
}

// Reconcile brings one target to the host.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	d, err := r.read(ctx, req.NamespacedName)
	if err != nil {
		return ctrl.Result{}, err
	}
	if d.target == nil || !d.target.DeletionTimestamp.IsZero() {
		r.leave(req.NamespacedName)
		return ctrl.Result{}, r.orphans(ctx, d)
	}
	v, err := r.judge(ctx, &d)
	if err != nil {
		return ctrl.Result{}, err
	}
	looked, err := r.tell(ctx, d, v)
	if err != nil {
		return ctrl.Result{}, err
	}
	if !looked && v.refused == nil {
		return ctrl.Result{RequeueAfter: r.pace(soon, 200)}, nil
	}
	// Those of a controller that has just begun do not all come together the next time.
	return ctrl.Result{RequeueAfter: time.Duration((0.75 + 0.5*rand.Float64()) * float64(r.refresh()))}, nil
}

// soon is when a target is looked after again that the host has yet to look at.
const soon = 5 * time.Second

// refresh is how long a status may be behind what alarms see: a minute, or so long that those of ten targets are
// written in a second.
func (r *Reconciler) refresh() time.Duration { return r.pace(time.Minute, 10) }

// pace is after how long what comes for each target comes again: so many a second at most.
func (r *Reconciler) pace(least time.Duration, perSecond int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(least, time.Duration(len(r.given))*time.Second/time.Duration(perSecond))
}

// read reads a target with what names it. Its target is nil if there is none.
func (r *Reconciler) read(ctx context.Context, key types.NamespacedName) (described, error) {
	var d described
	var t v1alpha1.ScalableTarget
	if err := r.client.Get(ctx, key, &t); err == nil {
		d.target = &t
	} else if !apierrors.IsNotFound(err) {
		return d, err
	}
	of := []client.ListOption{client.InNamespace(key.Namespace), client.MatchingFields{targetField: key.Name}}
	var policies v1alpha1.ScalingPolicyList
	if err := r.client.List(ctx, &policies, of...); err != nil {
		return d, err
	}
	var actions v1alpha1.ScheduledActionList
	if err := r.client.List(ctx, &actions, of...); err != nil {
		return d, err
	}
	d.policies, d.actions = policies.Items, actions.Items
	d.policies = slices.DeleteFunc(d.policies, func(p v1alpha1.ScalingPolicy) bool { return !p.DeletionTimestamp.IsZero() })
	d.actions = slices.DeleteFunc(d.actions, func(a v1alpha1.ScheduledAction) bool { return !a.DeletionTimestamp.IsZero() })
	slices.SortFunc(d.policies, func(a, b v1alpha1.ScalingPolicy) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(d.actions, func(a, b v1alpha1.ScheduledAction) int { return cmp.Compare(a.Name, b.Name) })
	return d, nil
}

// leave has a target governed no more.
func (r *Reconciler) leave(key types.NamespacedName) {
	r.mu.Lock() // of two that have named the same, one goes and the other comes
	defer r.mu.Unlock()
	delete(r.given, key)
	if id, was := r.names.drop(key); was {
		r.host.Remove(id)
		r.standings.drop(id)
	}
}

// A verdict says whether a target can be governed.
type verdict struct {
	refused *refusal         // nil: the host governs it
	wrong   map[string]error // policies and actions that cannot be governed by, by kind and name
}

// A refusal is why nothing is done, with a reason for conditions and events.
type refusal struct {
	condition    string // that it makes false
	reason, text string
}

// judge gives the target to the host, or says why not.
func (r *Reconciler) judge(ctx context.Context, d *described) (v verdict, err error) {
	key := client.ObjectKeyFromObject(d.target)
	ref := d.target.Spec.ScaleTargetRef
	resource, err := r.kinds.resource(ctx, ref)
	var never *unscalable
	if errors.As(err, &never) {
		r.leave(key)
		v.refused = &refusal{v1alpha1.AbleToScale, never.reason, never.text}
		return v, nil
	}
	if err != nil {
		return v, err
	}
	d.resource = string(scaling.ScaleID(key.Namespace, resource, ref.Name))
	first, err := r.first(ctx, d.target)
	if err != nil {
		return v, err
	}
	if first != d.target.Name {
		r.leave(key)
		v.refused = &refusal{v1alpha1.AbleToScale, "DescribedTwice", fmt.Sprintf("ScalableTarget %s, which is older, describes the %s %s as well: delete one of the two", first, ref.Kind, ref.Name)}
		return v, nil
	}
	of := d.versions()
	var targets []control.Target
	if g, known := r.of(key); known && g.of == of {
		v.wrong = g.verdict.wrong
	} else {
		targets, v.wrong = r.compile(*d)
	}
	if len(v.wrong) > 0 {
		v.refused = &refusal{v1alpha1.ScalingActive, "Refused", "nothing is changed until it is corrected: " + listed(v.wrong)}
	} else if v.refused, err = r.halted(ctx, d.target); err != nil {
		return v, err
	}
	r.give(key, *d, of, targets, v)
	return v, nil
}

// paused is the reason of what somebody has paused.
const paused = "Paused"

// halted is why a target that could be governed is to be left alone; nil: it is not.
func (r *Reconciler) halted(ctx context.Context, t *v1alpha1.ScalableTarget) (*refusal, error) {
	if why, is := t.Annotations[v1alpha1.PausedAnnotation]; is && why != "false" {
		if why == "true" || why == "" {
			why = "remove the annotation to go on"
		}
		return &refusal{v1alpha1.AbleToScale, paused, fmt.Sprintf("the annotation %s pauses it: %s", v1alpha1.PausedAnnotation, why)}, nil
	}
	name, err := r.hpa(ctx, t)
	if err != nil || name == "" {
		return nil, err
	}
	ref := t.Spec.ScaleTargetRef
	return &refusal{v1alpha1.AbleToScale, "DrivenByHPA", fmt.Sprintf(
		"the HorizontalPodAutoscaler %s scales the %s %s: nothing is changed beside it; delete it (kubectl delete hpa %s -n %s), or this ScalableTarget",
		name, ref.Kind, ref.Name, name, t.Namespace)}, nil
}

// hpa is the HorizontalPodAutoscaler that scales what a target does; "": there is none.
func (r *Reconciler) hpa(ctx context.Context, t *v1alpha1.ScalableTarget) (string, error) {
	var all autoscalingv2.HorizontalPodAutoscalerList
	err := r.client.List(ctx, &all, client.InNamespace(t.Namespace), client.MatchingFields{refField: refKey(t.Spec.ScaleTargetRef)})
	if err != nil || len(all.Items) == 0 {
		return "", err
	}
	return all.Items[0].Name, nil
}

// groupOf is the group of a version such as apps/v1.
func groupOf(version string) string {
	group, _, named := strings.Cut(version, "/")
	if !named {
		return ""
	}
	return group
}

// first is the ScalableTarget that governs what a target is about: the oldest.
func (r *Reconciler) first(ctx context.Context, t *v1alpha1.ScalableTarget) (string, error) {
	var all v1alpha1.ScalableTargetList
	if err := r.client.List(ctx, &all, client.InNamespace(t.Namespace), client.MatchingFields{refField: refKey(t.Spec.ScaleTargetRef)}); err != nil {
		return "", err
	}
	first := t
	for i, o := range all.Items {
		older := cmp.Or(o.CreationTimestamp.Compare(first.CreationTimestamp.Time), cmp.Compare(o.Name, first.Name))
		if older < 0 && o.DeletionTimestamp.IsZero() {
			first = &all.Items[i]
		}
	}
	return first.Name, nil
}

// compile makes the host's target of what is described, or says what is wrong with which part.
func (r *Reconciler) compile(d described) ([]control.Target, map[string]error) {
	targets, problems := control.Compile(d.documents(), r.bindings.of(d))
	if len(problems) == 0 {
		return targets, nil
	}
	wrong := map[string]error{}
	alone := func(name string, one described) {
		one.resource, one.target = d.resource, d.target
		if _, problems := control.Compile(one.documents(), r.bindings.of(one)); len(problems) > 0 {
			wrong[name] = problems[0].Err
		}
	}
	for _, p := range d.policies {
		alone("ScalingPolicy "+p.Name, described{policies: []v1alpha1.ScalingPolicy{p}})
	}
	for _, a := range d.actions {
		alone("ScheduledAction "+a.Name, described{actions: []v1alpha1.ScheduledAction{a}})
	}
	if len(wrong) == 0 { // each by itself is right
		wrong["ScalableTarget "+d.target.Name] = problems[0].Err
	}
	return nil, wrong
}

// listed is what is wrong, in one sentence.
func listed(wrong map[string]error) string {
	var all []string
	for name, err := range wrong {
		all = append(all, name+": "+err.Error())
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

// give gives the host what has changed. What was refused is governed as it was before, and nothing is
// done: what is remembered of it stays.
func (r *Reconciler) give(key types.NamespacedName, d described, of string, targets []control.Target, v verdict) {
	why := ""
	if v.refused != nil {
		why = v.refused.text
	}
	g, known := r.of(key)
	if known && g.of == of && g.why == why {
		return
	}
	if len(targets) == 1 {
		g.target, g.ours = targets[0], true
		g.target.From = "ScalableTarget " + key.String()
		g.target.Limits = limits(d.target.Spec.MaxChangePerMinute)
	}
	g.of, g.why, g.target.Paused = of, why, why
	g.view = d.view(v)
	if !known && toldBefore(d.target) {
		g.told = r.now() // by the controller before
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.given[key] = g
	if g.ours {
		r.names.set(key, g.target.Resource)
		r.host.Put(g.target)
	}
}

// of is what the host was given of a target last.
func (r *Reconciler) of(key types.NamespacedName) (given, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g, known := r.given[key]
	return g, known
}

// versions tells whether any of what is described has changed.
func (d described) versions() string {
	var b strings.Builder
	add := func(o client.Object) { fmt.Fprintf(&b, "%s %d\n", o.GetUID(), o.GetGeneration()) }
	add(d.target)
	for _, name := range foresight {
		fmt.Fprintf(&b, "%q\n", d.target.Annotations[annotation(name)]) // no generation tells of them
	}
	for i := range d.policies {
		add(&d.policies[i])
	}
	for i := range d.actions {
		add(&d.actions[i])
	}
	return b.String()
}

// limits reads limits that the API server has let in.
func limits(m *v1alpha1.MaxChangePerMinute) (l scaling.Limits) {
	if m == nil {
		return l
	}
	if m.ScaleOut != nil {
		l.Out, _ = scaling.ParseLimit(m.ScaleOut.String())
	}
	if m.ScaleIn != nil {
		l.In, _ = scaling.ParseLimit(m.ScaleIn.String())
	}
	return l
}
