package cell_test

import (
	"regexp"
	"testing"

	"flyball/internal/cell"
)

func TestARNsAreTheCells(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-2":     "arn:aws:ecs:eu-west-2:123456789012:cluster/a",
		"cn-north-1":    "arn:aws-cn:ecs:cn-north-1:123456789012:cluster/a",
		"us-gov-west-1": "arn:aws-us-gov:ecs:us-gov-west-1:123456789012:cluster/a",
	} {
		c := &cell.Cell{Account: "123456789012", Region: region}
		if got := c.ARN("ecs", "cluster/a"); got != want {
			t.Errorf("in %s: %s", region, got)
		}
		if resource, ok := c.Parse("ecs", want); !ok || resource != "cluster/a" {
			t.Errorf("in %s: %q, %v", region, resource, ok)
		}
	}
}

func TestHostnamesNameTheRegionButInTheFirst(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1":  "ip-10-0-1-2.ec2.internal",
		"eu-west-2":  "ip-10-0-1-2.eu-west-2.compute.internal",
		"cn-north-1": "ip-10-0-1-2.cn-north-1.compute.internal",
	} {
		c := &cell.Cell{Account: "123456789012", Region: region}
		if got := c.Hostname("10.0.1.2"); got != want {
			t.Errorf("in %s: %s", region, got)
		}
	}
}

func TestParseTakesNothingFromElsewhere(t *testing.T) {
	c := &cell.Cell{Account: "123456789012", Region: "eu-west-2"}
	for _, other := range []string{
		"", "cluster/a",
		"arn:aws:ecs:eu-west-1:123456789012:cluster/a",
		"arn:aws:ecs:eu-west-2:210987654321:cluster/a",
		"arn:aws-cn:ecs:eu-west-2:123456789012:cluster/a",
		"arn:aws:sqs:eu-west-2:123456789012:a",
	} {
		if resource, ok := c.Parse("ecs", other); ok {
			t.Errorf("%q is taken as %q", other, resource)
		}
	}
}

func TestPseudoRegionsAreInTheirPartitions(t *testing.T) {
	for _, partition := range cell.Partitions() {
		region := cell.Global(partition)
		if !cell.IsGlobal(region) || cell.Partition(region) != partition {
			t.Errorf("%s is in %s", region, cell.Partition(region))
		}
		c := &cell.Cell{Account: "123456789012", Region: region}
		if got, want := c.GlobalARN("iam", "role/a"), "arn:"+partition+":iam::123456789012:role/a"; got != want {
			t.Errorf("in %s: %s", region, got)
		}
	}
	if cell.IsGlobal("us-east-1") {
		t.Error("us-east-1 is a region")
	}
}

func TestNewIDHasItsDigits(t *testing.T) {
	if id := cell.NewID("eni-", 17); !regexp.MustCompile(`^eni-[0-9a-f]{17}$`).MatchString(id) {
		t.Error(id)
	}
	if a, b := cell.NewID("", 32), cell.NewID("", 32); a == b {
		t.Error("the same twice")
	}
}
