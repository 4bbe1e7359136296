package policy_test

import (
	"errors"
	"testing"

	"flyball/policy"
)

func TestWhatIAMRefusesWhenItIsWritten(t *testing.T) {
	resource := func(arn string) string { return of(`{"Effect": "Allow", "Action": "*", "Resource": "` + arn + `"}`) }
	trust := func(principal, action string) string {
		return of(`{"Effect": "Allow", "Principal": ` + principal + `, "Action": "` + action + `"}`)
	}
	const (
		legacy  = "The policy failed legacy parsing"
		actions = "AssumeRole policy may only specify STS AssumeRole actions."
		ecs     = `{"Service": "ecs-tasks.amazonaws.com"}`
	)
	for name, c := range map[string]struct {
		typ        policy.Type
		text, want string
	}{
		"a policy":               {policy.IdentityBased, resource("arn:*:s3:::b*"), ""},
		"an access point":        {policy.IdentityBased, resource("arn:aws:s3:us-east-1:111122223333:accesspoint/ap"), ""},
		"another partition":      {policy.IdentityBased, resource("arn:aws-cn:s3:::b"), `Partition "aws-cn" is not valid for resource "arn:aws-cn:s3:::b".`},
		"a bucket without parts": {policy.IdentityBased, resource("arn:aws:s3:b"), legacy},
		"a bucket's account":     {policy.IdentityBased, resource("arn:aws:s3::111122223333:b"), "Resource arn:aws:s3::111122223333:b cannot contain an account id."},
		"a zone's region":        {policy.IdentityBased, resource("arn:aws:route53:us-east-1::hostedzone/z"), "Resource arn:aws:route53:us-east-1::hostedzone/z can not contain region information."},
		"all services' action": {policy.IdentityBased, of(`{"Effect": "Allow", "Action": "*:GetObject", "Resource": "*"}`),
			"Action vendors (e.g., aws, ec2, etc.) must not contain wildcards."},
		"a name as an ARN":        {policy.IdentityBased, of(under(`{"ArnLike": {"aws:SourceArn": "nope"}}`)), legacy},
		"a variable as an ARN":    {policy.IdentityBased, of(under(`{"ArnLike": {"aws:SourceArn": "${aws:PrincipalArn}"}}`)), legacy},
		"patterns of ARNs":        {policy.IdentityBased, of(under(`{"ArnLike": {"aws:SourceArn": ["*", "arn:*:s3:::b", "arn:aws:*:*:*:*"]}}`)), ""},
		"a trust policy":          {policy.RoleTrust, trust(ecs, "sts:AssumeRole*"), ""},
		"everybody":               {policy.RoleTrust, trust(`{"AWS": "*"}`, "sts:AssumeRole"), ""},
		"everybody of no type":    {policy.RoleTrust, trust(`"*"`, "sts:AssumeRole"), `AssumeRolepolicy contained an invalid principal: "STAR":"*".`},
		"every service":           {policy.RoleTrust, trust(`{"Service": "*"}`, "sts:AssumeRole"), `Invalid principal in policy: "SERVICE":"*"`},
		"every action":            {policy.RoleTrust, trust(ecs, "sts:*"), actions},
		"an action in lower case": {policy.RoleTrust, trust(ecs, "sts:assumerole"), actions},
		"every identity pool": {policy.RoleTrust, trust(`{"Federated": "cognito-identity.amazonaws.com"}`, "sts:AssumeRoleWithWebIdentity"),
			"A condition block must be present for the Cognito provider"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := policy.Parse(c.text, c.typ); err != nil {
				t.Fatalf("not read back: %v", err)
			}
			err := policy.CheckWritten(c.text, c.typ, "aws")
			var m *policy.Malformed
			if (err == nil) != (c.want == "") || err != nil && (!errors.As(err, &m) || m.Message != c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
