// Package discovery finds where a service, a target group or a load balancer answers, and
// follows it: tasks come and go.
//
//	finder := discovery.Finder{ECS: ecs, LoadBalancing: elb}
//	place, err := finder.Find(ctx, discovery.Subject{Cluster: "demo", Service: "web"})
//	fmt.Println(place.URLs, place.Running) // [http://127.0.3.1:8080 http://127.0.3.2:8080] 2
package discovery

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

// A Finder asks ECS and Elastic Load Balancing. The SDK's clients meet both.
type Finder struct {
	ECS           ECS
	LoadBalancing LoadBalancing
	// Server is the address, as host and port, at which load balancers are reached whose
	// name is none of an address; without it their names are resolved.
	Server string
	TLS    bool // it is spoken there, whatever the listeners speak
}

// ECS knows services and their tasks.
type ECS interface {
	ecs.DescribeServicesAPIClient
	ecs.DescribeTasksAPIClient
	ecs.ListTasksAPIClient
	ecs.ListServicesAPIClient
	ecs.ListClustersAPIClient
	DescribeTaskDefinition(context.Context, *ecs.DescribeTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.DescribeTaskDefinitionOutput, error)
}

// LoadBalancing knows load balancers and their target groups.
type LoadBalancing interface {
	elb.DescribeLoadBalancersAPIClient
	elb.DescribeListenersAPIClient
	elb.DescribeTargetGroupsAPIClient
	elb.DescribeTargetHealthAPIClient
}

var (
	_ ECS           = (*ecs.Client)(nil)
	_ LoadBalancing = (*elb.Client)(nil)
)

// A Subject is what is to be found: one of a service, a target group and a load balancer,
// of which each of the latter is a name or an ARN.
type Subject struct {
	Cluster, Service string
	TargetGroup      string
	Balancer         string
	Port             int // of the tasks, or of the load balancer; by default their own
}

// A Place is where a subject answers now.
type Place struct {
	URLs []string // without a path; none while nothing runs
	Host string   // to be named in requests, where it is not that of the URLs
	Via  string   // in words: how it is reached

	Cluster, Service string // the service behind it; empty if there is none
	Desired, Running int    // its tasks; without a service, targets and healthy targets

	fixed bool // it stays where it is
}

// A NotFoundError is that of a subject that is not there.
type NotFoundError struct{ What string } // such as "load balancer web"

func (e *NotFoundError) Error() string { return "there is no " + e.What }

// Find looks where a subject answers.
func (f Finder) Find(ctx context.Context, s Subject) (Place, error) {
	switch {
	case s.TargetGroup != "":
		return f.targetGroup(ctx, s)
	case s.Balancer != "":
		return f.balancer(ctx, s)
	}
	return f.service(ctx, s)
}

// service finds a service: behind its load balancer if it has one, or else its tasks.
func (f Finder) service(ctx context.Context, s Subject) (Place, error) {
	service, err := f.describe(ctx, s.Cluster, s.Service)
	if err != nil {
		return Place{}, err
	}
	place, reached, err := f.before(ctx, groupsOf(service), s.Port)
	if err != nil {
		return Place{}, err
	}
	if !reached {
		if place, err = f.tasks(ctx, s); err != nil {
			return Place{}, err
		}
	}
	place.of(service, s.Cluster)
	return place, nil
}

// of notes the service that is behind a place.
func (p *Place) of(service ecstypes.Service, cluster string) {
	p.Cluster, p.Service = cluster, aws.ToString(service.ServiceName)
	p.Desired, p.Running = int(service.DesiredCount), int(service.RunningCount)
}

func (f Finder) describe(ctx context.Context, cluster, name string) (ecstypes.Service, error) {
	out, err := f.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{name}})
	if missing := (*ecstypes.ClusterNotFoundException)(nil); errors.As(err, &missing) {
		return ecstypes.Service{}, &NotFoundError{"cluster " + cluster}
	}
	if err != nil {
		return ecstypes.Service{}, err
	}
	if len(out.Services) == 0 || aws.ToString(out.Services[0].Status) == "INACTIVE" {
		return ecstypes.Service{}, &NotFoundError{"service " + name + " in cluster " + cluster}
	}
	return out.Services[0], nil
}

// groupsOf are the target groups of a service, with those of its other revision.
func groupsOf(service ecstypes.Service) []string {
	var groups []string
	for _, b := range service.LoadBalancers {
		if b.TargetGroupArn != nil {
			groups = append(groups, *b.TargetGroupArn)
		}
		if b.AdvancedConfiguration != nil && b.AdvancedConfiguration.AlternateTargetGroupArn != nil {
			groups = append(groups, *b.AdvancedConfiguration.AlternateTargetGroupArn)
		}
	}
	return groups
}
