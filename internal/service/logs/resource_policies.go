package logs

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/uuid"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/logs/fault"
	"flyball/internal/state"
	"flyball/policy"
)

// A resourcePolicy lets services of AWS put events: a row, and its document.
type resourcePolicy struct {
	Name     string `json:",omitempty"`
	Resource string `json:",omitempty"` // the ARN of a group, or nothing for those of the account
	Revision string `json:",omitempty"` // of those of a group
	Document string
	Updated  int64 // milliseconds since 1970
}

var kindPolicy = state.Kind{Name: "logs.policy", Version: 1}

// maxPolicies is how many an account may have ("PutResourcePolicy").
const maxPolicies = 10

// key is that of a policy's row: there is one for each group, and one with each name.
func (p resourcePolicy) key() string {
	if p.Resource != "" {
		return "resource " + p.Resource
	}
	return "account " + p.Name
}

// PutResourcePolicy creates or changes a policy.
func (a *API) PutResourcePolicy(ctx context.Context, in *cloudwatchlogs.PutResourcePolicyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutResourcePolicyOutput, error) {
	row := resourcePolicy{Name: aws.ToString(in.PolicyName), Resource: aws.ToString(in.ResourceArn), Document: aws.ToString(in.PolicyDocument), Updated: a.now()}
	if err := a.checkPolicy(row); err != nil {
		return nil, err
	}
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		before, exists := a.policies.Get(row.key())
		if err := a.checkRevision(before, row, in.ExpectedRevisionId); err != nil {
			return err
		}
		if !exists && row.Resource == "" && len(a.policies.Keys("account ")) >= maxPolicies {
			return fault.LimitExceeded()
		}
		if row.Resource != "" {
			row.Revision = uuid.NewString()
		}
		a.policies.Put(tx, row.key(), row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	described := row.describe()
	return &cloudwatchlogs.PutResourcePolicyOutput{ResourcePolicy: &described, RevisionId: optional.String(row.Revision)}, nil
}

func (a *API) checkPolicy(row resourcePolicy) error {
	if row.Name == "" && row.Resource == "" {
		return fault.Invalid("1 validation error detected: Value null at 'policyName' failed to satisfy constraint: Member must not be null")
	}
	if document := strings.TrimSpace(row.Document); !strings.HasPrefix(document, "{") || !json.Valid([]byte(document)) {
		return fault.Invalid("The policy document is not a valid JSON document.")
	}
	if _, err := policy.ParseKept(row.Document); err != nil {
		return fault.Invalid("Error occurred while parsing accessPolicy. Please check if the accessPolicy has been constructed correctly using IAM grammar.")
	}
	return nil
}

// checkRevision refuses a change of a group's policy that another one has come before.
func (a *API) checkRevision(before, row resourcePolicy, expected *string) error {
	if row.Resource == "" {
		return nil
	}
	resource, ok := a.cell.Parse("logs", row.Resource)
	name, is := strings.CutPrefix(strings.TrimSuffix(resource, ":*"), "log-group:")
	if _, exists := a.groups.Get(name); !ok || !is || !exists {
		return fault.NoGroup()
	}
	if before.Revision != aws.ToString(expected) {
		return fault.Invalid("The expected revision ID does not match the one of the resource policy.")
	}
	return nil
}

func (p resourcePolicy) describe() types.ResourcePolicy {
	scope := types.PolicyScopeAccount
	if p.Resource != "" {
		scope = types.PolicyScopeResource
	}
	return types.ResourcePolicy{
		PolicyName: optional.String(p.Name), PolicyDocument: &p.Document, LastUpdatedTime: &p.Updated,
		PolicyScope: scope, ResourceArn: optional.String(p.Resource), RevisionId: optional.String(p.Revision),
	}
}

// DeleteResourcePolicy deletes a policy.
func (a *API) DeleteResourcePolicy(ctx context.Context, in *cloudwatchlogs.DeleteResourcePolicyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteResourcePolicyOutput, error) {
	row := resourcePolicy{Name: aws.ToString(in.PolicyName), Resource: aws.ToString(in.ResourceArn)}
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		before, exists := a.policies.Get(row.key())
		if !exists {
			return fault.NotFound("Policy with name [%s] does not exist.", row.Name)
		}
		if err := a.checkRevision(before, row, in.ExpectedRevisionId); err != nil {
			return err
		}
		a.policies.Delete(tx, row.key())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteResourcePolicyOutput{}, nil
}

// DescribeResourcePolicies lists policies of the account, or those of groups, in pages.
func (a *API) DescribeResourcePolicies(ctx context.Context, in *cloudwatchlogs.DescribeResourcePoliciesInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeResourcePoliciesOutput, error) {
	var rows []resourcePolicy
	a.cell.State.View(ctx, func() { rows = a.policies.Rows("") })
	ofGroups := in.PolicyScope == types.PolicyScopeResource || in.ResourceArn != nil
	rows = slices.DeleteFunc(rows, func(p resourcePolicy) bool {
		return (p.Resource != "") != ofGroups || in.ResourceArn != nil && p.Resource != *in.ResourceArn
	})
	rows, next, err := page.Of(rows, resourcePolicy.key, in.NextToken, int(optional.Or(in.Limit, 50)))
	if err != nil {
		return nil, fault.InvalidToken()
	}
	out := &cloudwatchlogs.DescribeResourcePoliciesOutput{NextToken: next, ResourcePolicies: []types.ResourcePolicy{}}
	for _, p := range rows {
		p.Document = normalForm(p.Document)
		out.ResourcePolicies = append(out.ResourcePolicies, p.describe())
	}
	return out, nil
}

// ServicePolicy is what all policies of the account and of its groups say together, for
// those who judge whether a service may put events; "" without any. What stands in
// a document that is no policy has no voice.
func (a *API) ServicePolicy(ctx context.Context) string {
	var rows []resourcePolicy
	a.cell.State.View(ctx, func() { rows = a.policies.Rows("") })
	var statements []json.RawMessage
	for _, r := range rows {
		var p struct{ Statement json.RawMessage }
		if json.Unmarshal([]byte(r.Document), &p) != nil || p.Statement == nil {
			continue
		}
		var list []json.RawMessage
		if json.Unmarshal(p.Statement, &list) != nil {
			list = []json.RawMessage{p.Statement}
		}
		statements = append(statements, list...)
	}
	if len(statements) == 0 {
		return ""
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		return ""
	}
	return string(text)
}
