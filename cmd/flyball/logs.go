package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/resource"
	"flyball/internal/tail"
)

func logsCommand() *cobra.Command {
	var conn connection
	var opts tail.Options
	cmd := &cobra.Command{
		Use:   "logs SERVICE | TASK | GROUP",
		Short: "What tasks have written, wherever it is kept",
		Long: `What tasks have written: one task, all of a service, or whatever is in a log group.
The beginning of a task's ID is enough, and the name of a service where no other cluster
has one of that name. Each may be named by its ARN, whose region counts. Containers with the log driver
awslogs are read in their log groups; of others, the server keeps the newest part.`,
		Example: `  flyball logs prod/web --follow --filter '?ERROR ?WARN'
  flyball logs 0f9d1c62 --container proxy
  flyball logs /ecs/web --since 10m
  flyball logs --follow arn:aws:ecs:us-east-1:123456789012:task/prod/0f9d1c62b1a84f3f9f6c5d1f2b7a9e10`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: conn.completeNames(1, resource.Service, resource.Task, resource.LogGroup),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, name, err := conn.find(cmd.Context(), args[0], resource.Task, resource.Service, resource.LogGroup)
			if err != nil {
				return err
			}
			return tail.Read(cmd.Context(), c, name, opts, func(line tail.Line) (err error) {
				switch {
				case name.Kind == resource.Task:
					_, err = fmt.Fprintln(cmd.OutOrStdout(), line.Text)
				case line.At.IsZero():
					_, err = fmt.Fprintln(cmd.OutOrStdout(), line.Source, line.Text)
				default:
					_, err = fmt.Fprintln(cmd.OutOrStdout(), line.At.Format(time.RFC3339), line.Source, line.Text)
				}
				return err
			})
		},
	}
	conn.flags(cmd)
	cmd.Flags().StringVarP(&opts.Container, "container", "c", "", "name of the container; of a task the first one by default, of a service all")
	cmd.Flags().BoolVarP(&opts.Follow, "follow", "f", false, "go on: until a task ends, and with services and log groups for ever")
	cmd.Flags().DurationVar(&opts.Since, "since", 0, "how far back, such as 10m, on the server's clock; from the beginning by default")
	cmd.Flags().StringVar(&opts.Filter, "filter", "", "filter pattern of CloudWatch Logs that lines have to match")
	return cmd
}
