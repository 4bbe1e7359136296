package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func clockCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "clock",
		Short: "Move a server's clock that stands still: serve --clock manual",
	}
	cmd.AddCommand(advanceCommand())
	return cmd
}

func advanceCommand() *cobra.Command {
	var conn connection
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "advance DURATION",
		Short: "Move the clock forward, and return when all that was due is done",
		Long: `Advance moves the clock of a server that was started with --clock manual. On the way everything is done that
is due, at its time: metrics are published, alarms evaluated, policies carried out, schedules run, tasks
started and stopped. It returns when nothing is under way any more, and prints the server's time.`,
		Example: `  flyball serve --clock manual --data ""   # in a terminal of its own
  flyball clock advance 5m
  flyball clock advance 90s --json`,
		Args: oneDuration,
		RunE: func(cmd *cobra.Command, args []string) error {
			by, _ := time.ParseDuration(args[0]) // it was checked
			clock, err := conn.client().Advance(cmd.Context(), by)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), clock)
			}
			return printTime(cmd.OutOrStdout(), clock.Now, "rfc3339")
		},
	}
	conn.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, as flyball now does")
	return cmd
}

// oneDuration wants one duration that is not negative.
func oneDuration(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one duration, such as flyball clock advance 5m")
	}
	if d, err := time.ParseDuration(args[0]); err != nil || d < 0 {
		return fmt.Errorf("%q is no duration to move a clock by; give one such as 90s, 5m or 1h30m", args[0])
	}
	return nil
}
