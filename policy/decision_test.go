package policy_test

import (
	"testing"

	"flyball/policy"
)

func TestRefusal(t *testing.T) {
	const to = " is not authorized to perform: sqs:SendMessage on resource: " + queue
	tests := []struct {
		name     string
		caller   policy.Principal
		decision policy.Decision
		want     string
	}{
		{"nothing allows", alice, policy.Decision{Type: policy.IdentityBased}, "User: " + alice.ARN + to + " because no identity-based policy allows the sqs:SendMessage action"},
		{"the boundary does not", alice, policy.Decision{Type: policy.PermissionsBoundary}, "User: " + alice.ARN + to + " because no permissions boundary allows the sqs:SendMessage action"},
		{"the session policy does not", deploy, policy.Decision{Type: policy.Session}, "User: " + deploy.ARN + to + " because no session policy allows the sqs:SendMessage action"},
		{"the resource's policy does not", scaling, policy.Decision{Type: policy.ResourceBased}, "User: application-autoscaling.amazonaws.com" + to + " because no resource-based policy allows the sqs:SendMessage action"},
		{"the trust policy does not", nobody, policy.Decision{Type: policy.RoleTrust}, "User: anonymous" + to + " because no role trust policy allows the sqs:SendMessage action"},
		{"an identity-based policy denies", alice, policy.Decision{Outcome: deny, Type: policy.IdentityBased}, "User: " + alice.ARN + to + " with an explicit deny in an identity-based policy"},
		{"the boundary denies", alice, policy.Decision{Outcome: deny, Type: policy.PermissionsBoundary}, "User: " + alice.ARN + to + " with an explicit deny in a permissions boundary"},
		{"a session policy denies", deploy, policy.Decision{Outcome: deny, Type: policy.Session}, "User: " + deploy.ARN + to + " with an explicit deny in a session policy"},
		{"the resource's policy denies", alice, policy.Decision{Outcome: deny, Type: policy.ResourceBased}, "User: " + alice.ARN + to + " with an explicit deny in a resource-based policy"},
		{"the trust policy denies", alice, policy.Decision{Outcome: deny, Type: policy.RoleTrust}, "User: " + alice.ARN + to + " with an explicit deny in the role trust policy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.decision.Refusal(send(tt.caller)); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}
