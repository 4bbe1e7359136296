package resource

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/client"
)

// Find returns the resource of one of some kinds that a text names: with its cluster, its
// whole ID and its version where the text leaves them out. A name of nothing is a
// *BadName, a *Missing or an *Ambiguous. An ARN of another region is looked for there. A text
// that can only be a log group is returned as it is.
func Find(ctx context.Context, c *client.Client, text string, of ...Kind) (Name, error) {
	candidates, err := Parse(text, of...)
	if err != nil {
		return Name{}, err
	}
	if n := candidates[0]; len(candidates) == 1 && n.Kind == LogGroup {
		return n, nil // who reads a log group need not be allowed to list them
	}
	if region := candidates[0].Region; region != "" && region != c.Region {
		c = c.In(region)
	}
	if found, err := describe(ctx, c, candidates); err != nil || found != (Name{}) {
		return found, err
	}
	there, err := List(ctx, c, of...)
	if err != nil {
		return Name{}, err
	}
	for _, n := range candidates {
		switch matching := match(n, there); len(matching) {
		case 0:
		case 1:
			found := matching[0]
			found.Region, found.Account = n.Region, n.Account
			return found, nil
		default:
			return Name{}, &Ambiguous{Text: text, Are: matching}
		}
	}
	n := candidates[0]
	return Name{}, &Missing{Name: n, Of: kindsOf(candidates), Region: c.Region, Near: nearest(n, there), Others: there}
}

// describe finds a service that is named with its cluster, for which one call does. It
// finds those that are deleted, too, as long as ECS remembers them.
func describe(ctx context.Context, c *client.Client, candidates []Name) (Name, error) {
	for _, n := range candidates {
		if n.Kind != Service || n.Cluster == "" {
			continue
		}
		out, err := c.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &n.Cluster, Services: []string{n.ID}})
		if isNone(err) {
			continue
		}
		if err != nil {
			return Name{}, c.Plain(err)
		}
		if len(out.Services) > 0 {
			return n, nil
		}
	}
	return Name{}, nil
}

// match returns which of the resources that are there a name is of.
func match(n Name, there []Name) (matching []Name) {
	for _, r := range there {
		switch {
		case r.Kind != n.Kind:
		case n.Cluster != "" && n.Cluster != r.Cluster:
		case n.Qualifier != "" && r.Qualifier != "" && n.Qualifier != r.Qualifier:
		case n.Kind == Task && strings.HasPrefix(r.ID, n.ID), r.ID == n.ID:
			if n.Qualifier != "" {
				r.Qualifier = n.Qualifier // of a function without a target
			}
			matching = append(matching, r)
		}
	}
	return matching
}

// kindsOf are the kinds of names, each once.
func kindsOf(names []Name) (kinds []Kind) {
	for _, n := range names {
		if !slices.Contains(kinds, n.Kind) {
			kinds = append(kinds, n.Kind)
		}
	}
	return kinds
}
