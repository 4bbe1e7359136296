package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"flyball/policy"
)

const (
	allowSend  = `{"Sid": "Send", "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}`
	allowOther = `{"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": "*"}`
	denySend   = `{"Sid": "Never", "Effect": "Deny", "Action": "sqs:*", "Resource": "*"}`
)

// naming is a statement of a resource-based policy: who may send, or may not.
func naming(effect, principal string) string {
	return fmt.Sprintf(`{"Effect": %q, "Principal": %s, "Action": "sqs:SendMessage"}`, effect, principal)
}

func aws(id string) string { return fmt.Sprintf(`{"AWS": %q}`, id) }

// said writes policies with as little as a row of a table has room for. An empty
// text is a policy that is not there.
type said struct{ identity, boundary, session, resource string }

func (s said) policies(t *testing.T) (p policy.Policies) {
	t.Helper()
	if s.identity != "" {
		p.Identity = append(p.Identity, identity(t, s.identity))
	}
	if s.boundary != "" {
		p.Boundary = identity(t, s.boundary)
	}
	if s.session != "" {
		p.Session = append(p.Session, identity(t, s.session))
	}
	if s.resource != "" {
		p.Resource = parse(t, policy.ResourceBased, of(s.resource))
	}
	return p
}

const (
	yes  = policy.Allowed
	no   = policy.ImplicitDeny
	deny = policy.ExplicitDeny
)

func TestEvaluateInOneAccount(t *testing.T) {
	tests := []struct {
		name    string
		caller  policy.Principal
		said    said
		outcome policy.Outcome
		decided policy.Type
	}{
		{"nothing allows", alice, said{}, no, policy.IdentityBased},
		{"an identity-based policy allows", alice, said{identity: allowSend}, yes, policy.IdentityBased},
		{"it allows something else", alice, said{identity: allowOther}, no, policy.IdentityBased},
		{"it denies", alice, said{identity: denySend}, deny, policy.IdentityBased},
		{"boundary and identity-based policy allow", alice, said{identity: allowSend, boundary: allowSend}, yes, policy.IdentityBased},
		{"a boundary allows nothing by itself", alice, said{boundary: allowSend}, no, policy.IdentityBased},
		{"a boundary limits", alice, said{identity: allowSend, boundary: allowOther}, no, policy.PermissionsBoundary},
		{"a boundary denies", alice, said{identity: allowSend, boundary: denySend}, deny, policy.PermissionsBoundary},
		{"a session policy allows as well", deploy, said{identity: allowSend, session: allowSend}, yes, policy.IdentityBased},
		{"a session policy allows nothing by itself", deploy, said{session: allowSend}, no, policy.IdentityBased},
		{"a session policy limits", deploy, said{identity: allowSend, session: allowOther}, no, policy.Session},
		{"a session policy denies", deploy, said{identity: allowSend, session: denySend}, deny, policy.Session},

		{"a resource's policy names the user: it allows alone", alice, said{resource: naming("Allow", aws(alice.ARN))}, yes, policy.ResourceBased},
		{"and no boundary limits it", alice, said{boundary: allowOther, resource: naming("Allow", aws(alice.ARN))}, yes, policy.ResourceBased},
		{"a boundary's Deny does", alice, said{boundary: denySend, resource: naming("Allow", aws(alice.ARN))}, deny, policy.PermissionsBoundary},
		{"a resource's policy names the session: it allows alone", deploy, said{boundary: allowOther, session: allowOther, resource: naming("Allow", aws(deploy.ARN))}, yes, policy.ResourceBased},
		{"a resource's policy names the role: it allows without an identity-based policy", deploy, said{resource: naming("Allow", aws(deploy.Role))}, yes, policy.ResourceBased},
		{"but the boundary limits it", deploy, said{boundary: allowOther, resource: naming("Allow", aws(deploy.Role))}, no, policy.PermissionsBoundary},
		{"and the session policy limits it", deploy, said{session: allowOther, resource: naming("Allow", aws(deploy.Role))}, no, policy.Session},
		{"a resource's policy names everyone: it allows alone", deploy, said{boundary: allowOther, session: allowOther, resource: naming("Allow", `"*"`)}, yes, policy.ResourceBased},
		{"a resource's policy names the account: the caller's policies decide", alice, said{resource: naming("Allow", aws(account))}, no, policy.IdentityBased},
		{"they allow", alice, said{identity: allowSend, resource: naming("Allow", aws(root.ARN))}, yes, policy.IdentityBased},
		{"a resource's policy names someone else", alice, said{resource: naming("Allow", aws(alice.ARN+"2"))}, no, policy.IdentityBased},
		{"a resource's policy is not needed", alice, said{identity: allowSend, resource: naming("Allow", aws(deploy.ARN))}, yes, policy.IdentityBased},
		{"a resource's policy denies the user", alice, said{identity: allowSend, resource: naming("Deny", aws(alice.ARN))}, deny, policy.ResourceBased},
		{"a resource's policy denies the account", alice, said{identity: allowSend, resource: naming("Deny", aws(account))}, deny, policy.ResourceBased},
		{"a resource's policy denies the session's role", deploy, said{identity: allowSend, resource: naming("Deny", aws(deploy.Role))}, deny, policy.ResourceBased},

		{"the root user needs no policy", root, said{}, yes, 0},
		{"a resource's policy can deny the root user", root, said{resource: naming("Deny", `"*"`)}, deny, policy.ResourceBased},
		{"a service has what the resource's policy gives it", scaling, said{resource: naming("Allow", `{"Service": "application-autoscaling.amazonaws.com"}`)}, yes, policy.ResourceBased},
		{"another service has not", scaling, said{resource: naming("Allow", `{"Service": "events.amazonaws.com"}`)}, no, policy.ResourceBased},
		{"a service is in no account", scaling, said{resource: naming("Allow", aws(account))}, no, policy.ResourceBased},
		{"an anonymous caller is everyone", nobody, said{resource: naming("Allow", aws("*"))}, yes, policy.ResourceBased},
		{"an anonymous caller is nobody else", nobody, said{resource: naming("Allow", aws(account))}, no, policy.ResourceBased},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := policy.Evaluate(send(tt.caller), tt.said.policies(t))
			if d.Outcome != tt.outcome || d.Type != tt.decided {
				t.Errorf("outcome %d by %q, want %d by %q", d.Outcome, d.Type, tt.outcome, tt.decided)
			}
		})
	}
}

func TestEvaluateAcrossAccounts(t *testing.T) {
	tests := []struct {
		name    string
		caller  policy.Principal
		said    said
		outcome policy.Outcome
		decided policy.Type
	}{
		{"the caller's side is not enough", alice, said{identity: allowSend}, no, policy.ResourceBased},
		{"the resource's side is not enough", alice, said{resource: naming("Allow", aws(alice.ARN))}, no, policy.IdentityBased},
		{"nor is everyone", alice, said{resource: naming("Allow", `"*"`)}, no, policy.IdentityBased},
		{"both sides allow, by user", alice, said{identity: allowSend, resource: naming("Allow", aws(alice.ARN))}, yes, policy.IdentityBased},
		{"both sides allow, by account", alice, said{identity: allowSend, resource: naming("Allow", aws(account))}, yes, policy.IdentityBased},
		{"both sides allow, by role", deploy, said{identity: allowSend, resource: naming("Allow", aws(deploy.Role))}, yes, policy.IdentityBased},
		{"the boundary limits, though the user is named", alice, said{identity: allowSend, boundary: allowOther, resource: naming("Allow", aws(alice.ARN))}, no, policy.PermissionsBoundary},
		{"the session policy limits, though the session is named", deploy, said{identity: allowSend, session: allowOther, resource: naming("Allow", aws(deploy.ARN))}, no, policy.Session},
		{"the resource's side names another account", alice, said{identity: allowSend, resource: naming("Allow", aws(otherAccount))}, no, policy.ResourceBased},
		{"the root user needs the resource's side", root, said{}, no, policy.ResourceBased},
		{"the root user has it", root, said{resource: naming("Allow", aws(account))}, yes, policy.ResourceBased},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := send(tt.caller)
			r.Resource = "arn:aws:sqs:eu-west-2:" + otherAccount + ":orders"
			d := policy.Evaluate(r, tt.said.policies(t))
			if d.Outcome != tt.outcome || d.Type != tt.decided {
				t.Errorf("outcome %d by %q, want %d by %q", d.Outcome, d.Type, tt.outcome, tt.decided)
			}
		})
	}
}

func TestTheAccountOfTheResource(t *testing.T) {
	tests := []struct {
		name, resource, account string
		same                    bool
	}{
		{"is the one that the request says", queue, otherAccount, false},
		{"is the one in its ARN", "arn:aws:sqs:eu-west-2:" + otherAccount + ":orders", "", false},
		{"is the caller's where the ARN has none", "arn:aws:s3:::bucket", "", true},
		{"is the caller's where there is no resource", "*", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := send(alice)
			r.Resource, r.ResourceAccount = tt.resource, tt.account
			if got := allowed(identity(t, allowSend), r); got != tt.same {
				t.Errorf("allowed as in one account: %t, want %t", got, tt.same)
			}
		})
	}
}

func TestAssumeRole(t *testing.T) {
	const role = "arn:aws:iam::" + account + ":role/task"
	const allowAssume = `{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "` + role + `"}`
	trust := func(principal string) string {
		return of(`{"Sid": "Trust", "Effect": "Allow", "Principal": ` + principal + `, "Action": "sts:AssumeRole"}`)
	}
	foreign := alice
	foreign.Account, foreign.ARN = otherAccount, "arn:aws:iam::"+otherAccount+":user/alice"
	user, session := alice, deploy
	user.UserID, session.UserID = "AIDA11111111111111111", "AROA11111111111111111:try"
	tests := []struct {
		name     string
		caller   policy.Principal
		identity string
		trust    string
		outcome  policy.Outcome
		decided  policy.Type
	}{
		{"a service that is trusted", scaling, "", trust(`{"Service": ["ecs-tasks.amazonaws.com", "application-autoscaling.amazonaws.com"]}`), yes, policy.RoleTrust},
		{"a service that is not", scaling, "", trust(`{"Service": "ecs-tasks.amazonaws.com"}`), no, policy.RoleTrust},
		{"an account is trusted, and the user may", alice, allowAssume, trust(aws(account)), yes, policy.IdentityBased},
		{"an account is trusted, but the user may not", alice, "", trust(aws(account)), no, policy.IdentityBased},
		{"the user may, but nobody trusts it", alice, allowAssume, trust(aws(deploy.ARN)), no, policy.RoleTrust},
		{"the user is trusted itself", alice, "", trust(aws(alice.ARN)), yes, policy.RoleTrust},
		{"the user is trusted by its identifier", user, "", trust(aws(user.UserID)), yes, policy.RoleTrust},
		{"a role is trusted by its identifier", session, "", trust(aws("AROA11111111111111111")), yes, policy.RoleTrust},
		{"another role of the same name is trusted", session, allowAssume, trust(aws("AROA22222222222222222")), no, policy.RoleTrust},
		{"a role is trusted", deploy, "", trust(aws(deploy.Role)), yes, policy.RoleTrust},
		{"the root user is trusted with the account", root, "", trust(aws(account)), yes, policy.RoleTrust},
		{"the root user is not trusted without", root, "", trust(aws(otherAccount)), no, policy.RoleTrust},
		{"a user of another account needs both: it may", foreign, allowAssume, trust(aws(foreign.ARN)), yes, policy.IdentityBased},
		{"and it may not", foreign, "", trust(aws(foreign.ARN)), no, policy.IdentityBased},
		{"a condition of the trust policy fails", scaling, "", of(`{"Effect": "Allow", "Principal": {"Service": "application-autoscaling.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:SourceAccount": "` + otherAccount + `"}}}`), no, policy.RoleTrust},
		{"the trust policy denies", alice, allowAssume, of(`{"Effect": "Deny", "Principal": "*", "Action": "sts:*"}`), deny, policy.RoleTrust},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := said{identity: tt.identity}.policies(t)
			p.Trust = parse(t, policy.RoleTrust, tt.trust)
			d := policy.Evaluate(&policy.Request{
				Principal: tt.caller, Action: "sts:AssumeRole", Resource: role, Time: noon,
				Context: map[string][]string{"aws:SourceAccount": {account}},
			}, p)
			if d.Outcome != tt.outcome || d.Type != tt.decided {
				t.Errorf("outcome %d by %q, want %d by %q", d.Outcome, d.Type, tt.outcome, tt.decided)
			}
		})
	}
}

func TestNotPrincipal(t *testing.T) {
	list := func(effect string, ids ...string) string {
		return fmt.Sprintf(`{"Effect": %q, "NotPrincipal": {"AWS": ["%s"]}, "Action": "*"}`, effect, strings.Join(ids, `", "`))
	}
	bob := alice
	bob.ARN = "arn:aws:iam::" + account + ":user/bob"
	other := deploy
	other.ARN += "2"
	tests := []struct {
		name      string
		caller    policy.Principal
		statement string
		boundary  string
		outcome   policy.Outcome
	}{
		{"a Deny spares the user that is named with its account", alice, list("Deny", alice.ARN, root.ARN), "", yes},
		{"and no other user of the account", bob, list("Deny", alice.ARN, root.ARN), "", deny},
		{"it spares nobody without the account", alice, list("Deny", alice.ARN), "", deny},
		{"it spares the session that is named with role and account", deploy, list("Deny", deploy.ARN, deploy.Role, root.ARN), "", yes},
		{"and no other session", other, list("Deny", deploy.ARN, deploy.Role, root.ARN), "", deny},
		{"nor the session without its role", deploy, list("Deny", deploy.ARN, root.ARN), "", deny},
		{"it spares the service that is named", scaling, `{"Effect": "Deny", "NotPrincipal": {"Service": "application-autoscaling.amazonaws.com"}, "Action": "*"}`, "", no},
		{"it spares everyone if it names everyone", bob, list("Deny", "*"), "", yes},
		{"it spares nobody who has a boundary", alice, list("Deny", alice.ARN, root.ARN), allowSend, deny},
		{"an Allow leaves out the user that is named", alice, list("Allow", alice.ARN), "", yes}, // by the identity-based policy
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := policy.Evaluate(send(tt.caller), said{identity: allowSend, boundary: tt.boundary, resource: tt.statement}.policies(t))
			if d.Outcome != tt.outcome {
				t.Errorf("outcome %d by %q, want %d", d.Outcome, d.Type, tt.outcome)
			}
		})
	}
	t.Run("an Allow gives to everyone else", func(t *testing.T) {
		p := said{resource: list("Allow", alice.ARN)}.policies(t)
		if policy.Evaluate(send(alice), p).Allowed() || !policy.Evaluate(send(bob), p).Allowed() || !policy.Evaluate(send(nobody), p).Allowed() {
			t.Error("alice is allowed, or bob or an anonymous caller is not")
		}
		if p := (said{resource: list("Allow", root.ARN)}).policies(t); policy.Evaluate(send(alice), p).Allowed() {
			t.Error("a user of an account that is left out is allowed")
		}
	})
}

func TestOneOfSeveralSessionPoliciesIsEnough(t *testing.T) {
	p := policy.Policies{Identity: []*policy.Document{identity(t, allowSend)}, Session: []*policy.Document{identity(t, allowOther), identity(t, allowSend)}}
	if !policy.Evaluate(send(deploy), p).Allowed() {
		t.Error("denied")
	}
}

func TestDecisionNamesItsStatement(t *testing.T) {
	allows, denies := identity(t, allowOther, allowSend), identity(t, allowOther, denySend)
	d := policy.Evaluate(send(alice), policy.Policies{Identity: []*policy.Document{allows}})
	if d.Document != allows || d.Document.Sid(d.Statement) != "Send" {
		t.Errorf("allowed by statement %d of %p, want Send of %p", d.Statement, d.Document, allows)
	}
	d = policy.Evaluate(send(alice), policy.Policies{Identity: []*policy.Document{allows, denies}})
	if d.Document != denies || d.Document.Sid(d.Statement) != "Never" {
		t.Errorf("denied by statement %d of %p, want Never of %p", d.Statement, d.Document, denies)
	}
	if d := policy.Evaluate(send(alice), policy.Policies{}); d.Document != nil {
		t.Errorf("denied implicitly by %p", d.Document)
	}
}

// The worked examples of "Policy evaluation for requests within a single
// account", "Cross-account policy evaluation logic" and "The difference between
// explicit and implicit denies", with the policies written anew.
func TestExamplesOfTheUserGuide(t *testing.T) {
	carlos := policy.Principal{Kind: policy.User, ARN: "arn:aws:iam::111111111111:user/carlossalazar", Account: "111111111111"}
	own := identity(t,
		`{"Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "s3:GetBucketLocation"], "Resource": "arn:aws:s3:::*"}`,
		`{"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::carlossalazar", "arn:aws:s3:::carlossalazar/*"]}`,
		`{"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::*log*"}`)
	ownBucket := parse(t, policy.ResourceBased, of(
		`{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:user/carlossalazar"}, "Action": "s3:*", "Resource": ["arn:aws:s3:::carlossalazar", "arn:aws:s3:::carlossalazar/*"]}`))
	objects := identity(t,
		`{"Effect": "Allow", "Action": "s3:*Object*", "Resource": "arn:aws:s3:::Production/*"}`,
		`{"Effect": "Deny", "Action": "s3:*", "Resource": ["arn:aws:s3:::*log*", "arn:aws:s3:::*log*/*"]}`)
	production := parse(t, policy.ResourceBased, of(
		`{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:user/carlossalazar"}, "Action": ["s3:GetObject*", "s3:PutObject*"], "Resource": "arn:aws:s3:::Production/*"}`))
	reports := identity(t,
		`{"Effect": "Allow", "Action": ["iam:Get*", "iam:List*"], "Resource": "*"}`,
		`{"Effect": "Deny", "Action": "iam:*Report", "Resource": "*"}`)
	tests := []struct {
		name                    string
		identity, resource      *policy.Document
		action, arn, ofResource string
		outcome                 policy.Outcome
	}{
		{"his own bucket", own, ownBucket, "s3:PutObject", "arn:aws:s3:::carlossalazar/file", "", yes},
		{"his own bucket, by its policy alone", identity(t, allowOther), ownBucket, "s3:PutObject", "arn:aws:s3:::carlossalazar/file", "", yes},
		{"a bucket with log in its name", own, nil, "s3:PutObject", "arn:aws:s3:::carlossalazar-logs/file", "", deny},
		{"a bucket of another account", objects, production, "s3:PutObject", "arn:aws:s3:::Production/file", "222222222222", yes},
		{"deleting there", objects, production, "s3:DeleteObject", "arn:aws:s3:::Production/file", "222222222222", no},
		{"its logs", objects, nil, "s3:PutObject", "arn:aws:s3:::Production-logs/file", "222222222222", deny},
		{"reading IAM", reports, nil, "iam:GetUser", "arn:aws:iam::111111111111:user/u", "", yes},
		{"writing IAM", reports, nil, "iam:CreatePolicy", "arn:aws:iam::111111111111:policy/p", "", no},
		{"reading a report of IAM", reports, nil, "iam:GetOrganizationsAccessReport", "*", "", deny},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &policy.Request{Principal: carlos, Action: tt.action, Resource: tt.arn, ResourceAccount: tt.ofResource, Time: noon}
			d := policy.Evaluate(r, policy.Policies{Identity: []*policy.Document{tt.identity}, Resource: tt.resource})
			if d.Outcome != tt.outcome {
				t.Errorf("outcome %d by %q, want %d", d.Outcome, d.Type, tt.outcome)
			}
		})
	}
}

func TestResourcesThatAreNoARNsMatchNothing(t *testing.T) {
	for resource, element := range map[string]string{"$queue": "Resource", "a*": "Resource", "*n": "NotResource"} {
		text := of(`{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "` + element + `": "` + resource + `"}`)
		if _, err := policy.Parse(text, policy.ResourceBased); err == nil {
			t.Errorf("%s can be written", resource)
		}
		kept, err := policy.ParseKept(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := policy.Evaluate(send(alice), policy.Policies{Resource: kept}).Allowed(), element == "NotResource"; got != want {
			t.Errorf("%s %s allows: %t", element, resource, got)
		}
	}
}
