package rules_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"flyball/internal/service/iam/rules"
)

const (
	allow = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}}`
	trust = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": ["123456789012"], "Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}}`
)

func TestDocumentsAreRefusedInIAMsWords(t *testing.T) {
	inline := func(document string) error { return rules.CheckInline(document, "aws") }
	managed := func(document string) error { return rules.CheckManaged(document, "aws") }
	checkTrust := func(document string) error { _, err := rules.CheckTrust(document); return err }
	old := strings.Replace(allow, "2012", "2008", 1)
	long := func(document string, characters int) string {
		return strings.Replace(document, `"Effect"`, `"Sid": "`+strings.Repeat("x", characters)+`", "Effect"`, 1)
	}
	service := func(name string) string { return strings.Replace(trust, "ecs.amazonaws.com", name, 1) }
	for _, c := range []struct {
		name       string
		check      func(string) error
		document   string
		code, says string
	}{
		{"a policy", inline, allow, "", ""},
		{"a policy in the old language", inline, old, "", ""},
		{"a managed policy in the old language", managed, old, "MalformedPolicyDocument", "Policy document must be version 2012-10-17 or greater."},
		{"what is no policy", managed, "{}", "MalformedPolicyDocument", "Syntax errors in policy."},
		{"a policy that is too long", managed, long(allow, 6144), "LimitExceeded", "Cannot exceed quota for PolicySize: 6144"},
		{"a trust policy", checkTrust, trust, "", ""},
		{"what is no JSON", checkTrust, "no", "MalformedPolicyDocument", "This policy contains invalid Json"},
		{"a trust policy without a principal", checkTrust, allow, "MalformedPolicyDocument", "Missing required field Principal"},
		{"a trust policy that is too long", checkTrust, long(trust, 2048), "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"},
		{"a service without its last letter", checkTrust, service("ecs-task.amazonaws.com"), "MalformedPolicyDocument", `Invalid principal in policy: "SERVICE":"ecs-task.amazonaws.com"`},
		{"a service of another domain", checkTrust, service("ecs.example.com"), "MalformedPolicyDocument", `Invalid principal in policy: "SERVICE":"ecs.example.com"`},
		{"a service in a region", checkTrust, service("logs.eu-west-2.amazonaws.com"), "", ""},
		{"a service in China", checkTrust, service("ec2.amazonaws.com.cn"), "", ""},
		{"a part of a service", checkTrust, service("lambda.alarms.cloudwatch.amazonaws.com"), "", ""},
		{"every service", checkTrust, service("*"), "MalformedPolicyDocument", `Invalid principal in policy: "SERVICE":"*"`},
		{"another partition", inline, `{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws-cn:s3:::b"}}`, "MalformedPolicyDocument", `Partition "aws-cn" is not valid for resource "arn:aws-cn:s3:::b".`},
	} {
		err := c.check(c.document)
		api, refused := errors.AsType[smithy.APIError](err)
		if refused != (c.code != "") || refused && (api.ErrorCode() != c.code || api.ErrorMessage() != c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestATrustPolicyTellsWhomItNames(t *testing.T) {
	named, err := rules.CheckTrust(trust)
	if err != nil || !slices.Equal(named, []string{"123456789012"}) {
		t.Errorf("got %v, %v", named, err)
	}
}
