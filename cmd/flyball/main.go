// Command flyball is an open Application Auto Scaling: it serves the AWS APIs
// on one machine, runs services as real tasks and scales them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	_ "time/tzdata" // schedules have time zones, and a host may have none

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"flyball/internal/garbage"
	"flyball/internal/workload"
	_ "flyball/internal/workload/web"
	_ "flyball/internal/workload/worker"
)

func main() {
	// Each allocation may be sampled, as a library is linked that could show a profile, which nobody
	// can ask this program for. And each message has a random ID, none of which is a secret: a call
	// of the system makes several.
	runtime.MemProfileRate = 0
	uuid.EnableRandPool()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if name, ok := workload.Asked(); ok {
		// Had there been such a program, this process would be it by now.
		os.Exit(exitStatus(workload.Unknown(name), os.Stderr))
	}
	if len(os.Args) < 2 || os.Args[1] != "serve" { // which has a start of its own
		garbage.Begin()
	}
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// execute carries out a command line, and returns the status of the program.
func execute(ctx context.Context, args []string, out, complaints io.Writer) int {
	cmd := root()
	cmd.SetArgs(args)
	printed, to := outputTo(out)
	cmd.SetOut(to)
	cmd.SetErr(complaints)
	cmd.InitDefaultHelpCmd()
	cmd.InitDefaultCompletionCmd()
	refuseNoTopic(cmd)
	sayWhatToType(cmd)
	begun := false
	noteBegin(cmd, &begun)
	at, err := cmd.ExecuteContextC(ctx)
	if err == nil || begun || printed.lost() != nil {
		return exitStatus(printed.outcome(err), complaints)
	}
	fmt.Fprintln(complaints, "flyball:", typingError(at, plain(err)))
	printUsage(complaints, at)
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

// exitStatus prints an error, and returns what the program ends with.
func exitStatus(err error, to io.Writer) int {
	interrupted := errors.Is(err, errInterrupted)
	if err == nil || errors.Is(err, context.Canceled) && !interrupted {
		return 0
	}
	fmt.Fprintln(to, "flyball:", plain(err))
	switch {
	case interrupted:
		return statusInterrupted
	case nothingDone(err):
		return 2
	case is[failure](err):
		return statusFailed
	}
	return 1
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "flyball",
		Short: "An open Application Auto Scaling: run it, see it, trust it",
		Long: `Flyball speaks the AWS APIs (Application Auto Scaling, CloudWatch and its logs, ECS, ECR with
a registry, Elastic Load Balancing, EventBridge and its Scheduler, IAM, Lambda, SQS, STS and the
network of EC2), runs services as real tasks on this machine, measures them, fires their alarms
and scales them with the same policies that will scale them in production.`,
		Example: `  flyball demo                       # see a service scale out and in, in two minutes
  flyball serve                      # then point the aws CLI, Terraform or an SDK at it:
  eval "$(flyball env)"`,
		Version:       release(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.AddCommand(
		activitiesCommand(),
		authorityCommand(),
		backupCommand(),
		checkCommand(),
		clockCommand(),
		consoleCommand(),
		controlCommand(),
		demoCommand(),
		environmentCommand(),
		explainCommand(),
		fitCommand(),
		forecastCommand(),
		healthCommand(),
		loadCommand(),
		logsCommand(),
		nowCommand(),
		reportCommand(),
		restoreCommand(),
		runCommand(),
		schemaCommand(),
		serveCommand(),
		simulateCommand(),
		statusCommand(),
		tuneCommand(),
		versionCommand(),
		waitCommand(),
	)
	return cmd
}
