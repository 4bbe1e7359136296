package discovery

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A world is one cluster with one service, of which all is told by AWS's operations.
type world struct {
	mu        sync.Mutex
	service   ecstypes.Service
	tasks     []ecstypes.Task
	ports     []ecstypes.PortMapping
	balancer  elbtypes.LoadBalancer
	listeners []elbtypes.Listener
	targets   []elbtypes.TargetHealthDescription
	fail      error
}

const clusterARN, groupARN = "arn:aws:ecs:us-east-1:1:cluster/demo", "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1"

// newWorld has two tasks that run and two that do not.
func newWorld() *world {
	return &world{
		service: ecstypes.Service{ServiceName: aws.String("web"), Status: aws.String("ACTIVE"), DesiredCount: 3, RunningCount: 2},
		ports:   []ecstypes.PortMapping{{ContainerPort: aws.Int32(53), Protocol: ecstypes.TransportProtocolUdp}, {ContainerPort: aws.Int32(8080)}},
		tasks: []ecstypes.Task{
			task("RUNNING", "RUNNING", "127.0.3.1"), task("RUNNING", "RUNNING", "127.0.3.2"),
			task("RUNNING", "PENDING", "127.0.3.3"), task("STOPPED", "RUNNING", "127.0.3.4"),
		},
	}
}

func task(desired, last, address string) ecstypes.Task {
	return ecstypes.Task{
		DesiredStatus: &desired, LastStatus: &last, TaskDefinitionArn: aws.String("web:1"),
		Attachments: []ecstypes.Attachment{{Details: []ecstypes.KeyValuePair{{Name: aws.String("privateIPv4Address"), Value: &address}}}},
	}
}

// behind puts a load balancer before the service.
func (w *world) behind(name string, actions ...elbtypes.Action) *world {
	w.service.LoadBalancers = []ecstypes.LoadBalancer{{TargetGroupArn: aws.String(groupARN)}}
	w.balancer = elbtypes.LoadBalancer{LoadBalancerName: aws.String("front"), LoadBalancerArn: aws.String("arn:front"), DNSName: &name}
	w.listeners = []elbtypes.Listener{
		{Protocol: elbtypes.ProtocolEnumHttps, Port: aws.Int32(443), DefaultActions: actions},
		{Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(8081), DefaultActions: actions},
	}
	healthy := &elbtypes.TargetHealth{State: elbtypes.TargetHealthStateEnumHealthy}
	w.targets = []elbtypes.TargetHealthDescription{
		{Target: &elbtypes.TargetDescription{Id: aws.String("127.0.3.1"), Port: aws.Int32(8080)}, TargetHealth: healthy},
		{Target: &elbtypes.TargetDescription{Id: aws.String("127.0.3.2"), Port: aws.Int32(8080)}, TargetHealth: &elbtypes.TargetHealth{State: elbtypes.TargetHealthStateEnumDraining}},
	}
	return w
}

func forward() elbtypes.Action {
	return elbtypes.Action{ForwardConfig: &elbtypes.ForwardActionConfig{TargetGroups: []elbtypes.TargetGroupTuple{{TargetGroupArn: aws.String(groupARN)}}}}
}

func (w *world) finder() Finder { return Finder{ECS: w, LoadBalancing: w, Server: "127.0.0.1:4566"} }

func TestWhereASubjectAnswers(t *testing.T) {
	service := Subject{Cluster: "demo", Service: "web"}
	refuse := elbtypes.Action{Type: elbtypes.ActionTypeEnumFixedResponse}
	for _, tt := range []struct {
		rule    string
		world   *world
		subject Subject
		urls    string
		via     string
		host    string
	}{
		{"a service at its tasks that run", newWorld(), service, "http://127.0.3.1:8080 http://127.0.3.2:8080", "its tasks", ""},
		{"at another port", newWorld(), Subject{Cluster: "demo", Service: "web", Port: 9000}, "http://127.0.3.1:9000 http://127.0.3.2:9000", "its tasks", ""},
		{"behind its load balancer, in plain HTTP", newWorld().behind("127.9.9.9", forward()), service, "http://127.9.9.9:8081", "load balancer front", ""},
		{"past a load balancer that forwards by rules only", newWorld().behind("127.9.9.9", refuse), service, "http://127.0.3.1:8080 http://127.0.3.2:8080", "its tasks", ""},
		{"a load balancer that the server serves by name", newWorld().behind("front.elb.localhost", forward()), service, "http://127.0.0.1:4566", "load balancer front", "front.elb.localhost"},
		{"a load balancer", newWorld().behind("127.9.9.9", forward()), Subject{Balancer: "front"}, "http://127.9.9.9:8081", "load balancer front", ""},
		{"at one of its listeners", newWorld().behind("127.9.9.9", forward()), Subject{Balancer: "127.9.9.9", Port: 443}, "https://127.9.9.9", "load balancer front", ""},
		{"a target group at its healthy targets", newWorld().behind("127.9.9.9", forward()), Subject{TargetGroup: "web"}, "http://127.0.3.1:8080", "the healthy targets of web", ""},
	} {
		place, err := tt.world.finder().Find(t.Context(), tt.subject)
		if err != nil || strings.Join(place.URLs, " ") != tt.urls || place.Via != tt.via || place.Host != tt.host {
			t.Errorf("%s: %+v, %v; want %s through %s", tt.rule, place, err, tt.urls, tt.via)
		}
		if place.Cluster != "demo" || place.Service != "web" || place.Desired != 3 || place.Running != 2 {
			t.Errorf("%s: the service behind is %+v, want demo/web with 2 of 3 tasks", tt.rule, place)
		}
	}
}

// A server that speaks TLS does so for load balancers that it serves by name, whatever their listeners speak.
func TestALoadBalancerThatAServerWithTLSServesIsCalledWithTLS(t *testing.T) {
	finder := newWorld().behind("front.elb.localhost", forward()).finder()
	finder.TLS = true
	place, err := finder.Find(t.Context(), Subject{Balancer: "front"})
	if err != nil || strings.Join(place.URLs, " ") != "https://127.0.0.1:4566" {
		t.Errorf("%v, %v", place.URLs, err)
	}
}

func TestWhatCannotBeFoundSaysSo(t *testing.T) {
	portless := newWorld()
	portless.ports = nil
	for _, tt := range []struct {
		world   *world
		subject Subject
		want    string
	}{
		{newWorld(), Subject{Cluster: "demo", Service: "nothing"}, "there is no service nothing in cluster demo"},
		{newWorld(), Subject{Balancer: "nothing"}, "there is no load balancer nothing"},
		{newWorld(), Subject{TargetGroup: "nothing"}, "there is no target group nothing"},
		{newWorld().behind("127.9.9.9"), Subject{Balancer: "front", Port: 7}, "there is no listener for HTTP, HTTPS, TCP or TLS at port 7 of load balancer front"},
		{portless, Subject{Cluster: "demo", Service: "web"}, "say with --port at which its tasks answer"},
	} {
		if _, err := tt.world.finder().Find(t.Context(), tt.subject); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.subject, err, tt.want)
		}
	}
}

func TestTheAddressesOfAllTasksAreKnown(t *testing.T) {
	addresses, err := newWorld().finder().Addresses(t.Context())
	if err != nil || len(addresses) != 4 || !addresses[netip.MustParseAddr("127.0.3.2")] {
		t.Errorf("%v, %v; want those of four tasks", addresses, err)
	}
}

func TestTasksAreFollowedAsTheyComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := newWorld()
		f, err := w.finder().Follow(ctx, Subject{Cluster: "demo", Service: "web"}, time.Second)
		if err != nil || len(f.Place().URLs) != 2 {
			t.Fatal(f, err)
		}
		change := func(do func()) {
			w.mu.Lock()
			do()
			w.mu.Unlock()
			time.Sleep(1500 * time.Millisecond)
		}
		change(func() { w.tasks = slices.Delete(w.tasks, 0, 1) })
		if urls := f.Place().URLs; !slices.Equal(urls, []string{"http://127.0.3.2:8080"}) {
			t.Errorf("after one has gone: %v", urls)
		}
		change(func() { w.fail = errors.New("no answer") })
		if f.Err() == nil || len(f.Place().URLs) != 1 {
			t.Errorf("while nothing is told, what was known stays: %v, %v", f.Place(), f.Err())
		}
		change(func() { w.fail, w.service.RunningCount = nil, 1 })
		if f.Err() != nil || f.Place().Running != 1 {
			t.Errorf("afterwards: %v, %v", f.Place(), f.Err())
		}
	})
}

// Nobody refuses a connection to a network that has gone with its task.
func TestAConnectionToATaskThatHasGoneIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := newWorld()
		f, err := w.finder().Follow(ctx, Subject{Cluster: "demo", Service: "web"}, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		dial := f.Dialing(func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		begin := time.Now()
		time.AfterFunc(3*time.Second, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.tasks = nil
		})
		_, err = dial(ctx, "tcp", "127.0.3.1:8080")
		if op, is := errors.AsType[*net.OpError](err); !is || op.Op != "dial" || time.Since(begin) > 5*time.Second {
			t.Errorf("%v after %v; want an error of dialing soon after 3 s", err, time.Since(begin))
		}
	})
}

func (w *world) DescribeServices(_ context.Context, in *ecs.DescribeServicesInput, _ ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := &ecs.DescribeServicesOutput{}
	if in.Services[0] == "web" {
		out.Services = []ecstypes.Service{w.service}
	}
	return out, w.fail
}

func (w *world) ListClusters(context.Context, *ecs.ListClustersInput, ...func(*ecs.Options)) (*ecs.ListClustersOutput, error) {
	return &ecs.ListClustersOutput{ClusterArns: []string{clusterARN}}, nil
}

func (w *world) ListServices(context.Context, *ecs.ListServicesInput, ...func(*ecs.Options)) (*ecs.ListServicesOutput, error) {
	return &ecs.ListServicesOutput{ServiceArns: []string{"web"}}, nil
}

func (w *world) ListTasks(context.Context, *ecs.ListTasksInput, ...func(*ecs.Options)) (*ecs.ListTasksOutput, error) {
	return &ecs.ListTasksOutput{TaskArns: []string{"all"}}, nil
}

func (w *world) DescribeTasks(context.Context, *ecs.DescribeTasksInput, ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &ecs.DescribeTasksOutput{Tasks: slices.Clone(w.tasks)}, nil
}

func (w *world) DescribeTaskDefinition(context.Context, *ecs.DescribeTaskDefinitionInput, ...func(*ecs.Options)) (*ecs.DescribeTaskDefinitionOutput, error) {
	return &ecs.DescribeTaskDefinitionOutput{TaskDefinition: &ecstypes.TaskDefinition{
		Family: aws.String("web"), Revision: 1, ContainerDefinitions: []ecstypes.ContainerDefinition{{PortMappings: w.ports}},
	}}, nil
}

func (w *world) DescribeLoadBalancers(context.Context, *elb.DescribeLoadBalancersInput, ...func(*elb.Options)) (*elb.DescribeLoadBalancersOutput, error) {
	return &elb.DescribeLoadBalancersOutput{LoadBalancers: []elbtypes.LoadBalancer{w.balancer}}, nil
}

func (w *world) DescribeListeners(context.Context, *elb.DescribeListenersInput, ...func(*elb.Options)) (*elb.DescribeListenersOutput, error) {
	return &elb.DescribeListenersOutput{Listeners: slices.Clone(w.listeners)}, nil
}

func (w *world) DescribeTargetGroups(_ context.Context, in *elb.DescribeTargetGroupsInput, _ ...func(*elb.Options)) (*elb.DescribeTargetGroupsOutput, error) {
	if len(in.Names) > 0 && in.Names[0] != "web" {
		return nil, &elbtypes.TargetGroupNotFoundException{}
	}
	return &elb.DescribeTargetGroupsOutput{TargetGroups: []elbtypes.TargetGroup{{
		TargetGroupName: aws.String("web"), TargetGroupArn: aws.String(groupARN), LoadBalancerArns: []string{"arn:front"},
	}}}, nil
}

func (w *world) DescribeTargetHealth(context.Context, *elb.DescribeTargetHealthInput, ...func(*elb.Options)) (*elb.DescribeTargetHealthOutput, error) {
	return &elb.DescribeTargetHealthOutput{TargetHealthDescriptions: w.targets}, nil
}
