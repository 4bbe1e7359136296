package rules_test

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"flyball/internal/service/ec2/rules"
)

// code is that of an error of EC2, or "".
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func TestBlocks(t *testing.T) {
	vpc := []string{"10.0.0.0/16", "10.2.0.0/16"}
	for name, tt := range map[string]struct {
		subnet     bool
		text, want string
		code       string
	}{
		"a block is kept from its first address": {text: "10.0.1.5/16", want: "10.0.0.0/16"},
		"the largest of a VPC":                   {text: "10.0.0.0/15", code: "InvalidVpc.Range"},
		"the smallest of a VPC":                  {text: "10.0.0.0/29", code: "InvalidVpc.Range"},
		"no block":                               {text: "10.0.0.0", code: "InvalidParameterValue"},
		"no IPv4 block":                          {text: "fd00::/16", code: "InvalidParameterValue"},
		"inside the VPC":                         {subnet: true, text: "10.0.255.0/24", want: "10.0.255.0/24"},
		"inside its second block":                {subnet: true, text: "10.2.0.0/16", want: "10.2.0.0/16"},
		"outside the VPC":                        {subnet: true, text: "10.1.0.0/24", code: "InvalidSubnet.Range"},
		"larger than the VPC's":                  {subnet: true, text: "10.0.0.0/15", code: "InvalidSubnet.Range"},
	} {
		p, err := rules.VPCBlock(tt.text)
		if tt.subnet {
			p, err = rules.SubnetBlock(tt.text, vpc)
		}
		if code(err) != tt.code || tt.code == "" && p.String() != tt.want {
			t.Errorf("%s: got %v, %v", name, p, err)
		}
	}
}

// Source: Amazon VPC User Guide, "Subnet CIDR blocks": 10.0.0.0/24 has 251 addresses.
func TestASubnetKeepsFiveAddresses(t *testing.T) {
	for block, want := range map[string]int{"10.0.0.0/24": 251, "10.0.0.0/28": 11, "10.0.0.0/16": 65531, "": 0} {
		if got := rules.Addresses(block); got != want {
			t.Errorf("%q has %d", block, got)
		}
	}
}

func TestOverlaps(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{{"10.0.0.0/24", "10.0.0.128/25", true}, {"10.0.0.0/24", "10.0.1.0/24", false}, {"10.0.0.0/16", "10.0.3.0/24", true}, {"", "10.0.0.0/8", false}} {
		if rules.Overlaps(tt.a, tt.b) != tt.want || rules.Overlaps(tt.b, tt.a) != tt.want {
			t.Errorf("%s and %s", tt.a, tt.b)
		}
	}
}

func TestZoneIDs(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "use1-az2", "eu-west-2": "euw2-az2", "ap-southeast-1": "apse1-az2", "us-gov-west-1": "usgw1-az2",
		"cn-northwest-1": "cnnw1-az2", "me-central-1": "mec1-az2",
	} {
		if got := rules.ZoneID(region, 2); got != want {
			t.Errorf("%s has %s, want %s", region, got, want)
		}
	}
}

func TestRegionsAreThoseOfThePartition(t *testing.T) {
	names := func(partition, used string) (all []string) {
		for _, r := range rules.Regions(partition, used) {
			all = append(all, r.Name)
		}
		return all
	}
	if got := names("aws-cn", "cn-north-1"); !slices.Equal(got, []string{"cn-north-1", "cn-northwest-1"}) {
		t.Error(got)
	}
	if got := names("aws", "xx-new-1"); !slices.Contains(got, "xx-new-1") || !slices.Contains(got, "eu-west-2") || !slices.IsSorted(got) {
		t.Error(got)
	}
}

// Source: Amazon EC2 User Guide, "Find your Amazon EC2 resources": a backslash makes a
// star or a question mark stand for itself.
func TestLike(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"web", "web", true}, {"web", "web1", false}, {"web*", "web1", true}, {"*b*", "web1", true}, {"w?b", "web", true},
		{"w?b", "wb", false}, {"*", "", true}, {"", "", true}, {"", "a", false}, {`a\*b`, "a*b", true}, {`a\*b`, "axb", false},
		{`a\?`, "a?", true}, {`a\\b`, `a\b`, true}, {"a*b*c", "aXbXbc", true}, {"a*b*c", "aXbXb", false}, {"*a", "ba", true},
	} {
		if got := rules.Like(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%q like %q: %t", tt.text, tt.pattern, got)
		}
	}
}

func TestLikeIsWhatARegularExpressionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SampledFrom([]rune(`ab*?\`))
		pattern, text := rapid.StringOf(letters).Draw(t, "pattern"), rapid.StringOf(letters).Draw(t, "text")
		var re strings.Builder
		for i := 0; i < len(pattern); i++ {
			switch c := pattern[i]; {
			case c == '*':
				re.WriteString(".*")
			case c == '?':
				re.WriteString(".")
			case c == '\\' && i+1 < len(pattern):
				i++
				re.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
			default:
				re.WriteString(regexp.QuoteMeta(string(c)))
			}
		}
		if want := regexp.MustCompile("^(?s:" + re.String() + ")$").MatchString(text); rules.Like(pattern, text) != want {
			t.Errorf("want %t", want)
		}
	})
}

func TestFilters(t *testing.T) {
	type host struct {
		id   string
		tags map[string]string
	}
	filters := rules.Tags(rules.Fields[host]{"host-id": func(h host) []string { return []string{h.id} }}, func(h host) map[string]string { return h.tags })
	web := host{"h-1", map[string]string{"Name": "web", "team": "shop"}}
	filter := func(name string, values ...string) types.Filter { return types.Filter{Name: &name, Values: values} }
	for _, tt := range []struct {
		name    string
		filters []types.Filter
		want    bool
	}{
		{"none", nil, true},
		{"one of several values", []types.Filter{filter("host-id", "h-2", "h-1")}, true},
		{"all filters", []types.Filter{filter("host-id", "h-1"), filter("tag:Name", "db")}, false},
		{"a tag's value", []types.Filter{filter("tag:Name", "w*")}, true},
		{"a tag that it has not", []types.Filter{filter("tag:name", "*")}, false},
		{"a tag's key", []types.Filter{filter("tag-key", "team")}, true},
		{"no values", []types.Filter{filter("host-id")}, false},
	} {
		passes, err := filters.Match(tt.filters)
		if err != nil || passes(web) != tt.want {
			t.Errorf("%s: want %t, %v", tt.name, tt.want, err)
		}
	}
	if _, err := filters.Match([]types.Filter{filter("vpc-id", "x")}); code(err) != "InvalidParameterValue" {
		t.Errorf("an unknown filter: %v", err)
	}
	if _, err := rules.Tags(rules.Fields[host]{}, nil).Match([]types.Filter{filter("tag-key", "x")}); code(err) != "InvalidParameterValue" {
		t.Errorf("a filter by tags of what has none: %v", err)
	}
}

func noGroup(types.UserIdGroupPair) (string, error) { return "sg-2", nil }

func TestPermissionsAreRulesAndBack(t *testing.T) {
	given := []types.IpPermission{
		{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(443),
			IpRanges:         []types.IpRange{{CidrIp: aws.String("10.0.0.0/8"), Description: aws.String("in")}, {CidrIp: aws.String("0.0.0.0/0")}},
			Ipv6Ranges:       []types.Ipv6Range{{CidrIpv6: aws.String("::/0")}},
			PrefixListIds:    []types.PrefixListId{{PrefixListId: aws.String("pl-1")}},
			UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String("sg-2"), UserId: aws.String("123456789012")}},
		},
		{
			IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}},
			Ipv6Ranges: []types.Ipv6Range{}, PrefixListIds: []types.PrefixListId{}, UserIdGroupPairs: []types.UserIdGroupPair{},
		},
	}
	all, err := rules.Expand(given, noGroup)
	if err != nil || len(all) != 6 {
		t.Fatalf("got %v, %v", all, err)
	}
	if got := rules.Permissions(all, "123456789012"); !reflect.DeepEqual(got, given) {
		t.Errorf("back are %+v", got)
	}
	if got, want := all[0].String(), "peer: 10.0.0.0/8, TCP, from port: 80, to port: 443, ALLOW"; got != want {
		t.Errorf("it is called %q", got)
	}
}

func TestPermissionsAreRead(t *testing.T) {
	peer := []types.IpRange{{CidrIp: aws.String("10.0.0.9/8")}}
	for name, tt := range map[string]struct {
		permission types.IpPermission
		want       rules.Rule
		code       string
	}{
		"the number of TCP":         {types.IpPermission{IpProtocol: aws.String("6"), FromPort: aws.Int32(1), ToPort: aws.Int32(2), IpRanges: peer}, rules.Rule{Protocol: "tcp", From: 1, To: 2, IPv4: "10.0.0.0/8"}, ""},
		"all ports":                 {types.IpPermission{IpProtocol: aws.String("UDP"), FromPort: aws.Int32(-1), ToPort: aws.Int32(-1), IpRanges: peer}, rules.Rule{Protocol: "udp", From: 0, To: 65535, IPv4: "10.0.0.0/8"}, ""},
		"ports of all protocols":    {types.IpPermission{IpProtocol: aws.String("-1"), FromPort: aws.Int32(1), ToPort: aws.Int32(2), IpRanges: peer}, rules.Rule{Protocol: "-1", From: -1, To: -1, IPv4: "10.0.0.0/8"}, ""},
		"another protocol":          {types.IpPermission{IpProtocol: aws.String("50"), IpRanges: peer}, rules.Rule{Protocol: "50", From: -1, To: -1, IPv4: "10.0.0.0/8"}, ""},
		"a type of ICMP":            {types.IpPermission{IpProtocol: aws.String("icmp"), FromPort: aws.Int32(8), ToPort: aws.Int32(-1), IpRanges: peer}, rules.Rule{Protocol: "icmp", From: 8, To: -1, IPv4: "10.0.0.0/8"}, ""},
		"ICMPv6 without a type":     {types.IpPermission{IpProtocol: aws.String("icmpv6"), IpRanges: peer}, rules.Rule{Protocol: "icmpv6", From: -1, To: -1, IPv4: "10.0.0.0/8"}, ""},
		"no protocol":               {types.IpPermission{IpRanges: peer}, rules.Rule{}, "MissingParameter"},
		"a protocol of nobody":      {types.IpPermission{IpProtocol: aws.String("quic"), IpRanges: peer}, rules.Rule{}, "InvalidParameterValue"},
		"TCP without ports":         {types.IpPermission{IpProtocol: aws.String("tcp"), IpRanges: peer}, rules.Rule{}, "InvalidParameterValue"},
		"ports the wrong way round": {types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(2), ToPort: aws.Int32(1), IpRanges: peer}, rules.Rule{}, "InvalidParameterValue"},
		"a port too high":           {types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(2), ToPort: aws.Int32(65536), IpRanges: peer}, rules.Rule{}, "InvalidParameterValue"},
		"no peer":                   {types.IpPermission{IpProtocol: aws.String("-1")}, rules.Rule{}, "MissingParameter"},
		"a peer that is no block":   {types.IpPermission{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/33")}}}, rules.Rule{}, "InvalidParameterValue"},
		"IPv6 where IPv4 stands":    {types.IpPermission{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("::/0")}}}, rules.Rule{}, "InvalidParameterValue"},
	} {
		all, err := rules.Expand([]types.IpPermission{tt.permission}, noGroup)
		if code(err) != tt.code || tt.code == "" && !slices.Equal(all, []rules.Rule{tt.want}) {
			t.Errorf("%s: got %+v, %v", name, all, err)
		}
	}
}

func TestGroupNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"web": true, "a b._-:/()#,@[]+=&;{}!$*": true, "default": false, "Default": false, "sg-web": false, "grün": false, strings.Repeat("x", 256): false,
	} {
		if err := rules.CheckGroupName(name); (err == nil) != ok {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}

func TestTagsThatAreTakenAway(t *testing.T) {
	have := map[string]string{"a": "1", "b": "2"}
	tag := func(key string, value *string) types.Tag { return types.Tag{Key: &key, Value: value} }
	for name, tt := range map[string]struct {
		remove []types.Tag
		left   int
	}{
		"none are all":            {nil, 0},
		"by key":                  {[]types.Tag{tag("a", nil)}, 1},
		"by key and value":        {[]types.Tag{tag("a", aws.String("1"))}, 1},
		"another value stays":     {[]types.Tag{tag("a", aws.String(""))}, 2},
		"one that is not there":   {[]types.Tag{tag("c", nil)}, 2},
		"the same tag once again": {[]types.Tag{tag("a", nil), tag("a", nil)}, 1},
	} {
		if left := rules.WithoutTags(have, tt.remove); len(left) != tt.left {
			t.Errorf("%s: left are %v", name, left)
		}
	}
}
