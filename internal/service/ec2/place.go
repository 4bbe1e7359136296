package ec2

import (
	"context"
	"strings"
)

// idDigits is how many hexadecimal digits an id has after its prefix.
const idDigits = 17

// IsID tells whether a text has the form of the ids that EC2 gives to resources here.
// Nothing has any other.
func IsID(text string) bool {
	_, digits, _ := strings.Cut(text, "-")
	return len(digits) == idDigits && strings.Trim(digits, "0123456789abcdef") == ""
}

// SubnetVPC is the VPC and the availability zone of a subnet.
func (a *API) SubnetVPC(ctx context.Context, id string) (vpc, zone string, ok bool) {
	a.cell.State.View(ctx, func() {
		var s subnet
		s, ok = a.subnets.rows.Get(id)
		vpc, zone = s.VPC, s.Zone
	})
	return vpc, zone, ok
}

// GroupVPC is the VPC of a security group.
func (a *API) GroupVPC(ctx context.Context, id string) (vpc string, ok bool) {
	a.cell.State.View(ctx, func() {
		var g group
		g, ok = a.groups.rows.Get(id)
		vpc = g.VPC
	})
	return vpc, ok
}

// DefaultGroup is the security group that a VPC has come with, which each has while it
// is there.
func (a *API) DefaultGroup(ctx context.Context, vpc string) (id string, ok bool) {
	a.cell.State.View(ctx, func() {
		var g group
		g, ok = a.groups.one(func(g group) bool { return g.VPC == vpc && g.Name == defaultGroup })
		id = g.ID
	})
	return id, ok
}
