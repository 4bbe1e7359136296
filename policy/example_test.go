package policy_test

import (
	"fmt"

	"flyball/policy"
)

// A role may describe every service and update one of them.
func Example() {
	doc, err := policy.Parse(`{
		"Version": "2012-10-17",
		"Statement": [
			{"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"},
			{"Effect": "Allow", "Action": "ecs:UpdateService", "Resource": "arn:aws:ecs:*:*:service/prod/web"}
		]
	}`, policy.IdentityBased)
	if err != nil {
		panic(err)
	}
	for _, service := range []string{"prod/web", "prod/api"} {
		request := &policy.Request{
			Principal: policy.Principal{
				Kind: policy.RoleSession, Account: "111122223333",
				ARN:  "arn:aws:sts::111122223333:assumed-role/scaling/s",
				Role: "arn:aws:iam::111122223333:role/scaling",
			},
			Action:   "ecs:UpdateService",
			Resource: "arn:aws:ecs:eu-west-2:111122223333:service/" + service,
		}
		decision := policy.Evaluate(request, policy.Policies{Identity: []*policy.Document{doc}})
		if decision.Allowed() {
			fmt.Println("allowed by statement", decision.Statement)
		} else {
			fmt.Println(decision.Refusal(request))
		}
	}
	// Output:
	// allowed by statement 1
	// User: arn:aws:sts::111122223333:assumed-role/scaling/s is not authorized to perform: ecs:UpdateService on resource: arn:aws:ecs:eu-west-2:111122223333:service/prod/api because no identity-based policy allows the ecs:UpdateService action
}
