package ec2

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/optional"
	"flyball/internal/service/ec2/fault"
	"flyball/internal/service/ec2/rules"
	"flyball/internal/state"
)

// A groupRule is the row of a rule of a security group.
type groupRule struct {
	resource
	GroupID string // whose it is
	Egress  bool
	rules.Rule
}

// anywhere is the block of all addresses.
const anywhere = "0.0.0.0/0"

// anyTo is what a new group allows to go out.
var anyTo = rules.Rule{Protocol: "-1", From: -1, To: -1, IPv4: anywhere}

// anyFrom is what the default group of a VPC allows to come in.
func anyFrom(group string) rules.Rule {
	return rules.Rule{Protocol: "-1", From: -1, To: -1, Group: group}
}

func (r groupRule) compare(other groupRule) int {
	return cmp.Or(
		cmp.Compare(r.Protocol, other.Protocol), cmp.Compare(r.From, other.From), cmp.Compare(r.To, other.To),
		cmp.Compare(r.Peer(), other.Peer()), cmp.Compare(r.ID, other.ID),
	)
}

func (a *API) describeRule(r groupRule) types.SecurityGroupRule {
	d := types.SecurityGroupRule{
		SecurityGroupRuleId: &r.ID, SecurityGroupRuleArn: a.arn(types.ResourceTypeSecurityGroupRule, r.ID),
		GroupId: &r.GroupID, GroupOwnerId: &a.cell.Account, IsEgress: &r.Egress, IpProtocol: &r.Protocol, FromPort: &r.From, ToPort: &r.To,
		CidrIpv4: optional.String(r.IPv4), CidrIpv6: optional.String(r.IPv6), PrefixListId: optional.String(r.PrefixList),
		Description: optional.String(r.Description), Tags: r.tagList(),
	}
	if r.Group != "" {
		d.ReferencedGroupInfo = &types.ReferencedSecurityGroup{GroupId: &r.Group, UserId: &a.cell.Account}
	}
	return d
}

// A ruleCall is what the calls that authorize and revoke have in common.
type ruleCall struct {
	groupID, groupName *string
	egress             bool
	permissions        []types.IpPermission
	// One rule may be given by itself, as it was in the first versions of the API.
	protocol, cidr, source, sourceOwner *string
	from, to                            *int32
	dryRun                              *bool
}

// all are the permissions that the call gives.
func (c ruleCall) all() []types.IpPermission {
	if c.protocol == nil && c.cidr == nil && c.source == nil {
		return c.permissions
	}
	p := types.IpPermission{IpProtocol: c.protocol, FromPort: c.from, ToPort: c.to}
	if c.cidr != nil {
		p.IpRanges = []types.IpRange{{CidrIp: c.cidr}}
	}
	if c.source != nil {
		if c.protocol == nil {
			p.IpProtocol = aws.String("-1")
		}
		p.UserIdGroupPairs = []types.UserIdGroupPair{{GroupName: c.source, UserId: c.sourceOwner}}
	}
	return append([]types.IpPermission{p}, c.permissions...)
}

// given is the group and the rules that a call is about.
func (a *API) given(c ruleCall) (g group, all []rules.Rule, err error) {
	if g, err = a.groupOf(c.groupID, c.groupName); err != nil {
		return g, nil, err
	}
	all, err = rules.Expand(c.all(), func(pair types.UserIdGroupPair) (string, error) {
		peer, err := a.peerGroup(g, pair)
		return peer.ID, err
	})
	return g, all, err
}

// peerGroup is the group that a rule names, which is one of the same VPC.
func (a *API) peerGroup(g group, pair types.UserIdGroupPair) (group, error) {
	if pair.GroupId == nil && pair.GroupName != nil {
		peer, ok := a.groups.one(func(other group) bool { return other.VPC == g.VPC && other.Name == *pair.GroupName })
		if !ok {
			return peer, fault.New("InvalidGroup.NotFound", "The security group '%s' does not exist", *pair.GroupName)
		}
		return peer, nil
	}
	peer, err := a.groupOf(pair.GroupId, nil)
	if err == nil && peer.VPC != g.VPC {
		err = fault.New("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
	}
	return peer, err
}

// authorize adds rules to a group, none of which it has.
func (a *API) authorize(ctx context.Context, c ruleCall, tags []types.TagSpecification) (added []types.SecurityGroupRule, err error) {
	given, err := rules.TagsOf(tags, types.ResourceTypeSecurityGroupRule)
	if err != nil {
		return nil, err
	}
	err = a.write(ctx, c.dryRun, func(_ context.Context, tx *state.Tx) error {
		g, all, err := a.given(c)
		if err != nil {
			return err
		}
		for _, r := range all {
			if r.PrefixList != "" && !a.hasPrefixList(r.PrefixList) {
				return fault.New("InvalidPrefixListID.NotFound", "The prefix list ID '%s' does not exist", r.PrefixList)
			}
			if _, has := a.sameRule(g, c.egress, r); has {
				return fault.New("InvalidPermission.Duplicate", `the specified rule "%s" already exists`, r)
			}
			row := groupRule{resource: resource{ID: a.rules.newID(), Tags: given}, GroupID: g.ID, Egress: c.egress, Rule: r}
			a.rules.put(tx, row)
			added = append(added, a.describeRule(row))
		}
		return nil
	})
	return added, err
}

func (a *API) sameRule(g group, egress bool, r rules.Rule) (groupRule, bool) {
	return a.rules.one(func(have groupRule) bool { return have.GroupID == g.ID && have.Egress == egress && have.Same(r) })
}

// revoke takes rules from a group: those with some ids, or those that are described.
func (a *API) revoke(ctx context.Context, c ruleCall, ids []string) (revoked []types.RevokedSecurityGroupRule, err error) {
	err = a.write(ctx, c.dryRun, func(_ context.Context, tx *state.Tx) error {
		found, err := a.toRevoke(c, ids)
		if err != nil {
			return err
		}
		for _, r := range found {
			a.rules.remove(tx, r)
			revoked = append(revoked, types.RevokedSecurityGroupRule{
				SecurityGroupRuleId: &r.ID, GroupId: &r.GroupID, IsEgress: &r.Egress, IpProtocol: &r.Protocol, FromPort: &r.From, ToPort: &r.To,
				CidrIpv4: optional.String(r.IPv4), CidrIpv6: optional.String(r.IPv6), PrefixListId: optional.String(r.PrefixList),
				ReferencedGroupId: optional.String(r.Group), Description: optional.String(r.Description),
			})
		}
		return nil
	})
	return revoked, err
}

func (a *API) toRevoke(c ruleCall, ids []string) (found []groupRule, err error) {
	if len(ids) > 0 {
		return a.ruleIDs(c, ids)
	}
	g, all, err := a.given(c)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		row, has := a.sameRule(g, c.egress, r)
		if !has {
			return nil, fault.New("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
		}
		found = append(found, row)
	}
	return found, nil
}

// ruleIDs are rules of a group and a direction, by their ids.
func (a *API) ruleIDs(c ruleCall, ids []string) (found []groupRule, err error) {
	g, err := a.groupOf(c.groupID, c.groupName)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r, err := a.rules.find(&id)
		if err != nil {
			return nil, err
		}
		if r.GroupID != g.ID || r.Egress != c.egress {
			return nil, fault.New("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", id)
		}
		found = append(found, r)
	}
	return found, nil
}

// AuthorizeSecurityGroupIngress lets something in.
func (a *API) AuthorizeSecurityGroupIngress(ctx context.Context, in *ec2.AuthorizeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error) {
	added, err := a.authorize(ctx, ruleCall{
		groupID: in.GroupId, groupName: in.GroupName, permissions: in.IpPermissions, dryRun: in.DryRun,
		protocol: in.IpProtocol, cidr: in.CidrIp, source: in.SourceSecurityGroupName, sourceOwner: in.SourceSecurityGroupOwnerId,
		from: in.FromPort, to: in.ToPort,
	}, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	return &ec2.AuthorizeSecurityGroupIngressOutput{Return: aws.Bool(true), SecurityGroupRules: added}, nil
}

// AuthorizeSecurityGroupEgress lets something out.
func (a *API) AuthorizeSecurityGroupEgress(ctx context.Context, in *ec2.AuthorizeSecurityGroupEgressInput, _ ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupEgressOutput, error) {
	added, err := a.authorize(ctx, ruleCall{
		groupID: in.GroupId, egress: true, permissions: in.IpPermissions, dryRun: in.DryRun,
		protocol: in.IpProtocol, cidr: in.CidrIp, source: in.SourceSecurityGroupName, sourceOwner: in.SourceSecurityGroupOwnerId,
		from: in.FromPort, to: in.ToPort,
	}, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	return &ec2.AuthorizeSecurityGroupEgressOutput{Return: aws.Bool(true), SecurityGroupRules: added}, nil
}

// RevokeSecurityGroupIngress lets something in no more.
func (a *API) RevokeSecurityGroupIngress(ctx context.Context, in *ec2.RevokeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupIngressOutput, error) {
	revoked, err := a.revoke(ctx, ruleCall{
		groupID: in.GroupId, groupName: in.GroupName, permissions: in.IpPermissions, dryRun: in.DryRun,
		protocol: in.IpProtocol, cidr: in.CidrIp, source: in.SourceSecurityGroupName, sourceOwner: in.SourceSecurityGroupOwnerId,
		from: in.FromPort, to: in.ToPort,
	}, in.SecurityGroupRuleIds)
	if err != nil {
		return nil, err
	}
	return &ec2.RevokeSecurityGroupIngressOutput{Return: aws.Bool(true), RevokedSecurityGroupRules: revoked}, nil
}

// RevokeSecurityGroupEgress lets something out no more.
func (a *API) RevokeSecurityGroupEgress(ctx context.Context, in *ec2.RevokeSecurityGroupEgressInput, _ ...func(*ec2.Options)) (*ec2.RevokeSecurityGroupEgressOutput, error) {
	revoked, err := a.revoke(ctx, ruleCall{
		groupID: in.GroupId, egress: true, permissions: in.IpPermissions, dryRun: in.DryRun,
		protocol: in.IpProtocol, cidr: in.CidrIp, source: in.SourceSecurityGroupName, sourceOwner: in.SourceSecurityGroupOwnerId,
		from: in.FromPort, to: in.ToPort,
	}, in.SecurityGroupRuleIds)
	if err != nil {
		return nil, err
	}
	return &ec2.RevokeSecurityGroupEgressOutput{Return: aws.Bool(true), RevokedSecurityGroupRules: revoked}, nil
}

// DescribeSecurityGroupRules lists rules by their ids.
func (a *API) DescribeSecurityGroupRules(ctx context.Context, in *ec2.DescribeSecurityGroupRulesInput, _ ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error) {
	q := question{in.SecurityGroupRuleIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun}
	for _, f := range in.Filters {
		if aws.ToString(f.Name) != "group-id" {
			continue
		}
		for _, id := range f.Values {
			if !a.groups.owns(id) {
				return nil, fault.New("InvalidGroupId.Malformed", "The security group ID '%s' is malformed", id)
			}
		}
	}
	found, next, err := describe(ctx, a, &a.rules, q, rules.Fields[groupRule]{
		"group-id":               func(r groupRule) []string { return []string{r.GroupID} },
		"security-group-rule-id": func(r groupRule) []string { return []string{r.ID} },
	})
	if err != nil {
		return nil, err
	}
	return &ec2.DescribeSecurityGroupRulesOutput{SecurityGroupRules: shown(found, a.describeRule), NextToken: next}, nil
}

// ModifySecurityGroupRules replaces what rules of a group allow.
func (a *API) ModifySecurityGroupRules(ctx context.Context, in *ec2.ModifySecurityGroupRulesInput, _ ...func(*ec2.Options)) (*ec2.ModifySecurityGroupRulesOutput, error) {
	out := &ec2.ModifySecurityGroupRulesOutput{Return: aws.Bool(true)}
	return out, a.write(ctx, in.DryRun, func(_ context.Context, tx *state.Tx) error {
		g, err := a.groupOf(in.GroupId, nil)
		if err != nil {
			return err
		}
		for _, u := range in.SecurityGroupRules {
			row, err := a.rules.find(u.SecurityGroupRuleId)
			if err != nil {
				return err
			}
			if row.GroupID != g.ID {
				return fault.New("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", row.ID)
			}
			if row.Rule, err = a.requested(g, u.SecurityGroupRule); err != nil {
				return err
			}
			if other, has := a.sameRule(g, row.Egress, row.Rule); has && other.ID != row.ID {
				return fault.New("InvalidPermission.Duplicate", `the specified rule "%s" already exists`, row.Rule)
			}
			a.rules.put(tx, row)
		}
		return nil
	})
}

// requested is the rule that a request to change one describes, which has one peer.
func (a *API) requested(g group, in *types.SecurityGroupRuleRequest) (rules.Rule, error) {
	switch {
	case in == nil:
		return rules.Rule{}, fault.Missing("securityGroupRule")
	case in.IpProtocol == nil:
		return rules.Rule{}, fault.Invalid("Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.")
	case (*in.IpProtocol == "tcp" || *in.IpProtocol == "udp") && (in.FromPort == nil || in.ToPort == nil): // in other words than a new rule is told
		return rules.Rule{}, fault.Invalid("Invalid value for portRange. Must specify both from and to ports with TCP/UDP.")
	case in.CidrIpv4 == nil && in.CidrIpv6 == nil && in.PrefixListId == nil && in.ReferencedGroupId == nil:
		return rules.Rule{}, fault.New("MissingParameter", "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId")
	}
	p := types.IpPermission{IpProtocol: in.IpProtocol, FromPort: in.FromPort, ToPort: in.ToPort}
	if in.CidrIpv4 != nil {
		p.IpRanges = []types.IpRange{{CidrIp: in.CidrIpv4, Description: in.Description}}
	}
	if in.CidrIpv6 != nil {
		p.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: in.CidrIpv6, Description: in.Description}}
	}
	if in.PrefixListId != nil {
		p.PrefixListIds = []types.PrefixListId{{PrefixListId: in.PrefixListId, Description: in.Description}}
	}
	if in.ReferencedGroupId != nil {
		p.UserIdGroupPairs = []types.UserIdGroupPair{{GroupId: in.ReferencedGroupId, Description: in.Description}}
	}
	all, err := rules.Expand([]types.IpPermission{p}, func(pair types.UserIdGroupPair) (string, error) {
		peer, err := a.peerGroup(g, pair)
		return peer.ID, err
	})
	if err != nil {
		return rules.Rule{}, err
	}
	if len(all) != 1 {
		return rules.Rule{}, fault.Combination("Only one of cidrIp, cidrIpv6, prefixListId, or referencedGroupId can be specified")
	}
	return all[0], nil
}

// UpdateSecurityGroupRuleDescriptionsIngress sets what is said of rules that let
// something in.
func (a *API) UpdateSecurityGroupRuleDescriptionsIngress(ctx context.Context, in *ec2.UpdateSecurityGroupRuleDescriptionsIngressInput, _ ...func(*ec2.Options)) (*ec2.UpdateSecurityGroupRuleDescriptionsIngressOutput, error) {
	c := ruleCall{groupID: in.GroupId, groupName: in.GroupName, permissions: in.IpPermissions, dryRun: in.DryRun}
	if err := a.redescribe(ctx, c, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &ec2.UpdateSecurityGroupRuleDescriptionsIngressOutput{Return: aws.Bool(true)}, nil
}

// UpdateSecurityGroupRuleDescriptionsEgress sets what is said of rules that let
// something out.
func (a *API) UpdateSecurityGroupRuleDescriptionsEgress(ctx context.Context, in *ec2.UpdateSecurityGroupRuleDescriptionsEgressInput, _ ...func(*ec2.Options)) (*ec2.UpdateSecurityGroupRuleDescriptionsEgressOutput, error) {
	c := ruleCall{groupID: in.GroupId, groupName: in.GroupName, egress: true, permissions: in.IpPermissions, dryRun: in.DryRun}
	if err := a.redescribe(ctx, c, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &ec2.UpdateSecurityGroupRuleDescriptionsEgressOutput{Return: aws.Bool(true)}, nil
}

// redescribe sets the descriptions of rules, by their ids or as permissions name them.
func (a *API) redescribe(ctx context.Context, c ruleCall, byID []types.SecurityGroupRuleDescription) error {
	return a.write(ctx, c.dryRun, func(_ context.Context, tx *state.Tx) error {
		if len(byID) > 0 {
			return a.redescribeByID(tx, c, byID)
		}
		g, all, err := a.given(c)
		if err != nil {
			return err
		}
		for _, r := range all {
			row, has := a.sameRule(g, c.egress, r)
			if !has {
				return fault.New("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			row.Description = r.Description
			a.rules.put(tx, row)
		}
		return nil
	})
}

func (a *API) redescribeByID(tx *state.Tx, c ruleCall, byID []types.SecurityGroupRuleDescription) error {
	for _, d := range byID {
		found, err := a.ruleIDs(c, []string{aws.ToString(d.SecurityGroupRuleId)})
		if err != nil {
			return err
		}
		found[0].Description = aws.ToString(d.Description)
		if err := rules.CheckDescription(found[0].Description); err != nil {
			return err
		}
		a.rules.put(tx, found[0])
	}
	return nil
}
