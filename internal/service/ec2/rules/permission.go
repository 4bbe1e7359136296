package rules

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"flyball/internal/service/ec2/fault"
)

// A Rule is what one rule of a security group allows: traffic of a protocol and some
// ports, with one peer.
type Rule struct {
	Protocol    string // tcp, udp, icmp, icmpv6, a number, or -1 for all
	From, To    int32  // ports, or type and code of ICMP; -1 for all
	IPv4, IPv6  string // blocks
	PrefixList  string // its id
	Group       string // its id
	Description string
}

// Same reports whether two rules allow the same, whatever is said of them.
func (r Rule) Same(other Rule) bool {
	r.Description, other.Description = "", ""
	return r == other
}

// Peer is the other side.
func (r Rule) Peer() string { return r.IPv4 + r.IPv6 + r.PrefixList + r.Group }

// String is the rule as EC2's messages have it.
func (r Rule) String() string {
	protocol := strings.ToUpper(r.Protocol)
	if r.Protocol == anyProtocol {
		protocol = "ALL"
	}
	text := "peer: " + r.Peer() + ", " + protocol
	if r.From != -1 || r.To != -1 {
		text += fmt.Sprintf(", from port: %d, to port: %d", r.From, r.To)
	}
	return text + ", ALLOW"
}

const anyProtocol = "-1"

// protocols are the names of those that have one here, by their numbers.
var protocols = map[string]string{"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": anyProtocol}

// Protocol reads the protocol of a rule, as EC2 keeps it.
func Protocol(text string) (string, error) {
	name := strings.ToLower(text)
	if known, ok := protocols[name]; ok {
		return known, nil
	}
	switch name {
	case "tcp", "udp", "icmp", "icmpv6", anyProtocol:
		return name, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n <= 255 {
		return strconv.Itoa(n), nil
	}
	return "", fault.Invalid("Invalid value '%s' for IP protocol. Unknown protocol.", text)
}

// Ports reads the ports of a rule for a protocol, which are all where the protocol has
// none.
func Ports(protocol string, from, to *int32) (int32, int32, error) {
	switch protocol {
	case "tcp", "udp":
		return transportPorts(protocol, from, to)
	case "icmp", "icmpv6":
		kind, code := int32(-1), int32(-1)
		if from != nil {
			kind = *from
		} else if protocol == "icmp" {
			return 0, 0, fault.Invalid("Invalid value 'Must specify both from and to ports with ICMP.' for portRange.")
		}
		if to != nil {
			code = *to
		}
		if kind < -1 || kind > 255 || code < -1 || code > 255 {
			return 0, 0, fault.Invalid("ICMP code (%d), type (%d) is out of range", code, kind)
		}
		return kind, code, nil
	}
	return -1, -1, nil
}

func transportPorts(protocol string, from, to *int32) (int32, int32, error) {
	name := strings.ToUpper(protocol)
	switch {
	case from == nil || to == nil:
		return 0, 0, fault.Invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
	case *from == -1 && *to == -1:
		return 0, 65535, nil
	case *from < 0 || *from > 65535 || *to < 0 || *to > 65535:
		return 0, 0, fault.Invalid("Invalid value '%d-%d' for portRange. Ports of %s are 0 to 65535.", *from, *to, name)
	case *to < *from:
		return 0, 0, fault.Invalid("Invalid %s port range: 'to' port (%d) must not be less than 'from' port (%d)", name, *to, *from)
	}
	return *from, *to, nil
}

// Expand makes a rule of each peer of each permission. Groups that are named without
// an id are found with a function.
func Expand(permissions []types.IpPermission, group func(types.UserIdGroupPair) (string, error)) (all []Rule, err error) {
	for _, p := range permissions {
		if p.IpProtocol == nil {
			return nil, fault.Missing("ipProtocol")
		}
		var r Rule
		if r.Protocol, err = Protocol(*p.IpProtocol); err != nil {
			return nil, err
		}
		if r.From, r.To, err = Ports(r.Protocol, p.FromPort, p.ToPort); err != nil {
			return nil, err
		}
		peers, err := r.peers(p, group)
		if err != nil {
			return nil, err
		}
		if len(peers) == 0 {
			return nil, fault.Missing("cidrIp")
		}
		all = append(all, peers...)
	}
	if len(all) == 0 {
		return nil, fault.Missing("ipPermissions")
	}
	return all, nil
}

// peers are the rule with each peer of a permission.
func (r Rule) peers(p types.IpPermission, group func(types.UserIdGroupPair) (string, error)) (all []Rule, err error) {
	add := func(description *string, set func(*Rule) error) {
		each := r
		each.Description = aws.ToString(description)
		if err == nil {
			err = set(&each)
		}
		if err == nil {
			err = CheckDescription(each.Description)
		}
		all = append(all, each)
	}
	for _, b := range p.IpRanges {
		add(b.Description, func(r *Rule) (err error) { r.IPv4, err = RuleBlock(aws.ToString(b.CidrIp), false); return err })
	}
	for _, b := range p.Ipv6Ranges {
		add(b.Description, func(r *Rule) (err error) { r.IPv6, err = RuleBlock(aws.ToString(b.CidrIpv6), true); return err })
	}
	for _, l := range p.PrefixListIds {
		add(l.Description, func(r *Rule) error { r.PrefixList = aws.ToString(l.PrefixListId); return nil })
	}
	for _, g := range p.UserIdGroupPairs {
		add(g.Description, func(r *Rule) (err error) { r.Group, err = group(g); return err })
	}
	return all, err
}

// RuleBlock reads the block of a rule's peer.
func RuleBlock(text string, six bool) (string, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is6() != six {
		return "", fault.Invalid("CIDR block %s is malformed", text)
	}
	return p.Masked().String(), nil
}

// What the text of a group or a rule may have. Source: Amazon EC2 API Reference,
// CreateSecurityGroup.
const (
	maxText   = 255
	groupText = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-:/()#,@[]+=&;{}!$*"
)

// CheckDescription checks what is said of a group or a rule.
func CheckDescription(text string) error { return checkText(text, "description", groupText) }

// CheckGroupName checks the name of a group that somebody makes.
func CheckGroupName(name string) error {
	switch {
	case strings.EqualFold(name, "default"):
		return fault.Invalid("Cannot use reserved security group name: %s", name)
	case strings.HasPrefix(name, "sg-"):
		return fault.Invalid("invalid value for parameter groupName: group names may not be in the format sg-*")
	}
	return checkText(name, "groupName", groupText)
}

func checkText(text, parameter, from string) error {
	if len(text) > maxText || strings.Trim(text, from) != "" {
		return fault.Invalid("Value (%s) for parameter %s is invalid. Character sets beyond ASCII are not supported, and at most %d characters.",
			text, parameter, maxText)
	}
	return nil
}

// Permissions puts rules together as EC2 answers them: those with the same protocol
// and ports are one permission.
func Permissions(all []Rule, owner string) []types.IpPermission {
	permissions := []types.IpPermission{}
	at := map[Rule]int{}
	for _, r := range all {
		key := Rule{Protocol: r.Protocol, From: r.From, To: r.To}
		i, ok := at[key]
		if !ok {
			i = len(permissions)
			at[key] = i
			permissions = append(permissions, permission(key))
		}
		addPeer(&permissions[i], r, owner)
	}
	return permissions
}

func permission(key Rule) types.IpPermission {
	p := types.IpPermission{
		IpProtocol: &key.Protocol, IpRanges: []types.IpRange{}, Ipv6Ranges: []types.Ipv6Range{},
		PrefixListIds: []types.PrefixListId{}, UserIdGroupPairs: []types.UserIdGroupPair{},
	}
	if key.hasPorts() {
		p.FromPort, p.ToPort = &key.From, &key.To
	}
	return p
}

// hasPorts tells whether a protocol's ports are said.
func (r Rule) hasPorts() bool {
	switch r.Protocol {
	case "tcp", "udp", "icmp", "icmpv6":
		return true
	}
	return false
}

func addPeer(p *types.IpPermission, r Rule, owner string) {
	var description *string
	if r.Description != "" {
		description = &r.Description
	}
	switch {
	case r.IPv4 != "":
		p.IpRanges = append(p.IpRanges, types.IpRange{CidrIp: &r.IPv4, Description: description})
	case r.IPv6 != "":
		p.Ipv6Ranges = append(p.Ipv6Ranges, types.Ipv6Range{CidrIpv6: &r.IPv6, Description: description})
	case r.PrefixList != "":
		p.PrefixListIds = append(p.PrefixListIds, types.PrefixListId{PrefixListId: &r.PrefixList, Description: description})
	default:
		p.UserIdGroupPairs = append(p.UserIdGroupPairs, types.UserIdGroupPair{GroupId: &r.Group, UserId: &owner, Description: description})
	}
}

// ProtocolNumber reads the protocol of an entry of a network ACL, which is kept as its
// number.
func ProtocolNumber(text string) (string, error) {
	name, err := Protocol(text)
	if err != nil {
		return "", err
	}
	for number, known := range protocols {
		if known == name && name != anyProtocol {
			return number, nil
		}
	}
	return name, nil
}
