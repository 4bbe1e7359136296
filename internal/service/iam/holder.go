package iam

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"flyball/internal/optional"
	"flyball/internal/service/iam/fault"
	"flyball/internal/service/iam/rules"
	"flyball/policy"
)

// A holder is what users, groups and roles have alike: policies that say what they
// may do.
type holder struct {
	resource
	Inline   map[string]string `json:",omitempty"` // documents by the names of policies
	Attached []string          `json:",omitempty"` // ARNs of managed policies, in order
	Boundary string            `json:",omitempty"` // ARN of a managed policy
}

func (h *holder) held() *holder { return h }

// A holding is a pointer to a row that is a holder.
type holding[T any] interface {
	*T
	held() *holder
}

// holders are the users, the groups or the roles as holders.
type holders[T row, P holding[T]] struct {
	directory[T]
	attachable quota // managed policies of each
	inline     int   // bound on the size of all inline policies of each
	noun       string
}

// putInline embeds a policy, or replaces one.
func (d *holders[T, P]) putInline(ctx context.Context, a *API, name, inline, document *string) error {
	if err := rules.CheckInline(aws.ToString(document), a.cell.Partition()); err != nil {
		return err
	}
	return change(ctx, a, &d.directory, name, func(row *T) error {
		h := P(row).held()
		h.Inline = with(h.Inline, aws.ToString(inline), aws.ToString(document))
		size := 0
		for _, text := range h.Inline {
			size += policy.Size(text)
		}
		if size > d.inline {
			return fault.LimitExceeded("Maximum policy size of %d bytes exceeded for %s %s", d.inline, d.noun, h.Name)
		}
		return nil
	})
}

// with is a map with another entry.
func with(m map[string]string, key, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

// getInline is the document of an embedded policy, as answers have it.
func (d *holders[T, P]) getInline(ctx context.Context, a *API, name, policy *string) (document *string, err error) {
	return read(ctx, a, func() (*string, error) {
		row, err := d.find(name)
		if err != nil {
			return nil, err
		}
		text, ok := P(&row).held().Inline[aws.ToString(policy)]
		if !ok {
			return nil, d.noInline(policy)
		}
		return encoded(text), nil
	})
}

func (d *holders[T, P]) noInline(policy *string) error {
	return fault.NoSuchEntity("The %s policy with name %s cannot be found.", d.noun, aws.ToString(policy))
}

func (d *holders[T, P]) deleteInline(ctx context.Context, a *API, name, policy *string) error {
	return change(ctx, a, &d.directory, name, func(row *T) error {
		h := P(row).held()
		if _, ok := h.Inline[aws.ToString(policy)]; !ok {
			return d.noInline(policy)
		}
		h.Inline = maps.Clone(h.Inline)
		delete(h.Inline, *policy)
		return nil
	})
}

// listInline lists the names of embedded policies.
func (d *holders[T, P]) listInline(ctx context.Context, a *API, name, marker *string, most *int32) (listing[string], error) {
	return read(ctx, a, func() (l listing[string], err error) {
		row, err := d.find(name)
		if err != nil {
			return l, err
		}
		return list(slices.Sorted(maps.Keys(P(&row).held().Inline)), itself, marker, most)
	})
}

// attach attaches a managed policy. One that is attached already stays so.
func (d *holders[T, P]) attach(ctx context.Context, a *API, name, policy *string) error {
	return change(ctx, a, &d.directory, name, func(row *T) error {
		p, err := a.policies.attachable(policy)
		if err != nil {
			return err
		}
		h, arn := P(row).held(), a.policies.arn(p)
		at, already := slices.BinarySearch(h.Attached, arn)
		if already {
			return nil
		}
		if err := d.attachable.admits(len(h.Attached)); err != nil {
			return err
		}
		h.Attached = slices.Insert(slices.Clone(h.Attached), at, arn)
		return nil
	})
}

func (d *holders[T, P]) detach(ctx context.Context, a *API, name, policy *string) error {
	return change(ctx, a, &d.directory, name, func(row *T) error {
		h := P(row).held()
		at, attached := slices.BinarySearch(h.Attached, aws.ToString(policy))
		if !attached {
			return fault.NoSuchEntity("Policy %s was not found.", aws.ToString(policy))
		}
		h.Attached = slices.Delete(slices.Clone(h.Attached), at, at+1)
		return nil
	})
}

// listAttached lists the managed policies that are attached.
func (d *holders[T, P]) listAttached(ctx context.Context, a *API, name, prefix, marker *string, most *int32) (l listing[types.AttachedPolicy], err error) {
	return read(ctx, a, func() (l listing[types.AttachedPolicy], err error) {
		row, err := d.find(name)
		if err != nil {
			return l, err
		}
		var some []string
		for _, arn := range P(&row).held().Attached {
			if strings.HasPrefix(pathOf(arn), aws.ToString(prefix)) {
				some = append(some, arn)
			}
		}
		found, err := list(some, itself, marker, most)
		return listing[types.AttachedPolicy]{attachedPolicies(found.items), found.marker, found.truncated}, err
	})
}

func attachedPolicies(arns []string) []types.AttachedPolicy {
	return shown(arns, func(arn string) types.AttachedPolicy {
		return types.AttachedPolicy{PolicyArn: &arn, PolicyName: aws.String(arn[strings.LastIndexByte(arn, '/')+1:])}
	})
}

// pathOf is the path in a policy's ARN, such as /service-role/.
func pathOf(arn string) string {
	_, rest, _ := strings.Cut(arn, ":policy")
	return rest[:strings.LastIndexByte(rest, '/')+1]
}

// bound sets the permissions boundary.
func (d *holders[T, P]) bound(ctx context.Context, a *API, name, policy *string) error {
	return change(ctx, a, &d.directory, name, func(row *T) (err error) {
		P(row).held().Boundary, err = a.policies.boundary(policy)
		return err
	})
}

// unbound takes the permissions boundary away, if there is one.
func (d *holders[T, P]) unbound(ctx context.Context, a *API, name *string) error {
	return change(ctx, a, &d.directory, name, func(row *T) error {
		P(row).held().Boundary = ""
		return nil
	})
}

// boundaryType is what answers call the type of a permissions boundary, whatever the
// model has for it.
const boundaryType types.PermissionsBoundaryAttachmentType = "Policy"

// describeBoundary is the permissions boundary as answers have it.
func (h holder) describeBoundary() *types.AttachedPermissionsBoundary {
	if h.Boundary == "" {
		return nil
	}
	return &types.AttachedPermissionsBoundary{
		PermissionsBoundaryArn:  optional.String(h.Boundary),
		PermissionsBoundaryType: boundaryType,
	}
}

// bare refuses the deletion of a holder with policies.
func (h holder) bare() error {
	switch {
	case len(h.Attached) > 0:
		return fault.DeleteConflict("Cannot delete entity, must detach all policies first.")
	case len(h.Inline) > 0:
		return fault.DeleteConflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}

// inlinePolicies are the embedded policies as GetAccountAuthorizationDetails shows
// them.
func (h holder) inlinePolicies() []types.PolicyDetail {
	return shown(slices.Sorted(maps.Keys(h.Inline)), func(name string) types.PolicyDetail {
		return types.PolicyDetail{PolicyName: &name, PolicyDocument: encoded(h.Inline[name])}
	})
}
