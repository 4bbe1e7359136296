// Command flyball is an open Application Auto Scaling: it serves the AWS APIs
// on one machine, runs services as real tasks and scales them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // schedules have time zones, and a host may have none

	"github.com/spf13/cobra"

	"flyball/internal/workload"
)

// version is set by the linker.
var version = "dev"

func main() {
	// A task of a built-in image is this same program: it must start fast and
	// stay small, so it comes before everything else.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	var err error
	if len(os.Args) == 3 && os.Args[1] == workload.Command {
		err = workload.Run(ctx, os.Args[2], os.Getenv)
	} else {
		err = root().ExecuteContext(ctx)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "flyball:", err)
		os.Exit(1)
	}
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "flyball",
		Short: "An open Application Auto Scaling: run it, see it, trust it",
		Long: `Flyball speaks the AWS APIs (Application Auto Scaling, CloudWatch and its logs, ECS, ECR with
a registry, Elastic Load Balancing, IAM, SQS, STS and the network of EC2), runs services as real
tasks on this machine, measures them, fires their alarms and scales them with the same
policies that will scale them in production.`,
		Example: `  flyball demo                       # see a service scale out and in, in two minutes
  flyball serve                      # then point the aws CLI, Terraform or an SDK at it:
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.AddCommand(
		serveCommand(), demoCommand(), loadCommand(), reportCommand(), forecastCommand(), replayCommand(),
		statusCommand(), activitiesCommand(), explainCommand(), logsCommand(), authorityCommand(), checkCommand(), backupCommand(), restoreCommand(),
		versionCommand(),
	)
	return cmd
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintln(cmd.OutOrStdout(), "flyball", version)
		},
	}
}
