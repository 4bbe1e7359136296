package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"flyball/policy"
)

func TestRefusedDocuments(t *testing.T) {
	const (
		syntax  = "Syntax errors in policy."
		vendors = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
		colons  = "Actions/Condition can contain only one colon."
	)
	tests := []struct {
		name    string
		typ     policy.Type
		text    string
		message string
	}{
		{"a text that is not JSON", policy.IdentityBased, `allow everything`, syntax},
		{"a comma too many", policy.IdentityBased, `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*",}]}`, syntax},
		{"something after the document", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "*"}`) + `{}`, syntax},
		{"a list", policy.IdentityBased, `[]`, syntax},
		{"an element twice", policy.IdentityBased, `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}}`, syntax},
		{"an element in another case", policy.IdentityBased, of(`{"effect": "Allow", "Action": "*", "Resource": "*"}`), syntax},
		{"an element that does not exist", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "*", "Extra": "x"}`), syntax},
		{"a version that does not exist", policy.IdentityBased, `{"Version": "2013-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`, syntax},
		{"no statement", policy.IdentityBased, `{"Version": "2012-10-17"}`, syntax},
		{"an empty list of statements", policy.IdentityBased, of(), syntax},
		{"no effect", policy.IdentityBased, of(`{"Action": "*", "Resource": "*"}`), syntax},
		{"an effect in another case", policy.IdentityBased, of(`{"Effect": "allow", "Action": "*", "Resource": "*"}`), "The policy failed legacy parsing"},
		{"Action beside NotAction", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "NotAction": "a:B", "Resource": "*"}`), syntax},
		{"Resource beside NotResource", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "*", "NotResource": "*"}`), syntax},
		{"an action that is an object", policy.IdentityBased, of(`{"Effect": "Allow", "Action": {}, "Resource": "*"}`), syntax},
		{"an operator that does not exist", policy.IdentityBased, of(under(`{"StringMatches": {"k": "v"}}`)), syntax},
		{"Null does not take IfExists", policy.IdentityBased, of(under(`{"NullIfExists": {"k": "true"}}`)), syntax},
		{"a value that is an object", policy.IdentityBased, of(under(`{"StringEquals": {"k": {}}}`)), syntax},
		{"a number that is none", policy.IdentityBased, of(under(`{"NumericLessThan": {"k": "ten"}}`)), "The policy failed legacy parsing"},
		{"a range that is none", policy.IdentityBased, of(under(`{"IpAddress": {"aws:SourceIp": "10.0.0/8"}}`)), "The policy failed legacy parsing"},
		{"a date that is none", policy.IdentityBased, of(under(`{"DateLessThan": {"aws:CurrentTime": "tomorrow"}}`)), "The policy failed legacy parsing"},
		{"a date in a thirteenth month", policy.IdentityBased, of(under(`{"DateLessThan": {"aws:CurrentTime": "2016-13-01"}}`)), "The policy failed legacy parsing"},
		{"a date finer than nanoseconds", policy.IdentityBased, of(under(`{"DateLessThan": {"aws:CurrentTime": "2016-12-13T02:00:00.1999999999Z"}}`)), "The policy failed legacy parsing"},
		{"nested too deep", policy.IdentityBased, `{"Statement": ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, syntax},

		{"a Sid twice", policy.IdentityBased, of(`{"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"}`, `{"Sid": "a", "Effect": "Deny", "Action": "*", "Resource": "*"}`),
			"Statement IDs (SID) in a single policy must be unique."},
		{"a Sid with a space", policy.IdentityBased, of(`{"Sid": "a b", "Effect": "Allow", "Action": "*", "Resource": "*"}`),
			"Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},
		{"no action", policy.IdentityBased, of(`{"Effect": "Allow", "Resource": "*"}`), "Policy statement must contain actions."},
		{"an empty list of actions", policy.IdentityBased, of(`{"Effect": "Allow", "Action": [], "Resource": "*"}`), "Policy statement must contain actions."},
		{"no resource", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*"}`), "Policy statement must contain resources."},
		{"an action without a service", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "RunTask", "Resource": "*"}`), vendors},
		{"an action with two colons", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "a:b:c", "Resource": "*"}`), colons},
		{"a service with a character that it cannot have", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "a+b:c", "Resource": "*"}`), "Vendor a+b is not valid"},
		{"a service with a wildcard of actions", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "s3*:GetObject", "Resource": "*"}`), "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards."},
		{"a resource that is no ARN", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "bucket"}`), `Resource bucket must be in ARN format or "*".`},
		{"a partition that does not exist", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "arn:asw:s3:::b"}`),
			`Partition "asw" is not valid for resource "arn:asw:s3:::b".`},
		{"a service with a wildcard", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:*:*:*:table/t"}`),
			"Resource vendor must be fully qualified and cannot contain regexes."},
		{"an IAM resource in a region", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:iam:eu-west-2:1:user/u"}`),
			"IAM resource arn:aws:iam:eu-west-2:1:user/u cannot contain region information."},
		{"an IAM resource of no kind", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:iam:::bucket"}`),
			`IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`},
		{"an action without a service before no resource", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "invalid"}`), vendors},
		{"an S3 bucket in a region", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:eu-west-2::b"}`),
			"Resource arn:aws:s3:eu-west-2::b can not contain region information."},
		{"an empty resource", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": ""}`), `Resource  must be in ARN format or "*".`},
		{"an empty action", policy.IdentityBased, of(`{"Effect": "Allow", "NotAction": "", "Resource": "*"}`), vendors},
		{"a resource before an action", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "a:b:c", "Resource": "r"}`), `Resource r must be in ARN format or "*".`},
		{"an ARN without a service", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws::::r"}`), "The policy failed legacy parsing"},
		{"an ARN with too few colons in the middle", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3::b"}`), "The policy failed legacy parsing"},
		{"a principal in an identity-based policy", policy.IdentityBased, of(`{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}`),
			"Policy document should not specify a principal."},

		{"a trust policy that is not JSON", policy.RoleTrust, `{`, "This policy contains invalid Json"},
		{"a trust policy with a resource", policy.RoleTrust, of(`{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole", "Resource": "*"}`),
			"Has prohibited field Resource"},
		{"a trust policy without a principal", policy.RoleTrust, of(`{"Effect": "Allow", "Action": "sts:AssumeRole"}`), "Missing required field Principal"},
		{"a trust policy of an action of STS that asks no role", policy.RoleTrust, of(`{"Effect": "Allow", "Principal": "*", "Action": "sts:GetCallerIdentity"}`),
			"AssumeRole policy may only specify STS AssumeRole actions."},
		{"a trust policy of other actions", policy.RoleTrust, of(`{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}`),
			"AssumeRole policy may only specify STS AssumeRole actions."},
		{"a wildcard within a principal", policy.RoleTrust, of(`{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/*"}, "Action": "sts:AssumeRole"}`),
			`Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/*"`},
		{"a service without a domain", policy.RoleTrust, of(`{"Effect": "Allow", "Principal": {"Service": "ecs"}, "Action": "sts:AssumeRole"}`),
			`Invalid principal in policy: "SERVICE":"ecs"`},
		{"a principal of no type", policy.RoleTrust, of(`{"Effect": "Allow", "Principal": {"Group": "g"}, "Action": "sts:AssumeRole"}`), syntax},
		{"a name as the principal", policy.RoleTrust, of(`{"Effect": "Allow", "Principal": "alice", "Action": "sts:AssumeRole"}`), syntax},
		{"Principal beside NotPrincipal", policy.ResourceBased, of(`{"Effect": "Deny", "Principal": "*", "NotPrincipal": "*", "Action": "*"}`), syntax},
		{"a resource's policy without a principal", policy.ResourceBased, of(`{"Effect": "Allow", "Action": "*", "Resource": "*"}`), "Missing required field Principal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := policy.Parse(tt.text, tt.typ)
			var m *policy.Malformed
			if !errors.As(err, &m) {
				t.Fatalf("error %v, want %q", err, tt.message)
			}
			if m.Message != tt.message {
				t.Errorf("message %q (%s), want %q", m.Message, m.Reason, tt.message)
			}
		})
	}
}

func TestTheErrorSaysWhatIsWrongAndWhere(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"in JSON", `{"Version": }`, "Syntax errors in policy. (invalid character '}' looking for beginning of value)"},
		{"in a statement", of(allowSend, `{"Effect": "Perhaps"}`), "Syntax errors in policy. (Statement[1].Effect: neither Allow nor Deny)"},
		{"in a condition", of(under(`{"IpAddress": {"aws:SourceIp": "here"}}`)),
			`The policy failed legacy parsing (Statement[0].Condition.IpAddress.aws:SourceIp: netip.ParsePrefix("here"): no '/')`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := policy.Parse(tt.text, policy.IdentityBased); err == nil || err.Error() != tt.want {
				t.Errorf("error %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestTakenDocuments(t *testing.T) {
	tests := []struct {
		name string
		typ  policy.Type
		text string
	}{
		{"one statement without a list", policy.IdentityBased, `{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`},
		{"elements in any order", policy.IdentityBased, `{"Statement": [{"Resource": "*", "Condition": {}, "Action": ["a:B"], "Effect": "Deny", "Sid": ""}], "Id": "x", "Version": "2008-10-17"}`},
		{"a partition with a wildcard", policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*", "Resource": ["arn:*:sqs:*:*:q", "arn:aws-cn:s3:::b"]}`)},
		{"a resource's policy with a Sid of its own kind and no resource", policy.ResourceBased, of(`{"Sid": "new statement", "Effect": "Allow", "Principal": {"AWS": ["111122223333", "*"], "CanonicalUser": "79a5", "Federated": "accounts.google.com"}, "Action": "ecr:*"}`)},
		{"an account with dashes", policy.RoleTrust, of(`{"Effect": "Allow", "Principal": {"AWS": "1111-2222-3333"}, "Action": "sts:AssumeRole"}`)},
		{"a trust policy of sessions with tags", policy.RoleTrust, of(`{"Effect": "Allow", "Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/r/s"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { parse(t, tt.typ, tt.text) })
	}
}

func TestAManagedPolicyIsInTheLanguageOf2012(t *testing.T) {
	_, err := policy.ParseManaged(`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`)
	var m *policy.Malformed
	if !errors.As(err, &m) || m.Message != "Policy document must be version 2012-10-17 or greater." {
		t.Errorf("error %v", err)
	}
	if _, err := policy.ParseManaged(of(`{"Effect": "Allow", "Action": "*", "Resource": "*"}`)); err != nil {
		t.Error(err)
	}
}

func TestDocumentTellsWhatItSays(t *testing.T) {
	d := parse(t, policy.RoleTrust, `{"Version": "2012-10-17", "Id": "trust", "Statement": [
		{"Sid": "Tasks", "Effect": "Allow", "Principal": {"Service": ["ecs-tasks.amazonaws.com"], "AWS": "111122223333"}, "Action": "sts:AssumeRole"},
		{"Effect": "Deny", "NotPrincipal": "*", "Action": "sts:AssumeRole"}]}`)
	if d.Version() != policy.Version2012 || d.ID() != "trust" || d.Len() != 2 || d.Sid(0) != "Tasks" || d.Sid(1) != "" || d.Effect(1) != policy.Deny {
		t.Errorf("version %s, id %s, %d statements, sids %q %q, effect %d", d.Version(), d.ID(), d.Len(), d.Sid(0), d.Sid(1), d.Effect(1))
	}
	want := []policy.NamedPrincipal{
		{Type: policy.ServicePrincipal, ID: "ecs-tasks.amazonaws.com"},
		{Type: policy.AWSPrincipal, ID: "111122223333"},
		{Type: policy.AWSPrincipal, ID: "*"},
	}
	if got := d.Principals(); !slices.Equal(got, want) {
		t.Errorf("principals %v, want %v", got, want)
	}
}

func TestWhiteSpaceDoesNotCountForTheSize(t *testing.T) {
	if got := policy.Size("{ \"Id\":\t\"né\"\n}"); got != 11 {
		t.Errorf("%d characters, want 11", got)
	}
}
