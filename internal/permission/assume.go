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
	context := map[string][]string{"sts:RoleSessionName": {a.SessionName}, "aws:ViaAWSService": {"false"}}
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
