package iam

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/accesskey"
	"flyball/internal/cell"
	"flyball/internal/optional"
	"flyball/internal/service/iam/fault"
	"flyball/internal/service/iam/managed"
	"flyball/internal/service/iam/rules"
	"flyball/internal/state"
)

// A managedPolicy is the row of one.
type managedPolicy struct {
	resource
	Description string `json:",omitempty"`
	Updated     time.Time
	Versions    []version // the oldest first
	Default     int       // number of the version that is in force
	Newest      int       // number that was given last

	aws bool // it is AWS's, and no row
}

// policies are the managed policies: the account's own and AWS's.
type policies struct {
	directory[managedPolicy]
	cell *cell.Cell
	aws  func() map[string]managedPolicy // by what their ARNs end with
}

func (d *policies) open(c *cell.Cell) error {
	d.cell = c
	d.aws = sync.OnceValue(awsPolicies)
	return d.directory.open(c, "iam.policy", quota{"PoliciesPerAccount", 1500}, words{
		taken: "A policy called %s already exists. Duplicate names are not allowed.",
	})
}

// awsPolicies are AWS's policies in the form of rows.
func awsPolicies() map[string]managedPolicy {
	published, err := managed.Load()
	if err != nil {
		panic(err) // the files are embedded, and tested
	}
	rows := make(map[string]managedPolicy, len(published))
	for key, p := range published {
		number := versionNumber(p.Version)
		rows[key] = managedPolicy{
			resource: resource{Name: p.Name, Path: p.Path, ID: p.ID, Created: p.Created},
			Updated:  p.Updated, Default: number, aws: true,
			Versions: []version{{number, p.Text(), p.Updated}},
		}
	}
	return rows
}

// arn is the ARN of a policy. AWS's own name aws in the place of an account.
func (d *policies) arn(p managedPolicy) string {
	resource := "policy" + p.Path + p.Name
	if p.aws {
		return arn.ARN{Partition: d.cell.Partition(), Service: "iam", AccountID: "aws", Resource: resource}.String()
	}
	return d.cell.GlobalARN("iam", resource)
}

// get is the policy with an ARN.
func (d *policies) get(name string) (p managedPolicy, ok bool) {
	a, err := arn.Parse(name)
	if err != nil {
		return p, false
	}
	if a.AccountID == "aws" {
		p, ok = d.aws()[a.Resource]
	} else {
		p, ok = d.directory.get(a.Resource[strings.LastIndexByte(a.Resource, '/')+1:])
	}
	return p, ok && d.arn(p) == name
}

// find is the policy with an ARN, or the error that there is none.
func (d *policies) find(name *string) (p managedPolicy, err error) {
	if _, err := arn.Parse(aws.ToString(name)); err != nil {
		return p, fault.InvalidInput("ARN %s is not valid.", aws.ToString(name))
	}
	p, ok := d.get(*name)
	if !ok {
		return p, fault.NoSuchEntity("Policy %s was not found.", *name)
	}
	return p, nil
}

// own is find for what users may change.
func (d *policies) own(name *string) (managedPolicy, error) {
	p, err := d.find(name)
	if err == nil && p.aws {
		err = fault.AccessDenied("The policy %s is AWS's: it cannot be changed.", p.Name)
	}
	return p, err
}

// attachable is the policy that is to be attached to a user, a group or a role.
func (d *policies) attachable(name *string) (managedPolicy, error) {
	p, ok := d.get(aws.ToString(name))
	switch {
	case !arn.IsARN(aws.ToString(name)):
		return p, fault.Validation("Invalid ARN:  Could not be parsed!")
	case foreign(aws.ToString(name), d.cell.Partition()):
		return p, fault.Validation("Invalid ARN partition")
	case !ok:
		return p, fault.NoSuchEntity("Policy %s does not exist or is not attachable.", aws.ToString(name))
	case p.aws && p.Path == serviceRolePath:
		return p, fault.NotAttachable("Cannot attach a Service Role Policy to a Customer Role.")
	}
	return p, nil
}

// foreign tells the ARN of another partition than an account is in.
func foreign(name, own string) bool {
	a, err := arn.Parse(name)
	return err == nil && a.Partition != own
}

// boundary is the ARN of the policy that is to be a permissions boundary; none is
// given for none.
func (d *policies) boundary(name *string) (string, error) {
	if name == nil {
		return "", nil
	}
	p, ok := d.get(*name)
	switch {
	case arn.IsARN(*name) && foreign(*name, d.cell.Partition()):
		return "", fault.Validation("Invalid ARN partition")
	case arn.IsARN(*name) && !strings.Contains(*name, ":policy/"):
		return "", fault.InvalidInput("ARN %s is not valid.", *name)
	case !ok || p.aws && p.Path == serviceRolePath:
		return "", fault.NoSuchEntity("Scope ARN: %s does not exist or is not attachable.", *name)
	}
	return *name, nil
}

// describe is a policy as listings show it.
func (d *policies) describe(p managedPolicy, used map[string]usage) types.Policy {
	name := d.arn(p)
	u := used[name]
	return types.Policy{
		Arn:                           &name,
		AttachmentCount:               &u.attached,
		CreateDate:                    &p.Created,
		DefaultVersionId:              versionID(p.Default),
		IsAttachable:                  true,
		Path:                          &p.Path,
		PermissionsBoundaryUsageCount: &u.bounding,
		PolicyId:                      &p.ID,
		PolicyName:                    &p.Name,
		UpdateDate:                    &p.Updated,
	}
}

// describePolicy is a policy in full.
func (a *API) describePolicy(p managedPolicy) *types.Policy {
	shown := a.policies.describe(p, a.usage())
	shown.Description = optional.String(p.Description)
	shown.Tags = rules.TagList(p.Tags)
	return &shown
}

// CreatePolicy creates a managed policy.
func (a *API) CreatePolicy(ctx context.Context, in *iam.CreatePolicyInput, _ ...func(*iam.Options)) (*iam.CreatePolicyOutput, error) {
	if err := checkPath(in.Path); err != nil {
		return nil, err
	}
	document := aws.ToString(in.PolicyDocument)
	if err := rules.CheckManaged(document, a.cell.Partition()); err != nil {
		return nil, err
	}
	tags, err := rules.Tags(in.Tags)
	if err != nil {
		return nil, err
	}
	now := a.now()
	p := managedPolicy{
		resource:    resource{Name: aws.ToString(in.PolicyName), Path: path(in.Path), ID: accesskey.NewID("ANPA"), Created: now, Tags: tags},
		Description: aws.ToString(in.Description), Updated: now,
		Versions: []version{{1, document, now}}, Default: 1, Newest: 1,
	}
	if err := a.write(ctx, func(tx *state.Tx) error { return a.policies.add(tx, p) }); err != nil {
		return nil, err
	}
	return &iam.CreatePolicyOutput{Policy: a.describeNewPolicy(ctx, p)}, nil
}

// describeNewPolicy is a policy as CreatePolicy shows it: without its description,
// and without a list of tags when it has none.
func (a *API) describeNewPolicy(ctx context.Context, p managedPolicy) *types.Policy {
	var shown types.Policy
	a.cell.State.View(ctx, func() { shown = a.policies.describe(p, a.usage()) })
	if len(p.Tags) > 0 {
		shown.Tags = rules.TagList(p.Tags)
	}
	return &shown
}

// GetPolicy shows a managed policy.
func (a *API) GetPolicy(ctx context.Context, in *iam.GetPolicyInput, _ ...func(*iam.Options)) (*iam.GetPolicyOutput, error) {
	return read(ctx, a, func() (*iam.GetPolicyOutput, error) {
		p, err := a.policies.find(in.PolicyArn)
		if err != nil {
			return nil, err
		}
		return &iam.GetPolicyOutput{Policy: a.describePolicy(p)}, nil
	})
}

// DeletePolicy deletes a managed policy that nobody has.
func (a *API) DeletePolicy(ctx context.Context, in *iam.DeletePolicyInput, _ ...func(*iam.Options)) (*iam.DeletePolicyOutput, error) {
	return &iam.DeletePolicyOutput{}, a.write(ctx, func(tx *state.Tx) error {
		p, err := a.policies.own(in.PolicyArn)
		switch {
		case err != nil:
			return err
		case a.usage()[*in.PolicyArn] != usage{}:
			return fault.DeleteConflict("Cannot delete a policy attached to entities.")
		case len(p.Versions) > 1:
			return fault.DeleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		a.policies.remove(tx, p)
		return nil
	})
}

// ListPolicies lists managed policies by their names.
func (a *API) ListPolicies(ctx context.Context, in *iam.ListPoliciesInput, _ ...func(*iam.Options)) (*iam.ListPoliciesOutput, error) {
	return read(ctx, a, func() (*iam.ListPoliciesOutput, error) {
		used := a.usage()
		var some []managedPolicy
		for _, p := range a.policies.scope(in.Scope) {
			u := used[a.policies.arn(p)]
			switch {
			case !strings.HasPrefix(p.Path, aws.ToString(in.PathPrefix)),
				in.OnlyAttached && u.attached == 0,
				in.PolicyUsageFilter == types.PolicyUsageTypePermissionsPolicy && u.attached == 0 && u.bounding > 0,
				in.PolicyUsageFilter == types.PolicyUsageTypePermissionsBoundary && u.bounding == 0:
			default:
				some = append(some, p)
			}
		}
		l, err := list(some, a.policies.arn, in.Marker, in.MaxItems)
		if err != nil {
			return nil, err
		}
		describe := func(p managedPolicy) types.Policy { return a.policies.describe(p, used) }
		return &iam.ListPoliciesOutput{Policies: shown(l.items, describe), Marker: l.marker, IsTruncated: l.truncated}, nil
	})
}

// scope are the policies of the account, those of AWS, or all, in the order of
// their ARNs.
func (d *policies) scope(scope types.PolicyScopeType) (all []managedPolicy) {
	if scope != types.PolicyScopeTypeAws {
		all = append(all, d.all()...)
	}
	if scope != types.PolicyScopeTypeLocal {
		for _, p := range d.aws() {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(x, y managedPolicy) int { return strings.Compare(d.arn(x), d.arn(y)) })
	return all
}
