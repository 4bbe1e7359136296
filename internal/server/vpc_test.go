package server

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/smithy-go"

	"flyball/internal/state"
	"flyball/internal/task/idle"
)

// openStill opens a server that is only called by its services' methods.
func openStill(t *testing.T, strict bool) *services {
	t.Helper()
	s, err := Open(t.Context(), Config{
		Addr: "127.0.0.1:0", Tasks: idle.Runtime{}, Speed: 1, Account: testAccount, Region: testRegion,
		StrictNetwork: strict, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.release)
	return s.home()
}

// hasEC2 tells whether EC2 has been opened.
func (v *services) hasEC2(t *testing.T) (has bool) {
	t.Helper()
	err := state.Load(v.cell.State, state.Kind{Name: "ec2.founded", Version: 1}, func(string, *bool) error { has = true; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return has
}

// defaultSubnets are the ids of the subnets of the default VPC, in the order of their
// zones.
func (v *services) defaultSubnets(t *testing.T) (ids []string) {
	t.Helper()
	api, err := v.ec2(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := api.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(out.Subnets, func(x, y ec2types.Subnet) int { return strings.Compare(*x.AvailabilityZone, *y.AvailabilityZone) })
	for _, s := range out.Subnets {
		ids = append(ids, *s.SubnetId)
	}
	return ids
}

// runIn runs a task with a network interface in some subnets.
func (v *services) runIn(t *testing.T, subnets ...string) (ecstypes.Task, error) {
	t.Helper()
	if _, err := v.ecs.CreateCluster(t.Context(), &ecs.CreateClusterInput{}); err != nil {
		t.Fatal(err)
	}
	_, err := v.ecs.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("task"), NetworkMode: ecstypes.NetworkModeAwsvpc,
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("main"), Image: aws.String("task"), Memory: aws.Int32(64)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := v.ecs.RunTask(t.Context(), &ecs.RunTaskInput{TaskDefinition: aws.String("task"), NetworkConfiguration: &ecstypes.NetworkConfiguration{
		AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{Subnets: subnets},
	}})
	if err != nil {
		return ecstypes.Task{}, err
	}
	return out.Tasks[0], nil
}

func TestEC2IsOpenedByAnIDThatItCanHave(t *testing.T) {
	subnets := openStill(t, false).defaultSubnets(t)
	v := openStill(t, true)
	if _, err := v.runIn(t, "subnet-1"); errorCode(err) != "InvalidParameterException" || v.hasEC2(t) {
		t.Errorf("in a subnet of no such name: %v, EC2 opened: %t", err, v.hasEC2(t))
	}
	// The call opens EC2 within its own change, and takes that back when it fails.
	if _, err := v.runIn(t, subnets[1], "subnet-1"); errorCode(err) != "InvalidParameterException" || v.hasEC2(t) {
		t.Errorf("in a subnet of no such name: %v, EC2 opened: %t", err, v.hasEC2(t))
	}
	task, err := v.runIn(t, subnets[1])
	if err != nil || *task.AvailabilityZone != testRegion+"b" || !v.hasEC2(t) {
		t.Errorf("a task in %s, error %v, EC2 opened: %t", aws.ToString(task.AvailabilityZone), err, v.hasEC2(t))
	}
}

func TestWhatALoadBalancerUsesCannotBeDeleted(t *testing.T) {
	v := openStill(t, true)
	ctx, subnets := t.Context(), v.defaultSubnets(t)
	network, err := v.ec2(ctx)
	if err != nil {
		t.Fatal(err)
	}
	group, err := network.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("web"), Description: aws.String("of a load balancer")})
	if err != nil {
		t.Fatal(err)
	}
	made, err := v.elb.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: subnets[:2], SecurityGroups: []string{*group.GroupId}})
	if err != nil {
		t.Fatal(err)
	}
	remove := func() (subnet, group, gateway string) {
		_, err := network.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: &subnets[0]})
		_, groupErr := network.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupName: aws.String("web")})
		gateways, gatewayErr := network.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{})
		if gatewayErr != nil {
			t.Fatal(gatewayErr)
		}
		g := gateways.InternetGateways[0]
		_, gatewayErr = network.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: g.InternetGatewayId, VpcId: g.Attachments[0].VpcId})
		return errorCode(err), errorCode(groupErr), errorCode(gatewayErr)
	}
	found, err := network.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{
		{Name: aws.String("attachment.instance-owner-id"), Values: []string{"amazon-elb"}},
		{Name: aws.String("description"), Values: []string{"ELB app/web/*"}},
	}})
	if err != nil || len(found.NetworkInterfaces) != 2 {
		t.Errorf("interfaces %+v, error %v", found, err)
	}
	if subnet, group, gateway := remove(); subnet != "DependencyViolation" || group != "DependencyViolation" || gateway != "DependencyViolation" {
		t.Errorf("while it is there: subnet %q, group %q, gateway %q", subnet, group, gateway)
	}
	if _, err := v.elb.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: made.LoadBalancers[0].LoadBalancerArn}); err != nil {
		t.Fatal(err)
	}
	if subnet, group, gateway := remove(); subnet != "" || group != "" || gateway != "" {
		t.Errorf("when it is gone: subnet %q, group %q, gateway %q", subnet, group, gateway)
	}
}

// errorCode is that of an error of AWS, or "".
func errorCode(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}
