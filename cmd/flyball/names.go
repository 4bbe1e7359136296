package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/client"
	"flyball/internal/resource"
	"flyball/scaling"
)

// scalable are the kinds of resources that have scaling activities.
var scalable = []resource.Kind{resource.Service, resource.Function}

// find returns the resource that an argument names, and a client of its region.
func (c *connection) find(ctx context.Context, text string, of ...resource.Kind) (*client.Client, resource.Name, error) {
	client := c.client()
	if region := resource.Region(text); region != "" {
		client = client.In(region)
	}
	name, err := resource.Find(ctx, client, text, of...)
	return client, name, err
}

// scalableID is the name of a scalable target.
func scalableID(name resource.Name) (scaling.ResourceID, error) {
	id := name.Scalable()
	if id == "" && name.Kind == resource.Function {
		return "", refuse("of function %s a version or an alias is scaled; name it: %s:live", name, name)
	}
	if id == "" {
		return "", refuse("%s is named without its cluster; name it: demo/%s", name, name)
	}
	return id, nil
}

// completionPatience is how long a shell waits for names.
const completionPatience = 2 * time.Second

// completeNames has a shell complete up to so many names of resources of some kinds.
func (c *connection) completeNames(most int, of ...resource.Kind) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= most || c.complete() != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
		defer cancel()
		names, err := resource.List(ctx, c.client(), of...)
		if err != nil {
			cobra.CompErrorln(err.Error())
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var found []cobra.Completion
		for _, n := range names {
			text := n.String()
			if long := string(n.Kind) + "/" + text; strings.HasPrefix(begun, string(n.Kind)+"/") {
				text = long
			}
			if strings.HasPrefix(text, begun) && !slices.Contains(args, text) {
				found = append(found, cobra.CompletionWithDesc(text, string(n.Kind)))
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}
