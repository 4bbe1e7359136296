package elb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/balancer"
	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/service/elb"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/metric"
)

var _ interface {
	RegisterTargets(context.Context, *sdk.RegisterTargetsInput, ...func(*sdk.Options)) (*sdk.RegisterTargetsOutput, error)
	DeregisterTargets(context.Context, *sdk.DeregisterTargetsInput, ...func(*sdk.Options)) (*sdk.DeregisterTargetsOutput, error)
	DescribeTargetHealth(context.Context, *sdk.DescribeTargetHealthInput, ...func(*sdk.Options)) (*sdk.DescribeTargetHealthOutput, error)
	DescribeTargetGroups(context.Context, *sdk.DescribeTargetGroupsInput, ...func(*sdk.Options)) (*sdk.DescribeTargetGroupsOutput, error)
} = (*elb.API)(nil)

func TestTheDriverIsToldWhatIsStored(t *testing.T) {
	w := newWorld(t)
	lb := w.loadBalancer("web")
	arn, group := *lb.LoadBalancerArn, w.targetGroup("app")
	listener := w.listener(arn, 80, forwardTo(group))
	w.rule(listener, 20, "/b", answer("200"))
	w.rule(listener, 3, "/a", answer("200"))
	made(w.RegisterTargets(w.ctx(), &sdk.RegisterTargetsInput{TargetGroupArn: &group, Targets: []types.TargetDescription{{Id: aws.String("10.0.0.1")}}}))(t)

	check := func() {
		t.Helper()
		told := w.driver.balancer(arn)
		if told.Address.String() != *lb.DNSName || told.Attributes["idle_timeout.timeout_seconds"] != "60" || len(told.Listeners) != 1 {
			t.Fatalf("told %+v", told)
		}
		var order []string
		for _, r := range told.Listeners[0].Rules {
			order = append(order, *r.Priority)
		}
		if want := []string{"3", "20", "default"}; !reflect.DeepEqual(order, want) {
			t.Errorf("rules in the order %v, want %v", order, want)
		}
		g := w.driver.group(group)
		if len(g.Targets) != 1 || *g.Targets[0].Id != "10.0.0.1" || *g.Targets[0].Port != 8080 || g.Attributes["deregistration_delay.timeout_seconds"] != "300" {
			t.Errorf("told of the group %+v", g)
		}
	}
	check()
	w.open()
	if len(w.driver.balancers) > 0 {
		t.Error("the driver listens before the service runs")
	}
	stopped, stop := context.WithCancel(w.ctx())
	stop()
	if err := w.Run(stopped); err != nil {
		t.Fatal(err)
	}
	check()
}

func TestWhatIsDeletedIsTakenFromTheDriver(t *testing.T) {
	w := newWorld(t)
	arn, group, listener := w.served()
	rule := w.rule(listener, 1, "/a", answer("200"))
	_, err := w.DeleteTargetGroup(w.ctx(), &sdk.DeleteTargetGroupInput{TargetGroupArn: &group})
	wantError(t, err, "ResourceInUse", "is currently in use by a listener or a rule")
	made(w.DeleteLoadBalancer(w.ctx(), &sdk.DeleteLoadBalancerInput{LoadBalancerArn: &arn}))(t)
	made(w.DeleteLoadBalancer(w.ctx(), &sdk.DeleteLoadBalancerInput{LoadBalancerArn: &arn}))(t)
	made(w.DeleteTargetGroup(w.ctx(), &sdk.DeleteTargetGroupInput{TargetGroupArn: &group}))(t)
	if len(w.driver.balancers)+len(w.driver.groups) > 0 {
		t.Errorf("the driver still has %v and %v", keys(w.driver.balancers), keys(w.driver.groups))
	}
	_, err = w.DescribeListeners(w.ctx(), &sdk.DescribeListenersInput{ListenerArns: []string{listener}})
	wantError(t, err, "ListenerNotFound", "")
	_, err = w.DescribeRules(w.ctx(), &sdk.DescribeRulesInput{RuleArns: []string{rule}})
	wantError(t, err, "RuleNotFound", "")
	if a := w.config.Addresses.(*addresses); a.released != 1 {
		t.Errorf("%d addresses were given back, want 1", a.released)
	}
}

func TestAnErrorChangesNothing(t *testing.T) {
	w := newWorld(t)
	arn, group, listener := w.served()
	before := w.describe()
	for name, c := range map[string]struct {
		call        func() error
		code, words string
	}{
		"another load balancer of the name": {func() error {
			_, err := w.CreateLoadBalancer(w.ctx(), &sdk.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{"subnet-1", "subnet-3"}})
			return err
		}, "DuplicateLoadBalancerName", "A load balancer with the same name 'web' exists, but with different settings"},
		"one subnet": {func() error {
			_, err := w.CreateLoadBalancer(w.ctx(), &sdk.CreateLoadBalancerInput{Name: aws.String("b"), Subnets: []string{"subnet-1"}})
			return err
		}, "ValidationError", "At least two subnets in two different Availability Zones must be specified"},
		"one subnet twice": {func() error {
			_, err := w.CreateLoadBalancer(w.ctx(), &sdk.CreateLoadBalancerInput{Name: aws.String("b"), Subnets: []string{"subnet-1", "subnet-1"}})
			return err
		}, "InvalidConfigurationRequest", ""},
		"a network load balancer": {func() error {
			_, err := w.CreateLoadBalancer(w.ctx(), &sdk.CreateLoadBalancerInput{Name: aws.String("b"), Type: types.LoadBalancerTypeEnumNetwork})
			return err
		}, "ValidationError", "type 'network'"},
		"another group of the name": {func() error {
			in := groupInput("app")
			in.Port = aws.Int32(1)
			_, err := w.CreateTargetGroup(w.ctx(), in)
			return err
		}, "DuplicateTargetGroupName", "A target group with the same name 'app' exists, but with different settings"},
		"a listener at a port that is taken": {func() error {
			_, err := w.CreateListener(w.ctx(), listenerInput(arn, 80, answer("200")))
			return err
		}, "DuplicateListener", "A listener already exists on this port for this load balancer"},
		"a listener that forwards to nothing": {func() error {
			_, err := w.CreateListener(w.ctx(), listenerInput(arn, 81, forwardTo(group+"0")))
			return err
		}, "TargetGroupNotFound", ""},
		"a group of another load balancer": {func() error {
			_, err := w.CreateListener(w.ctx(), listenerInput(*w.other().LoadBalancerArn, 80, forwardTo(group)))
			return err
		}, "TargetGroupAssociationLimit", group},
		"a TCP listener": {func() error {
			in := listenerInput(arn, 81, answer("200"))
			in.Protocol = types.ProtocolEnumTcp
			_, err := w.CreateListener(w.ctx(), in)
			return err
		}, "ValidationError", "Listener protocol 'TCP' must be one of 'HTTP, HTTPS'"},
		"HTTPS without a certificate": {func() error {
			in := listenerInput(arn, 443, answer("200"))
			in.Protocol = types.ProtocolEnumHttps
			_, err := w.CreateListener(w.ctx(), in)
			return err
		}, "ValidationError", "A certificate must be specified"},
		"a listener moved to a port that is taken": {func() error {
			other := w.listener(*w.other().LoadBalancerArn, 8080, answer("200"))
			w.listener(*w.other().LoadBalancerArn, 8081, answer("200"))
			_, err := w.ModifyListener(w.ctx(), &sdk.ModifyListenerInput{ListenerArn: &other, Port: aws.Int32(8081)})
			return err
		}, "DuplicateListener", ""},
		"the default rule deleted": {func() error {
			_, err := w.DeleteRule(w.ctx(), &sdk.DeleteRuleInput{RuleArn: w.rules(listener)[0].RuleArn})
			return err
		}, "OperationNotPermitted", "Default rule"},
		"the default rule modified": {func() error {
			_, err := w.ModifyRule(w.ctx(), &sdk.ModifyRuleInput{RuleArn: w.rules(listener)[0].RuleArn, Actions: []types.Action{answer("200")}})
			return err
		}, "OperationNotPermitted", "Default rule"},
		"a public address": {func() error {
			_, err := w.RegisterTargets(w.ctx(), &sdk.RegisterTargetsInput{TargetGroupArn: &group, Targets: []types.TargetDescription{
				{Id: aws.String("10.0.0.1")}, {Id: aws.String("8.8.8.8")},
			}})
			return err
		}, "InvalidTarget", "8.8.8.8"},
		"an attribute that there is not": {func() error {
			_, err := w.ModifyLoadBalancerAttributes(w.ctx(), &sdk.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &arn, Attributes: []types.LoadBalancerAttribute{
				{Key: aws.String("idle_timeout.timeout_seconds"), Value: aws.String("1")}, {Key: aws.String("speed"), Value: aws.String("1")},
			}})
			return err
		}, "ValidationError", "Load balancer attribute key 'speed' is not recognized"},
		"an attribute twice": {func() error {
			_, err := w.ModifyLoadBalancerAttributes(w.ctx(), &sdk.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &arn, Attributes: []types.LoadBalancerAttribute{
				{Key: aws.String("idle_timeout.timeout_seconds"), Value: aws.String("1")}, {Key: aws.String("idle_timeout.timeout_seconds"), Value: aws.String("2")},
			}})
			return err
		}, "ValidationError", "Attribute key 'idle_timeout.timeout_seconds' has been specified more than once"},
		"attributes without keys": {func() error {
			_, err := w.ModifyLoadBalancerAttributes(w.ctx(), &sdk.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &arn, Attributes: []types.LoadBalancerAttribute{
				{Value: aws.String("1")}, {Value: aws.String("2")},
			}})
			return err
		}, "ValidationError", "Attribute key '' has been specified more than once"},
		"tags on one of two resources": {func() error {
			_, err := w.AddTags(w.ctx(), &sdk.AddTagsInput{ResourceArns: []string{arn, listener + "0"}, Tags: []types.Tag{{Key: aws.String("a")}}})
			return err
		}, "ListenerNotFound", ""},
		"no ARN": {func() error {
			_, err := w.DeleteListener(w.ctx(), &sdk.DeleteListenerInput{ListenerArn: aws.String("web")})
			return err
		}, "ValidationError", "'web' is not a valid listener ARN"},
		"IPAM pools": {func() error {
			_, err := w.ModifyIpPools(w.ctx(), &sdk.ModifyIpPoolsInput{LoadBalancerArn: &arn})
			return err
		}, "ValidationError", "IPAM pools"},
	} {
		t.Run(name, func(t *testing.T) {
			wantError(t, c.call(), c.code, c.words)
			if after := w.describe(); after != before {
				t.Errorf("before: %s\nafter: %s", before, after)
			}
		})
	}
}

// other is a second load balancer, which describe leaves out.
func (w *world) other() types.LoadBalancer { return w.loadBalancer("other") }

// describe is all that there is of the load balancer web.
func (w *world) describe() string {
	w.t.Helper()
	b := made(w.DescribeLoadBalancers(w.ctx(), &sdk.DescribeLoadBalancersInput{Names: []string{"web"}}))(w.t).LoadBalancers[0]
	groups := made(w.DescribeTargetGroups(w.ctx(), &sdk.DescribeTargetGroupsInput{}))(w.t).TargetGroups
	text := fmt.Sprintf("%s %v %v", *b.LoadBalancerArn, b.SecurityGroups, len(groups))
	attributes := made(w.DescribeLoadBalancerAttributes(w.ctx(), &sdk.DescribeLoadBalancerAttributesInput{LoadBalancerArn: b.LoadBalancerArn}))(w.t).Attributes
	for _, a := range attributes {
		text += " " + *a.Value
	}
	for _, l := range made(w.DescribeListeners(w.ctx(), &sdk.DescribeListenersInput{LoadBalancerArn: b.LoadBalancerArn}))(w.t).Listeners {
		text += fmt.Sprint(" ", *l.Port, l.Protocol, len(w.rules(*l.ListenerArn)))
	}
	for _, g := range groups {
		health := made(w.DescribeTargetHealth(w.ctx(), &sdk.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn}))(w.t)
		text += fmt.Sprint(" ", *g.TargetGroupName, len(health.TargetHealthDescriptions))
	}
	tags := made(w.DescribeTags(w.ctx(), &sdk.DescribeTagsInput{ResourceArns: []string{*b.LoadBalancerArn}}))(w.t)
	return text + fmt.Sprint(len(tags.TagDescriptions[0].Tags))
}

func (w *world) rules(listener string) []types.Rule {
	w.t.Helper()
	return made(w.DescribeRules(w.ctx(), &sdk.DescribeRulesInput{ListenerArn: &listener}))(w.t).Rules
}

func TestTheSameSettingsAnswerWithWhatThereIs(t *testing.T) {
	w := newWorld(t)
	arn, group, listener := w.served()
	if again := *w.loadBalancer("web").LoadBalancerArn; again != arn {
		t.Errorf("load balancer %s, want %s", again, arn)
	}
	if again := w.targetGroup("app"); again != group {
		t.Errorf("target group %s, want %s", again, group)
	}
	if again := w.listener(arn, 80, forwardTo(group)); again != listener {
		t.Errorf("listener %s, want %s", again, listener)
	}
}

func TestALoadBalancerWithoutTargetGroupsHasNotFoundAny(t *testing.T) {
	w := newWorld(t)
	in := &sdk.DescribeTargetGroupsInput{LoadBalancerArn: w.loadBalancer("web").LoadBalancerArn}
	_, err := w.DescribeTargetGroups(w.ctx(), in)
	wantError(t, err, "TargetGroupNotFound", "One or more target groups not found")
}

func TestDeletionProtectionHolds(t *testing.T) {
	w := newWorld(t)
	arn := *w.loadBalancer("web").LoadBalancerArn
	protect := func(value string) {
		made(w.ModifyLoadBalancerAttributes(w.ctx(), &sdk.ModifyLoadBalancerAttributesInput{LoadBalancerArn: &arn, Attributes: []types.LoadBalancerAttribute{
			{Key: aws.String("deletion_protection.enabled"), Value: &value},
		}}))(t)
	}
	protect("true")
	_, err := w.DeleteLoadBalancer(w.ctx(), &sdk.DeleteLoadBalancerInput{LoadBalancerArn: &arn})
	wantError(t, err, "OperationNotPermitted", "deletion protection is enabled")
	protect("false")
	made(w.DeleteLoadBalancer(w.ctx(), &sdk.DeleteLoadBalancerInput{LoadBalancerArn: &arn}))(t)
}

func TestPrioritiesAreSetAllOrNone(t *testing.T) {
	w := newWorld(t)
	_, _, listener := w.served()
	one, two := w.rule(listener, 1, "/1", answer("200")), w.rule(listener, 2, "/2", answer("200"))
	w.rule(listener, 3, "/3", answer("200"))
	_, err := w.CreateRule(w.ctx(), ruleInput(listener, 2, "/2", answer("200")))
	wantError(t, err, "PriorityInUse", "Priority '2' is currently in use")
	set := func(pairs ...any) error {
		in := &sdk.SetRulePrioritiesInput{}
		for i := 0; i < len(pairs); i += 2 {
			in.RulePriorities = append(in.RulePriorities, types.RulePriorityPair{RuleArn: aws.String(pairs[i].(string)), Priority: aws.Int32(int32(pairs[i+1].(int)))})
		}
		_, err := w.SetRulePriorities(w.ctx(), in)
		return err
	}
	wantError(t, set(one, 5, two, 3), "PriorityInUse", "Priority '3'")
	wantError(t, set(one, 5, two, 5), "ValidationError", "Priority '5' was provided multiple times")
	if err := set(one, 2, two, 1); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range w.rules(listener) {
		if !*r.IsDefault {
			got = append(got, *r.Priority+r.Conditions[0].Values[0])
		}
	}
	if want := []string{"1/2", "2/1", "3/3"}; !reflect.DeepEqual(got, want) {
		t.Errorf("rules %v, want %v", got, want)
	}
}

func TestTheDefaultRuleFollowsItsListener(t *testing.T) {
	w := newWorld(t)
	arn, group, listener := w.served()
	made(w.ModifyListener(w.ctx(), &sdk.ModifyListenerInput{ListenerArn: &listener, DefaultActions: []types.Action{answer("404")}}))(t)
	if r := w.rules(listener)[0]; r.Actions[0].Type != types.ActionTypeEnumFixedResponse || !*r.IsDefault {
		t.Errorf("the default rule is %+v", r)
	}
	made(w.DeleteTargetGroup(w.ctx(), &sdk.DeleteTargetGroupInput{TargetGroupArn: &group}))(t)
	if told := w.driver.balancer(arn).Listeners[0].Rules[0]; *told.Actions[0].FixedResponseConfig.StatusCode != "404" {
		t.Errorf("the driver was told %+v", told)
	}
}

func TestTargetHealth(t *testing.T) {
	w := newWorld(t)
	group := w.targetGroup("app")
	register := func(ips ...string) {
		in := &sdk.RegisterTargetsInput{TargetGroupArn: &group}
		for _, ip := range ips {
			in.Targets = append(in.Targets, types.TargetDescription{Id: &ip})
		}
		made(w.RegisterTargets(w.ctx(), in))(t)
	}
	deregister := func(ip string) {
		made(w.DeregisterTargets(w.ctx(), &sdk.DeregisterTargetsInput{TargetGroupArn: &group, Targets: []types.TargetDescription{{Id: &ip}}}))(t)
	}
	want := func(want string, targets ...types.TargetDescription) {
		t.Helper()
		got := ""
		for _, d := range made(w.DescribeTargetHealth(w.ctx(), &sdk.DescribeTargetHealthInput{TargetGroupArn: &group, Targets: targets}))(t).TargetHealthDescriptions {
			got += fmt.Sprintf("%s:%d %s %s; ", *d.Target.Id, *d.Target.Port, d.TargetHealth.State, d.TargetHealth.Reason)
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	register("10.0.0.1", "10.0.0.2", "10.0.0.1")
	want("10.0.0.1:8080 unused Target.NotInUse; 10.0.0.2:8080 unused Target.NotInUse; ")
	deregister("10.0.0.2")
	want("10.0.0.1:8080 unused Target.NotInUse; ")

	w.listener(*w.loadBalancer("web").LoadBalancerArn, 80, forwardTo(group))
	register("10.0.0.2")
	want("10.0.0.1:8080 initial Elb.RegistrationInProgress; 10.0.0.2:8080 initial Elb.RegistrationInProgress; ")
	w.driver.states["10.0.0.1"] = types.TargetHealthStateEnumHealthy
	deregister("10.0.0.2")
	want("10.0.0.1:8080 healthy ; 10.0.0.2:8080 draining ; ")
	want("10.0.0.3:8080 unused Target.NotRegistered; 10.0.0.1:8080 healthy ; ",
		types.TargetDescription{Id: aws.String("10.0.0.3")}, types.TargetDescription{Id: aws.String("10.0.0.1"), Port: aws.Int32(8080)})
	register("10.0.0.2")
	want("10.0.0.1:8080 healthy ; 10.0.0.2:8080 initial Elb.RegistrationInProgress; ")
}

func TestATargetIsGoneWhenItHasDrained(t *testing.T) {
	w := newWorld(t)
	_, group, _ := w.served()
	made(w.ModifyTargetGroupAttributes(w.ctx(), &sdk.ModifyTargetGroupAttributesInput{TargetGroupArn: &group, Attributes: []types.TargetGroupAttribute{
		{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("0")},
	}}))(t)
	target := []types.TargetDescription{{Id: aws.String("10.0.0.1")}}
	made(w.RegisterTargets(w.ctx(), &sdk.RegisterTargetsInput{TargetGroupArn: &group, Targets: target}))(t)
	made(w.DeregisterTargets(w.ctx(), &sdk.DeregisterTargetsInput{TargetGroupArn: &group, Targets: target}))(t)
	made(w.DeregisterTargets(w.ctx(), &sdk.DeregisterTargetsInput{TargetGroupArn: &group, Targets: target}))(t) // of nothing
	if n := len(w.driver.group(group).Targets); n != 0 {
		t.Errorf("%d targets are left", n)
	}
}

func TestRegistrationIsPartOfTheCallersChange(t *testing.T) {
	w := newWorld(t)
	_, group, _ := w.served()
	refused := fmt.Errorf("no")
	register := func(result error) error {
		return w.config.Cell.State.Change(w.ctx(), func(ctx context.Context, _ *state.Tx) error {
			made(w.RegisterTargets(ctx, &sdk.RegisterTargetsInput{TargetGroupArn: &group, Targets: []types.TargetDescription{{Id: aws.String("10.0.0.1")}}}))(t)
			if n := len(made(w.DescribeTargetHealth(ctx, &sdk.DescribeTargetHealthInput{TargetGroupArn: &group}))(t).TargetHealthDescriptions); n != 1 {
				t.Errorf("%d targets inside the change, want 1", n)
			}
			if len(w.driver.group(group).Targets) > 0 {
				t.Error("the driver was told before the change was over")
			}
			return result
		})
	}
	if err := register(refused); err != refused || len(w.driver.group(group).Targets) != 0 {
		t.Errorf("a change that failed: %v, %v", err, w.driver.group(group).Targets)
	}
	if err := register(nil); err != nil || len(w.driver.group(group).Targets) != 1 {
		t.Errorf("a change: %v, %v", err, w.driver.group(group).Targets)
	}
}

func TestQuotas(t *testing.T) {
	w := newWorld(t)
	arn, group, listener := w.served()
	targets := func(group, network string, n int) error {
		in := &sdk.RegisterTargetsInput{TargetGroupArn: &group}
		for i := range n {
			in.Targets = append(in.Targets, types.TargetDescription{Id: aws.String(fmt.Sprintf("%s.%d.%d", network, i/250, i%250))})
		}
		_, err := w.RegisterTargets(w.ctx(), in)
		return err
	}
	wantError(t, targets(group, "10.0", 1001), "TooManyTargets", "per target group is 1000")
	second := w.targetGroup("second")
	w.rule(listener, 100, "/second", forwardTo(second))
	if err := targets(group, "10.0", 600); err != nil {
		t.Fatal(err)
	}
	wantError(t, targets(second, "10.1", 401), "TooManyTargets", "per load balancer is 1000")

	for i := range 99 {
		w.rule(listener, int32(i+1), "/a", answer("200"))
	}
	_, err := w.CreateRule(w.ctx(), ruleInput(listener, 101, "/b", answer("200")))
	wantError(t, err, "TooManyRules", "100")
	for i := range 49 {
		w.listener(arn, int32(i+1000), answer("200"))
	}
	_, err = w.CreateListener(w.ctx(), listenerInput(arn, 2000, answer("200")))
	wantError(t, err, "TooManyListeners", "50")
	for i := range 49 {
		w.loadBalancer("web-" + strconv.Itoa(i))
	}
	_, err = w.CreateLoadBalancer(w.ctx(), &sdk.CreateLoadBalancerInput{Name: aws.String("more"), Subnets: []string{"subnet-1", "subnet-2"}})
	wantError(t, err, "TooManyLoadBalancers", "50")
}

func TestCertificatesOfAListener(t *testing.T) {
	w := newWorld(t)
	acm := func(n int) types.Certificate {
		return types.Certificate{CertificateArn: aws.String(fmt.Sprintf("arn:aws:acm:eu-west-2:123456789012:certificate/%d", n))}
	}
	in := listenerInput(*w.loadBalancer("web").LoadBalancerArn, 443, answer("200"))
	in.Protocol, in.Certificates = types.ProtocolEnumHttps, []types.Certificate{acm(0)}
	listener := made(w.CreateListener(w.ctx(), in))(t).Listeners[0].ListenerArn
	add := func(n int) error {
		_, err := w.AddListenerCertificates(w.ctx(), &sdk.AddListenerCertificatesInput{ListenerArn: listener, Certificates: []types.Certificate{acm(n)}})
		return err
	}
	for n := range 25 {
		if err := add(n + 1); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, add(26), "TooManyCertificates", "25")
	remove := func(n int) error {
		_, err := w.RemoveListenerCertificates(w.ctx(), &sdk.RemoveListenerCertificatesInput{ListenerArn: listener, Certificates: []types.Certificate{acm(n)}})
		return err
	}
	wantError(t, remove(0), "OperationNotPermitted", "default certificate")
	if err := remove(25); err != nil {
		t.Fatal(err)
	}
	got := made(w.DescribeListenerCertificates(w.ctx(), &sdk.DescribeListenerCertificatesInput{ListenerArn: listener}))(t).Certificates
	if len(got) != 25 || !*got[0].IsDefault || *got[1].IsDefault {
		t.Errorf("%d certificates, first %+v", len(got), got[0])
	}
}

func TestARestartForgetsNothing(t *testing.T) {
	w := newWorld(t)
	arn, group, listener := w.served()
	in := listenerInput(arn, 443, answer("200"))
	in.Protocol, in.Certificates = types.ProtocolEnumHttps, []types.Certificate{{CertificateArn: aws.String("arn:aws:acm:eu-west-2:123456789012:certificate/1")}}
	https := made(w.CreateListener(w.ctx(), in))(t).Listeners[0].ListenerArn
	made(w.AddListenerCertificates(w.ctx(), &sdk.AddListenerCertificatesInput{ListenerArn: https, Certificates: []types.Certificate{
		{CertificateArn: aws.String("arn:aws:acm:eu-west-2:123456789012:certificate/2")},
	}}))(t)
	w.rule(listener, 1, "/a", answer("200"))
	made(w.RegisterTargets(w.ctx(), &sdk.RegisterTargetsInput{TargetGroupArn: &group, Targets: []types.TargetDescription{{Id: aws.String("10.0.0.1")}}}))(t)
	made(w.ModifyCapacityReservation(w.ctx(), &sdk.ModifyCapacityReservationInput{
		LoadBalancerArn: &arn, MinimumLoadBalancerCapacity: &types.MinimumLoadBalancerCapacity{CapacityUnits: aws.Int32(100)},
	}))(t)
	all := func() string {
		text, err := json.Marshal([]any{
			made(w.DescribeLoadBalancers(w.ctx(), &sdk.DescribeLoadBalancersInput{}))(t).LoadBalancers,
			made(w.DescribeTargetGroups(w.ctx(), &sdk.DescribeTargetGroupsInput{}))(t).TargetGroups,
			made(w.DescribeListeners(w.ctx(), &sdk.DescribeListenersInput{LoadBalancerArn: &arn}))(t).Listeners,
			made(w.DescribeListenerCertificates(w.ctx(), &sdk.DescribeListenerCertificatesInput{ListenerArn: https}))(t).Certificates,
			made(w.DescribeTargetHealth(w.ctx(), &sdk.DescribeTargetHealthInput{TargetGroupArn: &group}))(t).TargetHealthDescriptions,
			made(w.DescribeCapacityReservation(w.ctx(), &sdk.DescribeCapacityReservationInput{LoadBalancerArn: &arn}))(t),
			w.rules(listener), w.rules(*https),
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := all()
	w.open()
	if after := all(); after != before {
		t.Errorf("before: %s\nafter:  %s", before, after)
	}
	if a := w.config.Addresses.(*addresses); a.kept != 1 {
		t.Errorf("%d addresses were kept, want 1", a.kept)
	}
}

func TestTagsOfEveryKindOfResource(t *testing.T) {
	w := newWorld(t)
	arn, group, listener := w.served()
	all := []string{arn, group, listener, w.rule(listener, 1, "/a", answer("200"))}
	made(w.AddTags(w.ctx(), &sdk.AddTagsInput{ResourceArns: all, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}, {Key: aws.String("old")}}}))(t)
	made(w.RemoveTags(w.ctx(), &sdk.RemoveTagsInput{ResourceArns: all, TagKeys: []string{"old"}}))(t)
	w.open()
	for _, d := range made(w.DescribeTags(w.ctx(), &sdk.DescribeTagsInput{ResourceArns: all}))(t).TagDescriptions {
		if len(d.Tags) != 1 || *d.Tags[0].Key != "team" || *d.Tags[0].Value != "shop" {
			t.Errorf("%s has the tags %v", *d.ResourceArn, d.Tags)
		}
	}
	tag := func(key, value string) error {
		_, err := w.AddTags(w.ctx(), &sdk.AddTagsInput{ResourceArns: all[:1], Tags: []types.Tag{{Key: &key, Value: &value}}})
		return err
	}
	wantError(t, tag("aws:a", ""), "ValidationError", "reserved")
	wantError(t, tag("flyball:metric-period", "7"), "ValidationError", "one of [1 5 10 20 30 60]")
	if err := tag("flyball:metric-period", "5"); err != nil {
		t.Error(err)
	}
}

func TestInstancesAreAtTheAddressesThatAreKnown(t *testing.T) {
	w := newWorld(t)
	in := groupInput("app")
	in.TargetType = types.TargetTypeEnumInstance
	group := *made(w.CreateTargetGroup(w.ctx(), in))(t).TargetGroups[0].TargetGroupArn
	made(w.RegisterTargets(w.ctx(), &sdk.RegisterTargetsInput{TargetGroupArn: &group, Targets: []types.TargetDescription{
		{Id: aws.String("i-0123456789abcdef0"), Port: aws.Int32(32768)},
	}}))(t)
	if told := w.driver.group(group).Targets[0]; *told.Id != "127.0.0.1" || *told.Port != 32768 {
		t.Errorf("told %s:%d", *told.Id, *told.Port)
	}
	health := made(w.DescribeTargetHealth(w.ctx(), &sdk.DescribeTargetHealthInput{TargetGroupArn: &group}))(t).TargetHealthDescriptions
	if len(health) != 1 || *health[0].Target.Id != "i-0123456789abcdef0" {
		t.Errorf("health %+v", health)
	}
}

func TestPortsThatCannotBeHadAreReplaced(t *testing.T) {
	w := newWorld(t)
	w.driver.refuse = func(lb balancer.LoadBalancer) error {
		for _, l := range lb.Listeners {
			if *l.Port < 1024 {
				return fmt.Errorf("listen at %v:%d: %w", lb.Address, *l.Port, fs.ErrPermission)
			}
		}
		return nil
	}
	arn, _, _ := w.served()
	if port := *w.driver.balancer(arn).Listeners[0].Port; port != 8080 {
		t.Errorf("listens to port %d, want 8080", port)
	}
	shown := made(w.DescribeLoadBalancers(w.ctx(), &sdk.DescribeLoadBalancersInput{}))(t).LoadBalancers[0]
	if shown.State.Code != types.LoadBalancerStateEnumActive || !strings.Contains(aws.ToString(shown.State.Reason), "80 is 8080") {
		t.Errorf("state %s: %s", shown.State.Code, aws.ToString(shown.State.Reason))
	}
}

func TestNamesBelowADomain(t *testing.T) {
	w := newWorld(t)
	w.config.Domain = "example.test"
	w.open()
	lb := w.loadBalancer("Web")
	if name := *lb.DNSName; !strings.HasPrefix(name, "web-") || !strings.HasSuffix(name, ".eu-west-2.elb.example.test") {
		t.Errorf("named %s", name)
	}
	answer := httptest.NewRecorder()
	w.Handler(*lb.DNSName).ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	if got := answer.Header().Get("Balancer"); got != *lb.LoadBalancerArn {
		t.Errorf("served by %q", got)
	}
	if w.Handler("nobody.eu-west-2.elb.example.test") != nil {
		t.Error("a name of nothing is served")
	}
}

func TestOneForwardIsReadBackInBothWays(t *testing.T) {
	w := newWorld(t)
	arn, group := *w.loadBalancer("web").LoadBalancerArn, w.targetGroup("app")
	for port, action := range []types.Action{
		forwardTo(group),
		{Type: types.ActionTypeEnumForward, ForwardConfig: &types.ForwardActionConfig{TargetGroups: []types.TargetGroupTuple{{TargetGroupArn: &group}}}},
	} {
		listener := w.listener(arn, int32(8000+port), action)
		got := made(w.DescribeListeners(w.ctx(), &sdk.DescribeListenersInput{ListenerArns: []string{listener}}))(t).Listeners[0].DefaultActions[0]
		if aws.ToString(got.TargetGroupArn) != group || len(got.ForwardConfig.TargetGroups) != 1 || *got.ForwardConfig.TargetGroups[0].Weight != 1 {
			t.Errorf("read back as %+v", got)
		}
	}
}

func TestListingsHavePages(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.targetGroup("group-" + strconv.Itoa(i))
	}
	pages := sdk.NewDescribeTargetGroupsPaginator(w, &sdk.DescribeTargetGroupsInput{PageSize: aws.Int32(2)})
	var names []string
	for pages.HasMorePages() {
		for _, g := range made(pages.NextPage(w.ctx()))(t).TargetGroups {
			names = append(names, *g.TargetGroupName)
		}
	}
	if want := []string{"group-0", "group-1", "group-2", "group-3", "group-4"}; !reflect.DeepEqual(names, want) {
		t.Errorf("listed %v", names)
	}
}

// A recorder keeps samples.
type recorder struct{ samples []metric.Sample }

func (r *recorder) Record(samples []metric.Sample) { r.samples = append(r.samples, samples...) }

func TestMetricsArePublishedEachPeriod(t *testing.T) {
	for tag, want := range map[string]struct{ times, resolution time.Duration }{
		"":   {2, 0},
		"20": {6, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			st, err := store.OpenSQLite("")
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			r, d := &recorder{}, &driver{balancers: map[string]balancer.LoadBalancer{}, samples: make([]metric.Sample, 1)}
			api, err := elb.New(elb.Config{Driver: d, Metrics: r, Cell: &cell.Cell{
				Account: "123456789012", Region: "eu-west-2", Clock: clock.New(time.Now(), 1), State: state.New(st),
			}})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- api.Run(ctx) }()
			in := &sdk.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{"a", "b"}}
			if tag != "" {
				in.Tags = []types.Tag{{Key: aws.String("flyball:metric-period"), Value: &tag}}
			}
			made(api.CreateLoadBalancer(ctx, in))(t)
			start := time.Now().Truncate(time.Minute)
			time.Sleep(time.Until(start.Add(2*time.Minute + time.Second)))
			stop()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if len(r.samples) != int(want.times) || r.samples[0].Resolution != want.resolution {
				t.Errorf("tag %q: %d samples of resolution %v, want %d of %v", tag, len(r.samples), r.samples[0].Resolution, want.times, want.resolution)
			}
			if !d.taken[0].Equal(start) {
				t.Errorf("tag %q: the first period begins at %v, want %v", tag, d.taken[0], start)
			}
		})
	}
}
