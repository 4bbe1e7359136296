package main

import (
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"flyball/internal/demo"
)

func demoCommand() *cobra.Command {
	opts := demo.Options{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a service being scaled out and in under real load",
		Long: `Demo starts a server on a free port, puts a service of the built-in web image, a scalable target
and a target tracking policy on it with the AWS SDK, lets 50 virtual users come and go, and shows
load, CPU utilization, tasks and every scaling decision. It needs nothing else and ends by itself
within two minutes; the exit code is 0 only if the service scaled out and in.`,
		Example: `  flyball demo
  flyball demo --runtime docker
  flyball demo | tee demo.log        # plain lines when the output is not a terminal`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.Out = cmd.OutOrStdout()
			opts.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
			if err := opts.Check(); err != nil {
				return refuse("--%w", err)
			}
			return demo.Run(cmd.Context(), opts)
		},
	}
	cmd.AddCommand(demoBacklogCommand())
	cmd.Flags().StringVar(&opts.Runtime, "runtime", "process", "how tasks run: process, docker or auto")
	completeWords(cmd, "runtime", "process", "docker", "auto")
	cmd.Flags().Float64Var(&opts.Speed, "speed", 60, "how many times faster the server's clock runs, 25 to 600")
	return cmd
}

func demoBacklogCommand() *cobra.Command {
	opts := demo.Options{}
	cmd := &cobra.Command{
		Use:   "backlog",
		Short: "Show workers on a queue being scaled from zero, by metrics each minute and each second",
		Long: `Backlog starts a server on a free port, at ten times speed, with two queues and a service of workers
at each: one is scaled by AWS's metrics of each minute, the other by FlyballSQSBacklogPerTask each second.
The same vouchers arrive at both. It shows the queues, the backlog per task, the workers and how long
messages wait against the 10 s that were agreed, and says in the end how many waited no longer. It
needs nothing else and ends by itself within two minutes.`,
		Example: `  flyball demo backlog
  flyball demo backlog | tee demo.log        # plain lines when the output is not a terminal`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.Out = cmd.OutOrStdout()
			opts.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
			return demo.RunBacklog(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.Runtime, "runtime", "process", "how workers run: process, docker or auto")
	return cmd
}
