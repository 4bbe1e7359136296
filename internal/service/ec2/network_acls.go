package ec2

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/optional"
	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
	"flyball/internal/state"
)

// A networkACL is the row of one. The entries that deny what no other one allows are
// not among its entries: nobody can change them.
type networkACL struct {
	resource
	VPC          string
	Default      bool
	Entries      []aclEntry
	Associations []aclAssociation
}

// An aclEntry allows or denies some traffic.
type aclEntry struct {
	Number   int32
	Egress   bool
	Action   types.RuleAction
	Protocol string // a number
	CIDR     string
	Ports    *types.PortRange    `json:",omitempty"`
	ICMP     *types.IcmpTypeCode `json:",omitempty"`
}

// An aclAssociation says that an ACL is that of a subnet. Each subnet has one.
type aclAssociation struct{ ID, Subnet string }

// lastEntry is the number of the entries that deny everything else.
const lastEntry = 32767

// entries are all entries, in the order in which they are asked.
func (n networkACL) entries() []aclEntry {
	all := slices.Clone(n.Entries)
	for _, egress := range []bool{true, false} {
		all = append(all, aclEntry{Number: lastEntry, Egress: egress, Action: types.RuleActionDeny, Protocol: "-1", CIDR: anywhere})
	}
	slices.SortStableFunc(all, func(x, y aclEntry) int {
		return cmp.Or(cmp.Compare(flag(y.Egress)[0], flag(x.Egress)[0]), cmp.Compare(x.Number, y.Number))
	})
	return all
}

func (n networkACL) entry(number int32, egress bool) int {
	return slices.IndexFunc(n.Entries, func(e aclEntry) bool { return e.Number == number && e.Egress == egress })
}

func (e aclEntry) describe() types.NetworkAclEntry {
	d := types.NetworkAclEntry{RuleNumber: &e.Number, Egress: &e.Egress, RuleAction: e.Action, Protocol: &e.Protocol, PortRange: e.Ports, IcmpTypeCode: e.ICMP}
	d.CidrBlock, d.Ipv6CidrBlock, _ = destinations(e.CIDR)
	return d
}

func (a *API) describeACL(n networkACL) types.NetworkAcl {
	return types.NetworkAcl{
		NetworkAclId: &n.ID, VpcId: &n.VPC, OwnerId: &a.cell.Account, IsDefault: &n.Default, Tags: n.tagList(),
		Entries: shown(n.entries(), aclEntry.describe),
		Associations: shown(n.Associations, func(as aclAssociation) types.NetworkAclAssociation {
			return types.NetworkAclAssociation{NetworkAclAssociationId: &as.ID, NetworkAclId: &n.ID, SubnetId: &as.Subnet}
		}),
	}
}

// aclOf finds the ACL of a subnet, and where in its associations the subnet is, or -1.
func (a *API) aclOf(subnet string) (networkACL, int) {
	at := func(n networkACL) int {
		return slices.IndexFunc(n.Associations, func(as aclAssociation) bool { return as.Subnet == subnet })
	}
	n, ok := a.acls.one(func(n networkACL) bool { return at(n) >= 0 })
	if !ok {
		return n, -1
	}
	return n, at(n)
}

// CreateNetworkAcl makes a network ACL that lets nothing pass.
func (a *API) CreateNetworkAcl(ctx context.Context, in *ec2.CreateNetworkAclInput, _ ...func(*ec2.Options)) (*ec2.CreateNetworkAclOutput, error) {
	tags, err := rules.TagsOf(in.TagSpecifications, types.ResourceTypeNetworkAcl)
	if err != nil {
		return nil, err
	}
	n := networkACL{resource: resource{ID: a.acls.newID(), Tags: tags}, VPC: aws.ToString(in.VpcId)}
	err = a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		if _, err := a.vpcs.find(in.VpcId); err != nil {
			return err
		}
		a.acls.put(tx, n)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := a.describeACL(n)
	return &ec2.CreateNetworkAclOutput{NetworkAcl: &d, ClientToken: in.ClientToken}, nil
}

// DescribeNetworkAcls lists network ACLs by their ids.
func (a *API) DescribeNetworkAcls(ctx context.Context, in *ec2.DescribeNetworkAclsInput, _ ...func(*ec2.Options)) (*ec2.DescribeNetworkAclsOutput, error) {
	q := question{in.NetworkAclIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun}
	found, next, err := describe(ctx, a, &a.acls, q, a.aclFields())
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeNetworkAclsOutput{NetworkAcls: shown(found, a.describeACL), NextToken: next}, nil
}

func (a *API) aclFields() rules.Fields[networkACL] {
	association := func(value func(aclAssociation) string) func(networkACL) []string {
		return func(n networkACL) []string { return shown(n.Associations, value) }
	}
	entry := func(value func(types.NetworkAclEntry) *string) func(networkACL) []string {
		return func(n networkACL) (values []string) {
			for _, e := range n.entries() {
				if v := value(e.describe()); v != nil {
					values = append(values, *v)
				}
			}
			return values
		}
	}
	number := func(value func(types.NetworkAclEntry) *int32) func(networkACL) []string {
		return entry(func(e types.NetworkAclEntry) *string {
			if n := value(e); n != nil {
				return aws.String(strconv.Itoa(int(*n)))
			}
			return nil
		})
	}
	ports := func(e types.NetworkAclEntry) types.PortRange { return optional.Or(e.PortRange, types.PortRange{}) }
	icmp := func(e types.NetworkAclEntry) types.IcmpTypeCode {
		return optional.Or(e.IcmpTypeCode, types.IcmpTypeCode{})
	}
	id := func(n networkACL) []string { return []string{n.ID} }
	return rules.Fields[networkACL]{
		"association.association-id": association(func(as aclAssociation) string { return as.ID }),
		"association.network-acl-id": func(n networkACL) []string { return slices.Repeat(id(n), len(n.Associations)) },
		"association.subnet-id":      association(func(as aclAssociation) string { return as.Subnet }),
		"default":                    func(n networkACL) []string { return flag(n.Default) },
		"entry.cidr":                 entry(func(e types.NetworkAclEntry) *string { return e.CidrBlock }),
		"entry.egress":               entry(func(e types.NetworkAclEntry) *string { return &flag(*e.Egress)[0] }),
		"entry.icmp.code":            number(func(e types.NetworkAclEntry) *int32 { return icmp(e).Code }),
		"entry.icmp.type":            number(func(e types.NetworkAclEntry) *int32 { return icmp(e).Type }),
		"entry.port-range.from":      number(func(e types.NetworkAclEntry) *int32 { return ports(e).From }),
		"entry.port-range.to":        number(func(e types.NetworkAclEntry) *int32 { return ports(e).To }),
		"entry.ipv6-cidr":            entry(func(e types.NetworkAclEntry) *string { return e.Ipv6CidrBlock }),
		"entry.protocol":             entry(func(e types.NetworkAclEntry) *string { return e.Protocol }),
		"entry.rule-action":          entry(func(e types.NetworkAclEntry) *string { return optional.String(e.RuleAction) }),
		"entry.rule-number":          number(func(e types.NetworkAclEntry) *int32 { return e.RuleNumber }),
		"network-acl-id":             id,
		"owner-id":                   func(networkACL) []string { return []string{a.cell.Account} },
		"vpc-id":                     func(n networkACL) []string { return []string{n.VPC} },
	}
}

// DeleteNetworkAcl deletes an ACL that is that of no subnet, and not the default one.
func (a *API) DeleteNetworkAcl(ctx context.Context, in *ec2.DeleteNetworkAclInput, _ ...func(*ec2.Options)) (*ec2.DeleteNetworkAclOutput, error) {
	return &ec2.DeleteNetworkAclOutput{}, a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		n, err := a.acls.find(in.NetworkAclId)
		if err != nil {
			return err
		}
		if n.Default {
			return fault.Invalid("cannot delete default network ACL %s", n.ID)
		}
		if len(n.Associations) > 0 {
			return fault.Dependency("The networkAcl '%s' has dependencies and cannot be deleted.", n.ID)
		}
		a.acls.remove(tx, n)
		return nil
	})
}

// newEntry is the entry that a call describes.
func newEntry(number *int32, egress *bool, action types.RuleAction, protocol, four, six *string, ports *types.PortRange, icmp *types.IcmpTypeCode) (e aclEntry, err error) {
	e = aclEntry{Number: aws.ToInt32(number), Egress: aws.ToBool(egress), Action: action, Ports: ports, ICMP: icmp}
	if e.Number < 1 || e.Number >= lastEntry {
		return e, fault.InvalidValue(strconv.Itoa(int(e.Number)), "ruleNumber", "It must be 1 to 32766.")
	}
	if four == nil && six == nil {
		return e, fault.Missing("cidrBlock")
	}
	if e.CIDR, err = destination(four, six, nil); err != nil {
		return e, err
	}
	if e.Protocol, err = rules.ProtocolNumber(aws.ToString(protocol)); err != nil {
		return e, err
	}
	if (e.Protocol == "6" || e.Protocol == "17") && (ports == nil || ports.From == nil || ports.To == nil) {
		return e, fault.Missing("portRange")
	}
	return e, nil
}

// CreateNetworkAclEntry adds an entry whose number is free.
func (a *API) CreateNetworkAclEntry(ctx context.Context, in *ec2.CreateNetworkAclEntryInput, _ ...func(*ec2.Options)) (*ec2.CreateNetworkAclEntryOutput, error) {
	e, err := newEntry(in.RuleNumber, in.Egress, in.RuleAction, in.Protocol, in.CidrBlock, in.Ipv6CidrBlock, in.PortRange, in.IcmpTypeCode)
	if err != nil {
		return nil, err
	}
	return &ec2.CreateNetworkAclEntryOutput{}, a.changeACL(ctx, in.DryRun, in.NetworkAclId, func(n *networkACL) error {
		if n.entry(e.Number, e.Egress) >= 0 {
			return fault.New("NetworkAclEntryAlreadyExists", "The network acl entry identified by %d already exists.", e.Number)
		}
		n.Entries = append(n.Entries, e)
		return nil
	})
}

// ReplaceNetworkAclEntry replaces the entry with a number.
func (a *API) ReplaceNetworkAclEntry(ctx context.Context, in *ec2.ReplaceNetworkAclEntryInput, _ ...func(*ec2.Options)) (*ec2.ReplaceNetworkAclEntryOutput, error) {
	e, err := newEntry(in.RuleNumber, in.Egress, in.RuleAction, in.Protocol, in.CidrBlock, in.Ipv6CidrBlock, in.PortRange, in.IcmpTypeCode)
	if err != nil {
		return nil, err
	}
	return &ec2.ReplaceNetworkAclEntryOutput{}, a.changeACL(ctx, in.DryRun, in.NetworkAclId, func(n *networkACL) error {
		at := n.entry(e.Number, e.Egress)
		if at < 0 {
			return noEntry(e.Number, n.ID)
		}
		n.Entries[at] = e
		return nil
	})
}

// DeleteNetworkAclEntry deletes the entry with a number.
func (a *API) DeleteNetworkAclEntry(ctx context.Context, in *ec2.DeleteNetworkAclEntryInput, _ ...func(*ec2.Options)) (*ec2.DeleteNetworkAclEntryOutput, error) {
	return &ec2.DeleteNetworkAclEntryOutput{}, a.changeACL(ctx, in.DryRun, in.NetworkAclId, func(n *networkACL) error {
		at := n.entry(aws.ToInt32(in.RuleNumber), aws.ToBool(in.Egress))
		if at < 0 {
			return noEntry(aws.ToInt32(in.RuleNumber), n.ID)
		}
		n.Entries = slices.Delete(n.Entries, at, at+1)
		return nil
	})
}

func noEntry(number int32, acl string) error {
	return fault.New("InvalidNetworkAclEntry.NotFound", "The specified network acl entry %d does not exist in network acl %s", number, acl)
}

// changeACL changes an ACL, whose entries are the function's own.
func (a *API) changeACL(ctx context.Context, dryRun *bool, id *string, change func(*networkACL) error) error {
	return a.write(ctx, dryRun, func(_ context.Context, tx *state.Tx) error {
		n, err := a.acls.find(id)
		if err != nil {
			return err
		}
		n.Entries = slices.Clone(n.Entries)
		if err := change(&n); err != nil {
			return err
		}
		a.acls.put(tx, n)
		return nil
	})
}

// ReplaceNetworkAclAssociation gives a subnet another ACL.
func (a *API) ReplaceNetworkAclAssociation(ctx context.Context, in *ec2.ReplaceNetworkAclAssociationInput, _ ...func(*ec2.Options)) (*ec2.ReplaceNetworkAclAssociationOutput, error) {
	added := aclAssociation{ID: random("aclassoc-", "")}
	is := func(as aclAssociation) bool { return as.ID == aws.ToString(in.AssociationId) }
	err := a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		from, ok := a.acls.one(func(n networkACL) bool { return slices.ContainsFunc(n.Associations, is) })
		if !ok {
			return fault.New("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", aws.ToString(in.AssociationId))
		}
		at := slices.IndexFunc(from.Associations, is)
		added.Subnet = from.Associations[at].Subnet
		from.Associations = slices.Delete(slices.Clone(from.Associations), at, at+1)
		a.acls.put(tx, from)
		to, err := a.acls.find(in.NetworkAclId)
		if err != nil {
			return err
		}
		if to.VPC != from.VPC {
			return fault.Invalid("Network ACL %s and network ACL %s belong to different networks", from.ID, to.ID)
		}
		to.Associations = append(slices.Clone(to.Associations), added)
		a.acls.put(tx, to)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2.ReplaceNetworkAclAssociationOutput{NewAssociationId: &added.ID}, nil
}
