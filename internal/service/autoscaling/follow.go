package autoscaling

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/store"
	"flyball/scaling"
)

// How often Run looks at services with an activity, on the wall clock: once a
// virtual second, but not more often than is worth it.
const (
	fastestLook = 50 * time.Millisecond
	slowestLook = time.Second
)

// An activity that has not reached its capacity after this long never will.
// Tasks start in real time however fast the clock runs, so both have to pass.
const (
	fulfilledWithin     = 30 * time.Minute // of virtual time
	fulfilledWithinReal = 2 * time.Minute
)

// Run follows activities to their end, watches targets without a task for
// demand, runs scheduled actions, forecasts and acts for predictive policies, and
// forgets old activities, until ctx ends. Then it returns nil.
func (a *API) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loops.Go(func() { a.runAgenda(ctx) })
	loops.Go(func() { a.attend(ctx, &a.renewals, 1, a.renewDue) })
	loops.Go(func() { a.attend(ctx, &a.hours, hoursAtOnce, a.actDue) })
	defer loops.Wait()
	every := func(d time.Duration) *time.Ticker { return time.NewTicker(max(a.cfg.Clock.Real(d), fastestLook)) }
	demand, purge := every(time.Minute), every(time.Hour)
	defer demand.Stop()
	defer purge.Stop()
	look := min(max(a.cfg.Clock.Real(time.Second), fastestLook), slowestLook)
	looking := time.NewTicker(look)
	defer looking.Stop()
	awake := true // there may be activities from an earlier life
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
			if !awake {
				looking.Reset(look)
				awake = true
			}
		case <-looking.C:
			if awake = a.follow(ctx); !awake {
				looking.Stop()
			}
		case <-demand.C:
			a.findDemand(ctx)
		case <-purge.C:
			if err := a.purgeActivities(); err != nil {
				a.cfg.Log.Error("old scaling activities could not be deleted", "error", err)
			}
		}
	}
}

// follow looks at every service with an activity, and reports whether some have
// not ended yet.
func (a *API) follow(ctx context.Context) bool {
	a.mu.Lock()
	started := make(map[*target]string, len(a.following))
	for t := range a.following {
		started[t] = t.Activity.ID
	}
	a.mu.Unlock()
	a.describeServices(ctx, slices.Collect(maps.Keys(started)), func(t *target, s *ecstypes.Service) {
		a.progress(t, started[t], s)
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.following) > 0
}

// progress ends a target's activity if the service, nil if it is gone, says so.
// Another activity may have taken the place of the one that was looked for.
func (a *API) progress(t *target, id string, s *ecstypes.Service) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.Activity == nil || t.Activity.ID != id {
		return
	}
	if ended := a.outcome(*t.Activity, t.ResourceID, s); ended.Status.Ended() {
		a.cfg.Log.Info("scaling activity ended", "target", t.ResourceID, "status", ended.Status, "capacity", ended.To)
		var b store.Batch
		a.end(&b, t, ended)
		a.cfg.Store.Write(&b)
	}
}

// errInterrupted is why an activity failed that was Pending when an earlier life
// of the server ended.
var errInterrupted = errors.New("the server ended before the desired count was set")

// outcome is what has become of an activity.
func (a *API) outcome(activity scaling.Activity, resourceID string, s *ecstypes.Service) scaling.Activity {
	now := a.now()
	if s == nil {
		return activity.Failed(now, message(serviceGone(resourceID)))
	}
	seen := seenService(*s)
	if activity.Status == scaling.Pending && seen.Desired == activity.To {
		activity = activity.Requested()
	}
	limit := max(fulfilledWithin, time.Duration(float64(fulfilledWithinReal)*a.cfg.Clock.Speed()))
	switch {
	case activity.Status == scaling.Pending && seen.Desired != activity.To:
		return activity.Failed(now, errInterrupted)
	case seen.Desired != activity.To:
		return activity.Overridden(now, seen.Desired)
	case seen.Running == activity.To:
		return activity.Fulfilled(now)
	case now.Sub(activity.Start) > limit:
		return activity.Unfulfilled(now, seen.Running)
	}
	return activity
}

// findDemand looks at the targets without a task. Their alarms may have no data
// to call with, and one datapoint is enough for a start.
func (a *API) findDemand(ctx context.Context) {
	a.mu.Lock()
	var idle []*target
	for t := range a.zero {
		if slices.ContainsFunc(t.policies, func(p *policy) bool { return p.Tracking != nil }) {
			idle = append(idle, t)
		}
	}
	a.mu.Unlock()
	a.describeServices(ctx, idle, func(t *target, s *ecstypes.Service) {
		if s == nil {
			return
		}
		if s.DesiredCount > 0 || s.RunningCount > 0 {
			a.mu.Lock()
			delete(a.zero, t)
			a.mu.Unlock()
			return
		}
		if err := a.evaluate(ctx, t, nil); err != nil {
			a.cfg.Log.Warn("a target without a task could not be evaluated", "target", t.ResourceID, "error", err)
		}
	})
}

// describeServices looks at the services of targets, ten of a cluster at a time
// as the API allows, and hands each to a function: nil for one that is gone.
// One that cannot be read now is left for the next time.
func (a *API) describeServices(ctx context.Context, targets []*target, each func(*target, *ecstypes.Service)) {
	clusters := map[string][]*target{}
	for _, t := range targets {
		cluster, _ := split(t.ResourceID)
		clusters[cluster] = append(clusters[cluster], t)
	}
	for cluster, targets := range clusters {
		for batch := range slices.Chunk(targets, 10) {
			names := make([]string, len(batch))
			for i, t := range batch {
				_, names[i] = split(t.ResourceID)
			}
			out, err := a.cfg.Services.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: names})
			if errors.As(err, new(*ecstypes.ClusterNotFoundException)) {
				out = &ecs.DescribeServicesOutput{}
			} else if err != nil {
				a.cfg.Log.Debug("services could not be described", "cluster", cluster, "error", err)
				continue
			}
			for i, t := range batch {
				each(t, find(out.Services, names[i]))
			}
		}
	}
}

// find is the active service of a name, or nil.
func find(services []ecstypes.Service, name string) *ecstypes.Service {
	for i := range services {
		if aws.ToString(services[i].ServiceName) == name && alive(services[i]) {
			return &services[i]
		}
	}
	return nil
}
