package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"flyball/policy"
)

// tenStatements are about the policy of a role that deploys: the last one allows
// what is asked, and one has conditions.
func tenStatements(b *testing.B) *policy.Document {
	var statements []string
	for i := range 8 {
		statements = append(statements, fmt.Sprintf(`{"Effect": "Allow", "Action": ["ecr:Get*", "ecr:Batch*", "logs:CreateLogStream", "ecs:Describe*"],
			"Resource": ["arn:aws:ecr:eu-west-2:%s:repository/app%d", "arn:aws:logs:*:%s:log-group:/app%d/*"]}`, account, i, account, i))
	}
	return identity(b, append(statements,
		`{"Effect": "Deny", "Action": "ecs:*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-2", "eu-west-1"]}, "Bool": {"aws:SecureTransport": "false"}}}`,
		`{"Effect": "Allow", "Action": "ecs:UpdateService", "Resource": "arn:aws:ecs:*:*:service/prod/*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "yellow"}, "IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}}`)...)
}

func BenchmarkEvaluate(b *testing.B) {
	p := policy.Policies{Identity: []*policy.Document{tenStatements(b)}}
	r := &policy.Request{
		Principal: alice, Action: "ecs:UpdateService", Resource: "arn:aws:ecs:eu-west-2:" + account + ":service/prod/web", Time: noon,
		Context: map[string][]string{"aws:RequestedRegion": {"eu-west-2"}, "aws:SecureTransport": {"false"}, "aws:SourceIp": {"127.0.0.1"}},
	}
	if d := policy.Evaluate(r, p); !d.Allowed() || d.Statement != 9 {
		b.Fatalf("outcome %d by statement %d", d.Outcome, d.Statement)
	}
	b.ReportAllocs()
	for b.Loop() {
		policy.Evaluate(r, p)
	}
}

// A long pattern that nearly matches at each place of a long text: what a client
// could send to keep the server busy.
func BenchmarkMatchWorst(b *testing.B) {
	pattern, text := "*"+strings.Repeat("?a", 1000), strings.Repeat("a", 4000)
	d := identity(b, under(`{"StringLike": {"k": "`+pattern+`b"}}`))
	r := send(alice)
	r.Context = map[string][]string{"k": {text}}
	for b.Loop() {
		if allowed(d, r) {
			b.Fatal("matches")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := of(allowSend, allowOther, denySend, under(`{"StringLike": {"aws:PrincipalTag/team": ["y*", "${aws:username}"]}}`))
	for b.Loop() {
		if _, err := policy.Parse(text, policy.IdentityBased); err != nil {
			b.Fatal(err)
		}
	}
}
