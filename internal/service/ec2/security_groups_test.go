package ec2_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// rulesOf are the rules of a group as texts, with their ids.
func (w *world) rulesOf(group string, egress bool) map[string]string {
	w.t.Helper()
	out := must(w.DescribeSecurityGroupRules(w.t.Context(), &sdk.DescribeSecurityGroupRulesInput{Filters: []types.Filter{by("group-id", group)}}))(w.t)
	found := map[string]string{}
	for _, r := range out.SecurityGroupRules {
		if *r.IsEgress == egress {
			text := *r.IpProtocol + " " + aws.ToString(r.CidrIpv4) + aws.ToString(r.CidrIpv6) + aws.ToString(r.PrefixListId)
			if r.ReferencedGroupInfo != nil {
				text += *r.ReferencedGroupInfo.GroupId
			}
			found[text+" "+aws.ToString(r.Description)] = *r.SecurityGroupRuleId
		}
	}
	return found
}

func TestANewGroupLetsEverythingOutAndNothingIn(t *testing.T) {
	w := newWorld(t)
	g := w.group(w.vpcIDs()[0], "web")
	if in, out := w.rulesOf(g, false), w.rulesOf(g, true); len(in) != 0 || len(out) != 1 || out["-1 0.0.0.0/0 "] == "" {
		t.Errorf("in %v, out %v", in, out)
	}
}

func TestRulesCanBeChangedInPlace(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	g := w.group(w.vpcIDs()[0], "web")
	added := must(w.AuthorizeSecurityGroupIngress(ctx, &sdk.AuthorizeSecurityGroupIngressInput{
		GroupId: &g, IpPermissions: []types.IpPermission{port(80, "10.0.0.0/8"), port(81, "10.0.0.0/8")},
	}))(t).SecurityGroupRules
	change := func(block string) error {
		return failed(w.ModifySecurityGroupRules(ctx, &sdk.ModifySecurityGroupRulesInput{GroupId: &g, SecurityGroupRules: []types.SecurityGroupRuleUpdate{{
			SecurityGroupRuleId: added[0].SecurityGroupRuleId,
			SecurityGroupRule:   &types.SecurityGroupRuleRequest{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(81), ToPort: aws.Int32(81), CidrIpv4: &block, Description: aws.String("new")},
		}}}))
	}
	if err := change("10.0.0.0/8"); code(err) != "InvalidPermission.Duplicate" {
		t.Errorf("to what another one is: %v", err)
	}
	if err := change("10.1.0.0/16"); err != nil {
		t.Error(err)
	}
	_, err := w.ModifySecurityGroupRules(ctx, &sdk.ModifySecurityGroupRulesInput{GroupId: &g, SecurityGroupRules: []types.SecurityGroupRuleUpdate{{
		SecurityGroupRuleId: added[0].SecurityGroupRuleId,
		SecurityGroupRule:   &types.SecurityGroupRuleRequest{IpProtocol: aws.String("udp"), FromPort: aws.Int32(1), ToPort: aws.Int32(1)},
	}}})
	if code(err) != "MissingParameter" || !strings.Contains(err.Error(), "exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId") {
		t.Errorf("to one without a peer: %v", err)
	}
	must(w.UpdateSecurityGroupRuleDescriptionsIngress(ctx, &sdk.UpdateSecurityGroupRuleDescriptionsIngressInput{
		GroupId: &g, SecurityGroupRuleDescriptions: []types.SecurityGroupRuleDescription{{SecurityGroupRuleId: added[1].SecurityGroupRuleId, Description: aws.String("other")}},
	}))(t)
	got := w.rulesOf(g, false)
	if got["tcp 10.1.0.0/16 new"] != *added[0].SecurityGroupRuleId || got["tcp 10.0.0.0/8 other"] != *added[1].SecurityGroupRuleId {
		t.Errorf("got %v", got)
	}
	again := port(81, "10.0.0.0/8")
	again.IpRanges[0].Description = aws.String("once more")
	must(w.UpdateSecurityGroupRuleDescriptionsIngress(ctx, &sdk.UpdateSecurityGroupRuleDescriptionsIngressInput{GroupId: &g, IpPermissions: []types.IpPermission{again}}))(t)
	if got := w.rulesOf(g, false); got["tcp 10.0.0.0/8 once more"] == "" {
		t.Errorf("got %v", got)
	}
}

func TestRulesAreRevokedByWhatTheySayOrByTheirIDs(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	g := w.group(w.vpcIDs()[0], "web")
	must(w.AuthorizeSecurityGroupIngress(ctx, &sdk.AuthorizeSecurityGroupIngressInput{
		GroupId: &g, IpPermissions: []types.IpPermission{port(80, "10.0.0.0/8"), fromGroup(g)},
	}))(t)
	out := must(w.RevokeSecurityGroupEgress(ctx, &sdk.RevokeSecurityGroupEgressInput{GroupId: &g, SecurityGroupRuleIds: []string{w.rulesOf(g, true)["-1 0.0.0.0/0 "]}}))(t)
	if len(out.RevokedSecurityGroupRules) != 1 {
		t.Errorf("revoked are %+v", out.RevokedSecurityGroupRules)
	}
	if err := failed(w.RevokeSecurityGroupIngress(ctx, &sdk.RevokeSecurityGroupIngressInput{
		GroupId: &g, IpPermissions: []types.IpPermission{fromGroup(g), port(9, "10.0.0.0/8")},
	})); code(err) != "InvalidPermission.NotFound" || len(w.rulesOf(g, false)) != 2 {
		t.Errorf("one of two that is not there: %v; left are %v", err, w.rulesOf(g, false))
	}
	must(w.RevokeSecurityGroupIngress(ctx, &sdk.RevokeSecurityGroupIngressInput{GroupId: &g, IpPermissions: []types.IpPermission{fromGroup(g)}}))(t)
	if in, out := w.rulesOf(g, false), w.rulesOf(g, true); len(in) != 1 || len(out) != 0 {
		t.Errorf("left are in %v, out %v", in, out)
	}
}

func TestOneRuleMayBeGivenByItself(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	g := w.group(w.vpcIDs()[0], "web")
	must(w.AuthorizeSecurityGroupIngress(ctx, &sdk.AuthorizeSecurityGroupIngressInput{
		GroupName: aws.String("web"), IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22), CidrIp: aws.String("10.0.0.0/8"),
	}))(t)
	must(w.AuthorizeSecurityGroupIngress(ctx, &sdk.AuthorizeSecurityGroupIngressInput{GroupName: aws.String("web"), SourceSecurityGroupName: aws.String("default")}))(t)
	if got := w.rulesOf(g, false); len(got) != 2 || got["tcp 10.0.0.0/8 "] == "" {
		t.Errorf("got %v", got)
	}
}

func TestGroupsAreFoundByTheirRules(t *testing.T) {
	w, _, _, group := fullRegion(t)
	for name, value := range map[string]string{
		"ip-permission.cidr": "0.0.0.0/0", "ip-permission.from-port": "80", "ip-permission.to-port": "8?", "ip-permission.protocol": "tcp",
		"ip-permission.group-name": "web", "ip-permission.group-id": group, "tag:team": "shop",
	} {
		out := must(w.DescribeSecurityGroups(t.Context(), &sdk.DescribeSecurityGroupsInput{Filters: []types.Filter{by(name, value)}}))(t)
		if !slices.ContainsFunc(out.SecurityGroups, func(g types.SecurityGroup) bool { return *g.GroupId == group }) {
			t.Errorf("%s=%s finds %d others", name, value, len(out.SecurityGroups))
		}
	}
	must(w.AuthorizeSecurityGroupEgress(t.Context(), &sdk.AuthorizeSecurityGroupEgressInput{GroupId: &group, IpPermissions: []types.IpPermission{
		{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(1), ToPort: aws.Int32(1), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &group}}},
	}}))(t)
	out := must(w.DescribeSecurityGroups(t.Context(), &sdk.DescribeSecurityGroupsInput{Filters: []types.Filter{by("egress.ip-permission.group-name", "web")}}))(t)
	if len(out.SecurityGroups) != 0 {
		t.Errorf("%d groups let something out to a group that is given by its name", len(out.SecurityGroups))
	}
}
