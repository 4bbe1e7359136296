package rules

import (
	"slices"
	"strconv"
	"strings"
)

// directions are how the ids of zones abbreviate the middle of a region's name.
var directions = map[string]string{
	"northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw", "gov": "g",
	"north": "n", "south": "s", "east": "e", "west": "w", "central": "c",
}

// ZoneID is the id of a region's zone by its number from 1, such as use1-az1. Source:
// AWS Global Infrastructure documentation, "AWS Availability Zones".
func ZoneID(region string, number int) string {
	words := strings.Split(region, "-")
	var id strings.Builder
	for i, w := range words {
		if i > 0 && i < len(words)-1 {
			w = directions[w]
		}
		id.WriteString(w)
	}
	return id.String() + "-az" + strconv.Itoa(number)
}

// A Region is one of AWS's regions.
type Region struct {
	Name  string
	OptIn bool // an account has to opt in to it
}

// Endpoint is the name of the host of EC2 in the region.
func (r Region) Endpoint() string {
	suffix := ".amazonaws.com"
	if strings.HasPrefix(r.Name, "cn-") {
		suffix += ".cn"
	}
	return "ec2." + r.Name + suffix
}

// OptInStatus is that of an account which has opted in to nothing.
func (r Region) OptInStatus() string {
	if r.OptIn {
		return "not-opted-in"
	}
	return "opt-in-not-required"
}

// regions are those of each partition; the first come with every account. Source: AWS
// Global Infrastructure documentation, "AWS Regions".
var regions = map[string]struct{ all, optIn string }{
	"aws": {
		"ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 " +
			"eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2",
		"af-south-1 ap-east-1 ap-east-2 ap-south-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 " +
			"ca-west-1 eu-central-2 eu-south-1 eu-south-2 il-central-1 me-central-1 me-south-1 mx-central-1",
	},
	"aws-cn":     {all: "cn-north-1 cn-northwest-1"},
	"aws-us-gov": {all: "us-gov-east-1 us-gov-west-1"},
}

// Regions are those of a partition, by their names, with one that is used if it is
// none of them.
func Regions(partition, used string) (all []Region) {
	for name := range strings.FieldsSeq(regions[partition].all) {
		all = append(all, Region{Name: name})
	}
	for name := range strings.FieldsSeq(regions[partition].optIn) {
		all = append(all, Region{Name: name, OptIn: true})
	}
	if !slices.ContainsFunc(all, func(r Region) bool { return r.Name == used }) {
		all = append(all, Region{Name: used})
	}
	slices.SortFunc(all, func(x, y Region) int { return strings.Compare(x.Name, y.Name) })
	return all
}
