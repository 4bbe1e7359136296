package permission

import (
	"fmt"
	"sync"

	"github.com/aws/smithy-go"

	"flyball/internal/service/iam"
	"flyball/policy"
)

// mostDocuments bounds how many policies are kept compiled, which are 10 KB each at
// most.
const mostDocuments = 1024

// A Judge judges requests by the policies that IAM keeps as texts. Its zero value is
// ready, and its methods may be called concurrently.
type Judge struct {
	mu       sync.RWMutex
	compiled map[source]*policy.Document
}

// A source is a text and what it is to be.
type source struct {
	text string
	kind policy.Type
}

// Allow returns the refusal of a request that policies do not allow, with AWS's code
// and sentence. Without a trust policy there is none on the resource's side.
func (j *Judge) Allow(r *policy.Request, p iam.Policies, trust *iam.Document) error {
	d, err := j.Decide(r, p, trust)
	if err != nil {
		return err
	}
	return refusal(r, d)
}

// AllowOn is Allow for a resource that has a policy of its own, or nil if it has none.
func (j *Judge) AllowOn(r *policy.Request, p iam.Policies, resource *iam.Document) error {
	policies, err := j.compile(p, nil)
	if err != nil {
		return err
	}
	if resource != nil {
		if policies.Resource, err = j.document(*resource, policy.ResourceBased); err != nil {
			return err
		}
	}
	return refusal(r, policy.Evaluate(r, policies))
}

// refusal is the error of a decision that does not allow.
func refusal(r *policy.Request, d policy.Decision) error {
	if d.Allowed() {
		return nil
	}
	return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: d.Refusal(r), Fault: smithy.FaultClient}
}

// Decide is what policies say of a request.
func (j *Judge) Decide(r *policy.Request, p iam.Policies, trust *iam.Document) (policy.Decision, error) {
	policies, err := j.compile(p, trust)
	if err != nil {
		return policy.Decision{}, err
	}
	return policy.Evaluate(r, policies), nil
}

func (j *Judge) compile(p iam.Policies, trust *iam.Document) (all policy.Policies, err error) {
	if all.Identity, err = j.documents(p.Identity, policy.IdentityBased); err != nil {
		return all, err
	}
	if all.Session, err = j.documents(p.Session, policy.Session); err != nil {
		return all, err
	}
	if p.Boundary != nil {
		if all.Boundary, err = j.document(*p.Boundary, policy.PermissionsBoundary); err != nil {
			return all, err
		}
	}
	if trust != nil {
		all.Trust, err = j.document(*trust, policy.RoleTrust)
	}
	return all, err
}

func (j *Judge) documents(list []iam.Document, kind policy.Type) (all []*policy.Document, err error) {
	for _, d := range list {
		compiled, err := j.document(d, kind)
		if err != nil {
			return nil, err
		}
		all = append(all, compiled)
	}
	return all, nil
}

func parse(text string, kind policy.Type) (*policy.Document, error) {
	if kind == policy.ResourceBased {
		return policy.ParseKept(text)
	}
	return policy.Parse(text, kind)
}

// document compiles a policy, once. One that cannot be compiled is an error: a Deny
// could stand in it.
func (j *Judge) document(d iam.Document, kind policy.Type) (*policy.Document, error) {
	key := source{d.Text, kind}
	j.mu.RLock()
	compiled := j.compiled[key]
	j.mu.RUnlock()
	if compiled != nil {
		return compiled, nil
	}
	compiled, err := parse(d.Text, kind)
	if err != nil {
		return nil, fmt.Errorf("read policy %s: %w", d.Name, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.compiled == nil || len(j.compiled) >= mostDocuments {
		j.compiled = map[source]*policy.Document{}
	}
	j.compiled[key] = compiled
	return compiled, nil
}
