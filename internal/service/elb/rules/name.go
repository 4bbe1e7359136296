// Package rules says what Elastic Load Balancing accepts, and what stands for what
// is not given. It is pure: it knows no state.
package rules

import (
	"strings"

	"flyball/internal/service/elb/fault"
)

// maxName bounds the names of load balancers and target groups, in characters.
const maxName = 32

const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

// CheckBalancerName checks the name of a load balancer ("CreateLoadBalancer").
func CheckBalancerName(name string) error {
	if strings.HasPrefix(name, "internal-") {
		return fault.Validation("The load balancer name '%s' cannot begin with 'internal-'", name)
	}
	if strings.HasSuffix(name, "-") && len(name) <= maxName {
		return fault.Validation("The load balancer name '%s' cannot end with a hyphen(-)", name)
	}
	return checkName("The load balancer name", name, "and")
}

// CheckGroupName checks the name of a target group ("CreateTargetGroup"). AWS has no
// two hyphens in a row in it, and none at its ends, and says so with its pattern.
func CheckGroupName(name string) error {
	if strings.Contains(name, "--") || strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-") {
		return fault.Validation("1 validation error detected: Value '%s' at 'targetGroup.targetGroupArn.targetGroupName' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: (?!.*--)(?!^-)(?!.*-$)^[A-Za-z0-9-]+$", name)
	}
	return checkName("Target group name", name, "or")
}

func checkName(what, name, and string) error {
	switch {
	case name == "":
		return fault.Validation("%s '%s' cannot be empty", what, name)
	case len(name) > maxName:
		return fault.Validation("%s '%s' cannot be longer than '%d' characters", what, name, maxName)
	case strings.Trim(name, nameCharacters) != "":
		return fault.Validation("%s '%s' can only contain characters that are alphanumeric characters %s hyphens(-)", what, name, and)
	case strings.HasPrefix(name, "-"):
		return fault.Validation("%s '%s' cannot begin with a hyphen(-)", what, name)
	}
	return nil
}
