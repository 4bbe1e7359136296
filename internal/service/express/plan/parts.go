package plan

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A Place is where a service runs.
type Place struct {
	VPC     string
	Subnets []string // of its tasks
	// Public is whether the subnets have a route to the internet: then the load balancer
	// faces it, and the tasks have public addresses.
	Public bool
	// Spread are the subnets of a load balancer that is made for the service, one in each
	// of Zones.
	Spread, Zones []string
}

// Scheme is that of the load balancer.
func (p Place) Scheme() elbtypes.LoadBalancerSchemeEnum {
	if p.Public {
		return elbtypes.LoadBalancerSchemeEnumInternetFacing
	}
	return elbtypes.LoadBalancerSchemeEnumInternal
}

// Access is the kind of access to an endpoint behind a load balancer of a scheme.
func Access(public bool) types.AccessType {
	if public {
		return types.AccessTypePublic
	}
	return types.AccessTypePrivate
}

// Parts name what one service is made of.
type Parts struct {
	Cluster, Name  string
	LoadBalancer   string    // ARN
	Listener       string    // ARN
	Rule           string    // ARN
	TargetGroups   [2]string // ARNs: of what runs, and of what a deployment brings
	SecurityGroup  string    // of the tasks
	BalancerGroup  string    // of the load balancer
	Certificate    string    // ARN
	Domain         string    // that the certificate is for
	Host           string    // by which the service is reached
	Public         bool      // from the internet
	VPC            string
	LogGroup       string // "" where it is not the server's to make
	Policy         string // ARN
	Role           string // ARN of the infrastructure role
	ScalableTarget string // ARN
}

// Tags are those of what is made for a service: the caller's, and the mark of ECS.
func Tags(given []types.Tag) map[string]string {
	all := map[string]string{ManagedTag: "true"}
	for _, t := range given {
		all[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return all
}

// eachTag makes tags of an API's type, by key.
func eachTag[T any](given []types.Tag, tag func(key, value *string) T) []T {
	all := Tags(given)
	var made []T
	for _, key := range slices.Sorted(maps.Keys(all)) {
		made = append(made, tag(&key, aws.String(all[key])))
	}
	return made
}

func elbTags(given []types.Tag) []elbtypes.Tag {
	return eachTag(given, func(key, value *string) elbtypes.Tag { return elbtypes.Tag{Key: key, Value: value} })
}

func ec2Tags(given []types.Tag, kinds ...ec2types.ResourceType) (all []ec2types.TagSpecification) {
	list := eachTag(given, func(key, value *string) ec2types.Tag { return ec2types.Tag{Key: key, Value: value} })
	for _, kind := range kinds {
		all = append(all, ec2types.TagSpecification{ResourceType: kind, Tags: list})
	}
	return all
}
