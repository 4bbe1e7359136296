package server

import (
	"errors"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"flyball/internal/store"
)

func ec2Of(url, region string, c aws.Credentials) *ec2.Client {
	return ec2.NewFromConfig(configOf(url, region, c))
}

var anyKey = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "secret"}

func TestEC2IsOpenedByItsFirstCall(t *testing.T) {
	w := emptyWorld(t, io.Discard)
	founded := func() (n int) {
		err := w.server.store.Scan("ec2.founded", store.Range{}, func(string, []byte) bool { n++; return true })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	w.must("ecs", "ListClusters", `{}`)
	if founded() != 0 {
		t.Error("there is a network before anybody asked for it")
	}
	w.must("ec2", "DescribeVpcs", `{}`)
	if founded() != 1 {
		t.Error("there is none afterwards")
	}
}

func TestANetworkIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	url, stop := serving(t, dir)
	made, err := ec2Of(url, "eu-west-2", anyKey).CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	url, stop = serving(t, dir)
	defer stop()
	out, err := ec2Of(url, "eu-west-2", anyKey).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{*made.Vpc.VpcId}})
	if err != nil || *out.Vpcs[0].CidrBlock != "10.0.0.0/16" {
		t.Errorf("got %+v, %v", out, err)
	}
	other, err := ec2Of(url, "us-east-1", anyKey).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	if err != nil || len(other.Vpcs) != 1 {
		t.Errorf("another region has %+v, %v", other, err)
	}
}

// A user may make subnets in one VPC, if they have a team.
func TestPoliciesJudgeTheNetwork(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	root := callerOf(url, "eu-west-2", "test")
	key := root.createKey(t, "bob")
	vpcs := [2]string{}
	for i, block := range []string{"10.0.0.0/16", "10.1.0.0/16"} {
		out, err := ec2Of(url, "eu-west-2", anyKey).CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: &block})
		if err != nil {
			t.Fatal(err)
		}
		vpcs[i] = *out.Vpc.VpcId
	}
	arn := "arn:aws:ec2:eu-west-2:" + testAccount + ":"
	_, err := root.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: aws.String("bob"), PolicyName: aws.String("network"), PolicyDocument: aws.String(
		`{"Version": "2012-10-17", "Statement": [
			{"Effect": "Allow", "Action": "ec2:CreateSubnet", "Resource": ["` + arn + `subnet/*", "` + arn + `vpc/` + vpcs[0] + `"]},
			{"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "` + arn + `subnet/*", "Condition": {"StringLike": {"aws:RequestTag/team": "*"}}}]}`,
	)})
	if err != nil {
		t.Fatal(err)
	}
	bob := ec2Of(url, "eu-west-2", key)
	for _, tt := range []struct {
		name, vpc, block, tag, code string
	}{
		{"in that VPC", vpcs[0], "10.0.0.0/24", "team", ""},
		{"in another VPC", vpcs[1], "10.1.0.0/24", "team", "UnauthorizedOperation"},
		{"without a team", vpcs[0], "10.0.1.0/24", "Name", "UnauthorizedOperation"},
	} {
		_, err := bob.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{VpcId: &tt.vpc, CidrBlock: &tt.block, TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeSubnet, Tags: []types.Tag{{Key: &tt.tag, Value: aws.String("shop")}},
		}}})
		code := ""
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			code = api.ErrorCode()
		}
		if code != tt.code {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	key.SecretAccessKey += "x"
	_, err = ec2Of(url, "eu-west-2", key).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "AuthFailure" {
		t.Errorf("with a wrong signature: %v", err)
	}
}
