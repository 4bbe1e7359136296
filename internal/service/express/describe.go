package express

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/express/plan"
)

// The states of services and clusters in ECS.
const (
	active   = "ACTIVE"
	draining = "DRAINING"
	inactive = "INACTIVE"
)

// DescribeExpressGatewayService describes a service; one that has ended too, as long as
// ECS remembers it.
func (s *Services) DescribeExpressGatewayService(ctx context.Context, in *ecs.DescribeExpressGatewayServiceInput, _ ...func(*ecs.Options)) (*ecs.DescribeExpressGatewayServiceOutput, error) {
	tags := slices.Contains(in.Include, types.ExpressGatewayServiceIncludeTags)
	row, err := s.there(ctx, aws.ToString(in.ServiceArn))
	if err != nil {
		return nil, err
	}
	shown, err := s.describe(ctx, row, tags)
	if err != nil {
		return nil, err
	}
	return &ecs.DescribeExpressGatewayServiceOutput{Service: shown}, nil
}

// there is the row of a service that a call names, or what is left of it when it has
// ended: its name.
func (s *Services) there(ctx context.Context, arn string) (row service, err error) {
	resource, ok := s.cell.Parse("ecs", arn)
	cluster, name, is := strings.Cut(keyOf(resource), "/")
	if !ok || !is || !strings.HasPrefix(resource, "service/") {
		return row, notFound(arn)
	}
	s.cell.State.View(ctx, func() { row, ok = s.rows.Get(key(cluster, name)) })
	if !ok {
		row = service{Parts: plan.Parts{Cluster: cluster, Name: name}, ARN: arn}
	}
	return row, nil
}

// inECS is the service as ECS describes it, or nil.
func (s *Services) inECS(ctx context.Context, cluster, name string) (*types.Service, error) {
	out, err := s.cfg.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{
		Cluster: &cluster, Services: []string{name}, Include: []types.ServiceField{types.ServiceFieldTags},
	})
	if err != nil || len(out.Services) == 0 {
		return nil, err
	}
	return &out.Services[0], nil
}

func (s *Services) describe(ctx context.Context, row service, tags bool) (*types.ECSExpressGatewayService, error) {
	there, err := s.inECS(ctx, row.Cluster, row.Name)
	switch {
	case err != nil:
		return nil, err
	case there == nil:
		return nil, &types.ResourceNotFoundException{Message: aws.String("Service not found: " + row.ARN)}
	case there.ResourceManagementType != types.ResourceManagementTypeEcs:
		return nil, fault.InvalidParameter("The service %s is not an Express service.", row.ARN)
	}
	shown := &types.ECSExpressGatewayService{
		Cluster: there.ClusterArn, ServiceArn: there.ServiceArn, ServiceName: there.ServiceName, CreatedAt: there.CreatedAt, UpdatedAt: there.CreatedAt,
		CurrentDeployment: there.CurrentServiceDeployment, Status: statusOf(there), ActiveConfigurations: []types.ExpressGatewayServiceConfiguration{},
	}
	if tags {
		shown.Tags = there.Tags
	}
	if row.Role == "" { // it has ended
		return shown, nil
	}
	shown.InfrastructureRoleArn, shown.UpdatedAt = &row.Role, &row.UpdatedAt
	for i, d := range there.Deployments {
		shown.ActiveConfigurations = append(shown.ActiveConfigurations, s.configuration(ctx, row, d, there.CurrentServiceRevisions[i].Arn))
	}
	return shown, nil
}

func statusOf(there *types.Service) *types.ExpressGatewayServiceStatus {
	return &types.ExpressGatewayServiceStatus{StatusCode: types.ExpressGatewayServiceStatusCode(*there.Status)}
}

// configuration is what one revision of a service runs. What the caller has changed in
// ECS itself is seen, too; what of it cannot be read, such as a container that has another
// name, is left out.
func (s *Services) configuration(ctx context.Context, row service, d types.Deployment, revision *string) types.ExpressGatewayServiceConfiguration {
	settings, _ := s.settings(ctx, row, *d.TaskDefinition)
	if path, err := s.revisionPath(ctx, *revision); err == nil {
		settings.HealthCheckPath = path
	}
	c := types.ExpressGatewayServiceConfiguration{
		ServiceRevisionArn: revision, TaskDefinitionArn: d.TaskDefinition, CreatedAt: d.CreatedAt,
		Cpu: &settings.CPU, Memory: &settings.Memory, CpuArchitecture: settings.Architecture, ExecutionRoleArn: &settings.ExecutionRole,
		HealthCheckPath: &settings.HealthCheckPath, PrimaryContainer: &settings.Container, ScalingTarget: &settings.Scaling,
		IngressPaths: []types.IngressPathSummary{{AccessType: plan.Access(row.Public), Endpoint: aws.String(s.endpoint(row.Parts))}},
	}
	if settings.TaskRole != "" {
		c.TaskRoleArn = &settings.TaskRole
	}
	if d.NetworkConfiguration != nil {
		vpc := d.NetworkConfiguration.AwsvpcConfiguration
		c.NetworkConfiguration = &types.ExpressGatewayServiceNetworkConfiguration{Subnets: vpc.Subnets, SecurityGroups: row.Added(vpc.SecurityGroups)}
		if len(c.NetworkConfiguration.SecurityGroups) == 0 {
			c.NetworkConfiguration.SecurityGroups = vpc.SecurityGroups
		}
	}
	return c
}

// revisionPath is where the tasks of a revision are checked.
func (s *Services) revisionPath(ctx context.Context, revision string) (string, error) {
	out, err := s.cfg.ECS.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{revision}})
	if err != nil {
		return "", err
	}
	if len(out.ServiceRevisions) == 0 || out.ServiceRevisions[0].ResolvedConfiguration == nil {
		return "", notFound(revision)
	}
	return s.pathOf(ctx, *out.ServiceRevisions[0].ResolvedConfiguration.LoadBalancers[0].TargetGroupArn)
}

// settings are those of a revision that runs a task definition.
func (s *Services) settings(ctx context.Context, row service, definition string) (plan.Settings, error) {
	settings := plan.Settings{HealthCheckPath: row.Path, Scaling: row.Scaling}
	out, err := s.cfg.ECS.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &definition})
	if err != nil {
		return settings, err
	}
	return settings.Reading(out.TaskDefinition)
}

// endpoint is what the service is reached by over HTTPS: a name, or an address at which
// its load balancer listens, with the port where that is not the usual one.
func (s *Services) endpoint(p plan.Parts) string {
	port := s.cfg.LoadBalancing.PortOf(p.LoadBalancer, plan.HTTPS)
	_, err := netip.ParseAddr(p.Host)
	if here := err == nil || strings.HasSuffix(p.Host, ".localhost"); !here || port == plan.HTTPS {
		return p.Host
	}
	return fmt.Sprintf("%s:%d", p.Host, port)
}
