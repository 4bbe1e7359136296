package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/spf13/cobra"

	"flyball/internal/client"
	"flyball/internal/resource"
	"flyball/internal/sharedfile"
	"flyball/internal/shellenv"
	"flyball/scaling"
)

// A connection is where a command finds its server.
type connection struct {
	client.Config
	authority string // file with the certificates to trust
}

func (c *connection) flags(cmd *cobra.Command) {
	endpoint := cmp.Or(os.Getenv(shellenv.Endpoint), os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:4566")
	cmd.Flags().StringVar(&c.Endpoint, "endpoint", endpoint, "address of the server; FLYBALL_ENDPOINT or AWS_ENDPOINT_URL by default")
	cmd.Flags().StringVar(&c.Region, "region", cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1"),
		"region to look at; AWS_REGION by default")
	cmd.Flags().StringVar(&c.Account, "account", "", "account to look at, 12 digits; the server's own by default")
	cmd.Flags().StringVar(&c.authority, "ca", os.Getenv("AWS_CA_BUNDLE"), "PEM file with the authorities to trust of a server that speaks TLS; AWS_CA_BUNDLE by default")
	_ = cmd.RegisterFlagCompletionFunc("region", c.completeRegions)
	completeWords(cmd, "endpoint", "http://127.0.0.1:4566", "aws")
	completeWords(cmd, "account")
	_ = cmd.MarkFlagFilename("ca", "pem")
	cmd.PreRunE = func(*cobra.Command, []string) error { return c.complete() }
}

// complete finds the access key, and refuses an account that is none: a key of its
// form names no account, and the answer would be the server's own account's.
func (c *connection) complete() (err error) {
	if !regionNames.MatchString(c.Region) {
		return fmt.Errorf("--region %q: a region is written like us-east-1", c.Region)
	}
	if c.Credentials, err = sharedfile.Find(os.Getenv); err != nil {
		return err
	}
	if c.Endpoint == "aws" {
		c.Endpoint, c.authority = "", ""
		if c.Credentials.AccessKeyID == "" {
			return errors.New("--endpoint aws: AWS wants an access key, in AWS_ACCESS_KEY_ID or in the profile of AWS_PROFILE")
		}
	}
	if err := c.CheckEndpoint(); err != nil {
		return fmt.Errorf("--endpoint: %w", err)
	}
	if c.authority != "" {
		if c.HTTP, err = client.Trusting(c.authority); err != nil {
			return fmt.Errorf("--ca: %w", err)
		}
	}
	if c.Account != "" && (len(c.Account) != 12 || strings.Trim(c.Account, "0123456789") != "") {
		return fmt.Errorf("--account %q: an AWS account id has 12 digits", c.Account)
	}
	return nil
}

// regionNames have the form of those of AWS, which is the form that the server takes.
var regionNames = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]{1,2}$`)

func (c *connection) client() *client.Client { return client.New(c.Config) }

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

func explainCommand() *cobra.Command {
	var conn connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain RESOURCE",
		Short: "What a target's alarms see, what was decided last, and when it can scale next",
		Example: `  flyball explain prod/web
  flyball explain resize:live --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: conn.completeNames(1, scalable...),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, name, err := conn.find(cmd.Context(), args[0], scalable...)
			if err != nil {
				return err
			}
			id, err := scalableID(name)
			if err != nil {
				return err
			}
			e, err := c.Explain(cmd.Context(), string(id))
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), e)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), e)
			return err
		},
	}
	conn.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false) // alarms have < and > in their words
	return enc.Encode(v)
}
