package policy_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"flyball/policy"
)

const account, otherAccount = "111122223333", "444455556666"

var (
	alice = policy.Principal{
		Kind: policy.User, ARN: "arn:aws:iam::" + account + ":user/team/alice", Account: account, UserID: "AIDAALICE",
		Tags: map[string]string{"team": "yellow", "Level": "3"},
	}
	// deploy is a session of a role with a path.
	deploy = policy.Principal{
		Kind: policy.RoleSession, Account: account, UserID: "AROADEPLOY:ci",
		ARN:  "arn:aws:sts::" + account + ":assumed-role/deploy/ci",
		Role: "arn:aws:iam::" + account + ":role/ops/deploy",
	}
	root    = policy.Principal{Kind: policy.Root, ARN: "arn:aws:iam::" + account + ":root", Account: account}
	scaling = policy.Principal{Kind: policy.Service, Service: "application-autoscaling.amazonaws.com"}
	nobody  = policy.Principal{Kind: policy.Anonymous}

	noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
)

const queue = "arn:aws:sqs:eu-west-2:" + account + ":orders"

// send is what most tests want to do.
func send(p policy.Principal) *policy.Request {
	return &policy.Request{Principal: p, Action: "sqs:SendMessage", Resource: queue, Time: noon}
}

func parse(t testing.TB, typ policy.Type, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse(text, typ)
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return d
}

// identity is an identity-based policy of the statements, which are JSON.
func identity(t testing.TB, statements ...string) *policy.Document {
	t.Helper()
	return parse(t, policy.IdentityBased, of(statements...))
}

func of(statements ...string) string {
	list := make([]json.RawMessage, len(statements))
	for i, s := range statements {
		list[i] = json.RawMessage(s)
	}
	text, err := json.Marshal(map[string]any{"Version": policy.Version2012, "Statement": list})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// allowed judges by one identity-based policy.
func allowed(d *policy.Document, r *policy.Request) bool {
	return policy.Evaluate(r, policy.Policies{Identity: []*policy.Document{d}}).Allowed()
}

// under allows everything under a condition.
func under(condition string) string {
	return fmt.Sprintf(`{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": %s}`, condition)
}
