package policy_test

import (
	"testing"
	"time"

	"flyball/policy"
)

func TestConditions(t *testing.T) {
	type context = map[string][]string
	thread := context{"dynamodb:Attributes": {"PostDateTime", "UserName"}}
	tests := []struct {
		name      string
		condition string
		context   context
		want      bool
	}{
		{"StringEquals compares with case", `{"StringEquals": {"k": "Value"}}`, context{"k": {"Value"}}, true},
		{"StringEquals differs in case", `{"StringEquals": {"k": "Value"}}`, context{"k": {"value"}}, false},
		{"StringEquals has no wildcards", `{"StringEquals": {"k": "V*"}}`, context{"k": {"Value"}}, false},
		{"StringEqualsIgnoreCase", `{"StringEqualsIgnoreCase": {"k": "vALUE"}}`, context{"k": {"Value"}}, true},
		{"StringNotEqualsIgnoreCase", `{"StringNotEqualsIgnoreCase": {"k": "vALUE"}}`, context{"k": {"Value"}}, false},
		{"StringLike has wildcards", `{"StringLike": {"k": "t?.*"}}`, context{"k": {"t2.micro"}}, true},
		{"StringLike is whole", `{"StringLike": {"k": "t2"}}`, context{"k": {"t2.micro"}}, false},
		{"StringLike counts characters, not bytes", `{"StringLike": {"k": "*??"}}`, context{"k": {"日"}}, false},
		{"StringNotLike", `{"StringNotLike": {"k": "t?.*"}}`, context{"k": {"m3.large"}}, true},
		{"an empty value equals an empty value", `{"StringLike": {"s3:prefix": ["", "home/"]}}`, context{"s3:prefix": {""}}, true},

		{"one of the policy's values is enough", `{"StringEquals": {"k": ["a", "b"]}}`, context{"k": {"b"}}, true},
		{"negated, all values have to differ", `{"StringNotEquals": {"k": ["a", "b"]}}`, context{"k": {"b"}}, false},
		{"negated, and all differ", `{"StringNotEquals": {"k": ["a", "b"]}}`, context{"k": {"c"}}, true},
		{"all keys have to match", `{"StringEquals": {"k": "a", "l": "b"}}`, context{"k": {"a"}, "l": {"c"}}, false},
		{"all operators have to match", `{"StringEquals": {"k": "a"}, "StringLike": {"l": "b*"}}`, context{"k": {"a"}, "l": {"bc"}}, true},
		{"key names have no case", `{"StringEquals": {"AWS:sourcevpc": "v"}}`, context{"aws:SourceVpc": {"v"}}, true},
		{"operators have no case", `{"foranyvalue:stringlikeifexists": {"k": "a*"}, "bool": {"l": "true"}}`, context{"k": {"ab"}, "l": {"true"}}, true},
		{"a number is a value", `{"StringEquals": {"k": 5}}`, context{"k": {"5"}}, true},
		{"a boolean is a value", `{"Bool": {"k": true}}`, context{"k": {"true"}}, true},

		{"a missing key matches nothing", `{"StringEquals": {"k": "a"}}`, nil, false},
		{"a key without values is missing", `{"StringLike": {"k": "*"}}`, context{"k": {}}, false},
		{"a missing key differs from everything", `{"StringNotEquals": {"k": "a"}}`, nil, true},
		{"a missing key is in no network", `{"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}`, nil, true},
		{"IfExists holds without the key", `{"StringLikeIfExists": {"ec2:InstanceType": ["t1.*", "t2.*"]}}`, nil, true},
		{"IfExists compares with the key", `{"StringLikeIfExists": {"ec2:InstanceType": ["t1.*", "t2.*"]}}`, context{"ec2:InstanceType": {"m3.large"}}, false},
		{"negated IfExists holds without the key, too", `{"StringNotEqualsIfExists": {"k": "a"}}`, nil, true},
		{"Null true wants no key", `{"Null": {"aws:TokenIssueTime": "true"}}`, nil, true},
		{"Null true refuses the key", `{"Null": {"aws:TokenIssueTime": "true"}}`, context{"aws:TokenIssueTime": {"2026-03-02T11:00:00Z"}}, false},
		{"Null false wants the key", `{"Null": {"aws:TokenIssueTime": false}}`, nil, false},

		{"NumericEquals compares values, not digits", `{"NumericEquals": {"k": "10"}}`, context{"k": {"10.0"}}, true},
		{"NumericNotEquals", `{"NumericNotEquals": {"k": "10"}}`, context{"k": {"11"}}, true},
		{"NumericLessThan", `{"NumericLessThan": {"k": "10"}}`, context{"k": {"10"}}, false},
		{"NumericLessThanEquals", `{"NumericLessThanEquals": {"s3:max-keys": "10"}}`, context{"s3:max-keys": {"10"}}, true},
		{"NumericGreaterThan", `{"NumericGreaterThan": {"k": "9.5"}}`, context{"k": {"10"}}, true},
		{"NumericGreaterThanEquals", `{"NumericGreaterThanEquals": {"k": "10"}}`, context{"k": {"9"}}, false},
		{"what is no number matches no number", `{"NumericLessThan": {"k": "10"}}`, context{"k": {"few"}}, false},

		{"DateGreaterThan", `{"DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:01Z"}}`, context{"aws:TokenIssueTime": {"2020-01-01T00:00:02Z"}}, true},
		{"DateLessThan with the time of the request", `{"DateLessThan": {"aws:CurrentTime": "2026-03-02T12:00:00Z"}}`, nil, false},
		{"DateLessThanEquals with the time of the request", `{"DateLessThanEquals": {"aws:CurrentTime": "2026-03-02T12:00:00Z"}}`, nil, true},
		{"a date is its first moment in UTC", `{"DateGreaterThan": {"aws:CurrentTime": "2026-03-02"}}`, nil, true},
		{"a date with a zone", `{"DateEquals": {"aws:CurrentTime": "2026-03-02T13:00:00+01:00"}}`, nil, true},
		{"a date with numbers of one digit", `{"DateGreaterThan": {"aws:CurrentTime": "2026-3-2t2:00:00.593194+23"}}`, nil, true},
		{"a year and a T alone", `{"DateGreaterThan": {"aws:CurrentTime": "01T"}}`, nil, true},
		{"a year before our era", `{"DateLessThan": {"aws:CurrentTime": "-292275054"}}`, nil, false},
		{"a date in seconds since 1970", `{"DateEquals": {"aws:CurrentTime": "1772452800"}}`, nil, true},
		{"DateNotEquals", `{"DateNotEquals": {"aws:CurrentTime": "2026-03-02T12:00:00Z"}}`, nil, false},
		{"aws:EpochTime is a number as well", `{"NumericGreaterThanEquals": {"aws:EpochTime": "1772452800"}}`, nil, true},

		{"Bool", `{"Bool": {"aws:SecureTransport": "false"}}`, context{"aws:SecureTransport": {"true"}}, false},
		{"Bool has no case", `{"Bool": {"aws:SecureTransport": "True"}}`, context{"aws:SecureTransport": {"true"}}, true},
		{"BinaryEquals compares with base64", `{"BinaryEquals": {"k": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}`, context{"k": {"BinaryValueInBase64"}}, true},

		{"IpAddress in a range", `{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}`, context{"aws:SourceIp": {"203.0.113.77"}}, true},
		{"IpAddress outside of it", `{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}`, context{"aws:SourceIp": {"203.0.114.1"}}, false},
		{"an address is a range of one", `{"IpAddress": {"aws:SourceIp": "203.0.113.1"}}`, context{"aws:SourceIp": {"203.0.113.2"}}, false},
		{"one of the ranges, IPv6", `{"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:DB8:1234:5678::/64"]}}`, context{"aws:SourceIp": {"2001:db8:1234:5678::1"}}, true},
		{"an IPv4 address in IPv6", `{"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}`, context{"aws:SourceIp": {"::ffff:127.0.0.1"}}, true},
		{"NotIpAddress", `{"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}}`, context{"aws:SourceIp": {"192.168.3.4"}}, false},

		{"ArnLike keeps * between the colons", `{"ArnLike": {"k": "arn:aws:someservice:*:111122223333:finance/*"}}`,
			context{"k": {"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"}}, false},
		{"StringLike does not", `{"StringLike": {"k": "arn:aws:someservice:*:111122223333:finance/*"}}`,
			context{"k": {"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"}}, true},
		{"ArnEquals has wildcards as well", `{"ArnEquals": {"aws:SourceArn": "arn:aws:sns:*:*:topic-?"}}`, context{"aws:SourceArn": {"arn:aws:sns:eu-west-2:111122223333:topic-1"}}, true},
		{"ArnNotLike", `{"ArnNotLike": {"aws:SourceArn": "arn:aws:sns:*:*:topic-?"}}`, context{"aws:SourceArn": {"arn:aws:sns:eu-west-2:111122223333:topic-1"}}, false},
		{"ArnNotEquals without the key", `{"ArnNotEquals": {"aws:SourceArn": "arn:aws:sns:*:*:topic-?"}}`, nil, true},
		{"variables in an ARN's account", `{"ArnLike": {"k": "arn:aws:iam::${aws:PrincipalAccount}:role/*"}}`, context{"k": {"arn:aws:iam::111122223333:role/x"}}, true},

		{"ForAllValues wants each value", `{"ForAllValues:StringEquals": {"dynamodb:Attributes": ["PostDateTime", "Message", "Tags"]}}`, thread, false},
		{"ForAllValues has each value", `{"ForAllValues:StringEquals": {"dynamodb:Attributes": ["PostDateTime", "UserName", "Tags"]}}`, thread, true},
		{"ForAllValues of no key is true", `{"ForAllValues:StringEquals": {"aws:TagKeys": "team"}}`, nil, true},
		{"ForAllValues of an empty value is true", `{"ForAllValues:StringEquals": {"aws:TagKeys": "team"}}`, context{"aws:TagKeys": {""}}, true},
		{"ForAnyValue wants one value", `{"ForAnyValue:StringEquals": {"dynamodb:Attributes": ["ID", "PostDateTime"]}}`, thread, true},
		{"ForAnyValue has none", `{"ForAnyValue:StringEquals": {"dynamodb:Attributes": ["ID"]}}`, thread, false},
		{"ForAnyValue of no key is false", `{"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}`, nil, false},
		{"ForAnyValue of no key is false where negated, too", `{"ForAnyValue:StringNotEquals": {"aws:TagKeys": "team"}}`, nil, false},
		{"ForAnyValue negated wants one that differs", `{"ForAnyValue:StringNotEquals": {"dynamodb:Attributes": ["UserName"]}}`, thread, true},
		{"ForAllValues negated wants all to differ", `{"ForAllValues:StringNotEquals": {"dynamodb:Attributes": ["UserName"]}}`, thread, false},
		{"ForAnyValue with wildcards", `{"ForAnyValue:StringLike": {"dynamodb:Attributes": "Post*"}}`, thread, true},
		{"ForAnyValue IfExists of no key", `{"ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": "team"}}`, nil, true},
		{"without a set operator one of several values is enough", `{"StringEquals": {"dynamodb:Attributes": "UserName"}}`, thread, true},
		{"without a set operator negated wants none", `{"StringNotEquals": {"dynamodb:Attributes": "UserName"}}`, thread, false},

		{"aws:PrincipalArn", `{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:user/team/alice"}}`, nil, true},
		{"aws:PrincipalAccount", `{"StringEquals": {"aws:PrincipalAccount": ["111122223333"]}}`, nil, true},
		{"aws:PrincipalType", `{"StringEquals": {"aws:PrincipalType": "User"}}`, nil, true},
		{"aws:PrincipalTag", `{"StringEquals": {"aws:PrincipalTag/team": "yellow"}}`, nil, true},
		{"a tag's name has no case", `{"NumericGreaterThan": {"aws:principaltag/level": "2"}}`, nil, true},
		{"a tag that is not there", `{"StringEquals": {"aws:PrincipalTag/none": "x"}}`, nil, false},
		{"aws:userid", `{"StringEquals": {"aws:userid": "AIDAALICE"}}`, nil, true},
		{"aws:username", `{"StringEquals": {"aws:username": "alice"}}`, nil, true},
		{"aws:ResourceAccount", `{"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}`, nil, true},
		{"aws:PrincipalIsAWSService", `{"Bool": {"aws:PrincipalIsAWSService": "false"}}`, nil, true},
		{"a variable of several values stands for none", `{"StringEquals": {"k": "${l}"}}`, context{"k": {"a"}, "l": {"a", "b"}}, false},
		{"a variable in StringLike", `{"StringLike": {"s3:prefix": ["home/${aws:username}/*"]}}`, context{"s3:prefix": {"home/alice/x"}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := send(alice)
			r.Context = tt.context
			if got := allowed(identity(t, under(tt.condition)), r); got != tt.want {
				t.Errorf("holds: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestPrincipalKeysOfOtherCallers(t *testing.T) {
	tests := []struct {
		name, condition string
		principal       policy.Principal
	}{
		{"a session has its role's ARN", `{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ops/deploy"}}`, deploy},
		{"a session has no user name", `{"Null": {"aws:username": "true"}}`, deploy},
		{"a session is an assumed role", `{"StringEquals": {"aws:PrincipalType": "AssumedRole"}}`, deploy},
		{"the root user is an account", `{"StringEquals": {"aws:PrincipalType": "Account"}}`, root},
		{"an anonymous caller has a type", `{"StringEquals": {"aws:PrincipalType": "Anonymous"}}`, nobody},
		{"a service has a name", `{"StringEquals": {"aws:PrincipalServiceName": "application-autoscaling.amazonaws.com"}}`, scaling},
		{"a service has no account", `{"Null": {"aws:PrincipalAccount": "true", "aws:PrincipalArn": "true"}}`, scaling},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, policy.ResourceBased, of(`{"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": `+tt.condition+`}`))
			if !policy.Evaluate(send(tt.principal), policy.Policies{Resource: d}).Allowed() {
				t.Error("does not hold")
			}
		})
	}
}

func TestKeysThatDifferInCaseOnly(t *testing.T) {
	r := send(alice)
	r.Context = map[string][]string{"aws:ResourceTag/EC2": {"test1"}, "aws:ResourceTag/ec2": {"test2"}}
	for key, want := range map[string]string{"aws:ResourceTag/EC2": "test1", "aws:ResourceTag/ec2": "test2", "aws:ResourceTag/Ec2": "test1"} {
		if !allowed(identity(t, under(`{"StringEquals": {"`+key+`": "`+want+`"}}`)), r) {
			t.Errorf("%s is not %s", key, want)
		}
	}
}

func TestNoConditionOnATimeThatIsNotKnown(t *testing.T) {
	r := send(alice)
	r.Time = time.Time{}
	if allowed(identity(t, under(`{"DateGreaterThan": {"aws:CurrentTime": "0001-01-01T00:00:00Z"}}`)), r) {
		t.Error("holds")
	}
}
