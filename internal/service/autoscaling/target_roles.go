package autoscaling

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"flyball/internal/cell"
	"flyball/internal/service/autoscaling/fault"
	"flyball/scaling"
)

// Roles are the roles of an account; IAM has them. What they are asked in a change
// is part of it.
type Roles interface {
	// EnsureLinkedRole makes the role of a service, if it is not there.
	EnsureLinkedRole(ctx context.Context, service string) error
	// Lacks judges what a role lacks to be used.
	Lacks(context.Context, RoleUse) (Lack, error)
}

// A RoleUse is what the service does with the role of a scalable target.
type RoleUse struct {
	Role   string   // ARN
	Target string   // ARN of the scalable target
	As     []string // the service's names, one of which the role has to trust
	Calls  []RoleCall
}

// A RoleCall is a call that is made with a role.
type RoleCall struct {
	Service   string // as in credential scopes, such as "monitoring"
	Operation string
	Input     any // a pointer to the SDK's input struct
}

// principalName is the service as roles call it.
const principalName = "application-autoscaling.amazonaws.com"

// linkedService is the service as the role calls it that is linked to it for a kind of
// resource, and linkedRole ends that role's name.
func linkedService(k scaling.Kind) string { return k.Namespace() + "." + principalName }

func linkedRole(k scaling.Kind) string {
	if k == scaling.Functions {
		return "LambdaConcurrency"
	}
	return "ECSService"
}

// targetRoles are the roles that scalable targets are registered with. The one that
// is linked to the service needs no judging: only the service can use it, and its
// policy is AWS's.
type targetRoles struct {
	cell *cell.Cell
	find func() (Roles, error) // nil: there are none
}

// linked is the role that stands for the service where a target names none.
func (r targetRoles) linked(t *target) string {
	kind := t.ResourceID.Kind()
	return r.cell.GlobalARN("iam", "role/aws-service-role/"+linkedService(kind)+"/AWSServiceRoleForApplicationAutoScaling_"+linkedRole(kind))
}

// of is the role of a target.
func (r targetRoles) of(t *target) string { return cmp.Or(t.Role, r.linked(t)) }

// open finds the account's roles. It comes before a change: to find them first may
// be to load them.
func (r targetRoles) open() (Roles, error) {
	if r.find == nil {
		return nil, nil
	}
	return r.find()
}

// admit makes the linked role, if a target has it, and refuses any other that cannot
// scale the target.
func (r targetRoles) admit(ctx context.Context, roles Roles, t *target) error {
	if roles != nil && r.of(t) == r.linked(t) {
		return roles.EnsureLinkedRole(ctx, linkedService(t.ResourceID.Kind()))
	}
	return r.refusal(ctx, roles, t, scalingCalls(t.ResourceID)...)
}

// admitAlarms refuses the alarms of a policy that the target's role cannot read.
func (r targetRoles) admitAlarms(ctx context.Context, roles Roles, t *target, names []string) error {
	return r.refusal(ctx, roles, t, alarmCall(names...))
}

func (r targetRoles) refusal(ctx context.Context, roles Roles, t *target, calls ...RoleCall) error {
	lack, err := r.lack(ctx, roles, t, calls...)
	switch {
	case err != nil:
		return fault.Internal(err)
	case lack != "":
		return fault.Invalid("%s", lack)
	}
	return nil
}

// lack tells what a target's role lacks for some calls, or nothing.
func (r targetRoles) lack(ctx context.Context, roles Roles, t *target, calls ...RoleCall) (string, error) {
	if roles == nil || r.of(t) == r.linked(t) {
		return "", nil
	}
	lack, err := roles.Lacks(ctx, RoleUse{Role: t.Role, Target: t.arn(r.cell), As: []string{principalName, linkedService(t.ResourceID.Kind())}, Calls: calls})
	if err != nil {
		return "", fmt.Errorf("judge the role %s: %w", t.Role, err)
	}
	return lack.of(t.Role, t.ResourceID), nil
}

// scalingCalls are those that scale a resource.
func scalingCalls(id scaling.ResourceID) []RoleCall {
	if id.Kind() == scaling.Functions {
		name, qualifier := id.Function()
		return []RoleCall{
			{"lambda", "GetProvisionedConcurrencyConfig", &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &qualifier}},
			{"lambda", "PutProvisionedConcurrencyConfig", &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &qualifier}},
			{"lambda", "DeleteProvisionedConcurrencyConfig", &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: &name, Qualifier: &qualifier}},
		}
	}
	cluster, service := id.Service()
	return []RoleCall{
		{"ecs", "DescribeServices", &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{service}}},
		{"ecs", "UpdateService", &ecs.UpdateServiceInput{Cluster: &cluster, Service: aws.String(service)}},
	}
}

// alarmCall reads alarms.
func alarmCall(names ...string) RoleCall {
	return RoleCall{"monitoring", "DescribeAlarms", &cloudwatch.DescribeAlarmsInput{AlarmNames: names}}
}
