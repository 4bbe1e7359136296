package express

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/express/plan"
)

// Resources are what ECS manages for an Express service, or nil for any other. All
// revisions of a service have the same.
func (s *Services) Resources(ctx context.Context, arn string) *types.ECSManagedResources {
	var row service
	found := false
	s.cell.State.View(ctx, func() { row, found = s.find(arn) })
	if !found {
		return nil
	}
	r := resources{row, row.UpdatedAt, types.ManagedResourceStatusActive}
	if there, err := s.inECS(ctx, row.Cluster, row.Name); err == nil && there != nil && *there.Status != active {
		r.status = types.ManagedResourceStatusDeprovisioning
	}
	return &types.ECSManagedResources{
		AutoScaling:           r.scaling(),
		IngressPaths:          []types.ManagedIngressPath{r.ingress(s.endpoint(row.Parts), s.cell.ARN)},
		LogGroups:             r.logs(s.cell.ARN),
		MetricAlarms:          []types.ManagedMetricAlarm{{Arn: aws.String(s.cell.ARN("cloudwatch", "alarm:"+plan.AlarmName(row.Cluster, row.Name))), Status: r.status, UpdatedAt: &r.updated}},
		ServiceSecurityGroups: r.securityGroups(s.cell.ARN, row.SecurityGroup),
	}
}

// resources tell what one service is made of in the words of service revisions.
type resources struct {
	service
	updated time.Time
	status  types.ManagedResourceStatus
}

// An arnOf names a resource of a service.
type arnOf func(service, resource string) string

func (r resources) scaling() *types.ManagedAutoScaling {
	t := r.Scaling
	return &types.ManagedAutoScaling{
		ScalableTarget: &types.ManagedScalableTarget{
			Arn: &r.ScalableTarget, MinCapacity: *t.MinTaskCount, MaxCapacity: *t.MaxTaskCount, Status: r.status, UpdatedAt: &r.updated,
		},
		ApplicationAutoScalingPolicies: []types.ManagedApplicationAutoScalingPolicy{{
			Arn: &r.Policy, PolicyType: aws.String("TargetTrackingScaling"), Metric: aws.String(string(plan.Predefined(t.AutoScalingMetric))),
			TargetValue: float64(*t.AutoScalingTargetValue), Status: r.status, UpdatedAt: &r.updated,
		}},
	}
}

func (r resources) ingress(endpoint string, name arnOf) types.ManagedIngressPath {
	path := types.ManagedIngressPath{
		AccessType: plan.Access(r.Public), Endpoint: &endpoint,
		Certificate: &types.ManagedCertificate{Arn: &r.Certificate, DomainName: &r.Domain, Status: r.status, UpdatedAt: &r.updated},
		Listener:    &types.ManagedListener{Arn: &r.Listener, Status: r.status, UpdatedAt: &r.updated},
		Rule:        &types.ManagedListenerRule{Arn: &r.Rule, Status: r.status, UpdatedAt: &r.updated},
		LoadBalancer: &types.ManagedLoadBalancer{
			Arn: &r.LoadBalancer, Scheme: aws.String(string(plan.Place{Public: r.Public}.Scheme())),
			SecurityGroupIds: []string{r.BalancerGroup}, Status: r.status, UpdatedAt: &r.updated,
		},
		LoadBalancerSecurityGroups: r.securityGroups(name, r.BalancerGroup),
	}
	for _, group := range r.TargetGroups {
		path.TargetGroups = append(path.TargetGroups, types.ManagedTargetGroup{
			Arn: &group, HealthCheckPath: &r.Path, HealthCheckPort: r.Port, Port: r.Port, Status: r.status, UpdatedAt: &r.updated,
		})
	}
	return path
}

func (r resources) securityGroups(name arnOf, id string) []types.ManagedSecurityGroup {
	return []types.ManagedSecurityGroup{{Arn: aws.String(name("ec2", "security-group/"+id)), Status: r.status, UpdatedAt: &r.updated}}
}

func (r resources) logs(name arnOf) []types.ManagedLogGroup {
	if r.LogGroup == "" {
		return nil
	}
	return []types.ManagedLogGroup{{LogGroupName: &r.LogGroup, Arn: aws.String(name("logs", "log-group:"+r.LogGroup)), Status: r.status, UpdatedAt: &r.updated}}
}
