package elb_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"

	"flyball/internal/balancer"
	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/service/elb"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/metric"
)

// A driver keeps what it is told.
type driver struct {
	mu        sync.Mutex
	balancers map[string]balancer.LoadBalancer
	groups    map[string]balancer.Group
	states    map[string]types.TargetHealthStateEnum // by IP address; those of others are initial
	refuse    func(balancer.LoadBalancer) error
	samples   []metric.Sample
	taken     []time.Time
}

func (d *driver) SetLoadBalancer(lb balancer.LoadBalancer) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuse != nil {
		if err := d.refuse(lb); err != nil {
			return err
		}
	}
	d.balancers[*lb.LoadBalancerArn] = lb
	return nil
}

func (d *driver) RemoveLoadBalancer(arn string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.balancers, arn)
}

func (d *driver) SetGroup(g balancer.Group) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.groups[*g.TargetGroupArn] = g
}

func (d *driver) RemoveGroup(arn string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.groups, arn)
}

func (d *driver) Health(arn string) (all []types.TargetHealthDescription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.groups[arn].Targets {
		state, known := d.states[*t.Id]
		switch {
		case !t.DrainUntil.IsZero():
			state = types.TargetHealthStateEnumDraining
		case !known:
			continue
		}
		all = append(all, types.TargetHealthDescription{Target: &t.TargetDescription, TargetHealth: &types.TargetHealth{State: state}})
	}
	return all
}

func (d *driver) Take(at time.Time) []metric.Sample {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken = append(d.taken, at)
	return slices.Clone(d.samples)
}

func (d *driver) Handler(arn string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Balancer", arn) })
}

func (d *driver) Close(context.Context) error { return nil }

// balancer is what the driver was told of a load balancer.
func (d *driver) balancer(arn string) balancer.LoadBalancer {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.balancers[arn]
}

func (d *driver) group(arn string) balancer.Group {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.groups[arn]
}

// A world is a service with a driver.
type world struct {
	*elb.API
	t      *testing.T
	driver *driver
	config elb.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &world{t: t, config: elb.Config{
		Cell:      &cell.Cell{Account: "123456789012", Region: "eu-west-2", Clock: clock.New(time.Now(), 1), State: state.New(st)},
		Addresses: &addresses{},
	}}
	w.open()
	return w
}

// addresses are numbered.
type addresses struct{ last, kept, released int }

func (a *addresses) Take(string) netip.Addr {
	a.last++
	return netip.AddrFrom4([4]byte{127, 32, 0, byte(a.last)})
}
func (a *addresses) Keep(netip.Addr)    { a.kept++ }
func (a *addresses) Release(netip.Addr) { a.released++ }

// open opens the service, as after a restart, with a driver that knows nothing.
func (w *world) open() {
	w.t.Helper()
	w.driver = &driver{
		balancers: map[string]balancer.LoadBalancer{}, groups: map[string]balancer.Group{},
		states: map[string]types.TargetHealthStateEnum{},
	}
	w.config.Driver = w.driver
	var err error
	if w.API, err = elb.New(w.config); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ctx() context.Context { return w.t.Context() }

// made fails the test on an error.
func made[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (w *world) loadBalancer(name string) types.LoadBalancer {
	w.t.Helper()
	return made(w.CreateLoadBalancer(w.ctx(), &sdk.CreateLoadBalancerInput{Name: &name, Subnets: []string{"subnet-1", "subnet-2"}}))(w.t).LoadBalancers[0]
}

func (w *world) targetGroup(name string) string {
	w.t.Helper()
	out := made(w.CreateTargetGroup(w.ctx(), groupInput(name)))(w.t)
	return *out.TargetGroups[0].TargetGroupArn
}

func groupInput(name string) *sdk.CreateTargetGroupInput {
	return &sdk.CreateTargetGroupInput{
		Name: &name, Protocol: types.ProtocolEnumHttp, Port: aws.Int32(8080), VpcId: aws.String("vpc-1"), TargetType: types.TargetTypeEnumIp,
	}
}

func (w *world) listener(balancer string, port int32, actions ...types.Action) string {
	w.t.Helper()
	out := made(w.CreateListener(w.ctx(), listenerInput(balancer, port, actions...)))(w.t)
	return *out.Listeners[0].ListenerArn
}

func listenerInput(balancer string, port int32, actions ...types.Action) *sdk.CreateListenerInput {
	return &sdk.CreateListenerInput{LoadBalancerArn: &balancer, Port: &port, Protocol: types.ProtocolEnumHttp, DefaultActions: actions}
}

func (w *world) rule(listener string, priority int32, path string, actions ...types.Action) string {
	w.t.Helper()
	out := made(w.CreateRule(w.ctx(), ruleInput(listener, priority, path, actions...)))(w.t)
	return *out.Rules[0].RuleArn
}

func ruleInput(listener string, priority int32, path string, actions ...types.Action) *sdk.CreateRuleInput {
	return &sdk.CreateRuleInput{ListenerArn: &listener, Priority: &priority, Actions: actions, Conditions: []types.RuleCondition{
		{Field: aws.String("path-pattern"), Values: []string{path}},
	}}
}

func forwardTo(group string) types.Action {
	return types.Action{Type: types.ActionTypeEnumForward, TargetGroupArn: &group}
}

func answer(status string) types.Action {
	return types.Action{Type: types.ActionTypeEnumFixedResponse, FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: &status}}
}

// served is a load balancer with a listener that forwards to a target group.
func (w *world) served() (balancer, group, listener string) {
	w.t.Helper()
	balancer, group = *w.loadBalancer("web").LoadBalancerArn, w.targetGroup("app")
	return balancer, group, w.listener(balancer, 80, forwardTo(group))
}

// wantError wants an AWS error with a code and words in its message.
func wantError(t *testing.T, err error, code, words string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), words) {
		t.Errorf("got %v, want %s with %q", err, code, words)
	}
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
