package elb

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/cell"
	"flyball/internal/service/elb/fault"
)

const serviceName = "elasticloadbalancing" // in ARNs

// Kinds of resources, as ARNs begin with them.
const (
	kindOfBalancer = "loadbalancer/app/"
	kindOfGroup    = "targetgroup/"
	kindOfListener = "listener/app/"
	kindOfRule     = "listener-rule/app/"
)

// newARN names a resource below others: its kind, the names above it, and a number.
func (a *API) newARN(kind, above string) string {
	return a.cell.ARN(serviceName, kind+above+"/"+cell.NewID("", 16))
}

// tail is what an ARN has after the kind of its resource: NAME/ID of a load balancer,
// NAME/ID/ID of a listener.
func tail(arn, kind string) string {
	_, tail, _ := strings.Cut(arn, ":"+kind)
	return tail
}

// listenersOf begins the ARNs of a load balancer's listeners.
func (a *API) listenersOf(balancer string) string {
	return a.cell.ARN(serviceName, kindOfListener+tail(balancer, kindOfBalancer)+"/")
}

// rulesOf begins the ARNs of the rules of a listener.
func (a *API) rulesOf(listener string) string {
	return a.cell.ARN(serviceName, kindOfRule+tail(listener, kindOfListener)+"/")
}

// rulesOfBalancer begins the ARNs of the rules of all listeners of a load balancer.
func (a *API) rulesOfBalancer(balancer string) string {
	return a.cell.ARN(serviceName, kindOfRule+tail(balancer, kindOfBalancer)+"/")
}

// listenerOf is the ARN of a rule's listener.
func (a *API) listenerOf(rule string) string {
	t := tail(rule, kindOfRule)
	return a.cell.ARN(serviceName, kindOfListener+t[:strings.LastIndexByte(t, '/')])
}

// kindNames are what messages call resources.
var kindNames = map[string]string{
	kindOfBalancer: "load balancer", kindOfGroup: "target group", kindOfListener: "listener", kindOfRule: "listener rule",
}

// checkARN refuses what does not name a resource of a kind, wherever it is.
func checkARN(arn, kind string) error {
	if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":"+serviceName+":") || tail(arn, kind) == "" {
		return fault.NotAnARN(arn, kindNames[kind])
	}
	return nil
}

// dnsName is the name of a load balancer below a domain.
// Source: Elastic Load Balancing User Guide, "Internet-facing and internal load balancers".
func (a *API) dnsName(name string, scheme types.LoadBalancerSchemeEnum) string {
	if scheme == types.LoadBalancerSchemeEnumInternal {
		name = "internal-" + name
	}
	return strings.ToLower(fmt.Sprintf("%s-%d.%s.elb.%s", name, 1e9+rand.Int64N(9e8), a.cell.Region, a.cfg.Domain))
}
