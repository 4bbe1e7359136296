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

// Attached are the policies of the resource of a request: a role has a trust policy,
// others may have a resource-based one.
type Attached struct {
	Trust, Resource *iam.Document // nil: there is none
}

// Allow returns the refusal of a request that policies do not allow, with AWS's code
// and sentence.
func (j *Judge) Allow(r *policy.Request, p iam.Policies, a Attached) error {
	d, err := j.Decide(r, p, a)
	if err == nil && !d.Allowed() {
		err = &smithy.GenericAPIError{Code: "AccessDeniedException", Message: d.Refusal(r), Fault: smithy.FaultClient}
	}
	return err
}

// Decide is what policies say of a request.
func (j *Judge) Decide(r *policy.Request, p iam.Policies, a Attached) (policy.Decision, error) {
	policies, err := j.compile(p, a)
	if err != nil {
		return policy.Decision{}, err
	}
	return policy.Evaluate(r, policies), nil
}

func (j *Judge) compile(p iam.Policies, a Attached) (all policy.Policies, err error) {
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
	if a.Resource != nil {
		if all.Resource, err = j.document(*a.Resource, policy.ResourceBased); err != nil {
			return all, err
		}
	}
	if a.Trust != nil {
		all.Trust, err = j.document(*a.Trust, policy.RoleTrust)
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
	compiled, err := policy.Parse(d.Text, kind)
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
