package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"flyball/internal/client"
	"flyball/internal/task/idle"
)

// managedByECS is the policy that AWS publishes for the infrastructure role.
const managedByECS = "arn:aws:iam::aws:policy/service-role/AmazonECSInfrastructureRoleforExpressGatewayServices"

// An expressWorld is a server with the roles that an Express service needs, and a web
// application that tasks of no work stand for: they are at this machine's own address.
type expressWorld struct {
	*testing.T
	server   *Server
	dir      string
	speed    float64
	stop     func()
	ecs      *ecs.Client
	elb      *elb.Client
	ec2      *ec2.Client
	iam      *iam.Client
	scaling  *applicationautoscaling.Client
	alarms   *cloudwatch.Client
	port     int32 // of the application
	execRole string
	role     string
}

func newExpressWorld(t *testing.T) *expressWorld { return newFastExpressWorld(t, 1) }

// newFastExpressWorld has a clock that runs faster.
func newFastExpressWorld(t *testing.T, speed float64) *expressWorld {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { fmt.Fprintf(rw, "hello at %s", r.URL.Path) }))
	t.Cleanup(app.Close)
	_, port, _ := net.SplitHostPort(app.Listener.Addr().String())
	n, _ := strconv.Atoi(port)
	w := &expressWorld{T: t, dir: t.TempDir(), speed: speed, port: int32(n)}
	w.start()
	w.execRole = w.makeRole("exec", "ecs-tasks.amazonaws.com", "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
	w.role = w.makeRole("infra", "ecs.amazonaws.com", managedByECS)
	return w
}

// start runs a server on the world's folder.
func (w *expressWorld) start() {
	w.Helper()
	s, err := Open(w.Context(), Config{
		Addr: "127.0.0.1:0", Data: w.dir, Tasks: idle.Runtime{}, Speed: w.speed, Account: testAccount, Region: testRegion,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.Fatal(err)
	}
	w.server, w.stop = s, running(w.T, s)
	cfg := aws.Config{Region: testRegion, BaseEndpoint: aws.String(s.URL()), Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	w.ecs, w.elb, w.ec2, w.iam = ecs.NewFromConfig(cfg), elb.NewFromConfig(cfg), ec2.NewFromConfig(cfg), iam.NewFromConfig(cfg)
	w.scaling, w.alarms = applicationautoscaling.NewFromConfig(cfg), cloudwatch.NewFromConfig(cfg)
}

func (w *expressWorld) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *expressWorld) makeRole(name, service, policy string) string {
	w.Helper()
	trust := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": %q}, "Action": "sts:AssumeRole"}}`, service)
	made, err := w.iam.CreateRole(w.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	w.must(err)
	_, err = w.iam.AttachRolePolicy(w.Context(), &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: &policy})
	w.must(err)
	return *made.Role.Arn
}

func (w *expressWorld) request(name string) *ecs.CreateExpressGatewayServiceInput {
	return &ecs.CreateExpressGatewayServiceInput{
		ServiceName: &name, ExecutionRoleArn: &w.execRole, InfrastructureRoleArn: &w.role,
		PrimaryContainer: &ecstypes.ExpressGatewayContainer{Image: aws.String("web"), ContainerPort: &w.port},
		Tags:             []ecstypes.Tag{{Key: aws.String("team"), Value: aws.String("shop")}},
	}
}

func (w *expressWorld) create(name string) *ecstypes.ECSExpressGatewayService {
	w.Helper()
	out, err := w.ecs.CreateExpressGatewayService(w.Context(), w.request(name))
	w.must(err)
	return out.Service
}

func endpointOf(s *ecstypes.ECSExpressGatewayService) string {
	return *s.ActiveConfigurations[0].IngressPaths[0].Endpoint
}

// get asks an endpoint as a user does who trusts the server's authority, until there is
// an answer with a status.
func (w *expressWorld) get(endpoint string, status int) string {
	w.Helper()
	pem, err := client.New(client.Config{Endpoint: w.server.URL(), Region: testRegion}).Authority(w.Context())
	w.must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}}}
	var last string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		answer, err := c.Get("https://" + endpoint + "/there")
		if err != nil {
			last = err.Error()
			continue
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if last = string(body); answer.StatusCode == status {
			return last
		}
	}
	w.Fatalf("no answer with status %d: %s", status, last)
	return ""
}

// made are the names of what there is beside services: load balancers, target groups,
// security groups, alarms and scalable targets.
func (w *expressWorld) made() (all []string) {
	w.Helper()
	balancers, err := w.elb.DescribeLoadBalancers(w.Context(), &elb.DescribeLoadBalancersInput{})
	w.must(err)
	for _, b := range balancers.LoadBalancers {
		all = append(all, "load balancer "+*b.LoadBalancerName)
	}
	groups, err := w.elb.DescribeTargetGroups(w.Context(), &elb.DescribeTargetGroupsInput{})
	w.must(err)
	for _, g := range groups.TargetGroups {
		all = append(all, "target group "+*g.TargetGroupName)
	}
	security, err := w.ec2.DescribeSecurityGroups(w.Context(), &ec2.DescribeSecurityGroupsInput{})
	w.must(err)
	for _, g := range security.SecurityGroups {
		if *g.GroupName != "default" {
			all = append(all, "security group "+*g.GroupName)
		}
	}
	alarms, err := w.alarms.DescribeAlarms(w.Context(), &cloudwatch.DescribeAlarmsInput{})
	w.must(err)
	for _, a := range alarms.MetricAlarms {
		all = append(all, "alarm "+*a.AlarmName)
	}
	targets, err := w.scaling.DescribeScalableTargets(w.Context(), &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs})
	w.must(err)
	for _, t := range targets.ScalableTargets {
		all = append(all, "scalable target "+*t.ResourceId)
	}
	slices.Sort(all)
	return all
}

// until waits for a condition.
func (w *expressWorld) until(what string, holds func() bool) {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("not yet: %s", what)
		}
	}
}

// hurry lets the targets of a group go at once.
func (w *expressWorld) hurry() {
	w.Helper()
	groups, err := w.elb.DescribeTargetGroups(w.Context(), &elb.DescribeTargetGroupsInput{})
	w.must(err)
	for _, g := range groups.TargetGroups {
		_, err := w.elb.ModifyTargetGroupAttributes(w.Context(), &elb.ModifyTargetGroupAttributesInput{
			TargetGroupArn: g.TargetGroupArn,
			Attributes:     []elbtypes.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("0")}},
		})
		if code(err) != "TargetGroupNotFound" { // it has gone meanwhile
			w.must(err)
		}
	}
}

func (w *expressWorld) delete(arn *string) {
	w.Helper()
	w.hurry()
	out, err := w.ecs.DeleteExpressGatewayService(w.Context(), &ecs.DeleteExpressGatewayServiceInput{ServiceArn: arn})
	w.must(err)
	if out.Service.Status.StatusCode == ecstypes.ExpressGatewayServiceStatusCodeActive {
		w.Errorf("deleted, it is %v", out.Service.Status.StatusCode)
	}
	w.until("the service has ended", func() bool {
		out, err := w.ecs.DescribeExpressGatewayService(w.Context(), &ecs.DescribeExpressGatewayServiceInput{ServiceArn: arn})
		w.must(err)
		return out.Service.Status.StatusCode == ecstypes.ExpressGatewayServiceStatusCodeInactive
	})
}

// code is the code of an error of AWS's.
func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestAnExpressServiceIsReachedByItsEndpoint(t *testing.T) {
	w := newExpressWorld(t)
	defer func() { w.stop() }()
	made := w.create("shop")
	if got := w.get(endpointOf(made), http.StatusOK); got != "hello at /there" {
		t.Error(got)
	}
	balancers, err := w.elb.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{})
	w.must(err)
	_, port, ok := strings.Cut(endpointOf(made), ":")
	if !ok {
		port = "443"
	}
	w.get(*balancers.LoadBalancers[0].DNSName+":"+port, http.StatusNotFound) // it is nobody's name
}

func TestAnExpressServiceIsMadeOfWhatAWSDocuments(t *testing.T) {
	w := newExpressWorld(t)
	defer func() { w.stop() }()
	made := w.create("shop")
	c := made.ActiveConfigurations[0]
	if *c.Cpu != "1024" || *c.Memory != "2048" || *c.HealthCheckPath != "/" || c.CpuArchitecture != "X86_64" ||
		*c.ScalingTarget.MinTaskCount != 1 || *c.ScalingTarget.MaxTaskCount != 20 || *c.ScalingTarget.AutoScalingTargetValue != 60 ||
		c.ScalingTarget.AutoScalingMetric != "AVERAGE_CPU" || len(c.NetworkConfiguration.Subnets) != 3 || made.CurrentDeployment == nil {
		t.Errorf("%+v", made)
	}
	services, err := w.ecs.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Services: []string{"shop"}, Include: []ecstypes.ServiceField{"TAGS"}})
	w.must(err)
	s := services.Services[0]
	if s.ResourceManagementType != "ECS" || s.TaskDefinition != nil || s.PropagateTags != "SERVICE" || !s.EnableECSManagedTags ||
		*s.HealthCheckGracePeriodSeconds != 300 || *s.CapacityProviderStrategy[0].CapacityProvider != "FARGATE" ||
		s.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp != "ENABLED" || len(s.Tags) != 1 {
		t.Errorf("%+v", s)
	}
	definition, err := w.ecs.DescribeTaskDefinition(t.Context(), &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("default-shop")})
	w.must(err)
	main := definition.TaskDefinition.ContainerDefinitions[0]
	if *main.Name != "Main" || *main.StopTimeout != 30 || main.LogConfiguration.Options["mode"] != "non-blocking" ||
		!strings.HasPrefix(main.LogConfiguration.Options["awslogs-group"], "/aws/ecs/default/shop-") {
		t.Errorf("%+v", main)
	}
	policies, err := w.scaling.DescribeScalingPolicies(t.Context(), &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: types.ServiceNamespaceEcs})
	w.must(err)
	if p := policies.ScalingPolicies[0]; *p.PolicyName != "shopECSServiceAverageCPUUtilization" || *p.TargetTrackingScalingPolicyConfiguration.TargetValue != 60 {
		t.Errorf("%+v", p)
	}
	if got := w.made(); len(got) != 9 || !slices.Contains(got, "alarm default/shop/RollbackAlarm") {
		t.Errorf("%q", got)
	}
	revisions, err := w.ecs.DescribeServiceRevisions(t.Context(), &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{*c.ServiceRevisionArn}})
	w.must(err)
	r := revisions.ServiceRevisions[0].EcsManagedResources
	if r == nil || len(r.IngressPaths) != 1 || len(r.IngressPaths[0].TargetGroups) != 2 || *r.IngressPaths[0].Endpoint != endpointOf(made) ||
		!strings.HasSuffix(*r.IngressPaths[0].Certificate.DomainName, ".ecs.us-east-1.on.aws") ||
		*r.AutoScaling.ApplicationAutoScalingPolicies[0].Metric != "ECSServiceAverageCPUUtilization" || r.IngressPaths[0].LoadBalancer.Status != "ACTIVE" {
		t.Errorf("%+v", r)
	}
	listed, err := w.ecs.ListServices(t.Context(), &ecs.ListServicesInput{ResourceManagementType: "CUSTOMER"})
	w.must(err)
	if len(listed.ServiceArns) != 0 {
		t.Errorf("it is a customer's: %v", listed.ServiceArns)
	}
}

func TestExpressServicesOfAVPCShareALoadBalancerAndLeaveNothing(t *testing.T) {
	w := newExpressWorld(t)
	defer func() { w.stop() }()
	shop, blog := w.create("shop"), w.create("blog")
	if endpointOf(shop) == endpointOf(blog) {
		t.Fatalf("both are at %s", endpointOf(shop))
	}
	balancers, err := w.elb.DescribeLoadBalancers(t.Context(), &elb.DescribeLoadBalancersInput{})
	w.must(err)
	if len(balancers.LoadBalancers) != 1 {
		t.Fatalf("%d load balancers", len(balancers.LoadBalancers))
	}
	w.get(endpointOf(shop), http.StatusOK)
	w.delete(shop.ServiceArn)
	w.get(endpointOf(blog), http.StatusOK)
	w.until("what was the first one's has gone", func() bool { return len(w.made()) == 9 })
	if _, err := w.ecs.DeleteExpressGatewayService(t.Context(), &ecs.DeleteExpressGatewayServiceInput{ServiceArn: shop.ServiceArn}); code(err) != "ServiceNotActiveException" {
		t.Errorf("deleted again: %v", err)
	}
	w.create("shop") // the name is free again
	for _, s := range []*ecstypes.ECSExpressGatewayService{shop, blog} {
		w.delete(s.ServiceArn)
	}
	w.until("all has gone", func() bool { return len(w.made()) == 0 })
}

func TestARestartInTheMiddleOfADeletionLeavesNothing(t *testing.T) {
	w := newExpressWorld(t)
	made := w.create("shop")
	w.get(endpointOf(made), http.StatusOK)
	_, err := w.ecs.DeleteExpressGatewayService(t.Context(), &ecs.DeleteExpressGatewayServiceInput{ServiceArn: made.ServiceArn})
	w.must(err)
	w.stop()
	w.start()
	defer func() { w.stop() }()
	w.hurry()
	w.until("all has gone", func() bool { return len(w.made()) == 0 })
}

func TestAnEndpointStaysThroughARestart(t *testing.T) {
	w := newExpressWorld(t)
	made := w.create("shop")
	w.get(endpointOf(made), http.StatusOK)
	w.stop()
	w.start()
	defer func() { w.stop() }()
	w.get(endpointOf(made), http.StatusOK)
	out, err := w.ecs.DescribeExpressGatewayService(t.Context(), &ecs.DescribeExpressGatewayServiceInput{ServiceArn: made.ServiceArn})
	w.must(err)
	if endpointOf(out.Service) != endpointOf(made) {
		t.Errorf("it was %s and is %s", endpointOf(made), endpointOf(out.Service))
	}
}

func TestAnExpressServiceThatIsRefusedLeavesNothing(t *testing.T) {
	w := newExpressWorld(t)
	defer func() { w.stop() }()
	weak := w.makeRole("weak", "ecs.amazonaws.com", "arn:aws:iam::aws:policy/ElasticLoadBalancingFullAccess")
	half := w.makeRole("half", "ecs.amazonaws.com", managedByECS)
	_, err := w.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String("half"), PolicyName: aws.String("no-scaling"),
		PolicyDocument: aws.String(`{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "application-autoscaling:PutScalingPolicy", "Resource": "*"}}`),
	})
	w.must(err)
	for name, c := range map[string]struct {
		change func(*ecs.CreateExpressGatewayServiceInput)
		want   string
	}{
		"without an image":              {func(in *ecs.CreateExpressGatewayServiceInput) { in.PrimaryContainer.Image = aws.String("") }, "InvalidParameterException"},
		"without a container":           {func(in *ecs.CreateExpressGatewayServiceInput) { in.PrimaryContainer = nil }, "InvalidParameterException"},
		"without an execution role":     {func(in *ecs.CreateExpressGatewayServiceInput) { in.ExecutionRoleArn = nil }, "InvalidParameterException"},
		"a role that is no ARN":         {func(in *ecs.CreateExpressGatewayServiceInput) { in.InfrastructureRoleArn = aws.String("infra") }, "InvalidParameterException"},
		"a role that does not trust it": {func(in *ecs.CreateExpressGatewayServiceInput) { in.InfrastructureRoleArn = &w.execRole }, "AccessDeniedException"},
		"a role that may do little":     {func(in *ecs.CreateExpressGatewayServiceInput) { in.InfrastructureRoleArn = &weak }, "AccessDeniedException"},
		"a role that lacks the last":    {func(in *ecs.CreateExpressGatewayServiceInput) { in.InfrastructureRoleArn = &half }, "AccessDeniedException"},
		"a cluster that is not there":   {func(in *ecs.CreateExpressGatewayServiceInput) { in.Cluster = aws.String("other") }, "ClusterNotFoundException"},
		"a size that Fargate has not":   {func(in *ecs.CreateExpressGatewayServiceInput) { in.Cpu = aws.String("300") }, "InvalidParameterException"},
		"a path without a slash":        {func(in *ecs.CreateExpressGatewayServiceInput) { in.HealthCheckPath = aws.String("ping") }, "InvalidParameterException"},
		"a port out of range":           {func(in *ecs.CreateExpressGatewayServiceInput) { in.PrimaryContainer.ContainerPort = aws.Int32(70000) }, "InvalidParameterException"},
		"a name that is none":           {func(in *ecs.CreateExpressGatewayServiceInput) { in.ServiceName = aws.String("a b") }, "InvalidParameterException"},
		"a tag of AWS's":                {func(in *ecs.CreateExpressGatewayServiceInput) { in.Tags[0].Key = aws.String("aws:team") }, "InvalidParameterException"},
		"a subnet that is not there": {func(in *ecs.CreateExpressGatewayServiceInput) {
			in.NetworkConfiguration = &ecstypes.ExpressGatewayServiceNetworkConfiguration{Subnets: []string{"subnet-1"}}
		}, "InvalidParameterException"},
		"more at least than at most": {func(in *ecs.CreateExpressGatewayServiceInput) {
			in.ScalingTarget = &ecstypes.ExpressGatewayScalingTarget{MinTaskCount: aws.Int32(3), MaxTaskCount: aws.Int32(2)}
		}, "InvalidParameterException"},
		"a target past all": {func(in *ecs.CreateExpressGatewayServiceInput) {
			in.ScalingTarget = &ecstypes.ExpressGatewayScalingTarget{AutoScalingTargetValue: aws.Int32(101)}
		}, "InvalidParameterException"},
		"a definition and a container": {func(in *ecs.CreateExpressGatewayServiceInput) { in.TaskDefinitionArn = aws.String("web") }, "InvalidParameterException"},
	} {
		t.Run(name, func(t *testing.T) {
			in := w.request("shop")
			c.change(in)
			_, err := w.ecs.CreateExpressGatewayService(t.Context(), in)
			if code(err) != c.want {
				t.Errorf("%v", err)
			}
			if got := w.made(); len(got) != 0 {
				t.Errorf("there is %q", got)
			}
			clusters, err := w.ecs.ListClusters(t.Context(), &ecs.ListClustersInput{})
			if err != nil || len(clusters.ClusterArns) != 0 {
				t.Errorf("%v, %v", clusters, err)
			}
		})
	}
	w.create("shop")
	if _, err := w.ecs.CreateExpressGatewayService(t.Context(), w.request("shop")); code(err) != "InvalidParameterException" || len(w.made()) != 9 {
		t.Errorf("created twice: %v", err)
	}
}

func TestAnUpdateOfAnExpressServiceIsARevision(t *testing.T) {
	w := newExpressWorld(t)
	defer func() { w.stop() }()
	made := w.create("shop")
	w.get(endpointOf(made), http.StatusOK)
	out, err := w.ecs.UpdateExpressGatewayService(t.Context(), &ecs.UpdateExpressGatewayServiceInput{
		ServiceArn: made.ServiceArn, Cpu: aws.String("512"), Memory: aws.String("1024"), HealthCheckPath: aws.String("/health"),
		PrimaryContainer: &ecstypes.ExpressGatewayContainer{
			Image: aws.String("web:2"), Environment: []ecstypes.KeyValuePair{{Name: aws.String("A"), Value: aws.String("1")}},
		},
		ScalingTarget: &ecstypes.ExpressGatewayScalingTarget{AutoScalingMetric: "REQUEST_COUNT_PER_TARGET", AutoScalingTargetValue: aws.Int32(500), MinTaskCount: aws.Int32(2)},
	})
	w.must(err)
	c := out.Service.TargetConfiguration
	if *c.ServiceRevisionArn == *made.ActiveConfigurations[0].ServiceRevisionArn || *c.Cpu != "512" || *c.PrimaryContainer.Image != "web:2" ||
		*c.PrimaryContainer.ContainerPort != w.port || *c.HealthCheckPath != "/health" || *c.ScalingTarget.MaxTaskCount != 20 || *c.ExecutionRoleArn != w.execRole {
		t.Errorf("%+v", c)
	}
	now, err := w.ecs.DescribeExpressGatewayService(t.Context(), &ecs.DescribeExpressGatewayServiceInput{ServiceArn: made.ServiceArn})
	w.must(err)
	if c := now.Service.ActiveConfigurations; len(c) != 2 || *c[0].HealthCheckPath != "/health" || *c[1].HealthCheckPath != "/" {
		t.Errorf("beside each other run %+v", c)
	}
	policies, err := w.scaling.DescribeScalingPolicies(t.Context(), &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: types.ServiceNamespaceEcs})
	w.must(err)
	if len(policies.ScalingPolicies) != 1 || *policies.ScalingPolicies[0].PolicyName != "shopALBRequestCountPerTarget" {
		t.Errorf("%+v", policies.ScalingPolicies)
	}
	w.until("two tasks run", func() bool {
		out, err := w.ecs.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Services: []string{"shop"}})
		w.must(err)
		return out.Services[0].DesiredCount == 2
	})
	_, err = w.ecs.UpdateExpressGatewayService(t.Context(), &ecs.UpdateExpressGatewayServiceInput{
		ServiceArn: made.ServiceArn, PrimaryContainer: &ecstypes.ExpressGatewayContainer{Image: aws.String("web:2"), Environment: []ecstypes.KeyValuePair{}},
	})
	w.must(err)
	again, err := w.ecs.DescribeExpressGatewayService(t.Context(), &ecs.DescribeExpressGatewayServiceInput{ServiceArn: made.ServiceArn})
	w.must(err)
	if c := again.Service.ActiveConfigurations[0]; len(c.PrimaryContainer.Environment) != 0 || *c.Cpu != "512" {
		t.Errorf("%+v", c)
	}
}

func TestAnUpdateOfAnExpressServiceThatIsRefusedChangesNothing(t *testing.T) {
	w := newExpressWorld(t)
	defer func() { w.stop() }()
	made := w.create("shop")
	_, err := w.iam.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{RoleName: aws.String("infra"), PolicyArn: aws.String(managedByECS)})
	w.must(err)
	for name, in := range map[string]*ecs.UpdateExpressGatewayServiceInput{
		"a target that its role may not set": {Cpu: aws.String("512"), Memory: aws.String("1024"), ScalingTarget: &ecstypes.ExpressGatewayScalingTarget{MaxTaskCount: aws.Int32(3)}},
		"a size that Fargate has not":        {Cpu: aws.String("300")},
		"another service's ARN":              {ServiceArn: aws.String(*made.ServiceArn + "x"), Cpu: aws.String("512")},
	} {
		t.Run(name, func(t *testing.T) {
			in.ServiceArn = aws.String(aws.ToString(in.ServiceArn))
			if *in.ServiceArn == "" {
				in.ServiceArn = made.ServiceArn
			}
			if _, err := w.ecs.UpdateExpressGatewayService(t.Context(), in); err == nil {
				t.Fatal("it is accepted")
			}
			out, err := w.ecs.DescribeExpressGatewayService(t.Context(), &ecs.DescribeExpressGatewayServiceInput{ServiceArn: made.ServiceArn})
			if err != nil || *out.Service.ActiveConfigurations[0].ServiceRevisionArn != *made.ActiveConfigurations[0].ServiceRevisionArn || *out.Service.UpdatedAt != *made.UpdatedAt {
				t.Errorf("%+v, %v", out, err)
			}
		})
	}
}

func TestUpdateServiceLeavesAnExpressServiceItsLoadBalancer(t *testing.T) {
	w := newExpressWorld(t)
	defer func() { w.stop() }()
	made := w.create("shop")
	_, err := w.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Service: aws.String("shop"), LoadBalancers: []ecstypes.LoadBalancer{}})
	if code(err) != "InvalidParameterException" {
		t.Error(err)
	}
	if _, err := w.ecs.UpdateService(t.Context(), &ecs.UpdateServiceInput{Service: aws.String("shop"), ForceNewDeployment: true}); err != nil {
		t.Error(err)
	}
	w.get(endpointOf(made), http.StatusOK)
}

func TestAnExpressServiceRunsATaskDefinitionThatIsBrought(t *testing.T) {
	w := newExpressWorld(t)
	defer func() { w.stop() }()
	define := func(main string, port string) *string {
		out, err := w.ecs.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("web"), NetworkMode: "awsvpc", RequiresCompatibilities: []ecstypes.Compatibility{"FARGATE"}, Cpu: aws.String("256"), Memory: aws.String("512"),
			ContainerDefinitions: []ecstypes.ContainerDefinition{
				{Name: &main, Image: aws.String("web"), PortMappings: []ecstypes.PortMapping{{ContainerPort: &w.port, Name: &port}}},
				{Name: aws.String("side"), Image: aws.String("side")},
			},
		})
		w.must(err)
		return out.TaskDefinition.TaskDefinitionArn
	}
	in := w.request("shop")
	in.PrimaryContainer, in.ExecutionRoleArn = nil, nil
	for _, wrong := range []*string{define("web", "http"), aws.String("none:1")} {
		in.TaskDefinitionArn = wrong
		if _, err := w.ecs.CreateExpressGatewayService(t.Context(), in); err == nil {
			t.Errorf("%s is accepted", *wrong)
		}
	}
	in.TaskDefinitionArn = define("Main", "http")
	made, err := w.ecs.CreateExpressGatewayService(t.Context(), in)
	w.must(err)
	w.get(endpointOf(made.Service), http.StatusOK)
	c := made.Service.ActiveConfigurations[0]
	if *c.TaskDefinitionArn != *in.TaskDefinitionArn || *c.PrimaryContainer.Image != "web" || *c.Cpu != "256" || c.CpuArchitecture != "" {
		t.Errorf("%+v", c)
	}
	_, err = w.ecs.UpdateExpressGatewayService(t.Context(), &ecs.UpdateExpressGatewayServiceInput{
		ServiceArn: made.Service.ServiceArn, PrimaryContainer: &ecstypes.ExpressGatewayContainer{Image: aws.String("web:2")},
	})
	w.must(err)
	now, err := w.ecs.DescribeTaskDefinition(t.Context(), &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("web")})
	w.must(err)
	if c := now.TaskDefinition.ContainerDefinitions; len(c) != 2 || *c[0].Image != "web:2" || *c[1].Image != "side" {
		t.Errorf("the revision has %+v", c)
	}
}

func TestLoadOnTheEndpointOfAnExpressServiceScalesItOut(t *testing.T) {
	w := newFastExpressWorld(t, 120)
	defer func() { w.stop() }()
	in := w.request("shop")
	in.ScalingTarget = &ecstypes.ExpressGatewayScalingTarget{AutoScalingMetric: "REQUEST_COUNT_PER_TARGET", AutoScalingTargetValue: aws.Int32(5), MaxTaskCount: aws.Int32(3)}
	made, err := w.ecs.CreateExpressGatewayService(t.Context(), in)
	w.must(err)
	w.until("load has brought more tasks", func() bool {
		for range 30 { // a minute is half a second
			w.get(endpointOf(made.Service), http.StatusOK)
		}
		out, err := w.ecs.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Services: []string{"shop"}})
		w.must(err)
		return out.Services[0].DesiredCount == 3
	})
}
