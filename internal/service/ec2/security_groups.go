package ec2

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
	"flyball/internal/state"
)

// defaultGroup is the name of the security group that each VPC comes with.
const defaultGroup = "default"

// A group is the row of a security group. Its rules are rows of their own.
type group struct {
	resource
	Name, Description, VPC string
}

// rulesOf are the rules of a group, in an order that does not change.
func (a *API) rulesOf(id string) []groupRule {
	all := a.rules.some(func(r groupRule) bool { return r.GroupID == id })
	slices.SortStableFunc(all, groupRule.compare)
	return all
}

// A ruledGroup is a group with its rules.
type ruledGroup struct {
	group
	in, out []rules.Rule
}

func (a *API) withRules(g group) ruledGroup {
	r := ruledGroup{group: g}
	for _, rule := range a.rulesOf(g.ID) {
		if rule.Egress {
			r.out = append(r.out, rule.Rule)
		} else {
			r.in = append(r.in, rule.Rule)
		}
	}
	return r
}

func (a *API) describeGroup(g ruledGroup) types.SecurityGroup {
	return types.SecurityGroup{
		GroupId: &g.ID, GroupName: &g.Name, Description: &g.Description, VpcId: &g.VPC, OwnerId: &a.cell.Account,
		SecurityGroupArn: a.arn(types.ResourceTypeSecurityGroup, g.ID), Tags: g.tagList(),
		IpPermissions: rules.Permissions(g.in, a.cell.Account), IpPermissionsEgress: rules.Permissions(g.out, a.cell.Account),
	}
}

// CreateSecurityGroup makes a security group, which lets everything out and nothing in.
func (a *API) CreateSecurityGroup(ctx context.Context, in *ec2.CreateSecurityGroupInput, _ ...func(*ec2.Options)) (*ec2.CreateSecurityGroupOutput, error) {
	g := group{resource: resource{ID: a.groups.newID()}, Name: strings.TrimSpace(aws.ToString(in.GroupName)), Description: aws.ToString(in.Description)}
	if g.Name == "" {
		return nil, fault.Missing("groupName")
	}
	if err := rules.CheckGroupName(g.Name); err != nil {
		return nil, err
	}
	if g.Description == "" {
		return nil, fault.Missing("groupDescription")
	}
	if err := rules.CheckDescription(g.Description); err != nil {
		return nil, err
	}
	var err error
	if g.Tags, err = rules.TagsOf(in.TagSpecifications, types.ResourceTypeSecurityGroup); err != nil {
		return nil, err
	}
	err = a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		v, err := a.vpcOr(in.VpcId)
		if err != nil {
			return err
		}
		if _, taken := a.groups.one(func(other group) bool { return other.VPC == v.ID && other.Name == g.Name }); taken {
			return fault.New("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", g.Name, v.ID)
		}
		g.VPC = v.ID
		a.groups.put(tx, g)
		a.rules.put(tx, groupRule{resource: resource{ID: a.rules.newID()}, GroupID: g.ID, Egress: true, Rule: anyTo})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2.CreateSecurityGroupOutput{
		GroupId: &g.ID, SecurityGroupArn: a.arn(types.ResourceTypeSecurityGroup, g.ID), Tags: g.tagList(),
	}, nil
}

// groupOf is the group that a call names by its id, or by its name in the default VPC.
func (a *API) groupOf(id, name *string) (g group, err error) {
	switch {
	case aws.ToString(id) != "":
		if err := checkGroupID(*id); err != nil {
			return g, err
		}
		return a.groups.find(id)
	case aws.ToString(name) == "":
		return g, fault.Missing("groupName or groupId")
	}
	v, ok := a.defaultVPC()
	g, found := a.groups.one(func(g group) bool { return g.VPC == v.ID && g.Name == *name })
	if !ok || !found {
		return g, fault.New("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", *name, v.ID)
	}
	return g, nil
}

// checkGroupID checks the form of a group's id, of which EC2 has an error of its own.
func checkGroupID(id string) error {
	if digits, ours := strings.CutPrefix(id, "sg-"); !ours || strings.Trim(digits, "0123456789abcdef") != "" {
		return fault.New("InvalidGroupId.Malformed", `Invalid id: "%s" (expecting "sg-...")`, id)
	}
	return nil
}

// DescribeSecurityGroups lists security groups by their ids.
func (a *API) DescribeSecurityGroups(ctx context.Context, in *ec2.DescribeSecurityGroupsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error) {
	q := question{in.GroupIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun}
	for _, id := range in.GroupIds {
		if err := checkGroupID(id); err != nil {
			return nil, err
		}
	}
	for _, name := range in.GroupNames {
		var g group
		err := a.read(ctx, nil, func() (err error) { g, err = a.groupOf(nil, &name); return err })
		if err != nil {
			return nil, err
		}
		q.ids = append(slices.Clone(q.ids), g.ID)
	}
	found, next, err := describe(ctx, a, &a.groups, q, a.groupFields())
	if err != nil {
		return nil, err
	}
	var all []ruledGroup
	a.cell.State.View(ctx, func() { all = shown(found, a.withRules) })
	return &ec2.DescribeSecurityGroupsOutput{SecurityGroups: shown(all, a.describeGroup), NextToken: next}, nil
}

func (a *API) groupFields() rules.Fields[group] {
	fields := rules.Fields[group]{
		"description": func(g group) []string { return []string{g.Description} },
		"group-id":    func(g group) []string { return []string{g.ID} },
		"group-name":  func(g group) []string { return []string{g.Name} },
		"owner-id":    func(group) []string { return []string{a.cell.Account} },
		"vpc-id":      func(g group) []string { return []string{g.VPC} },
	}
	for prefix, egress := range map[string]bool{"ip-permission.": false, "egress.ip-permission.": true} {
		for name, value := range ruleFields {
			fields[prefix+name] = func(g group) (values []string) {
				for _, r := range a.rulesOf(g.ID) {
					if r.Egress == egress {
						values = append(values, value(r.Rule))
					}
				}
				return values
			}
		}
		fields[prefix+"group-name"] = func(g group) (names []string) {
			for _, r := range a.rulesOf(g.ID) {
				// What goes out is never named, as AWS was seen to find nothing by it.
				if peer, ok := a.groups.rows.Get(r.Group); ok && !r.Egress && !egress {
					names = append(names, peer.Name)
				}
			}
			return names
		}
		fields[prefix+"user-id"] = func(group) []string { return []string{a.cell.Account} }
	}
	return fields
}

// ruleFields are what filters of groups compare of a rule.
var ruleFields = map[string]func(rules.Rule) string{
	"cidr":           func(r rules.Rule) string { return r.IPv4 },
	"from-port":      func(r rules.Rule) string { return strconv.Itoa(int(r.From)) },
	"group-id":       func(r rules.Rule) string { return r.Group },
	"ipv6-cidr":      func(r rules.Rule) string { return r.IPv6 },
	"prefix-list-id": func(r rules.Rule) string { return r.PrefixList },
	"protocol":       func(r rules.Rule) string { return r.Protocol },
	"to-port":        func(r rules.Rule) string { return strconv.Itoa(int(r.To)) },
}

// DeleteSecurityGroup deletes a group that no other names and no interface has.
func (a *API) DeleteSecurityGroup(ctx context.Context, in *ec2.DeleteSecurityGroupInput, _ ...func(*ec2.Options)) (*ec2.DeleteSecurityGroupOutput, error) {
	out := &ec2.DeleteSecurityGroupOutput{Return: aws.Bool(true)}
	return out, a.write(ctx, in.DryRun, func(ctx context.Context, tx *state.Tx) error {
		g, err := a.groupOf(in.GroupId, in.GroupName)
		if err != nil {
			return err
		}
		if g.Name == defaultGroup {
			return fault.New("CannotDelete", `the specified group: "%s" name: "%s" cannot be deleted by a user`, g.ID, g.Name)
		}
		if _, named := a.rules.one(func(r groupRule) bool { return r.Group == g.ID && r.GroupID != g.ID }); named || a.usesGroup(ctx, g.ID) {
			return fault.Dependency("resource %s has a dependent object", g.ID)
		}
		a.removeGroup(tx, g)
		out.GroupId = &g.ID
		return nil
	})
}

// removeGroup removes a group with its rules.
func (a *API) removeGroup(tx *state.Tx, g group) {
	for _, r := range a.rulesOf(g.ID) {
		a.rules.remove(tx, r)
	}
	a.groups.remove(tx, g)
}
