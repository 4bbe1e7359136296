// Package rules is what is pure about Amazon EC2: address blocks, filters, the
// permissions of security groups, and the names of zones.
package rules

import (
	"net/netip"

	"flyball/internal/service/ec2/fault"
)

// Sizes of the IPv4 blocks of VPCs and subnets. Source: Amazon VPC User Guide, "VPC
// CIDR blocks".
const (
	largestBlock  = 16
	smallestBlock = 28
)

// VPCBlock reads the IPv4 block of a VPC, as EC2 keeps it: 10.0.1.5/16 is 10.0.0.0/16.
func VPCBlock(text string) (netip.Prefix, error) { return block(text, "vpc", "InvalidVpc.Range") }

// SubnetBlock reads the IPv4 block of a subnet of a VPC with some blocks.
func SubnetBlock(text string, within []string) (netip.Prefix, error) {
	p, err := block(text, "subnet", "InvalidSubnet.Range")
	if err != nil {
		return p, err
	}
	for _, w := range within {
		if outer, err := netip.ParsePrefix(w); err == nil && outer.Bits() <= p.Bits() && outer.Contains(p.Addr()) {
			return p, nil
		}
	}
	return p, fault.New("InvalidSubnet.Range", "The CIDR '%s' is invalid.", text)
}

func block(text, of, code string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() {
		return p, fault.InvalidValue(text, "cidrBlock", "This is not a valid CIDR block.")
	}
	if p.Bits() < largestBlock || p.Bits() > smallestBlock {
		return p, fault.New(code, "The CIDR '%s' is invalid.", text)
	}
	return p.Masked(), nil
}

// Overlaps reports whether two blocks have an address in common.
func Overlaps(a, b string) bool {
	p, errA := netip.ParsePrefix(a)
	q, errB := netip.ParsePrefix(b)
	return errA == nil && errB == nil && p.Overlaps(q)
}

// reserved are the addresses of each subnet that nobody can have: the first four and
// the last. Source: Amazon VPC User Guide, "Subnet CIDR reservations".
const reserved = 5

// Addresses is how many addresses of a subnet's block interfaces can have.
func Addresses(block string) int {
	p, err := netip.ParsePrefix(block)
	if err != nil {
		return 0
	}
	return 1<<(32-p.Bits()) - reserved
}

// Destination reads the block that a route or a rule is about, of IPv4 or IPv6, as EC2
// keeps it.
func Destination(text string) (string, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return "", false
	}
	return p.Masked().String(), true
}
