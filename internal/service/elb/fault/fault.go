// Package fault makes the errors of Elastic Load Balancing, with the codes of its
// API reference.
package fault

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"
)

func message(format string, args ...any) *string {
	text := fmt.Sprintf(format, args...)
	return &text
}

// Validation answers a value that breaks a rule of the API's.
func Validation(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "ValidationError", Message: *message(format, args...), Fault: smithy.FaultClient}
}

// NotServed answers what AWS has and this service does not.
func NotServed(what string) error { return Validation("%s not supported by this server", what) }

// NotAnARN answers a name that is no ARN of a kind of resource.
func NotAnARN(name, kind string) error { return Validation("'%s' is not a valid %s ARN", name, kind) }

// InvalidConfiguration answers settings that do not go together.
func InvalidConfiguration(format string, args ...any) error {
	return &types.InvalidConfigurationRequestException{Message: message(format, args...)}
}

// LoadBalancerNotFound answers the name or ARN of no load balancer.
func LoadBalancerNotFound(name string) error {
	return &types.LoadBalancerNotFoundException{Message: message("Load balancer '%s' not found", name)}
}

// LoadBalancersNotFound answers names of which some are of no load balancer.
func LoadBalancersNotFound(names []string) error {
	return &types.LoadBalancerNotFoundException{Message: message("Load balancers '[%s]' not found", strings.Join(names, ", "))}
}

// DuplicateLoadBalancer answers a name that another load balancer has.
func DuplicateLoadBalancer(name string) error {
	return &types.DuplicateLoadBalancerNameException{Message: message("A load balancer with the same name '%s' exists, but with different settings", name)}
}

// TooManyLoadBalancers answers one load balancer more than a region may have.
func TooManyLoadBalancers(most int) error {
	return &types.TooManyLoadBalancersException{Message: message("You have reached the maximum number of load balancers: %d", most)}
}

// SubnetNotFound answers a subnet that EC2 does not know.
func SubnetNotFound(id string) error {
	return &types.SubnetNotFoundException{Message: message("The subnet ID '%s' does not exist", id)}
}

// InvalidSubnet answers a subnet that does not go with the others.
func InvalidSubnet(format string, args ...any) error {
	return &types.InvalidSubnetException{Message: message(format, args...)}
}

// InvalidSecurityGroup answers a security group that is none.
func InvalidSecurityGroup(id string) error {
	return &types.InvalidSecurityGroupException{Message: message("Invalid security group: %s", id)}
}

// NotPermitted answers what the state of a resource forbids.
func NotPermitted(format string, args ...any) error {
	return &types.OperationNotPermittedException{Message: message(format, args...)}
}

// TargetGroupNotFound answers the ARN of no target group.
func TargetGroupNotFound() error {
	return &types.TargetGroupNotFoundException{Message: message("One or more target groups not found")}
}

// DuplicateTargetGroup answers a name that another target group has.
func DuplicateTargetGroup(name string) error {
	return &types.DuplicateTargetGroupNameException{Message: message("A target group with the same name '%s' exists, but with different settings", name)}
}

// TooManyTargetGroups answers one target group more than there may be.
func TooManyTargetGroups(most int) error {
	return &types.TooManyTargetGroupsException{Message: message("You have reached the maximum number of target groups: %d", most)}
}

// TooManyGroupsOfBalancer answers one target group more than a load balancer may have.
func TooManyGroupsOfBalancer(most int) error {
	return &types.TooManyUniqueTargetGroupsPerLoadBalancerException{Message: message("The maximum number of target groups per load balancer is %d", most)}
}

// TargetGroupInUse answers the deletion of a target group that something forwards to.
func TargetGroupInUse(arn string) error {
	return &types.ResourceInUseException{Message: message("Target group '%s' is currently in use by a listener or a rule", arn)}
}

// AssociationLimit answers a target group that another load balancer has.
func AssociationLimit(arn string) error {
	return &types.TargetGroupAssociationLimitException{Message: message("The following target groups cannot be associated with more than one load balancer: %s", arn)}
}

// InvalidTarget answers a target that cannot be one.
func InvalidTarget(format string, args ...any) error {
	return &types.InvalidTargetException{Message: message(format, args...)}
}

// TooManyTargets answers one target more than a target group or a load balancer may
// have.
func TooManyTargets(of string, most int) error {
	return &types.TooManyTargetsException{Message: message("The maximum number of targets per %s is %d", of, most)}
}

// ListenerNotFound answers the ARN of no listener.
func ListenerNotFound() error {
	return &types.ListenerNotFoundException{Message: message("One or more listeners not found")}
}

// DuplicateListener answers a port at which the load balancer listens.
func DuplicateListener(balancer string) error {
	return &types.DuplicateListenerException{Message: message("A listener already exists on this port for this load balancer '%s'", balancer)}
}

// TooManyListeners answers one listener more than a load balancer may have.
func TooManyListeners(most int) error {
	return &types.TooManyListenersException{Message: message("The maximum number of listeners per load balancer is %d", most)}
}

// UnsupportedProtocol answers a protocol that the listeners of the load balancer
// do not speak.
func UnsupportedProtocol(protocol types.ProtocolEnum) error {
	return &types.UnsupportedProtocolException{Message: message("Protocol '%s' is not supported on this load balancer", protocol)}
}

// SSLPolicyNotFound answers the name of no security policy.
func SSLPolicyNotFound(name string) error {
	return &types.SSLPolicyNotFoundException{Message: message("SSL policy '%s' not found", name)}
}

// CertificateNotFound answers a name that no certificate can have.
func CertificateNotFound(arn string) error {
	return &types.CertificateNotFoundException{Message: message("Certificate '%s' not found", arn)}
}

// TooManyCertificates answers one certificate more than there may be.
func TooManyCertificates(most int) error {
	return &types.TooManyCertificatesException{Message: message("The maximum number of certificates per load balancer is %d", most)}
}

// RuleNotFound answers the ARN of no rule.
func RuleNotFound() error {
	return &types.RuleNotFoundException{Message: message("One or more rules not found")}
}

// PriorityInUse answers a priority that another rule of the listener has.
func PriorityInUse(priority int32) error {
	return &types.PriorityInUseException{Message: message("Priority '%d' is currently in use", priority)}
}

// TooManyRules answers one rule more than a load balancer may have.
func TooManyRules(most int) error {
	return &types.TooManyRulesException{Message: message("The maximum number of rules per load balancer is %d", most)}
}

// TooManyActions answers one action more than a rule may have.
func TooManyActions(format string, args ...any) error {
	return &types.TooManyActionsException{Message: message(format, args...)}
}

// InvalidAction answers an action that cannot be carried out.
func InvalidAction(format string, args ...any) error {
	return &types.InvalidLoadBalancerActionException{Message: message(format, args...)}
}

// IncompatibleProtocols answers a listener and a target group that do not go
// together.
func IncompatibleProtocols(format string, args ...any) error {
	return &types.IncompatibleProtocolsException{Message: message(format, args...)}
}

// DuplicateTagKeys answers tags of which two have one key.
func DuplicateTagKeys() error {
	return &types.DuplicateTagKeysException{Message: message("Tag keys must be unique")}
}

// TooManyTags answers one tag more than a resource may have.
func TooManyTags(most int) error {
	return &types.TooManyTagsException{Message: message("A resource can have %d tags at most", most)}
}
