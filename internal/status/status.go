// Package status is the state of a server at a glance: its services and functions, what
// scales them, what the metrics are against their targets, which alarms there are, what is
// to run next, and what is failing and why. It reads through the AWS APIs, so that it is of
// AWS as well.
//
// What is read of all resources is read in pages, and what is asked of each one at a time in
// many calls at once: a thousand services take about a second.
package status

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/internal/client"
	"flyball/internal/resource"
	"flyball/scaling"
)

// A Status is the state of a region of a server at one moment of its clock.
type Status struct {
	Endpoint  string     `json:"endpoint"`
	Region    string     `json:"region"`
	Now       time.Time  `json:"now"`
	Speed     float64    `json:"speed"`
	Resources []Resource `json:"resources"`
	// Alarms are those that trigger no policy. They are left out where some resources are
	// asked for.
	Alarms []Alarm `json:"alarms"`
	// Elsewhere are other regions of the server, where there is nothing in this one.
	Elsewhere []string `json:"elsewhere,omitempty"`
}

// The states of resources.
const (
	Steady    = "steady"
	Starting  = "starting"  // fewer tasks run than are desired
	Stopping  = "stopping"  // more
	Deploying = "deploying" // a deployment is in progress
	Failing   = "failing"   // tasks cannot start, or end by themselves
	Draining  = "draining"  // the service is deleted
	Missing   = "missing"   // the service of a target is gone
)

// A Resource is a service, or the version of a function that is a scalable target.
type Resource struct {
	Kind    resource.Kind `json:"kind"`
	Name    string        `json:"name"` // such as demo/web
	Desired int32         `json:"desired"`
	Running int32         `json:"running"`
	Pending int32         `json:"pending"`
	// Healthy is how many tasks are healthy targets, in the target group with the
	// fewest; nil for a service in no target group.
	Healthy *int     `json:"healthyTargets,omitempty"`
	State   string   `json:"state"`
	Why     []string `json:"why,omitempty"`    // it fails, newest first
	Target  *Target  `json:"target,omitempty"` // nil: nothing scales it
	// Groups are the ARNs of the target groups that a service is in.
	Groups []string `json:"-"`

	id resource.Name
}

// A Target is how a resource is scaled.
type Target struct {
	ResourceID scaling.ResourceID `json:"resourceId"`
	Min        int32              `json:"min"`
	Max        int32              `json:"max"`
	Suspended  []string           `json:"suspended,omitempty"`
	Policies   []Policy           `json:"policies"`
	Schedules  []Schedule         `json:"schedules,omitempty"`
}

// Read collects the state. With names it is about the resources that they select.
func Read(ctx context.Context, c *client.Client, names ...string) (*Status, error) {
	clock, err := c.Clock(ctx)
	if err != nil {
		return nil, err
	}
	s := &Status{Endpoint: c.Endpoint, Region: c.Region, Now: clock.Now, Speed: clock.Speed, Resources: []Resource{}, Alarms: []Alarm{}}
	targets, err := readTargets(ctx, c)
	if err != nil {
		return nil, c.Plain(err)
	}
	there, err := resource.List(ctx, c, resource.Service)
	if err != nil {
		return nil, err
	}
	chosen, err := resource.Select(withTargets(there, targets), c.Region, names...)
	if err != nil {
		return nil, err
	}
	if len(chosen) == 0 {
		if s.Elsewhere, err = elsewhere(ctx, c); err != nil {
			return nil, err
		}
	}
	for _, n := range chosen {
		s.Resources = append(s.Resources, Resource{Kind: n.Kind, Name: n.String(), State: Missing, Target: targets[n.Scalable()], id: n})
	}
	return s, c.Plain(s.read(ctx, c, len(names) == 0))
}

// elsewhere are the server's other regions.
func elsewhere(ctx context.Context, c *client.Client) ([]string, error) {
	regions, err := c.Regions(ctx)
	return slices.DeleteFunc(regions, func(region string) bool { return region == c.Region }), err
}

// withTargets adds to services the targets that are of none of them: functions, and services
// that are gone.
func withTargets(services []resource.Name, targets map[scaling.ResourceID]*Target) []resource.Name {
	all := slices.Clone(services)
	listed := map[scaling.ResourceID]bool{}
	for _, n := range services {
		listed[n.Scalable()] = true
	}
	for id := range targets {
		if !listed[id] {
			all = append(all, resource.Of(id))
		}
	}
	slices.SortFunc(all, func(a, b resource.Name) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// read reads what is to be known of the resources: what they are beside how they are scaled.
func (s *Status) read(ctx context.Context, c *client.Client, whole bool) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return readServices(ctx, c, s.Resources) })
	group.Go(func() error { return readFunctions(ctx, c, s.Resources) })
	group.Go(func() error { return s.readScaling(ctx, c, whole) })
	return group.Wait()
}

// Same reports whether another state tells the same but for the times at which they were read
// and measured.
func (s *Status) Same(other *Status) bool {
	return other != nil && reflect.DeepEqual(s.timeless(), other.timeless())
}

// timeless is a copy without those times.
func (s *Status) timeless() Status {
	c := *s
	c.Now, c.Resources = time.Time{}, slices.Clone(s.Resources)
	for i, r := range c.Resources {
		if r.Target == nil {
			continue
		}
		target := *r.Target
		target.Policies = slices.Clone(target.Policies)
		for j := range target.Policies {
			target.Policies[j].At, target.Policies[j].Forecast = time.Time{}, nil
		}
		c.Resources[i].Target = &target
	}
	return c
}

// byTarget finds the scalable targets among the resources, of which others may read the rest
// meanwhile.
func (s *Status) byTarget() map[scaling.ResourceID]*Target {
	targets := map[scaling.ResourceID]*Target{}
	for i := range s.Resources {
		if target := s.Resources[i].Target; target != nil {
			targets[target.ResourceID] = target
		}
	}
	return targets
}
