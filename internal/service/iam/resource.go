package iam

import (
	"context"
	"strings"
)

// Resource is the ARN and the tags of a resource, by the end of an ARN without a
// path, such as role/web, or by the ARN of a managed policy.
func (a *API) Resource(ctx context.Context, name string) (arn string, tags map[string]string, ok bool) {
	kind, short, _ := strings.Cut(name, "/")
	a.cell.State.View(ctx, func() {
		var r resource
		switch kind {
		case "user":
			var u user
			u, ok = a.users.get(short)
			r = u.resource
		case "group":
			var g group
			g, ok = a.groups.get(short)
			r = g.resource
		case "role":
			var found role
			found, ok = a.roles.get(short)
			r = found.resource
		case "instance-profile":
			var p profile
			p, ok = a.profiles.get(short)
			r = p.resource
		default:
			var p managedPolicy
			p, ok = a.policies.get(name)
			arn, tags = name, p.Tags
			return
		}
		arn, tags = a.arn(kind, r.Path, r.Name), r.Tags
	})
	return arn, tags, ok
}
