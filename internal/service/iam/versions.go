package iam

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/service/iam/fault"
	"flyball/internal/service/iam/rules"
)

// maxVersions is how many versions a managed policy can have.
const maxVersions = 5

// A version is what a managed policy says, or said.
type version struct {
	Number   int
	Document string
	Created  time.Time
}

func versionID(number int) *string { return aws.String("v" + strconv.Itoa(number)) }

// versionNumber is the number in the name of a version, or 0.
func versionNumber(id string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "v"))
	if err != nil {
		return 0
	}
	return n
}

// describe is a version as listings show it, which is without its document.
func (p managedPolicy) describe(v version) types.PolicyVersion {
	return types.PolicyVersion{CreateDate: &v.Created, IsDefaultVersion: v.Number == p.Default, VersionId: versionID(v.Number)}
}

// version is where a version stands in the list of them.
func (p managedPolicy) version(arn, id *string) (int, error) {
	n := versionNumber(aws.ToString(id))
	i := slices.IndexFunc(p.Versions, func(v version) bool { return v.Number == n })
	if i < 0 {
		return 0, fault.NoSuchEntity("Policy %s version %s does not exist or is not attachable.", aws.ToString(arn), aws.ToString(id))
	}
	return i, nil
}

// current is the document that is in force.
func (p managedPolicy) current() string {
	i := slices.IndexFunc(p.Versions, func(v version) bool { return v.Number == p.Default })
	return p.Versions[i].Document
}

// changePolicy changes a policy of the account's own.
func (a *API) changePolicy(ctx context.Context, arn *string, f func(*managedPolicy) error) error {
	return changeFound(ctx, a, &a.policies.directory, func() (managedPolicy, error) { return a.policies.own(arn) }, f)
}

// CreatePolicyVersion says anew what a managed policy says.
func (a *API) CreatePolicyVersion(ctx context.Context, in *iam.CreatePolicyVersionInput, _ ...func(*iam.Options)) (*iam.CreatePolicyVersionOutput, error) {
	document := aws.ToString(in.PolicyDocument)
	if err := rules.CheckManaged(document, a.cell.Partition()); err != nil {
		return nil, err
	}
	var made types.PolicyVersion
	err := a.changePolicy(ctx, in.PolicyArn, func(p *managedPolicy) error {
		if len(p.Versions) >= maxVersions {
			return fault.LimitExceeded("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		p.Newest++
		v := version{p.Newest, document, a.now()}
		p.Versions = append(slices.Clone(p.Versions), v)
		if in.SetAsDefault {
			p.Default = v.Number
		}
		p.Updated = v.Created
		made = p.describe(v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreatePolicyVersionOutput{PolicyVersion: &made}, nil
}

// GetPolicyVersion shows what a version says.
func (a *API) GetPolicyVersion(ctx context.Context, in *iam.GetPolicyVersionInput, _ ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error) {
	return read(ctx, a, func() (*iam.GetPolicyVersionOutput, error) {
		p, err := a.policies.find(in.PolicyArn)
		if err != nil {
			return nil, err
		}
		i, err := p.version(in.PolicyArn, in.VersionId)
		if err != nil {
			return nil, err
		}
		shown := p.describe(p.Versions[i])
		shown.Document = encoded(p.Versions[i].Document)
		return &iam.GetPolicyVersionOutput{PolicyVersion: &shown}, nil
	})
}

// ListPolicyVersions lists the versions of a policy, the newest first.
func (a *API) ListPolicyVersions(ctx context.Context, in *iam.ListPolicyVersionsInput, _ ...func(*iam.Options)) (*iam.ListPolicyVersionsOutput, error) {
	return read(ctx, a, func() (*iam.ListPolicyVersionsOutput, error) {
		p, err := a.policies.find(in.PolicyArn)
		if err != nil {
			return nil, err
		}
		newestFirst := slices.Clone(p.Versions)
		slices.Reverse(newestFirst)
		l, err := list(newestFirst, version.age, in.Marker, in.MaxItems)
		if err != nil {
			return nil, err
		}
		return &iam.ListPolicyVersionsOutput{Versions: shown(l.items, p.describe), Marker: l.marker, IsTruncated: l.truncated}, nil
	})
}

// age orders versions, the newest first.
func (v version) age() string { return strconv.Itoa(1_000_000_000 - v.Number) }

// SetDefaultPolicyVersion puts a version in force.
func (a *API) SetDefaultPolicyVersion(ctx context.Context, in *iam.SetDefaultPolicyVersionInput, _ ...func(*iam.Options)) (*iam.SetDefaultPolicyVersionOutput, error) {
	return &iam.SetDefaultPolicyVersionOutput{}, a.changePolicy(ctx, in.PolicyArn, func(p *managedPolicy) error {
		i, err := p.version(in.PolicyArn, in.VersionId)
		if err != nil {
			return err
		}
		p.Default, p.Updated = p.Versions[i].Number, a.now()
		return nil
	})
}

// DeletePolicyVersion deletes a version that is not in force.
func (a *API) DeletePolicyVersion(ctx context.Context, in *iam.DeletePolicyVersionInput, _ ...func(*iam.Options)) (*iam.DeletePolicyVersionOutput, error) {
	return &iam.DeletePolicyVersionOutput{}, a.changePolicy(ctx, in.PolicyArn, func(p *managedPolicy) error {
		i, err := p.version(in.PolicyArn, in.VersionId)
		if err != nil {
			return err
		}
		if p.Versions[i].Number == p.Default {
			return fault.DeleteConflict("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.Delete(slices.Clone(p.Versions), i, i+1)
		return nil
	})
}
