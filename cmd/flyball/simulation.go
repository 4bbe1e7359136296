package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/server"
)

// simulationFlags adds the flags to a command that are for a manual clock and for simulated tasks.
func simulationFlags(cmd *cobra.Command, cfg *server.Config) {
	f := cmd.Flags()
	f.Func("start", "with --clock manual, `TIME` at which a new clock begins, such as 2026-01-05T09:00:00Z; by default the minute that it is", func(text string) (err error) {
		if cfg.Start, err = time.Parse(time.RFC3339, text); err != nil {
			return fmt.Errorf("give a time as in 2026-01-05T09:00:00Z")
		}
		return nil
	})
	f.DurationVar(&cfg.TaskStart, "task-start", 20*time.Second, "simulated runtime: how long a task takes to start, on the server's clock")
	f.DurationVar(&cfg.TaskStop, "task-stop", 5*time.Second, "simulated runtime: how long a task takes to stop, on the server's clock")
}
