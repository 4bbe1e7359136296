package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"flyball/internal/service/iam/rules"
)

const (
	syntax   = "Syntax errors in policy."
	legacy   = "The policy failed legacy parsing"
	vendor   = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	noAction = "Policy statement must contain actions."
)

// says is the message of an error, which must have the code for bad documents.
func says(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != "MalformedPolicyDocument" {
		t.Errorf("got %v", err)
		return ""
	}
	return api.ErrorMessage()
}

// around puts a statement's members into a document.
func around(members string) string {
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": {%s}}`, members)
}

const allowed = `"Effect": "Allow", "Action": "ecs:*", "Resource": "*"`

func TestWhatIsNoPolicyIsRefused(t *testing.T) {
	for _, c := range []struct{ name, document, want string }{
		{"not JSON", `no`, syntax},
		{"not an object", `[]`, syntax},
		{"null", `null`, syntax},
		{"no statement", `{"Version": "2012-10-17"}`, syntax},
		{"an empty list of statements", `{"Version": "2012-10-17", "Statement": []}`, syntax},
		{"an unknown version", `{"Version": "2013-10-17", "Statement": {` + allowed + `}}`, syntax},
		{"an unknown member", `{"Version": "2012-10-17", "Statement": {` + allowed + `}, "More": 1}`, syntax},
		{"an unknown member of a statement", around(allowed + `, "More": 1`), syntax},
		{"an identifier that is no text", around(allowed + `, "Sid": {}`), syntax},
		{"an effect that is none", around(`"Effect": "Maybe", "Action": "ecs:*", "Resource": "*"`), syntax},
		{"no effect", around(`"Action": "ecs:*", "Resource": "*"`), syntax},
		{"Action beside NotAction", around(allowed + `, "NotAction": "ecs:*"`), syntax},
		{"Resource beside NotResource", around(allowed + `, "NotResource": []`), syntax},
		{"an action that is no text", around(`"Effect": "Allow", "Action": [[]], "Resource": "*"`), syntax},
		{"a condition that is no object", around(allowed + `, "Condition": []`), syntax},
		{"an unknown operator", around(allowed + `, "Condition": {"Like": {"aws:SourceIp": "1"}}`), syntax},
		{"an operator without keys", around(allowed + `, "Condition": {"StringLike": "a"}`), syntax},
		{"an effect in another case", around(`"Effect": "allow", "Action": "ecs:*", "Resource": "*"`), legacy},
		{"a date that is none", around(allowed + `, "Condition": {"DateLessThan": {"aws:CurrentTime": "soon"}}`), legacy},
		{"an ARN without its end", around(`"Effect": "Allow", "Action": "ecs:*", "Resource": "arn:aws:s3::bucket"`), legacy},
		{"an ARN without a service", around(`"Effect": "Allow", "Action": "ecs:*", "Resource": "arn:aws::::bucket"`), legacy},
		{"the same identifier twice", `{"Version": "2012-10-17", "Statement": [{"Sid": "a", ` + allowed + `}, {"Sid": "a", ` + allowed + `}]}`, "Statement IDs (SID) in a single policy must be unique."},
		{"an identifier with other characters", around(`"Sid": "a b", ` + allowed), "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},
		{"an action without a service", around(`"Effect": "Allow", "Action": "Describe", "Resource": "*"`), vendor},
		{"an action with two colons", around(`"Effect": "Allow", "Action": "ecs:a:b", "Resource": "*"`), "Actions/Condition can contain only one colon."},
		{"a service with other characters", around(`"Effect": "Allow", "Action": "e s:b", "Resource": "*"`), "Vendor e s is not valid"},
		{"no action", around(`"Effect": "Allow", "Resource": "*"`), noAction},
		{"an empty list of actions", around(`"Effect": "Allow", "Action": [], "Resource": "*"`), noAction},
		{"no resource", around(`"Effect": "Allow", "Action": "ecs:*"`), "Policy statement must contain resources."},
		{"a resource that is no ARN", around(`"Effect": "Allow", "Action": "ecs:*", "Resource": "web"`), `Resource web must be in ARN format or "*".`},
		{"an unknown partition", around(`"Effect": "Allow", "Action": "ecs:*", "Resource": "arn:moon:s3:::b"`), `Partition "moon" is not valid for resource "arn:moon:s3:::b".`},
		{"a service of the resource left open", around(`"Effect": "Allow", "Action": "ecs:*", "Resource": "arn:aws"`), "Resource vendor must be fully qualified and cannot contain regexes."},
		{"a region in IAM", around(`"Effect": "Allow", "Action": "ecs:*", "Resource": "arn:aws:iam:us-east-1:1:role/a"`), "IAM resource arn:aws:iam:us-east-1:1:role/a cannot contain region information."},
		{"a region of a bucket", around(`"Effect": "Allow", "Action": "ecs:*", "Resource": "arn:aws:s3:us-east-1::b"`), "Resource arn:aws:s3:us-east-1::b can not contain region information."},
		{"a variable for a date", around(allowed + `, "Condition": {"DateLessThan": {"aws:CurrentTime": "${aws:TokenIssueTime}"}}`), "The policy failed legacy parsing"},
		{"a principal", around(allowed + `, "Principal": "*"`), "Policy document should not specify a principal."},
	} {
		if got := says(t, rules.CheckInline(c.document)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPoliciesAreTaken(t *testing.T) {
	for name, document := range map[string]string{
		"one statement":        around(allowed),
		"an identifier":        `{"Version": "2012-10-17", "Id": "a", "Statement": [{"Sid": "A1", ` + allowed + `}]}`,
		"identifiers left out": `{"Version": "2012-10-17", "Statement": [{"Sid": "", ` + allowed + `}, {"Sid": "", ` + allowed + `}]}`,
		"NotAction":            around(`"Effect": "Deny", "NotAction": ["iam:*", "sts:*"], "NotResource": "arn:aws:ecs:*:*:service/*"`),
		"a pattern of alarms":  around(`"Effect": "Allow", "Action": "cloudwatch:*", "Resource": "arn:aws:cloudwatch:eu-west-2:123456789012:*/*"`),
		"qualified conditions": around(allowed + `, "Condition": {"ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a*"]}, "bool": {"aws:SecureTransport": true}}`),
		"a date in seconds":    around(allowed + `, "Condition": {"DateLessThan": {"aws:CurrentTime": "1790000000"}}`),
	} {
		if err := rules.CheckManaged(document); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyEmbeddedPoliciesMayBeInTheOldLanguage(t *testing.T) {
	for _, document := range []string{`{"Statement": {` + allowed + `}}`, `{"Version": "2008-10-17", "Statement": {` + allowed + `}}`} {
		if err := rules.CheckInline(document); err != nil {
			t.Error(err)
		}
		if got := says(t, rules.CheckManaged(document)); got != "Policy document must be version 2012-10-17 or greater." {
			t.Errorf("got %q", got)
		}
	}
}

func TestTrustPolicies(t *testing.T) {
	const assume = `"Effect": "Allow", "Action": "sts:AssumeRole"`
	for _, c := range []struct{ name, document, want string }{
		{"a service", around(assume + `, "Principal": {"Service": "ecs-tasks.amazonaws.com"}`), ""},
		{"accounts and users", around(assume + `, "Principal": {"AWS": ["123456789012", "arn:aws:iam::123456789012:user/bob", "AIDAM4DFGCCZRGTLKX43J"]}`), ""},
		{"everybody", around(assume + `, "Principal": "*", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}`), ""},
		{"a provider", around(`"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": "accounts.google.com"}`), ""},
		{"not JSON", `no`, "This policy contains invalid Json"},
		{"nobody", around(assume), "Missing required field Principal"},
		{"a resource", around(assume + `, "Principal": "*", "Resource": "*"`), "Has prohibited field Resource."},
		{"no action", around(`"Effect": "Allow", "Principal": "*"`), "Missing required field Action"},
		{"another action", around(`"Effect": "Allow", "Action": "ecs:RunTask", "Principal": "*"`), "Trust Policy statement actions can only be sts:AssumeRole, sts:AssumeRoleWithSAML,  and sts:AssumeRoleWithWebIdentity"},
		{"a service that is none", around(assume + `, "Principal": {"Service": "ecs"}`), `Invalid principal in policy: "SERVICE":"ecs"`},
		{"a user that can be none", around(assume + `, "Principal": {"AWS": "bob"}`), `Invalid principal in policy: "AWS":"bob"`},
		{"an unknown kind", around(assume + `, "Principal": {"Robot": "r2"}`), syntax},
	} {
		_, err := rules.CheckTrust(c.document)
		if got := says(t, err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWhiteSpaceTakesNoSpace(t *testing.T) {
	if got := rules.Size("{ \"a\":\n\t\"b c\" }"); got != len(`{"a":"bc"}`) {
		t.Errorf("got %d", got)
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add(around(allowed))
	f.Add(around(`"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ["*"]}`))
	f.Add(strings.Repeat("[", 100))
	f.Fuzz(func(t *testing.T, document string) {
		_ = says(t, rules.CheckInline(document))
		_ = says(t, rules.CheckManaged(document))
		_, err := rules.CheckTrust(document)
		_ = says(t, err)
	})
}
