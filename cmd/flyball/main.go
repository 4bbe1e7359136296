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

func main() {
	// A task of a built-in image is this same program: it must start fast and
	// stay small, so it comes before everything else.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if len(os.Args) == 3 && os.Args[1] == workload.Command {
		os.Exit(exitStatus(workload.Run(ctx, os.Args[2], os.Getenv)))
	}
	os.Exit(execute(ctx))
}

// execute carries out the command line, and returns the status of the program.
func execute(ctx context.Context) int {
	cmd := root()
	begun := false
	noteBegin(cmd, &begun)
	at, err := cmd.ExecuteContextC(ctx)
	if err == nil || begun {
		return exitStatus(err)
	}
	exitStatus(err)
	if at.Runnable() {
		fmt.Fprintln(os.Stderr, "usage:", at.UseLine())
	}
	fmt.Fprintf(os.Stderr, "%s --help tells more\n", at.CommandPath())
	return 2
}

// noteBegin has every command note that it has begun: what fails before is due to how it was
// typed.
func noteBegin(cmd *cobra.Command, begun *bool) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*begun = true
			return run(cmd, args)
		}
	}
	for _, c := range cmd.Commands() {
		noteBegin(c, begun)
	}
}

// A refusal is the error of a command that has done nothing, because what it was given to work
// on is not what it works on.
type refusal struct{ error }

// exitStatus prints an error, and returns what the program ends with.
func exitStatus(err error) int {
	if err == nil || errors.Is(err, context.Canceled) {
		return 0
	}
	fmt.Fprintln(os.Stderr, "flyball:", err)
	switch {
	case errors.As(err, new(refusal)):
		return 2
	case errors.As(err, new(failure)):
		return statusFailed
	}
	return 1
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
  eval "$(flyball env)"`,
		Version:       release(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetVersionTemplate("flyball {{.Version}}\n")
	cmd.AddCommand(
		activitiesCommand(),
		authorityCommand(),
		backupCommand(),
		checkCommand(),
		clockCommand(),
		demoCommand(),
		environmentCommand(),
		explainCommand(),
		forecastCommand(),
		healthCommand(),
		loadCommand(),
		logsCommand(),
		nowCommand(),
		replayCommand(),
		reportCommand(),
		restoreCommand(),
		runCommand(),
		serveCommand(),
		simulateCommand(),
		statusCommand(),
		tuneCommand(),
		versionCommand(),
		waitCommand(),
	)
	return cmd
}
