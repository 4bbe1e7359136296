package policy_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flyball/policy"
)

// glob is what * and ? mean, by way of a regular expression.
func glob(pattern, s string) bool {
	expression := regexp.QuoteMeta(pattern)
	expression = strings.ReplaceAll(expression, `\*`, `.*`)
	expression = strings.ReplaceAll(expression, `\?`, `.`)
	return regexp.MustCompile(`(?s)\A` + expression + `\z`).MatchString(s)
}

// like compares through a document: StringLike takes any text.
func like(t testing.TB, pattern, s string) bool {
	value, err := json.Marshal(pattern)
	if err != nil {
		t.Fatal(err)
	}
	r := send(alice)
	r.Context = map[string][]string{"k": {s}}
	return allowed(identity(t, under(`{"StringLike": {"k": `+string(value)+`}}`)), r)
}

func TestWildcardsMatchAsARegularExpression(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pattern := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?é日")), 0, 12, -1).Draw(rt, "pattern")
		s := rapid.StringOfN(rapid.SampledFrom([]rune("abé日")), 0, 12, -1).Draw(rt, "text")
		if got, want := like(t, pattern, s), glob(pattern, s); got != want {
			rt.Errorf("%q like %q: %t, want %t", s, pattern, got, want)
		}
	})
}

func TestARNsMatchPartByPart(t *testing.T) {
	part := rapid.StringOfN(rapid.SampledFrom([]rune("ab*")), 0, 3, -1)
	rapid.Check(t, func(rt *rapid.T) {
		pattern := []string{"arn", "aws", "sqs"}
		arn := []string{"arn", "aws", "sqs"}
		for range 2 {
			pattern = append(pattern, part.Draw(rt, "pattern"))
			arn = append(arn, strings.ReplaceAll(part.Draw(rt, "part"), "*", "c"))
		}
		pattern = append(pattern, strings.Join(rapid.SliceOfN(part, 1, 3).Draw(rt, "last of pattern"), ":"))
		arn = append(arn, strings.ReplaceAll(strings.Join(rapid.SliceOfN(part, 1, 3).Draw(rt, "last"), ":"), "*", "/"))
		want := true
		for i := range arn {
			want = want && glob(pattern[i], arn[i])
		}
		d := identity(t, `{"Effect": "Allow", "Action": "*", "Resource": "`+strings.Join(pattern, ":")+`"}`)
		if got := allowed(d, &policy.Request{Principal: alice, Action: "sqs:SendMessage", Resource: strings.Join(arn, ":")}); got != want {
			rt.Errorf("%v as %v: %t, want %t", arn, pattern, got, want)
		}
	})
}

// drawStatement makes statements that apply often enough to disagree.
func drawStatement(t *rapid.T, effects ...string) string {
	statement := map[string]any{
		"Effect": rapid.SampledFrom(effects).Draw(t, "effect"),
		rapid.SampledFrom([]string{"Action", "Action", "NotAction"}).Draw(t, "action element"): rapid.SampledFrom([]string{
			"*", "sqs:*", "sqs:SendMessage", "sqs:Receive*", "ecs:*"}).Draw(t, "action"),
		rapid.SampledFrom([]string{"Resource", "Resource", "NotResource"}).Draw(t, "resource element"): rapid.SampledFrom([]string{
			"*", queue, queue + "*", "arn:aws:sqs:*:*:${aws:username}", "arn:aws:s3:::*"}).Draw(t, "resource"),
	}
	if rapid.Bool().Draw(t, "condition") {
		operator := rapid.SampledFrom([]string{"StringEquals", "StringNotEquals", "StringLikeIfExists", "ForAllValues:StringEquals", "ForAnyValue:StringNotLike"}).Draw(t, "operator")
		key := rapid.SampledFrom([]string{"aws:PrincipalTag/team", "aws:username", "k", "none"}).Draw(t, "key")
		statement["Condition"] = map[string]any{operator: map[string]any{key: []string{rapid.SampledFrom([]string{"yellow", "alice", "${aws:username}", "v*"}).Draw(t, "value")}}}
	}
	return marshal(t, statement)
}

func drawResourceStatement(t *rapid.T, effects ...string) string {
	return marshal(t, map[string]any{
		"Effect": rapid.SampledFrom(effects).Draw(t, "effect"),
		"Action": "sqs:*",
		rapid.SampledFrom([]string{"Principal", "Principal", "NotPrincipal"}).Draw(t, "principal element"): map[string]any{
			"AWS": rapid.SliceOfN(rapid.SampledFrom([]string{"*", account, otherAccount, alice.ARN, deploy.ARN, deploy.Role, root.ARN}), 1, 3).Draw(t, "principals")},
	})
}

func marshal(t *rapid.T, v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// drawn is a set of policies as the statements of its documents.
type drawn struct{ identity, boundary, session, resource []string }

func draw(t *rapid.T) (d drawn) {
	statements := func(most int, one func(*rapid.T, ...string) string) (list []string) {
		for range rapid.IntRange(0, most).Draw(t, "statements") {
			list = append(list, one(t, "Allow", "Allow", "Allow", "Deny"))
		}
		return list
	}
	d.identity = statements(4, drawStatement)
	d.boundary = statements(2, drawStatement)
	d.session = statements(2, drawStatement)
	d.resource = statements(3, drawResourceStatement)
	return d
}

func (d drawn) policies(t *testing.T) (p policy.Policies) {
	if len(d.identity) > 0 {
		p.Identity = []*policy.Document{identity(t, d.identity...)}
	}
	if len(d.boundary) > 0 {
		p.Boundary = identity(t, d.boundary...)
	}
	if len(d.session) > 0 {
		p.Session = []*policy.Document{identity(t, d.session...)}
	}
	if len(d.resource) > 0 {
		p.Resource = parse(t, policy.ResourceBased, of(d.resource...))
	}
	return p
}

func drawRequest(t *rapid.T) *policy.Request {
	r := send(rapid.SampledFrom([]policy.Principal{alice, deploy, root, nobody, scaling}).Draw(t, "caller"))
	r.ResourceAccount = rapid.SampledFrom([]string{account, otherAccount}).Draw(t, "resource's account")
	r.Context = rapid.SampledFrom([]map[string][]string{nil, {"k": {"v"}}, {"K": {"v1", "w"}}}).Draw(t, "context")
	return r
}

func TestAddingADenyNeverAllowsMore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, r := draw(rt), drawRequest(rt)
		before := policy.Evaluate(r, d.policies(t))
		if len(d.identity) > 0 && rapid.Bool().Draw(rt, "to the identity") {
			d.identity = append(d.identity, drawStatement(rt, "Deny"))
		} else {
			d.resource = append(d.resource, drawResourceStatement(rt, "Deny"))
		}
		if after := policy.Evaluate(r, d.policies(t)); after.Allowed() && !before.Allowed() {
			rt.Errorf("allowed by %q only with one Deny more", after.Type)
		}
	})
}

// A boundary or a session policy can only take away, and identity-based and
// resource-based Allows only give.
func TestLimitsLimitAndAllowsAllow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, r := draw(rt), drawRequest(rt)
		outcome := policy.Evaluate(r, d.policies(t))
		unlimited := d
		unlimited.boundary, unlimited.session = nil, nil
		if without := policy.Evaluate(r, unlimited.policies(t)); outcome.Allowed() && !without.Allowed() {
			rt.Error("allowed only with boundary and session policies")
		}
		more := d
		more.identity = append(more.identity[:len(more.identity):len(more.identity)], drawStatement(rt, "Allow"))
		more.resource = append(more.resource[:len(more.resource):len(more.resource)], drawResourceStatement(rt, "Allow"))
		if with := policy.Evaluate(r, more.policies(t)); outcome.Allowed() && !with.Allowed() {
			rt.Errorf("denied by %q only with Allows more", with.Type)
		}
	})
}

func TestTheOrderOfStatementsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, r := draw(rt), drawRequest(rt)
		shuffled := drawn{
			rapid.Permutation(d.identity).Draw(rt, "identity"), rapid.Permutation(d.boundary).Draw(rt, "boundary"),
			rapid.Permutation(d.session).Draw(rt, "session"), rapid.Permutation(d.resource).Draw(rt, "resource"),
		}
		one, other := policy.Evaluate(r, d.policies(t)), policy.Evaluate(r, shuffled.policies(t))
		if one.Outcome != other.Outcome || one.Type != other.Type {
			rt.Errorf("outcome %d by %q, in another order %d by %q", one.Outcome, one.Type, other.Outcome, other.Type)
		}
	})
}

func TestADenyOfEverythingDenies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, r := draw(rt), drawRequest(rt)
		d.identity = append(d.identity, `{"Effect": "Deny", "Action": "*", "Resource": "*"}`)
		if got := policy.Evaluate(r, d.policies(t)); got.Outcome != policy.ExplicitDeny {
			rt.Errorf("outcome %d", got.Outcome)
		}
	})
}
