package permission

import (
	"maps"
	"slices"
	"time"

	"flyball/internal/principal"
	"flyball/policy"
)

// An Assumption is a call that wants to assume a role.
type Assumption struct {
	Caller         principal.Principal
	Holder         string // the ARN of the user, or of the role of a session
	Role           Resource
	Region         string
	Source         string // the caller's IP address
	Secure         bool   // the call came over TLS
	SessionName    string
	ExternalID     string
	SourceIdentity string
	Tags           map[string]string // of the session
	TransitiveTags []string
	Time           time.Time
}

// Requests are what is judged of it: to hand over tags or a source identity needs
// permissions of its own ("Passing session tags in AWS STS").
func (a Assumption) Requests() []*policy.Request {
	actions := []string{"sts:AssumeRole"}
	if len(a.Tags) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	if a.SourceIdentity != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	context := a.context()
	requests := make([]*policy.Request, len(actions))
	for i, action := range actions {
		requests[i] = &policy.Request{
			Principal: Caller(a.Caller, a.Holder), Action: action, Resource: a.Role.ARN, Time: a.Time, Context: context,
		}
	}
	return requests
}

func (a *Assumption) context() map[string][]string {
	context := common(a.Region, a.Source, a.Secure)
	context["sts:RoleSessionName"] = []string{a.SessionName}
	for key, value := range map[string]string{"sts:ExternalId": a.ExternalID, "sts:SourceIdentity": a.SourceIdentity} {
		if value != "" {
			context[key] = []string{value}
		}
	}
	if len(a.Tags) > 0 {
		context["aws:TagKeys"] = slices.Sorted(maps.Keys(a.Tags))
	}
	for key, value := range a.Tags {
		context["aws:RequestTag/"+key] = []string{value}
	}
	if len(a.TransitiveTags) > 0 {
		context["sts:TransitiveTagKeys"] = a.TransitiveTags
	}
	return tagged(context, "iam", a.Role.Tags)
}

// A ServiceAssumption is a service that wants to act with a role, on behalf of a
// resource of whoever gave it the role.
type ServiceAssumption struct {
	Service string // such as ecs-tasks.amazonaws.com
	Role    string // ARN
	Source  string // the ARN of the resource
	Account string // of the resource
	Region  string
	Time    time.Time
}

// Request is what the role's trust policy is asked. A service has no policies of its
// own. The keys that say for whom it acts are those of "The confused deputy problem".
func (a ServiceAssumption) Request() *policy.Request {
	context := common(a.Region, "", true)
	context["aws:SourceAccount"] = []string{a.Account}
	context["aws:SourceArn"] = []string{a.Source}
	return &policy.Request{
		Principal: policy.Principal{Kind: policy.Service, Service: a.Service}, Action: "sts:AssumeRole", Resource: a.Role,
		Time: a.Time, Context: context,
	}
}
