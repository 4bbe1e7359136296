package elb_test

import (
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

func TestALoadBalancerListensAtItsEndpoints(t *testing.T) {
	w := newWorld(t)
	b := *w.loadBalancer("web").LoadBalancerArn
	first := made(w.AddEndpoint(w.ctx(), b, "he-1.ecs.eu-west-2"))(t)
	second := made(w.AddEndpoint(w.ctx(), b, "he-2.ecs.eu-west-2"))(t)
	if first == second {
		t.Fatalf("both are %s", first)
	}
	want := []netip.Addr{netip.MustParseAddr(first), netip.MustParseAddr(second)}
	if got := w.driver.balancer(b).Others; !slices.Equal(got, want) {
		t.Errorf("it listens at %v, too; want %v", got, want)
	}
	w.open()
	for _, host := range []string{first, second} {
		if w.Handler(host) == nil {
			t.Errorf("after a restart %s is nobody's", host)
		}
	}
	answer := httptest.NewRecorder()
	w.Handler(second).ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	if got := answer.Header().Get("Balancer"); got != b {
		t.Errorf("%s answers", got)
	}
	if err := w.RemoveEndpoint(w.ctx(), b, first); err != nil {
		t.Fatal(err)
	}
	if got := w.driver.balancer(b).Others; !slices.Equal(got, want[1:]) || w.Handler(first) != nil {
		t.Errorf("without the first it listens at %v", got)
	}
	if err := w.RemoveEndpoint(w.ctx(), b, "another"); err != nil {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestTheAddressesOfEndpointsAreGivenBack(t *testing.T) {
	w := newWorld(t)
	given := w.config.Addresses.(*addresses)
	b := *w.loadBalancer("web").LoadBalancerArn
	made(w.AddEndpoint(w.ctx(), b, "a"))(t)
	host := made(w.AddEndpoint(w.ctx(), b, "b"))(t)
	if err := w.RemoveEndpoint(w.ctx(), b, host); err != nil || given.released != 1 {
		t.Errorf("%d are given back, %v", given.released, err)
	}
	made(w.DeleteLoadBalancer(w.ctx(), &sdk.DeleteLoadBalancerInput{LoadBalancerArn: &b}))(t)
	if given.released != 3 {
		t.Errorf("%d of 3 are given back", given.released)
	}
}

func TestEndpointsAreBelowTheDomainOfLoadBalancers(t *testing.T) {
	w := newWorld(t)
	w.config.Domain = "example"
	w.open()
	b := *w.loadBalancer("web").LoadBalancerArn
	if got := made(w.AddEndpoint(w.ctx(), b, "he-1.ecs.eu-west-2"))(t); got != "he-1.ecs.eu-west-2.example" {
		t.Error(got)
	}
	if got := w.driver.balancer(b).Others; len(got) != 0 {
		t.Errorf("it listens at %v, too", got)
	}
	if _, err := w.AddEndpoint(w.ctx(), b+"x", "a"); err == nil {
		t.Error("the endpoint of no load balancer is taken")
	}
}
