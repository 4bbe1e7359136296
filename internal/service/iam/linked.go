package iam

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/uuid"

	"flyball/internal/accesskey"
	"flyball/internal/optional"
	"flyball/internal/service/iam/fault"
	"flyball/internal/service/iam/rules"
	"flyball/internal/state"
)

// serviceRolePath begins the paths of service-linked roles, and is that of their
// policies.
const serviceRolePath = "/aws-service-role/"

// A linked is a role that a service makes for itself, with the one policy that it
// has ("AWS services that work with IAM").
type linked struct {
	role, policy, description string
	suffix                    bool // several can be told apart by suffixes
}

// linkedRoles are the service-linked roles that can be made, by service, but for
// those of Application Auto Scaling.
var linkedRoles = map[string]linked{
	"autoscaling.amazonaws.com": {"AWSServiceRoleForAutoScaling", "AutoScalingServiceRolePolicy",
		"Default Service-Linked Role enables access to AWS Services and Resources used or managed by Auto Scaling", true},
	"ecs.amazonaws.com":                  {"AWSServiceRoleForECS", "AmazonECSServiceRolePolicy", "Role to enable Amazon ECS to manage your cluster.", false},
	"elasticbeanstalk.amazonaws.com":     {"AWSServiceRoleForElasticBeanstalk", "AWSElasticBeanstalkServiceRolePolicy", "", false},
	"elasticloadbalancing.amazonaws.com": {"AWSServiceRoleForElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy", "Allows ELB to call AWS services on your behalf.", false},
	"events.amazonaws.com":               {"AWSServiceRoleForCloudWatchEvents", "CloudWatchEventsServiceRolePolicy", "", false},
	"inspector.amazonaws.com":            {"AWSServiceRoleForAmazonInspector", "AmazonInspectorServiceRolePolicy", "", false},
}

// scalingRoles are the ends of the names of the roles that Application Auto Scaling
// has, one for each kind of service that it scales ("Service-linked roles for
// Application Auto Scaling").
var scalingRoles = map[string]string{
	"appstream": "AppStreamFleet", "cassandra": "CassandraTable", "comprehend": "ComprehendEndpoint",
	"custom-resource": "CustomResource", "dynamodb": "DynamoDBTable", "ec2": "EC2SpotFleetRequest", "ecs": "ECSService",
	"elasticache": "ElastiCacheRG", "kafka": "KafkaCluster", "lambda": "LambdaConcurrency", "neptune": "NeptuneCluster",
	"rds": "RDSCluster", "sagemaker": "SageMakerEndpoint", "workspaces": "WorkSpacesPool",
}

// linkedTo is the role that a service has.
func linkedTo(service string) (linked, bool) {
	scaled, ok := strings.CutSuffix(service, ".application-autoscaling.amazonaws.com")
	if !ok {
		l, ok := linkedRoles[service]
		return l, ok
	}
	end, ok := scalingRoles[scaled]
	policy := "AWSApplicationAutoscaling" + end + "Policy"
	if scaled == "custom-resource" {
		policy = "AWSApplicationAutoScalingCustomResourcePolicy" // the only one that is spelled so
	}
	return linked{role: "AWSServiceRoleForApplicationAutoScaling_" + end, policy: policy}, ok
}

// linkedRole is a new role of a service.
func (a *API) linkedRole(service, suffix string) (role, error) {
	l, ok := linkedTo(service)
	switch {
	case !ok && !rules.IsService(service):
		return role{}, fault.NotAService(service)
	case !ok:
		return role{}, fault.InvalidInput("There is no service-linked role for %s.", service)
	case suffix != "" && !l.suffix:
		return role{}, fault.InvalidInput("Custom suffix is not allowed for %s", service)
	case suffix != "":
		suffix = "_" + suffix
	}
	p := a.policies.aws()["policy"+serviceRolePath+l.policy]
	return role{
		holder: holder{
			resource: resource{Name: l.role + suffix, Path: serviceRolePath + service + "/", ID: accesskey.NewID("AROA"), Created: a.now()},
			Attached: []string{a.policies.arn(p)},
		},
		Trust:       fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"%s"},"Action":"sts:AssumeRole"}]}`, service),
		Description: optional.String(l.description), MaxSession: defaultSession, Service: service,
	}, nil
}

// CreateServiceLinkedRole creates the role of a service.
func (a *API) CreateServiceLinkedRole(ctx context.Context, in *iam.CreateServiceLinkedRoleInput, _ ...func(*iam.Options)) (*iam.CreateServiceLinkedRoleOutput, error) {
	r, err := a.linkedRole(aws.ToString(in.AWSServiceName), aws.ToString(in.CustomSuffix))
	if err != nil {
		return nil, err
	}
	r.Description = in.Description // the service's own words are for roles that it makes itself
	err = a.write(ctx, func(tx *state.Tx) error {
		if _, taken := a.roles.get(r.Name); taken {
			return fault.InvalidInput("Service role name %s has been taken in this account, please try a different suffix.", r.Name)
		}
		return a.roles.add(tx, r)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateServiceLinkedRoleOutput{Role: a.describeNewRole(r)}, nil
}

// EnsureLinkedRole makes the role of a service, if it is not there: services do so
// when they need it first.
func (a *API) EnsureLinkedRole(ctx context.Context, service string) error {
	r, err := a.linkedRole(service, "")
	if err != nil {
		return err
	}
	return a.write(ctx, func(tx *state.Tx) error {
		if _, there := a.roles.get(r.Name); there {
			return nil
		}
		return a.roles.add(tx, r)
	})
}

// DeleteServiceLinkedRole deletes the role of a service. It is gone when the call
// returns; the task that AWS's clients ask about afterwards has its name in it.
func (a *API) DeleteServiceLinkedRole(ctx context.Context, in *iam.DeleteServiceLinkedRoleInput, _ ...func(*iam.Options)) (*iam.DeleteServiceLinkedRoleOutput, error) {
	out := &iam.DeleteServiceLinkedRoleOutput{}
	return out, a.write(ctx, func(tx *state.Tx) error {
		r, err := a.roles.find(in.RoleName)
		switch {
		case err != nil:
			return err
		case r.Service == "":
			return fault.NoSuchEntity(a.roles.words.missing, r.Name)
		}
		out.DeletionTaskId = aws.String("task" + r.Path + r.Name + "/" + uuid.NewString())
		a.roles.remove(tx, r)
		return nil
	})
}

var deletionTask = regexp.MustCompile(`^task/aws-service-role/([^/]+)/([^/]+)/[0-9a-f-]{36}$`)

// GetServiceLinkedRoleDeletionStatus tells that a deletion has succeeded.
func (a *API) GetServiceLinkedRoleDeletionStatus(_ context.Context, in *iam.GetServiceLinkedRoleDeletionStatusInput, _ ...func(*iam.Options)) (*iam.GetServiceLinkedRoleDeletionStatusOutput, error) {
	m := deletionTask.FindStringSubmatch(aws.ToString(in.DeletionTaskId))
	known := false
	if m != nil {
		_, known = linkedTo(m[1])
	}
	if !known {
		return nil, fault.NoSuchEntity("The deletion task %s cannot be found.", aws.ToString(in.DeletionTaskId))
	}
	return &iam.GetServiceLinkedRoleDeletionStatusOutput{Status: types.DeletionTaskStatusTypeSucceeded}, nil
}
