package autoscaling

import (
	"context"
	"fmt"
	"time"

	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/uuid"

	"flyball/internal/store"
	"flyball/scaling"
)

// hoursAtOnce is how many policies share a write when their hour comes.
const hoursAtOnce = 1000

// planHour makes a policy due for the first hour that it has not acted for:
// some minutes before it, or at once if that time has passed.
func (a *API) planHour(p *policy) {
	if !p.forecastsAndScales() || p.prediction == nil {
		return
	}
	hour := p.Acted.Add(time.Hour)
	if now := a.now().Truncate(time.Hour); hour.Before(now) {
		hour = now
	}
	a.hours.set(p, hour.Add(-p.buffer()))
}

// actDue raises the capacity of targets to what their policies forecast for the
// hour that comes, or has come. Of hours that were missed, while the server was
// down or because a fast clock has passed several, only the last counts. That
// they have acted is written last: what a kill cuts short is done again.
func (a *API) actDue(ctx context.Context, due []*policy) {
	lacking := a.reachHour(due)
	a.describeServices(ctx, lacking, func(t *target, s *ecstypes.Service) {
		a.mu.Lock()
		want := t.engine().Bounds.Clamp(t.floor(a.now()).Capacity)
		a.mu.Unlock()
		if s == nil || capacity(s.DesiredCount) >= want {
			return
		}
		if err := a.raise(ctx, t); err != nil {
			a.cfg.Log.Warn("the forecast capacity could not be set", "target", t.ResourceID, "error", err)
		}
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	var b store.Batch
	for _, p := range due {
		if a.policies[p.ARN] == p {
			p.put(&b)
		}
	}
	a.cfg.Store.Write(&b)
}

// reachHour begins the floors of the hour that policies act for, lets maximum
// capacities give way, and returns the targets that have a floor.
func (a *API) reachHour(due []*policy) []*target {
	a.mu.Lock()
	defer a.mu.Unlock()
	var b store.Batch
	floors := map[*target]bool{}
	for _, p := range due {
		t := a.targets[p.ResourceID]
		if t == nil || a.policies[p.ARN] != p {
			continue // deleted or changed meanwhile
		}
		p.Acted = a.now().Add(p.buffer()).Truncate(time.Hour)
		a.planHour(p)
		if t.Suspended.Out {
			continue
		}
		a.admit(&b, t, p)
		floors[t] = t.floor(a.now()).Capacity > 0
	}
	if b.Len() > 0 {
		a.cfg.Store.Write(&b)
	}
	var lacking []*target
	for t, has := range floors {
		if has {
			lacking = append(lacking, t)
		}
	}
	return lacking
}

// admit lets the maximum capacity of a target give way to a policy's forecast, if
// the policy may do that. It stays there: "The maximum capacity does not
// automatically decrease back to the original maximum."
func (a *API) admit(b *store.Batch, t *target, p *policy) {
	f := p.floor(a.now())
	bounds := p.breach().Admit(t.engine().Bounds, f.Capacity)
	if int32(bounds.Max()) == t.Max {
		return
	}
	t.Max = int32(bounds.Max())
	t.put(b)
	putActivity(b, t.ResourceID, scaling.MaxActivity(uuid.NewString(), a.now(), bounds.Max(), f))
	a.cfg.Log.Info("maximum capacity gave way to a forecast", "target", t.ResourceID, "policy", p.Name, "max", t.Max)
}

// raise brings the capacity of a target up to its floor.
func (a *API) raise(ctx context.Context, t *target) error {
	t.work.Lock()
	defer t.work.Unlock()
	seen, err := a.service(ctx, t.ResourceID)
	if err != nil {
		return err
	}
	a.mu.Lock()
	registered, bounds, floor := a.targets[t.ResourceID] == t, t.engine().Bounds, t.floor(a.now())
	a.mu.Unlock()
	if !registered {
		return errDeregistered
	}
	if activity, ok := scaling.ForecastActivity(uuid.NewString(), a.now(), bounds, floor, seen.Desired); ok {
		return a.perform(ctx, t, activity, nil)
	}
	return nil
}

// floor is the largest of the floors of the target's policies. While scale-out
// is suspended there is none: "all scale-out activities that are triggered by a
// scaling policy" are, and nothing would hold what was never set.
func (t *target) floor(now time.Time) scaling.Floor {
	var highest scaling.Floor
	if t.Suspended.Out {
		return highest
	}
	for _, p := range t.policies {
		if f := p.floor(now); f.Capacity > highest.Capacity {
			highest = f
		}
	}
	return highest
}

// floor is the policy's own floor.
func (p *policy) floor(now time.Time) scaling.Floor {
	if !p.forecastsAndScales() || p.prediction == nil {
		return scaling.Floor{}
	}
	return p.prediction.plan().Floor(p.Name, now, p.Acted)
}

// A ForecastHour is what a policy forecasts for the hour that it acts for next.
type ForecastHour struct {
	Policy   string           `json:"policy"`
	Hour     time.Time        `json:"hour"`
	Capacity scaling.Capacity `json:"capacity"`
	At       time.Time        `json:"at,omitzero"` // when it sets the capacity; zero: it only forecasts
}

// String tells the forecast in a sentence's words.
func (f ForecastHour) String() string {
	text := fmt.Sprintf("policy %s forecasts %d for %s", f.Policy, f.Capacity, f.Hour.Format(time.DateTime))
	if f.At.IsZero() {
		return text + " and does not scale"
	}
	return text + ", to be set at " + f.At.Format(time.TimeOnly)
}

// nextHours are what the target's policies forecast next.
func (t *target) nextHours(now time.Time) []ForecastHour {
	var next []ForecastHour
	for _, p := range t.policies {
		if p.Predictive == nil || p.prediction == nil {
			continue
		}
		hour := now.Truncate(time.Hour).Add(time.Hour)
		if p.forecastsAndScales() && !hour.After(p.Acted) {
			hour = p.Acted.Add(time.Hour)
		}
		f := ForecastHour{Policy: p.Name, Hour: hour}
		capacity, ok := p.prediction.plan().At(hour)
		if !ok {
			continue // beyond the forecast, which could not be renewed
		}
		f.Capacity = capacity
		if p.forecastsAndScales() {
			f.At = hour.Add(-p.buffer())
		}
		next = append(next, f)
	}
	return next
}
