package ec2_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/service/ec2"
	"flyball/internal/state"
	"flyball/internal/store"
)

// A world is a region with EC2, and whatever other services have in its network.
type world struct {
	*ec2.API
	t          *testing.T
	store      *store.SQLite
	interfaces []ec2.Interface
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &world{t: t, store: st}
	w.open()
	return w
}

// open opens EC2 with what is stored, as after a restart.
func (w *world) open() {
	w.t.Helper()
	var err error
	w.API, err = ec2.New(ec2.Config{
		Cell: &cell.Cell{
			Account: "123456789012", Region: "eu-west-2", Clock: clock.New(time.Now(), 1),
			State: state.New(w.store).Scope(cell.Scope("123456789012", "eu-west-2")),
		},
		Interfaces: func(context.Context) []ec2.Interface { return w.interfaces },
	})
	if err == nil {
		err = w.EnsureDefaultVPC(w.t.Context())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// must is the output of a call that has to succeed.
func must[T any](out T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func (w *world) vpc(block string) string {
	w.t.Helper()
	return *must(w.CreateVpc(w.t.Context(), &sdk.CreateVpcInput{CidrBlock: &block}))(w.t).Vpc.VpcId
}

func (w *world) subnet(vpc, block string) string {
	w.t.Helper()
	in := &sdk.CreateSubnetInput{VpcId: &vpc, CidrBlock: &block}
	return *must(w.CreateSubnet(w.t.Context(), in))(w.t).Subnet.SubnetId
}

func (w *world) group(vpc, name string) string {
	w.t.Helper()
	in := &sdk.CreateSecurityGroupInput{VpcId: &vpc, GroupName: &name, Description: aws.String("a group")}
	return *must(w.CreateSecurityGroup(w.t.Context(), in))(w.t).GroupId
}

func (w *world) gateway(vpc string) string {
	w.t.Helper()
	id := must(w.CreateInternetGateway(w.t.Context(), &sdk.CreateInternetGatewayInput{}))(w.t).InternetGateway.InternetGatewayId
	must(w.AttachInternetGateway(w.t.Context(), &sdk.AttachInternetGatewayInput{InternetGatewayId: id, VpcId: &vpc}))(w.t)
	return *id
}

func (w *world) table(vpc string) string {
	w.t.Helper()
	return *must(w.CreateRouteTable(w.t.Context(), &sdk.CreateRouteTableInput{VpcId: &vpc}))(w.t).RouteTable.RouteTableId
}

func (w *world) mainTable(vpc string) types.RouteTable {
	w.t.Helper()
	out := must(w.DescribeRouteTables(w.t.Context(), &sdk.DescribeRouteTablesInput{
		Filters: []types.Filter{by("vpc-id", vpc), by("association.main", "true")},
	}))(w.t)
	if len(out.RouteTables) != 1 {
		w.t.Fatalf("%s has %d main route tables", vpc, len(out.RouteTables))
	}
	return out.RouteTables[0]
}

func (w *world) address() string {
	w.t.Helper()
	return *must(w.AllocateAddress(w.t.Context(), &sdk.AllocateAddressInput{}))(w.t).AllocationId
}

func (w *world) nat(subnet, allocation string) string {
	w.t.Helper()
	in := &sdk.CreateNatGatewayInput{SubnetId: &subnet, AllocationId: &allocation}
	return *must(w.CreateNatGateway(w.t.Context(), in))(w.t).NatGateway.NatGatewayId
}

func (w *world) vpcIDs(filters ...types.Filter) (ids []string) {
	w.t.Helper()
	out := must(w.DescribeVpcs(w.t.Context(), &sdk.DescribeVpcsInput{Filters: filters}))(w.t)
	for _, v := range out.Vpcs {
		ids = append(ids, *v.VpcId)
	}
	return ids
}

func by(name string, values ...string) types.Filter { return types.Filter{Name: &name, Values: values} }

// port is the permission of a TCP port from a block.
func port(n int32, from string) types.IpPermission {
	return types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: &n, ToPort: &n, IpRanges: []types.IpRange{{CidrIp: &from}}}
}

// fromGroup is the permission of everything from a group.
func fromGroup(id string) types.IpPermission {
	return types.IpPermission{IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &id}}}
}

// code is that of an error of EC2, or "".
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// failed is the error of a call alone.
func failed[T any](_ T, err error) error { return err }
