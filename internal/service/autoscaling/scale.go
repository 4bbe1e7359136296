package autoscaling

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"flyball/internal/store"
	"flyball/metric"
	"flyball/scaling"
)

// A Notification is an alarm's call for one of its actions.
type Notification struct {
	Action     string // the policy's ARN
	Alarm      string // its name
	State      cwtypes.StateValue
	At         time.Time
	Threshold  float64
	Datapoints []metric.Datapoint // that were evaluated, oldest first
}

var errDeregistered = errors.New("the scalable target was deregistered")

// AlarmAction carries out a scaling policy because of an alarm. That nothing is
// to be done is no error; that the service or the alarms cannot be read, or the
// capacity cannot be set, is.
func (a *API) AlarmAction(ctx context.Context, n Notification) error {
	if n.State != cwtypes.StateValueAlarm {
		return nil // missing data never scales, and being back to normal is no reason to
	}
	a.mu.Lock()
	p := a.policies[n.Action]
	var t *target
	if p != nil {
		t = a.targets[p.ResourceID]
	}
	a.mu.Unlock()
	if t == nil {
		return fmt.Errorf("no scaling policy %s", n.Action)
	}
	err := a.evaluate(ctx, t, &n)
	if errors.As(err, new(goneError)) {
		return errors.Join(err, a.ServiceDeleted(ctx, t.ResourceID))
	}
	return err
}

// evaluate looks at a target, decides, and acts.
func (a *API) evaluate(ctx context.Context, t *target, n *Notification) error {
	t.work.Lock()
	defer t.work.Unlock()
	seen, err := a.look(ctx, t, n, false)
	if err != nil {
		return err
	}
	a.mu.Lock()
	engine, registered := t.engine(), a.targets[t.ResourceID] == t
	engine.Floor = t.floor(a.now())
	a.mu.Unlock()
	if !registered {
		return errDeregistered
	}
	d := scaling.Decide(a.now(), engine, seen)
	if d.Direction != scaling.Hold {
		return a.perform(ctx, t, d.Activity(uuid.NewString()), &d)
	}
	a.cfg.Log.Debug("not scaled", "target", t.ResourceID, "decision", d)
	a.hold(t, d)
	return nil
}

// perform sets the capacity that an activity is about, and follows it. The
// caller holds t.work. Without a decision no cooldown begins.
func (a *API) perform(ctx context.Context, t *target, activity scaling.Activity, d *scaling.Decision) error {
	a.intend(t, activity, d)
	cluster, name := split(t.ResourceID)
	_, err := a.cfg.Services.UpdateService(ctx, &ecs.UpdateServiceInput{
		Cluster: aws.String(cluster), Service: aws.String(name), DesiredCount: aws.Int32(int32(activity.To)),
	})
	var b store.Batch
	a.mu.Lock()
	if err != nil {
		putActivity(&b, t.ResourceID, activity.Failed(a.now(), message(err)))
		if t.Activity != nil { // all is as before the intention
			putActivity(&b, t.ResourceID, *t.Activity)
		}
		t.putAll(&b)
		commit := a.cfg.Store.Write(&b)
		a.mu.Unlock()
		return errors.Join(
			fmt.Errorf("set the desired count of %s to %d: %w", t.ResourceID, activity.To, err), commit.Wait())
	}
	if t.Activity != nil {
		a.end(&b, t, t.Activity.Overridden(a.now(), activity.To))
	}
	a.begin(&b, t, activity.Requested(), d)
	commit := a.cfg.Store.Write(&b)
	a.mu.Unlock()
	a.nudge()
	return commit.Wait()
}

// intend writes what a target will be if its capacity is set now. It does not
// wait: the store keeps the order of writes, so the intention is on disk before
// the service that UpdateService changes. A server that is killed between the
// two finds the activity Pending when it starts again, with its cooldowns.
func (a *API) intend(t *target, activity scaling.Activity, d *scaling.Decision) {
	a.mu.Lock()
	defer a.mu.Unlock()
	current, cooldowns := t.Activity, make([]scaling.Cooldown, len(t.policies))
	t.Activity = &activity
	for i, p := range t.policies {
		cooldowns[i] = p.Cooldown
		if d != nil {
			p.Cooldown = d.Begin(scaling.Reading{Name: p.Name, Cooldown: p.Cooldown})
		}
	}
	var b store.Batch
	if current != nil {
		putActivity(&b, t.ResourceID, current.Overridden(a.now(), activity.To))
	}
	putActivity(&b, t.ResourceID, activity)
	t.putAll(&b)
	a.cfg.Store.Write(&b)
	t.Activity = current
	for i, p := range t.policies {
		p.Cooldown = cooldowns[i]
	}
}

// putAll writes a target and its policies.
func (t *target) putAll(b *store.Batch) {
	t.put(b)
	for _, p := range t.policies {
		p.put(b)
	}
}

// begin is how an activity is under way: the policies that asked for it wait.
func (a *API) begin(b *store.Batch, t *target, activity scaling.Activity, d *scaling.Decision) {
	t.Activity, t.held = &activity, held{}
	a.following[t] = struct{}{}
	putActivity(b, t.ResourceID, activity)
	t.put(b)
	if d == nil {
		return
	}
	a.cfg.Log.Info("scaling", "target", t.ResourceID, "decision", *d)
	for _, p := range t.policies {
		if c := d.Begin(scaling.Reading{Name: p.Name, Cooldown: p.Cooldown}); c != p.Cooldown {
			p.Cooldown = c
			p.put(b)
		}
	}
}

// end is how a target's activity is over: its policies' cooldowns are counted
// from now.
func (a *API) end(b *store.Batch, t *target, activity scaling.Activity) {
	t.Activity = nil
	delete(a.following, t)
	putActivity(b, t.ResourceID, activity)
	for _, p := range t.policies {
		if c := p.Cooldown.End(p.rule, activity.End); c != p.Cooldown {
			p.Cooldown = c
			p.put(b)
		}
	}
	t.put(b)
	if activity.Status == scaling.Successful && activity.To == 0 {
		a.watchZero(t)
	}
}

// held is the last decision that did not scale. An alarm asks again each minute
// while it stays in ALARM, and gets the same answer: that is one activity, not
// one a minute.
type held struct {
	reasons string
	at      time.Time
}

// heldFor is how long an answer counts as a repeat of the one before.
const heldFor = 3 * time.Minute

// hold records why nothing was done, if AWS has a code for it.
func (a *API) hold(t *target, d scaling.Decision) {
	reasons := reported(d)
	if !d.Driven() || reasons == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	repeat := t.held.reasons == reasons && d.At.Sub(t.held.at) < heldFor
	t.held = held{reasons, d.At}
	if repeat {
		return
	}
	var b store.Batch
	putActivity(&b, t.ResourceID, d.Activity(uuid.NewString()))
	a.cfg.Store.Write(&b)
}

// reported identifies what a decision that did not scale would report; "" is
// nothing.
func reported(d scaling.Decision) string {
	var b strings.Builder
	for _, r := range d.Reasons {
		if r.Reported() {
			fmt.Fprintf(&b, "%s %d;", r.Code, r.Capacity)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return d.Alarm + ";" + b.String()
}

// message is what a failing call said, without the SDK's wrapping.
func message(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Errorf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return err
}

// nudge tells Run that there is something to follow.
func (a *API) nudge() {
	select {
	case a.wake <- struct{}{}:
	default: // it is told already
	}
}
