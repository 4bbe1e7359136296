package lambda

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
	"flyball/internal/state"
)

// A policy says who may invoke a function, or a version or an alias of it.
type policy struct {
	Revision   string
	Statements []statement
}

// A statement is what AddPermission makes, as GetPolicy shows it.
type statement struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal json.RawMessage              `json:"Principal"`
	Action    string                       `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// document is the policy as IAM reads it.
func (p policy) document() string {
	text, _ := json.Marshal(struct { // it has nothing that could fail
		Version   string      `json:"Version"`
		ID        string      `json:"Id"`
		Statement []statement `json:"Statement"`
	}{"2012-10-17", "default", p.Statements})
	return string(text)
}

func (p policy) find(sid string) int {
	return slices.IndexFunc(p.Statements, func(s statement) bool { return s.Sid == sid })
}

// AddPermission lets somebody else invoke a function.
func (a *API) AddPermission(ctx context.Context, in *lambda.AddPermissionInput, _ ...func(*lambda.Options)) (*lambda.AddPermissionOutput, error) {
	r, err := a.ownPolicy(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if r.Qualifier == rules.Latest {
		return nil, fault.Parameter("We currently do not support adding policies for $LATEST.")
	}
	s, err := a.grant(r, in)
	if err != nil {
		return nil, err
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if err := a.exists(r); err != nil {
			return err
		}
		p, _ := a.policies.Get(key(r.Name, r.Qualifier))
		if p.find(s.Sid) >= 0 {
			return fault.Conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", s.Sid)
		}
		return a.setPolicy(tx, r, in.RevisionId, p, append(slices.Clone(p.Statements), s))
	})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	return &lambda.AddPermissionOutput{Statement: aws.String(string(text))}, err
}

// ownPolicy names a function of this account whose policy a call is about.
func (a *API) ownPolicy(name, qualifier *string) (rules.Reference, error) {
	owner, r, err := a.named(name, qualifier)
	if err == nil && owner != a {
		err = fault.Denied()
	}
	return r, err
}

// exists answers what does not exist in the words of policies.
func (a *API) exists(r rules.Reference) error {
	_, err := a.lookup(r)
	if _, ok := a.functions.Get(r.Name); ok && err != nil && rules.IsAlias(r.Qualifier) {
		return fault.NoAlias(a.qualified(r.Name, r.Qualifier))
	}
	return err
}

// setPolicy gives a function's policy other statements. Without any there is none.
func (a *API) setPolicy(tx *state.Tx, r rules.Reference, revision *string, p policy, statements []statement) error {
	if revision != nil && *revision != p.Revision && (len(p.Statements) > 0 || *revision != a.revisionOf(r)) {
		return fault.Revision("GetPolicy")
	}
	if len(statements) == 0 {
		a.policies.Delete(tx, key(r.Name, r.Qualifier))
		return nil
	}
	p = policy{Revision: newRevision(), Statements: statements}
	if size := len(p.document()); size > maxPolicy {
		return fault.PolicyTooLong(size, maxPolicy)
	}
	a.policies.Put(tx, key(r.Name, r.Qualifier), p)
	return nil
}

// revisionOf is the revision of what has no policy yet: of the alias, or of the version.
func (a *API) revisionOf(r rules.Reference) string {
	if l, ok := a.aliases.Get(key(r.Name, r.Qualifier)); ok {
		return l.Revision
	}
	t, _ := a.lookup(r)
	return t.version.Revision
}

// maxPolicy is the most bytes of a function's policy ("Lambda quotas").
const maxPolicy = 20 << 10

// serviceName is a service as a principal. There are others than Amazon's.
var serviceName = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|amazon\.com)$`)

// grant is the statement that is asked for.
func (a *API) grant(r rules.Reference, in *lambda.AddPermissionInput) (s statement, err error) {
	s = statement{Sid: aws.ToString(in.StatementId), Effect: "Allow", Action: aws.ToString(in.Action), Resource: a.qualified(r.Name, r.Qualifier)}
	principal := aws.ToString(in.Principal)
	switch {
	case principal == "*":
		s.Principal = json.RawMessage(`"*"`)
	case serviceName.MatchString(principal):
		s.Principal = principalOf("Service", principal)
	case len(principal) == 12 && strings.Trim(principal, "0123456789") == "":
		s.Principal = principalOf("AWS", "arn:"+a.cell.Partition()+":iam::"+principal+":root")
	case strings.HasPrefix(principal, "arn:"):
		s.Principal = principalOf("AWS", principal)
	default:
		return s, fault.Parameter("The provided principal was invalid. Please check the principal and try again.")
	}
	s.condition("StringEquals", "AWS:SourceAccount", aws.ToString(in.SourceAccount))
	s.condition("StringEquals", "lambda:EventSourceToken", aws.ToString(in.EventSourceToken))
	s.condition("StringEquals", "lambda:FunctionUrlAuthType", string(in.FunctionUrlAuthType))
	s.condition("StringEquals", "aws:PrincipalOrgID", aws.ToString(in.PrincipalOrgID))
	s.condition("ArnLike", "AWS:SourceArn", aws.ToString(in.SourceArn))
	if in.InvokedViaFunctionUrl != nil && *in.InvokedViaFunctionUrl {
		s.condition("Bool", "lambda:InvokedViaFunctionUrl", "true")
	}
	return s, nil
}

func principalOf(kind, name string) json.RawMessage {
	text, _ := json.Marshal(map[string]string{kind: name}) // it has nothing that could fail
	return text
}

// condition adds a condition, if there is a value for it.
func (s *statement) condition(operator, name, value string) {
	if value == "" {
		return
	}
	if s.Condition == nil {
		s.Condition = map[string]map[string]string{}
	}
	if s.Condition[operator] == nil {
		s.Condition[operator] = map[string]string{}
	}
	s.Condition[operator][name] = value
}

// RemovePermission takes back what AddPermission gave.
func (a *API) RemovePermission(ctx context.Context, in *lambda.RemovePermissionInput, _ ...func(*lambda.Options)) (*lambda.RemovePermissionOutput, error) {
	r, err := a.ownPolicy(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, ok := a.functions.Get(r.Name); !ok {
			return fault.NotFound("No policy found for: %s", a.arn(r.Name))
		}
		if err := a.exists(r); err != nil {
			return err
		}
		p, ok := a.policies.Get(key(r.Name, r.Qualifier))
		if !ok {
			return fault.NotFound("No policy is associated with the given resource.")
		}
		i := p.find(aws.ToString(in.StatementId))
		if i < 0 {
			return fault.NotFound("Statement %s is not found in resource policy.", aws.ToString(in.StatementId))
		}
		return a.setPolicy(tx, r, in.RevisionId, p, slices.Delete(slices.Clone(p.Statements), i, i+1))
	})
	if err != nil {
		return nil, err
	}
	return &lambda.RemovePermissionOutput{}, nil
}

// GetPolicy tells who else may invoke a function.
func (a *API) GetPolicy(ctx context.Context, in *lambda.GetPolicyInput, _ ...func(*lambda.Options)) (*lambda.GetPolicyOutput, error) {
	owner, r, err := a.named(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var p policy
	var ok bool
	owner.cell.State.View(ctx, func() { p, ok = owner.policies.Get(key(r.Name, r.Qualifier)) })
	if !ok {
		return nil, fault.NotFound("The resource you requested does not exist.")
	}
	return &lambda.GetPolicyOutput{Policy: aws.String(p.document()), RevisionId: &p.Revision}, nil
}

// Resource is the ARN and the tags of a function, and the policy of what a name or an ARN
// means, for those who judge.
func (a *API) Resource(ctx context.Context, name string) (arn string, tags map[string]string, document string, ok bool) {
	if id, is := a.mappingNamed(name); is {
		m, err := a.mapping(ctx, &id)
		return name, m.Tags, "", err == nil
	}
	owner, r, err := a.named(&name, nil)
	if err != nil || owner != a {
		return "", nil, "", false
	}
	a.cell.State.View(ctx, func() {
		f, exists := a.functions.Get(r.Name)
		if !exists {
			return
		}
		ok, arn, tags = true, a.qualified(r.Name, r.Qualifier), f.Tags
		if p, has := a.policies.Get(key(r.Name, r.Qualifier)); has {
			document = p.document()
		}
	})
	return arn, tags, document, ok
}
