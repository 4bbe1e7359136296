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
			if n.Kind == resource.Task && begun != "" && strings.HasPrefix(n.ID, begun) {
				text = n.ID // as it is begun: without its cluster
			}
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

// usualRegions are those that a shell proposes where no server tells any.
var usualRegions = []cobra.Completion{"us-east-1", "us-east-2", "us-west-2", "ca-central-1", "eu-west-1", "eu-central-1", "ap-northeast-1", "ap-southeast-2", "sa-east-1"}

// completeRegions has a shell complete the regions of the server.
func (c *connection) completeRegions(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
	defer cancel()
	if c.complete() == nil {
		if regions, err := c.client().Regions(ctx); err == nil && len(regions) > 0 {
			return regions, cobra.ShellCompDirectiveNoFileComp
		}
	}
	return usualRegions, cobra.ShellCompDirectiveNoFileComp
}

// completeWords has a shell complete a flag that takes one of some words.
func completeWords(cmd *cobra.Command, flag string, words ...cobra.Completion) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
