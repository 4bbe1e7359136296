// Package permission says what AWS would judge of a call: which actions on which
// resources, with which condition keys. Package policy then judges them.
//
//	for _, request := range permission.Requests(call) {
//		err := judge.Allow(request, policies, attached) ...
//	}
//
// The tables have what the Service Authorization Reference says of each operation.
package permission

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/internal/principal"
	"flyball/policy"
)

// A Call is an operation that somebody calls.
type Call struct {
	Service   string // as in credential scopes, such as "monitoring"
	Operation string
	Input     any // a pointer to the SDK's input struct
	Account   string
	Region    string
	Partition string
	Source    string // the caller's IP address
	Secure    bool   // it came over TLS
	Time      time.Time
	Caller    principal.Principal
	Holder    string // the ARN of the user, or of the role of a session
	// Find knows the resources of a service by the ends of their ARNs as a table
	// makes them, such as user/bob: a name may stand for a resource with a path.
	Find func(service, resource string) (Resource, bool)
}

// A Resource is what policies see of one that exists.
type Resource struct {
	ARN   string
	Tags  map[string]string
	Roles []string // that whoever runs it passes: those of a task definition
}

// A service is how the calls of a service are judged.
type service struct {
	prefix string // of actions and condition keys
	// operations are the resources of each operation, with the names of members of its
	// input in braces, of several the first that is given, or * where AWS has no resource-level permissions, or nothing
	// where nobody needs a permission. Several are parted by spaces.
	operations map[string]string
	// resource is the resource, or its ARN, that a template's result stands for; nil where
	// it is that itself.
	resource func(c *Call, name string) string
	keys     []conditionKey
	actions  map[string]string // those that are not called as the operation
	passes   map[string][]pass
	creates  map[string]string // what an operation makes, where it is judged on something else
	// tagsNew is whether what is being made has the tags already that it is given, for
	// conditions on the tags of resources: AWS's own policies rely on it.
	tagsNew bool
}

// tagging is the action that an operation needs a permission for, too, when what it
// makes is given tags ("Controlling access during AWS requests"). Operations that do
// nothing but tag have none.
func (s *service) tagging(operation string) string {
	switch {
	case strings.HasPrefix(operation, "Tag"), operation == "AddTags", operation == "CreateTags", operation == "DeleteTags":
		return ""
	case s.prefix == "elasticloadbalancing":
		return "AddTags"
	case s.prefix == "ec2":
		return "CreateTags"
	case s.prefix == "iam":
		return "Tag" + strings.TrimPrefix(operation, "Create")
	case s.prefix == "sqs":
		return "TagQueue"
	}
	return "TagResource"
}

// services are those that are known, by their names in credential scopes.
var services = map[string]service{
	"application-autoscaling": autoScalingCalls,
	"ec2":                     ec2Calls,
	"ecr":                     ecrCalls,
	"ecs":                     ecsCalls,
	"elasticloadbalancing":    elbCalls,
	"events":                  eventsCalls,
	"flyball":                 ownCalls,
	"iam":                     iamCalls,
	"lambda":                  lambdaCalls,
	"logs":                    logsCalls,
	"monitoring":              cloudWatchCalls,
	"scheduler":               schedulerCalls,
	"sqs":                     sqsCalls,
	"sts":                     stsCalls,
}

// Requests are what is judged of a call: all have to be allowed. There are none for
// an operation that everybody may call. An operation that no table has is one on
// everything.
func Requests(c Call) []*policy.Request {
	if entries := c.entries(); len(entries) > 1 {
		var requests []*policy.Request
		for _, single := range entries {
			requests = append(requests, Requests(single)...)
		}
		return requests
	}
	s := services[c.Service]
	templates, known := s.operations[c.Operation]
	if !known {
		templates = "*"
	}
	in := input(c.Input)
	context := c.context(s, in)
	requests := c.onEach(s, cmp.Or(s.actions[c.Operation], c.Operation), templates, in, context)
	if action := s.tagging(c.Operation); action != "" && len(in.tags()) > 0 {
		context = maps.Clone(context)
		context[s.prefix+":CreateAction"] = []string{c.Operation}
		requests = append(requests, c.onEach(s, action, cmp.Or(s.creates[c.Operation], templates), in, context)...)
	}
	for _, p := range s.passes[c.Operation] {
		for _, role := range c.passed(s, p, in) {
			requests = append(requests, c.passRole(role, p.to))
		}
	}
	return requests
}

// onEach are the requests for an action on each resource that templates come to.
func (c *Call) onEach(s service, action, templates string, in inputValue, context map[string][]string) (requests []*policy.Request) {
	for template := range strings.FieldsSeq(templates) {
		for _, name := range c.expand(template, in) {
			found := c.find(s, name)
			if s.tagsNew && strings.HasSuffix(found.ARN, "/*") {
				found.Tags = map[string]string{}
				for _, t := range in.tags() {
					found.Tags[t.key] = t.value
				}
			}
			requests = append(requests, c.request(s.prefix+":"+action, found.ARN, tagged(context, s.prefix, found.Tags)))
		}
	}
	return requests
}

func (c *Call) request(action, resource string, context map[string][]string) *policy.Request {
	return &policy.Request{Principal: Caller(c.Caller, c.Holder), Action: action, Resource: resource, Time: c.Time, Context: context}
}

// Caller is a principal as policies see it, with the ARN of the user or role whose
// policies it has.
func Caller(p principal.Principal, holder string) policy.Principal {
	kinds := map[principal.Kind]policy.PrincipalKind{principal.Root: policy.Root, principal.User: policy.User, principal.Role: policy.RoleSession}
	caller := policy.Principal{Kind: kinds[p.Kind], ARN: p.ARN, Account: p.Account, UserID: p.ID, Tags: p.Tags}
	if p.Kind == principal.Role {
		caller.Role = holder
	}
	return caller
}

// find is the resource that a table's template came to.
func (c *Call) find(s service, name string) Resource {
	if name == "*" {
		return Resource{ARN: name}
	}
	if s.resource != nil {
		name = s.resource(c, name)
	}
	if found, ok := c.Find(c.Service, name); ok {
		return found
	}
	if strings.HasPrefix(name, "arn:") {
		return Resource{ARN: name}
	}
	if name, ok := strings.CutPrefix(name, "scalable-target/"); ok && name != "" {
		return Resource{ARN: c.arn(s.prefix, "scalable-target/*")} // its identifier is made when it is registered
	}
	return Resource{ARN: c.arn(s.prefix, name)}
}

// arn names a resource of the caller's region. Those of IAM are in none, nor are
// dashboards.
func (c *Call) arn(prefix, resource string) string {
	a := arn.ARN{Partition: c.Partition, Service: prefix, Region: c.Region, AccountID: c.Account, Resource: resource}
	if prefix == "iam" || strings.HasPrefix(resource, "dashboard/") {
		a.Region = ""
	}
	return a.String()
}

// A pass is a member of an input that names a role, or the template of a resource that
// has roles, and the service that will assume it.
type pass struct{ member, to string }

// passed are the roles of a pass.
func (c *Call) passed(s service, p pass, in inputValue) (roles []string) {
	if !strings.Contains(p.member, "{") {
		return in.values(p.member)
	}
	for _, name := range c.expand(p.member, in) {
		roles = append(roles, c.find(s, name).Roles...)
	}
	return roles
}

// passRole is the permission to hand a role, named by its ARN or without its path,
// to a service.
func (c *Call) passRole(role, to string) *policy.Request {
	name := role
	if !strings.HasPrefix(role, "arn:") {
		found, ok := c.Find("iam", "role/"+role)
		if name = found.ARN; !ok {
			name = c.arn("iam", "role/"+role)
		}
	}
	return c.request("iam:PassRole", name, map[string][]string{"iam:PassedToService": {to}})
}

// tagged adds the tags of a resource that exists to the context.
func tagged(context map[string][]string, prefix string, tags map[string]string) map[string][]string {
	if len(tags) == 0 {
		return context
	}
	context = maps.Clone(context)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		context["aws:ResourceTag/"+key] = []string{tags[key]}
		context[prefix+":ResourceTag/"+key] = []string{tags[key]}
	}
	return context
}
