package elb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// An Interface is the network interface of a load balancer in one of its subnets.
type Interface struct {
	ID             string     // eni-...
	Address        netip.Addr // at which the load balancer listens, the same in all of its subnets
	Public         bool       // it faces the internet
	Subnet         string     // its ID
	SecurityGroups []string   // their IDs
	Description    string     // as AWS describes such an interface
	Created        time.Time
}

// Interfaces are the network interfaces of all load balancers.
func (a *API) Interfaces(ctx context.Context) (all []Interface) {
	a.cell.State.View(ctx, func() {
		for _, b := range a.balancers.Rows("") {
			for _, subnet := range b.subnets() {
				all = append(all, Interface{
					ID: interfaceID(*b.LoadBalancerArn, subnet), Address: b.Address, Public: b.Scheme == types.LoadBalancerSchemeEnumInternetFacing, Subnet: subnet, SecurityGroups: b.SecurityGroups,
					Description: "ELB app/" + tail(*b.LoadBalancerArn, kindOfBalancer), Created: aws.ToTime(b.CreatedTime),
				})
			}
		}
	})
	return all
}

// interfaceID is always the same for a load balancer in a subnet.
func interfaceID(balancer, subnet string) string {
	sum := sha256.Sum256([]byte(balancer + " " + subnet))
	return "eni-" + hex.EncodeToString(sum[:])[:17]
}
