// Package cell is one region of one account: what every service is opened with.
// Services of different cells see nothing of each other. Those that AWS has once
// for all regions are in a cell of their account with the pseudo-region Global.
package cell

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/clock"
	"flyball/internal/disk"
	"flyball/internal/event"
	"flyball/internal/state"
)

// A Cell is one region of one account.
type Cell struct {
	Account string // 12 digits
	Region  string // such as eu-west-2, or aws-global
	Clock   *clock.Clock
	State   *state.State  // the cell's own rows
	Disk    *disk.Disk    // of what is kept beside the rows; nil always has room
	Events  *event.Stream // nil takes none
	// Bus is told of each event within the change that it is part of, so that what it writes is
	// on disk with that change. It is set before services are opened; nil is not told.
	Bus func(*state.Tx, event.Event)
	Log *slog.Logger

	mistimed told
}

// Scope begins the keys of the cell's rows among those of all cells.
func (c *Cell) Scope() string { return Scope(c.Account, c.Region) }

// Scope begins the keys of the rows of a region of an account.
func Scope(account, region string) string { return account + "/" + region + "/" }

// Partition is the cell's partition.
func (c *Cell) Partition() string { return Partition(c.Region) }

// global ends the names of pseudo-regions, as in AWS's own lists of endpoints.
const global = "-global"

// Global is the pseudo-region of what a partition has once for all its regions,
// such as aws-global. No call can be signed for it: it has no number.
func Global(partition string) string { return partition + global }

// IsGlobal tells pseudo-regions from regions.
func IsGlobal(region string) bool { return strings.HasSuffix(region, global) }

// Partitions are those that regions are in.
func Partitions() []string { return []string{"aws", "aws-cn", "aws-us-gov"} }

// Partition is the partition that a region or a pseudo-region belongs to.
func Partition(region string) string {
	switch {
	case IsGlobal(region):
		return strings.TrimSuffix(region, global)
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// ARN names a resource of a service in this cell.
func (c *Cell) ARN(service, resource string) string {
	return arn.ARN{Partition: c.Partition(), Service: service, Region: c.Region, AccountID: c.Account, Resource: resource}.String()
}

// GlobalARN names a resource of a service that has no regions, such as an IAM role.
func (c *Cell) GlobalARN(service, resource string) string {
	return arn.ARN{Partition: c.Partition(), Service: service, AccountID: c.Account, Resource: resource}.String()
}

// Parse is the resource that an ARN names, if it is one of a service in this cell.
func (c *Cell) Parse(service, name string) (resource string, ok bool) {
	a, err := arn.Parse(name)
	if err != nil || a.Service != service || a.Partition != c.Partition() || a.Region != c.Region || a.AccountID != c.Account {
		return "", false
	}
	return a.Resource, true
}

// Announce tells the bus what has happened to a resource in the cell, within the change
// that it is part of, and publishes it once that is on disk.
func (c *Cell) Announce(tx *state.Tx, source, kind, resource string, detail any) {
	e := event.Event{
		At: c.Clock.Now(), Account: c.Account, Region: c.Region,
		Source: source, Type: kind, Resource: resource, Detail: detail,
	}
	if c.Bus != nil {
		c.Bus(tx, e)
	}
	tx.Announce(func() { c.Events.Publish(e) })
}

// Zones are the names of the region's availability zones.
func (c *Cell) Zones() []string { return []string{c.Region + "a", c.Region + "b", c.Region + "c"} }

// Hostname is the name that EC2 gives to a private address in the region.
// Source: Amazon VPC User Guide, "DNS attributes for your VPC".
func (c *Cell) Hostname(address string) string {
	return "ip-" + strings.ReplaceAll(address, ".", "-") + "." + Domain(c.Region)
}

// Domain is the domain of the names that EC2 gives to private addresses in a region.
func Domain(region string) string {
	if region == "us-east-1" {
		return "ec2.internal"
	}
	return region + ".compute.internal"
}

// NewID makes an identifier that AWS would make: a prefix and a number of random
// hexadecimal digits, such as eni-0a1b2c3d4e5f60718.
func NewID(prefix string, digits int) string {
	b := make([]byte, (digits+1)/2)
	_, _ = rand.Read(b) // it never fails
	return prefix + hex.EncodeToString(b)[:digits]
}
