package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/client"
	"flyball/internal/server"
)

func nowCommand() *cobra.Command {
	var conn connection
	var asJSON bool
	var ago time.Duration
	var form string
	cmd := &cobra.Command{
		Use:   "now",
		Short: "Print the server's time, for queries to begin and end at",
		Long: `Now prints the server's time. It is that of datapoints, alarms, activities and log events, and differs from the
wall clock's with serve --speed and after it. Every answer of the server tells it as well, in the header ` + client.NowHeader + `.

With --json it prints the wall clock's time as well, the lead before it in seconds, the speed, and how the clock stands:
  follows   it shows the wall clock's time
  ahead     it goes with the wall clock, by a lead that an earlier life has left (serve --clock wall gives it up)
  waits     it stands still until the wall clock has caught up
  runs      it goes by itself, at another speed than 1
  manual    it stands still until flyball clock advance moves it`,
		Example: `  flyball now
  aws cloudwatch get-metric-statistics --start-time $(flyball now --ago 1h) --end-time $(flyball now) ...
  aws logs filter-log-events --start-time $(flyball now --ago 10m --form unix-ms) ...
  flyball now --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			clock, err := conn.client().Clock(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), clock)
			}
			return printTime(cmd.OutOrStdout(), clock.Now.Add(-ago), form)
		},
	}
	conn.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: the time, the wall clock's, the lead, the speed, and how the clock stands")
	cmd.Flags().DurationVar(&ago, "ago", 0, "print the time that it was so long ago on the server's clock, such as 90s or 1h")
	choiceVar(cmd, &form, "form", "how the time is printed: RFC 3339, or seconds or milliseconds since 1970", "rfc3339", "unix", "unix-ms")
	cmd.MarkFlagsMutuallyExclusive("json", "ago")
	cmd.MarkFlagsMutuallyExclusive("json", "form")
	return cmd
}

// printTime prints a time in a form of `flyball now`.
func printTime(w io.Writer, t time.Time, form string) error {
	text := t.UTC().Format(time.RFC3339)
	switch form {
	case "unix":
		text = strconv.FormatInt(t.Unix(), 10)
	case "unix-ms":
		text = strconv.FormatInt(t.UnixMilli(), 10)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// clockFlags adds the flags to a command that say where the clock of a server begins.
func clockFlags(cmd *cobra.Command, clock *string) {
	choiceVar(cmd, clock, "clock", "where the clock begins if that of --data is ahead of the wall clock, after a life with --speed or with a wrong wall clock: "+
		"auto (goes on from there) or wall (goes back to the wall clock, and keeps the data); or manual (stands still until flyball clock advance moves it)",
		server.ClockAuto, server.ClockWall, server.ClockManual)
	cmd.Flags().BoolFunc("give-up-lead", "", func(text string) error {
		giveUp, err := strconv.ParseBool(text)
		if giveUp {
			*clock = server.ClockWall
		}
		// Standard output is for the line that says where the server is ready.
		fmt.Fprintln(cmd.ErrOrStderr(), "--give-up-lead is the same as --clock wall, which takes its place; give that instead")
		return err
	})
	_ = cmd.Flags().MarkHidden("give-up-lead")
	cmd.MarkFlagsMutuallyExclusive("clock", "give-up-lead")
}
