package policy_test

import (
	"fmt"
	"testing"

	"flyball/policy"
)

func TestActions(t *testing.T) {
	tests := []struct {
		name, element string
		matches       []string
		differs       []string
	}{
		{"an action is compared whole", `"Action": "ecs:RunTask"`, []string{"ecs:RunTask"}, []string{"ecs:RunTasks", "ecs:RunTas", "RunTask"}},
		{"case does not matter in service and action", `"Action": "ECS:runtask"`, []string{"ecs:RunTask"}, nil},
		{"* is any characters or none", `"Action": "iam:*AccessKey*"`,
			[]string{"iam:CreateAccessKey", "iam:ListAccessKeys", "iam:AccessKey"}, []string{"iam:CreateUser", "sts:GetAccessKeyInfo"}},
		{"? is one character", `"Action": "ec2:?unInstances"`, []string{"ec2:RunInstances"}, []string{"ec2:unInstances", "ec2:ReRunInstances"}},
		{"* alone is every action", `"Action": "*"`, []string{"ecs:RunTask", "iam:CreateUser"}, nil},
		{"one of several is enough", `"Action": ["sqs:*", "ecs:RunTask"]`, []string{"ecs:RunTask", "sqs:SendMessage"}, []string{"ecs:StopTask"}},
		{"NotAction is every other action", `"NotAction": ["iam:*", "sts:AssumeRole"]`, []string{"ecs:RunTask", "sts:GetCallerIdentity"}, []string{"iam:CreateUser", "sts:assumerole"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := identity(t, `{"Effect": "Allow", `+tt.element+`, "Resource": "*"}`)
			for _, a := range tt.matches {
				if !allowed(d, &policy.Request{Principal: alice, Action: a, Resource: "*"}) {
					t.Errorf("%s is not matched", a)
				}
			}
			for _, a := range tt.differs {
				if allowed(d, &policy.Request{Principal: alice, Action: a, Resource: "*"}) {
					t.Errorf("%s is matched", a)
				}
			}
		})
	}
}

func TestResources(t *testing.T) {
	const alarm = "arn:aws:cloudwatch:eu-west-2:" + account + ":alarm:"
	tests := []struct {
		name, element string
		matches       []string
		differs       []string
	}{
		{"an ARN is compared whole, and with case", `"Resource": "arn:aws:iam::` + account + `:user/Bob"`,
			[]string{"arn:aws:iam::" + account + ":user/Bob"},
			[]string{"arn:aws:iam::" + account + ":user/bob", "arn:aws:iam::" + account + ":user/Bobby", "arn:aws-cn:iam::" + account + ":user/Bob"}},
		{"* in the last part crosses slashes", `"Resource": "arn:aws:s3:::bucket/*/test/*"`,
			[]string{"arn:aws:s3:::bucket/1/test/object.jpg", "arn:aws:s3:::bucket/1/2/3/test/4/object.jpg", "arn:aws:s3:::bucket/1///test///object.jpg", "arn:aws:s3:::bucket//test/"},
			[]string{"arn:aws:s3:::bucket/1-test/object.jpg", "arn:aws:s3:::bucket/test/object.jpg", "arn:aws:s3:::bucket/1/2/test.jpg"}},
		{"* in the last part crosses colons", `"Resource": "arn:aws:cloudwatch:*:*:*"`, []string{alarm + "cpu", alarm + "a:b"}, nil},
		{"a name with a slash is an alarm of target tracking to */*", `"Resource": "arn:aws:cloudwatch:eu-west-2:` + account + `:*/*"`,
			[]string{alarm + "TargetTracking-service/demo/web-AlarmHigh-1"}, []string{alarm + "cpu-high", alarm + "*", "*"}},
		{"* does not cross the first five colons", `"Resource": "arn:aws:sqs:*:` + account + `:orders"`,
			[]string{queue}, []string{"arn:aws:sqs:eu-west-2:" + otherAccount + ":x:" + account + ":orders"}},
		{"parts that are left out are anything", `"Resource": "arn:aws:sqs"`, []string{queue}, []string{"arn:aws:sns:eu-west-2:" + account + ":orders"}},
		{"and after a wildcard, too", `"Resource": "arn:aws:sqs:*"`, []string{queue}, []string{"arn:aws:sns:eu-west-2:" + account + ":orders"}},
		{"a pattern does not match what is no ARN", `"Resource": "arn:aws:sqs:*"`, nil, []string{"*", "arn:aws:sqs:*", "orders"}},
		{"only * is an action without a resource", `"Resource": "*"`, []string{"*", queue}, nil},
		{"? is one character, however many bytes it has", `"Resource": "arn:aws:s3:::b?/*"`, []string{"arn:aws:s3:::bé/x", "arn:aws:s3:::bu/x"}, []string{"arn:aws:s3:::b/x", "arn:aws:s3:::béé/x"}},
		{"NotResource is every other resource", `"NotResource": ["` + queue + `", "arn:aws:s3:::*"]`, []string{queue + "2", "*"}, []string{queue, "arn:aws:s3:::b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := identity(t, `{"Effect": "Allow", "Action": "*", `+tt.element+`}`)
			for _, arn := range tt.matches {
				if !allowed(d, &policy.Request{Principal: alice, Action: "a:B", Resource: arn}) {
					t.Errorf("%s is not matched", arn)
				}
			}
			for _, arn := range tt.differs {
				if allowed(d, &policy.Request{Principal: alice, Action: "a:B", Resource: arn}) {
					t.Errorf("%s is matched", arn)
				}
			}
		})
	}
}

func TestVariables(t *testing.T) {
	tests := []struct {
		name, resource string
		principal      policy.Principal
		is             string // the last part that the resource matches, and
		isNot          string // one that it does not
	}{
		{"the user's name, without its path", "${aws:username}-queue", alice, "alice-queue", "team/alice-queue"},
		{"key names have no case", "${AWS:UserName}", alice, "alice", "${AWS:UserName}"},
		{"a tag of the principal", "${aws:PrincipalTag/team}", alice, "yellow", ""},
		{"the default is not taken where there is a value", "b-${aws:PrincipalTag/team, 'company-wide'}", alice, "b-yellow", "b-company-wide"},
		{"the default stands for a value that is not there", "b-${aws:PrincipalTag/team, 'company-wide'}", deploy, "b-company-wide", "b-"},
		{"a variable without value matches nothing", "*${aws:username}", deploy, "", "anything"},
		{"an escaped wildcard is itself", "${*}${?}${$}", alice, "*?$", "abc"},
		{"a value's wildcards are taken as they stand", "${aws:PrincipalTag/team}", withTag("team", "*"), "*", "yellow"},
		{"beside wildcards", "?${aws:username}*", alice, "xalice/y", "alice"},
		{"a brace that is not closed is text", "${aws:username", alice, "${aws:username", "alice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := identity(t, fmt.Sprintf(`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:sqs:eu-west-2:%s:%s"}`, account, tt.resource))
			judge := func(name string) bool {
				return allowed(d, &policy.Request{Principal: tt.principal, Action: "sqs:SendMessage", Resource: "arn:aws:sqs:eu-west-2:" + account + ":" + name})
			}
			if tt.is != "" && !judge(tt.is) {
				t.Errorf("%s is not matched", tt.is)
			}
			if judge(tt.isNot) {
				t.Errorf("%s is matched", tt.isNot)
			}
		})
	}
}

func withTag(name, value string) policy.Principal {
	p := alice
	p.Tags = map[string]string{name: value}
	return p
}

func TestVariablesAreTextInTheLanguageOf2008(t *testing.T) {
	d := parse(t, policy.IdentityBased, `{"Version": "2008-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}"}}`)
	for arn, want := range map[string]bool{"arn:aws:s3:::alice": false, "arn:aws:s3:::${aws:username}": true} {
		if got := allowed(d, &policy.Request{Principal: alice, Action: "s3:GetObject", Resource: arn}); got != want {
			t.Errorf("%s: allowed %t, want %t", arn, got, want)
		}
	}
}

func TestVariablesStandInTheLastPartOfAResource(t *testing.T) {
	d := identity(t, `{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:sqs:*:${aws:PrincipalAccount}:orders"}`)
	if allowed(d, send(alice)) {
		t.Error("a variable stood for the account")
	}
}

func TestAnAllowDoesNotComeOfAVariableWithoutValue(t *testing.T) {
	tests := []struct{ name, element string }{
		{"in NotResource", `"NotResource": "arn:aws:sqs:*:*:${aws:username}"`},
		{"in a negated condition", `"Resource": "*", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "${aws:username}"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if allowed(identity(t, `{"Effect": "Allow", "Action": "*", `+tt.element+`}`), send(deploy)) {
				t.Error("the Allow applies")
			}
			everything := `{"Effect": "Allow", "Action": "*", "Resource": "*"}`
			if allowed(identity(t, everything, `{"Effect": "Deny", "Action": "*", `+tt.element+`}`), send(deploy)) {
				t.Error("the Deny does not apply")
			}
		})
	}
}
