package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/spf13/cobra"

	"flyball/internal/resource"
	"flyball/scaling"
)

func activitiesCommand() *cobra.Command {
	var conn connection
	var asJSON, scaledOnly bool
	var limit int32
	cmd := &cobra.Command{
		Use:   "activities [RESOURCE]",
		Short: "Scaling activities, newest first, with those that were not carried out and why",
		Example: `  flyball activities
  flyball activities prod/web --limit 5 --json
  flyball activities resize:live`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: conn.completeNames(1, scalable...),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 {
				return refuse("--limit %d: give a number above 0", limit)
			}
			list, err := conn.activities(cmd.Context(), args, !scaledOnly, int(limit))
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), list)
			}
			if len(list) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "No scaling activities yet.")
			}
			for _, a := range list {
				printActivity(cmd.OutOrStdout(), a)
			}
			return nil
		},
	}
	conn.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&scaledOnly, "scaled", false, "leave out what was not carried out")
	cmd.Flags().Int32Var(&limit, "limit", 20, "show at most this many")
	return cmd
}

// activities reads those of a scalable target that is named, or of all. Activities outlive
// their targets and services: what is gone is missing only if it has none.
func (c *connection) activities(ctx context.Context, named []string, notScaled bool, limit int) ([]aastypes.ScalingActivity, error) {
	in := applicationautoscaling.DescribeScalingActivitiesInput{IncludeNotScaledActivities: aws.Bool(notScaled)}
	if len(named) == 0 {
		client := c.client()
		list, err := readActivities(ctx, client.AutoScaling, in, scaling.Kinds(), limit)
		return list, client.Plain(err)
	}
	client, name, err := c.find(ctx, named[0], scalable...)
	missing, _ := errors.AsType[*resource.Missing](err)
	switch {
	case missing != nil && missing.Name.Scalable() != "":
		name = missing.Name
	case err != nil:
		return nil, err
	}
	id, err := scalableID(name)
	if err != nil {
		return nil, err
	}
	in.ResourceId = aws.String(string(id))
	list, err := readActivities(ctx, client.AutoScaling, in, []scaling.Kind{id.Kind()}, limit)
	if err == nil && len(list) == 0 && missing != nil {
		return nil, missing
	}
	return list, client.Plain(err)
}

// readActivities reads activities of resources of some kinds, newest first.
func readActivities(ctx context.Context, c *applicationautoscaling.Client, in applicationautoscaling.DescribeScalingActivitiesInput, kinds []scaling.Kind, limit int) ([]aastypes.ScalingActivity, error) {
	list := []aastypes.ScalingActivity{}
	for _, kind := range kinds {
		in.ServiceNamespace, in.MaxResults = aastypes.ServiceNamespace(kind.Namespace()), aws.Int32(int32(min(limit, 50)))
		pages := applicationautoscaling.NewDescribeScalingActivitiesPaginator(c, &in)
		for read := 0; pages.HasMorePages() && read < limit; {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			read += len(page.ScalingActivities)
			list = append(list, page.ScalingActivities...)
		}
	}
	slices.SortStableFunc(list, func(a, b aastypes.ScalingActivity) int { return b.StartTime.Compare(*a.StartTime) })
	return list[:min(len(list), limit)], nil
}

func printActivity(w io.Writer, a aastypes.ScalingActivity) {
	fmt.Fprintf(w, "%s  %-11s  %s  %s\n", a.StartTime.UTC().Format(time.DateTime), a.StatusCode,
		aws.ToString(a.ResourceId), aws.ToString(a.Description))
	indent := strings.Repeat(" ", 21)
	for _, line := range []*string{a.Cause, a.Details, a.StatusMessage} {
		if aws.ToString(line) != "" {
			fmt.Fprintf(w, "%s%s\n", indent, *line)
		}
	}
	for _, r := range a.NotScaledReasons {
		fmt.Fprintf(w, "%snot scaled: %s\n", indent, aws.ToString(r.Code))
	}
}
