package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"flyball/internal/load"
	"flyball/internal/loopback"
	"flyball/internal/task"
	"flyball/internal/task/idle"
)

// webTasks runs tasks that answer HTTP requests, each at an address of its own.
type webTasks struct {
	idle.Runtime
	addresses *loopback.Addresses
}

type webTask struct {
	task.Task
	address string
	server  *http.Server
}

func (r webTasks) Start(ctx context.Context, spec task.Spec) (task.Task, error) {
	t, err := r.Runtime.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	address := r.addresses.Take(spec.ID).String()
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "8080"))
	if err != nil {
		return nil, err
	}
	w := &webTask{Task: t, address: address, server: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, spec.ID)
	})}}
	go w.server.Serve(listener)
	return w, nil
}

func (t *webTask) Address() string { return t.address }

// Stop closes all connections at once: a request that is still under way fails.
func (t *webTask) Stop(ctx context.Context) error {
	t.server.Close()
	return t.Task.Stop(ctx)
}

// A shop is the service shop/web, behind a load balancer whose default rule sends it
// traffic by the target groups blue and green.
type shop struct {
	*testing.T
	user
	elb        *elb.Client
	listener   string
	production string
	groups     map[string]string
	url        string
}

const shopKey, shopSecret = "SHOPADMINISTRATOR", "secret of the administrator of the shop"

const shopRole = "arn:aws:iam::" + testAccount + ":role/shop"

func openShop(t *testing.T, change ...func(*Config)) *shop {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("tasks need loopback addresses of their own")
	}
	s := open(t, "", append(change, at(60), func(c *Config) { c.Tasks = webTasks{addresses: &loopback.Addresses{}} })...)
	t.Cleanup(running(t, s))
	key := aws.Credentials{AccessKeyID: shopKey, SecretAccessKey: shopSecret}
	shop := &shop{T: t, user: userWith(s.URL(), "", key), elb: elb.NewFromConfig(configOf(s.URL(), testRegion, key)), groups: map[string]string{}}
	ctx := t.Context()
	balancer, err := shop.elb.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("shop"), Subnets: []string{"subnet-1", "subnet-2"}})
	shop.must(err)
	for _, name := range []string{"blue", "green"} {
		made, err := shop.elb.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
			Name: &name, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: aws.String("vpc-1"), TargetType: elbtypes.TargetTypeEnumIp,
			HealthCheckIntervalSeconds: aws.Int32(5), HealthCheckTimeoutSeconds: aws.Int32(2),
		})
		shop.must(err)
		shop.groups[name] = *made.TargetGroups[0].TargetGroupArn
		_, err = shop.elb.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{
			TargetGroupArn: aws.String(shop.groups[name]),
			Attributes:     []elbtypes.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("1")}},
		})
		shop.must(err)
	}
	listener, err := shop.elb.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: balancer.LoadBalancers[0].LoadBalancerArn, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(18080),
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: aws.String(shop.groups["blue"])}},
	})
	shop.must(err)
	rules, err := shop.elb.DescribeRules(ctx, &elb.DescribeRulesInput{ListenerArn: listener.Listeners[0].ListenerArn})
	shop.must(err)
	shop.listener, shop.production = *listener.Listeners[0].ListenerArn, *rules.Rules[0].RuleArn
	shop.url = "http://" + *balancer.LoadBalancers[0].DNSName + ":18080/"
	shop.openService()
	return shop
}

// openService makes the service, of two tasks.
func (s *shop) openService() {
	s.Helper()
	ctx := s.Context()
	_, err := s.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("shop")})
	s.must(err)
	_, err = s.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), NetworkMode: ecstypes.NetworkModeAwsvpc,
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("web"), Image: aws.String("web"), Memory: aws.Int32(16), PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(8080)}},
		}},
	})
	s.must(err)
	_, err = s.ecs.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String("shop"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(2),
		NetworkConfiguration:    &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}},
		DeploymentConfiguration: &ecstypes.DeploymentConfiguration{Strategy: ecstypes.DeploymentStrategyBlueGreen},
		LoadBalancers: []ecstypes.LoadBalancer{{
			TargetGroupArn: aws.String(s.groups["blue"]), ContainerName: aws.String("web"), ContainerPort: aws.Int32(8080),
			AdvancedConfiguration: &ecstypes.AdvancedConfiguration{
				AlternateTargetGroupArn: aws.String(s.groups["green"]), ProductionListenerRule: &s.production, RoleArn: aws.String(shopRole),
			},
		}},
	})
	s.must(err)
}

func (s *shop) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// deploy starts a deployment.
func (s *shop) deploy(c ecstypes.DeploymentConfiguration) {
	s.Helper()
	_, err := s.ecs.UpdateService(s.Context(), &ecs.UpdateServiceInput{
		Cluster: aws.String("shop"), Service: aws.String("web"), ForceNewDeployment: true, DeploymentConfiguration: &c,
	})
	s.must(err)
}

// deployment is the newest service deployment.
func (s *shop) deployment() ecstypes.ServiceDeployment {
	s.Helper()
	list, err := s.ecs.ListServiceDeployments(s.Context(), &ecs.ListServiceDeploymentsInput{Cluster: aws.String("shop"), Service: aws.String("web")})
	s.must(err)
	out, err := s.ecs.DescribeServiceDeployments(s.Context(), &ecs.DescribeServiceDeploymentsInput{
		ServiceDeploymentArns: []string{*list.ServiceDeployments[0].ServiceDeploymentArn},
	})
	s.must(err)
	return out.ServiceDeployments[0]
}

// await waits until the newest service deployment is as wanted.
func (s *shop) await(what string, good func(ecstypes.ServiceDeployment) bool) ecstypes.ServiceDeployment {
	s.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		d := s.deployment()
		if good(d) {
			return d
		}
		if time.Now().After(deadline) {
			s.Fatalf("not %s: %s at %s", what, d.Status, d.LifecycleStage)
		}
	}
}

func (s *shop) awaitStatus(status ecstypes.ServiceDeploymentStatus) {
	s.Helper()
	s.await(string(status), func(d ecstypes.ServiceDeployment) bool { return d.Status == status })
}

// awaitTraffic waits until the new revision has production traffic.
func (s *shop) awaitTraffic() ecstypes.ServiceDeployment {
	s.Helper()
	return s.await("shifted", func(d ecstypes.ServiceDeployment) bool {
		return aws.ToFloat64(d.TargetServiceRevision.RequestedProductionTrafficWeight) > 0
	})
}

// No request of twenty users fails while traffic goes from one revision to another and
// back, without a bake time that would hide that the old one leaves too early.
func TestShiftsOfTrafficFailNoRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	s := openShop(t)
	s.awaitStatus(ecstypes.ServiceDeploymentStatusSuccessful)
	ctx, end := context.WithCancel(t.Context())
	var users sync.WaitGroup
	var summary load.Summary
	users.Go(func() {
		var err error
		summary, err = load.Plan{
			Targets: func() []string { return []string{s.url} }, Schedule: load.Constant(20, time.Minute), Think: 2 * time.Millisecond,
		}.Run(ctx)
		if err != nil {
			t.Error(err)
		}
	})

	s.deploy(ecstypes.DeploymentConfiguration{})
	s.awaitStatus(ecstypes.ServiceDeploymentStatusSuccessful)
	s.deploy(ecstypes.DeploymentConfiguration{
		Strategy:            ecstypes.DeploymentStrategyLinear,
		LinearConfiguration: &ecstypes.LinearConfiguration{StepPercent: aws.Float64(35), StepBakeTimeInMinutes: aws.Int32(0)},
	})
	s.awaitStatus(ecstypes.ServiceDeploymentStatusSuccessful)
	s.deploy(ecstypes.DeploymentConfiguration{Strategy: ecstypes.DeploymentStrategyCanary, CanaryConfiguration: &ecstypes.CanaryConfiguration{CanaryPercent: aws.Float64(50)}})
	_, err := s.ecs.StopServiceDeployment(t.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: s.awaitTraffic().ServiceDeploymentArn})
	s.must(err)
	s.awaitStatus(ecstypes.ServiceDeploymentStatusRollbackSuccessful)

	end()
	users.Wait()
	if summary.Errors > 0 || summary.Requests < 1000 {
		t.Errorf("%d of %d requests failed: %s", summary.Errors, summary.Requests, summary.Err)
	}
}

func TestTheRoleOfATrafficShiftNeedsWhatItIsUsedFor(t *testing.T) {
	s := openShop(t, func(c *Config) { c.Administrator = &Administrator{shopKey, shopSecret} })
	awaitEvent := func(part string) {
		t.Helper()
		s.await("told: "+part, func(ecstypes.ServiceDeployment) bool {
			out, err := s.ecs.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("shop"), Services: []string{"web"}})
			s.must(err)
			return slices.ContainsFunc(out.Services[0].Events, func(e ecstypes.ServiceEvent) bool { return strings.Contains(*e.Message, part) })
		})
	}
	awaitEvent("ECS was unable to assume the role '" + shopRole + "'")
	_, err := s.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("shop"), AssumeRolePolicyDocument: aws.String(trusting("ecs.amazonaws.com", ""))})
	s.must(err)
	awaitEvent("elasticloadbalancing:DescribeRules on resource: * because no identity-based policy allows the elasticloadbalancing:DescribeRules action")
	_, err = s.iam.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{
		RoleName: aws.String("shop"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers"),
	})
	s.must(err)
	s.awaitStatus(ecstypes.ServiceDeploymentStatusSuccessful)
}
