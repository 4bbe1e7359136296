package ec2

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/cell"
	"flyball/internal/optional"
	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
)

// A zone is an availability zone of the region.
type zone struct{ Name, ID string }

// zones are the region's. AWS numbers them differently in each account; here they have
// the order of their names.
func (a *API) zones() []zone {
	names := a.cell.Zones()
	all := make([]zone, len(names))
	for i, name := range names {
		all[i] = zone{name, rules.ZoneID(a.cell.Region, i+1)}
	}
	return all
}

// zoneID is the id of a zone by its name.
func (a *API) zoneID(name string) string {
	for _, z := range a.zones() {
		if z.Name == name {
			return z.ID
		}
	}
	return ""
}

// DescribeAvailabilityZones lists the region's zones by their names.
func (a *API) DescribeAvailabilityZones(_ context.Context, in *ec2.DescribeAvailabilityZonesInput, _ ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error) {
	if aws.ToBool(in.DryRun) {
		return nil, fault.DryRun()
	}
	passes, err := rules.Tags(a.zoneFields(), nil).Match(in.Filters)
	if err != nil {
		return nil, err
	}
	all := a.zones()
	for _, name := range slices.Concat(in.ZoneNames, in.ZoneIds) {
		if !slices.ContainsFunc(all, func(z zone) bool { return z.Name == name || z.ID == name }) {
			return nil, fault.Invalid("Invalid availability zone: [%s]", name)
		}
	}
	named := func(z zone) bool {
		return (len(in.ZoneNames) == 0 || slices.Contains(in.ZoneNames, z.Name)) && (len(in.ZoneIds) == 0 || slices.Contains(in.ZoneIds, z.ID))
	}
	all = slices.DeleteFunc(all, func(z zone) bool { return !named(z) || !passes(z) })
	return &ec2.DescribeAvailabilityZonesOutput{AvailabilityZones: shown(all, a.describeZone)}, nil
}

func (a *API) zoneFields() rules.Fields[zone] {
	fixed := func(value string) func(zone) []string { return func(zone) []string { return []string{value} } }
	return rules.Fields[zone]{
		"group-long-name":      fixed(a.cell.Region + " 1"),
		"group-name":           fixed(a.zoneGroup()),
		"message":              fixed(""),
		"opt-in-status":        fixed("opt-in-not-required"),
		"parent-zone-id":       fixed(""),
		"parent-zone-name":     fixed(""),
		"region-name":          fixed(a.cell.Region),
		"state":                fixed("available"),
		"zone-id":              func(z zone) []string { return []string{z.ID} },
		"zone-name":            func(z zone) []string { return []string{z.Name} },
		"zone-type":            fixed("availability-zone"),
		"network-border-group": fixed(a.cell.Region),
	}
}

// zoneGroup is the group that the zones of a region are in.
func (a *API) zoneGroup() string { return a.cell.Region + "-zg-1" }

func (a *API) describeZone(z zone) types.AvailabilityZone {
	return types.AvailabilityZone{
		ZoneName: &z.Name, ZoneId: &z.ID, RegionName: &a.cell.Region, State: types.AvailabilityZoneStateAvailable,
		OptInStatus: types.AvailabilityZoneOptInStatusOptInNotRequired, ZoneType: aws.String("availability-zone"),
		GroupName: aws.String(a.zoneGroup()), NetworkBorderGroup: &a.cell.Region, Messages: []types.AvailabilityZoneMessage{},
	}
}

// DescribeRegions lists the partition's regions by their names. Without AllRegions it
// leaves out those that an account has to opt in to, but for the one that is asked.
func (a *API) DescribeRegions(_ context.Context, in *ec2.DescribeRegionsInput, _ ...func(*ec2.Options)) (*ec2.DescribeRegionsOutput, error) {
	if aws.ToBool(in.DryRun) {
		return nil, fault.DryRun()
	}
	all := rules.Regions(a.cell.Partition(), a.cell.Region)
	for _, name := range in.RegionNames {
		if !slices.ContainsFunc(all, func(r rules.Region) bool { return r.Name == name }) {
			return nil, fault.Invalid("Invalid region provided: %s", name)
		}
	}
	passes, err := rules.Tags(rules.Fields[rules.Region]{
		"endpoint":      func(r rules.Region) []string { return []string{r.Endpoint()} },
		"opt-in-status": func(r rules.Region) []string { return []string{r.OptInStatus()} },
		"region-name":   func(r rules.Region) []string { return []string{r.Name} },
	}, nil).Match(in.Filters)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r rules.Region) bool {
		hidden := r.OptIn && r.Name != a.cell.Region && !aws.ToBool(in.AllRegions)
		return hidden || !passes(r) || len(in.RegionNames) > 0 && !slices.Contains(in.RegionNames, r.Name)
	})
	return &ec2.DescribeRegionsOutput{Regions: shown(all, func(r rules.Region) types.Region {
		return types.Region{RegionName: &r.Name, Endpoint: optional.String(r.Endpoint()), OptInStatus: optional.String(r.OptInStatus())}
	})}, nil
}

// accountAttributes are quotas as they are for a new account.
var accountAttributes = []struct {
	name  string
	value int
}{
	{"max-elastic-ips", 5}, {"max-instances", 20}, {"vpc-max-elastic-ips", 5}, {"vpc-max-security-groups-per-interface", 5},
}

// DescribeAccountAttributes tells what an account may have, and its default VPC.
func (a *API) DescribeAccountAttributes(ctx context.Context, in *ec2.DescribeAccountAttributesInput, _ ...func(*ec2.Options)) (*ec2.DescribeAccountAttributesOutput, error) {
	preferred := "none"
	err := a.read(ctx, in.DryRun, func() error {
		if v, ok := a.defaultVPC(); ok {
			preferred = v.ID
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	values := map[string]string{"default-vpc": preferred, "supported-platforms": "VPC"}
	names := []string{"default-vpc", "supported-platforms"}
	for _, q := range accountAttributes {
		names, values[q.name] = append(names, q.name), strconv.Itoa(q.value)
	}
	slices.Sort(names)
	out := &ec2.DescribeAccountAttributesOutput{AccountAttributes: []types.AccountAttribute{}}
	for _, name := range names {
		if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, types.AccountAttributeName(name)) {
			out.AccountAttributes = append(out.AccountAttributes, types.AccountAttribute{
				AttributeName: &name, AttributeValues: []types.AccountAttributeValue{{AttributeValue: aws.String(values[name])}},
			})
		}
	}
	return out, nil
}

// dhcpOptions is the id of the set of DHCP options that every VPC has.
func (a *API) dhcpOptions() string { return a.fixed("dopt-", "") }

// DescribeDhcpOptions lists the one set of DHCP options that there is.
func (a *API) DescribeDhcpOptions(_ context.Context, in *ec2.DescribeDhcpOptionsInput, _ ...func(*ec2.Options)) (*ec2.DescribeDhcpOptionsOutput, error) {
	if aws.ToBool(in.DryRun) {
		return nil, fault.DryRun()
	}
	id := a.dhcpOptions()
	for _, asked := range in.DhcpOptionsIds {
		if asked != id {
			return nil, fault.New("InvalidDhcpOptionID.NotFound", "The dhcpOption ID '%s' does not exist", asked)
		}
	}
	domain := cell.Domain(a.cell.Region)
	option := func(key, value string) types.DhcpConfiguration {
		return types.DhcpConfiguration{Key: &key, Values: []types.AttributeValue{{Value: &value}}}
	}
	passes, err := rules.Tags(rules.Fields[string]{
		"dhcp-options-id": func(id string) []string { return []string{id} },
		"key":             func(string) []string { return []string{"domain-name", "domain-name-servers"} },
		"owner-id":        func(string) []string { return []string{a.cell.Account} },
		"value":           func(string) []string { return []string{domain, "AmazonProvidedDNS"} },
	}, func(string) map[string]string { return nil }).Match(in.Filters)
	if err != nil {
		return nil, err
	}
	out := &ec2.DescribeDhcpOptionsOutput{DhcpOptions: []types.DhcpOptions{}}
	if passes(id) {
		out.DhcpOptions = append(out.DhcpOptions, types.DhcpOptions{
			DhcpOptionsId: &id, OwnerId: &a.cell.Account,
			DhcpConfigurations: []types.DhcpConfiguration{option("domain-name", domain), option("domain-name-servers", "AmazonProvidedDNS")},
		})
	}
	return out, nil
}
