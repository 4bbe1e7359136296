package ecs

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// A fakeNetwork knows two VPCs: one with subnets in two zones, and one with a subnet.
type fakeNetwork struct{}

func (fakeNetwork) SubnetVPC(_ context.Context, id string) (vpc, zone string, ok bool) {
	at, ok := map[string][2]string{
		"subnet-b": {"vpc-1", "us-east-1b"}, "subnet-c": {"vpc-1", "us-east-1c"}, "subnet-far": {"vpc-2", "us-east-1a"},
	}[id]
	return at[0], at[1], ok
}

func (fakeNetwork) GroupVPC(_ context.Context, id string) (vpc string, ok bool) {
	vpc, ok = map[string]string{"sg-1": "vpc-1", "sg-2": "vpc-2"}[id]
	return vpc, ok
}

// networked runs a test in a world with the network.
func networked(t *testing.T, strict bool, test func(w *world)) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.end()
		w.config.Network, w.config.StrictNetwork = fakeNetwork{}, strict
		w.boot()
		test(w)
	})
}

func attachedTo(groups []string, subnets ...string) *types.NetworkConfiguration {
	return &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: subnets, SecurityGroups: groups}}
}

// in is the change of a service that gives it a network.
func in(n *types.NetworkConfiguration) func(*ecs.CreateServiceInput) {
	return func(in *ecs.CreateServiceInput) { in.NetworkConfiguration = n }
}

func TestTheNetworkDecidesWhereTasksMayBe(t *testing.T) {
	for name, c := range map[string]struct {
		network     *types.NetworkConfiguration
		lax, strict string // messages of the errors
	}{
		"one VPC":  {attachedTo([]string{"sg-1"}, "subnet-b", "subnet-c"), "", ""},
		"two VPCs": {attachedTo(nil, "subnet-b", "subnet-far"), "All subnets must belong to the same VPC: 'vpc-1'", "All subnets must belong to the same VPC: 'vpc-1'"},
		"a group of another VPC": {attachedTo([]string{"sg-2"}, "subnet-b"),
			"Security group sg-2 does not appear to belong to the same VPC as the input subnets.", "Security group sg-2 does not appear to belong to the same VPC as the input subnets."},
		"a subnet that nobody knows": {attachedTo(nil, "subnet-b", "subnet-1"), "",
			"Error retrieving subnet information for [subnet-1]: The subnet ID 'subnet-1' does not exist (ErrorCode: InvalidSubnetID.NotFound)"},
		"a group that nobody knows": {attachedTo([]string{"sg-9"}, "subnet-b"), "",
			"Error retrieving security group information for [sg-9]: The security group 'sg-9' does not exist (ErrorCode: InvalidGroup.NotFound)"},
	} {
		t.Run(name, func(t *testing.T) {
			for strict, want := range map[bool]string{false: c.lax, true: c.strict} {
				networked(t, strict, func(w *world) {
					w.serve(0, in(attachedTo(nil, "subnet-b")))
					for operation, err := range w.tryNetwork(c.network) {
						switch {
						case want == "" && err != nil:
							t.Errorf("%s, strict %t: %v", operation, strict, err)
						case want != "" && (code(err) != "InvalidParameterException" || !strings.HasSuffix(err.Error(), want)):
							t.Errorf("%s, strict %t: %v, want %s", operation, strict, err, want)
						}
					}
				})
			}
		})
	}
}

// tryNetwork gives a network to what takes one.
func (w *world) tryNetwork(n *types.NetworkConfiguration) map[string]error {
	errs := map[string]error{}
	_, errs["CreateService"] = w.api.CreateService(w.Context(), webService(0, in(n), func(in *ecs.CreateServiceInput) { in.ServiceName = aws.String("new") }))
	_, errs["UpdateService"] = w.api.UpdateService(w.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("web"), NetworkConfiguration: n})
	_, errs["RunTask"] = w.api.RunTask(w.Context(), &ecs.RunTaskInput{
		Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: n,
	})
	return errs
}

// zones counts the tasks in each subnet and zone.
func (w *world) zones() map[string]int {
	count := map[string]int{}
	for _, i := range w.api.Interfaces(w.Context()) {
		count[i.Subnet+" "+i.AvailabilityZone]++
	}
	return count
}

func TestTasksAreDealtOverTheSubnets(t *testing.T) {
	networked(t, false, func(w *world) {
		w.serve(3, in(attachedTo(nil, "subnet-c", "subnet-b")))
		if got, want := w.zones(), map[string]int{"subnet-c us-east-1c": 2, "subnet-b us-east-1b": 1}; !maps.Equal(got, want) {
			t.Errorf("three tasks are in %v, want %v", got, want)
		}
		w.crash()
		w.boot()
		w.scale(5)
		w.pass(time.Minute)
		if got, want := w.zones(), map[string]int{"subnet-c us-east-1c": 3, "subnet-b us-east-1b": 2}; !maps.Equal(got, want) {
			t.Errorf("five tasks are in %v, want %v", got, want)
		}
	})
}

func TestTasksOfOneCallAreDealtOverTheSubnets(t *testing.T) {
	networked(t, false, func(w *world) {
		w.cluster("prod")
		w.define()
		out := must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{
			Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, Count: aws.Int32(4), NetworkConfiguration: attachedTo(nil, "subnet-1", "subnet-2"),
		}))(w)
		var zones []string
		for _, task := range out.Tasks {
			zones = append(zones, *task.AvailabilityZone)
		}
		if want := []string{"us-east-1a", "us-east-1b", "us-east-1a", "us-east-1b"}; !slices.Equal(zones, want) {
			t.Errorf("tasks in subnets that nobody knows are in %v, want %v", zones, want)
		}
	})
}

// The same network again, or another count, is no reason for a new deployment.
func TestTheSameNetworkStartsNoDeployment(t *testing.T) {
	networked(t, true, func(w *world) {
		w.serve(0, in(attachedTo(nil, "subnet-b")))
		before := w.service().Deployments[0].Id
		after := w.update(&ecs.UpdateServiceInput{NetworkConfiguration: attachedTo(nil, "subnet-b"), DesiredCount: aws.Int32(1)})
		if len(after.Deployments) != 1 || *after.Deployments[0].Id != *before {
			t.Errorf("deployment %s became %+v", *before, after.Deployments)
		}
	})
}
