package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/client"
	"flyball/internal/resource"
)

func waitCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "wait",
		Short: "Wait until a service has as many tasks as it should, for tests and scripts",
	}
	cmd.AddCommand(waitServiceCommand())
	return cmd
}

func waitServiceCommand() *cobra.Command {
	var conn connection
	var asJSON bool
	var desired, running int32
	var within time.Duration
	cmd := &cobra.Command{
		Use:   "service SERVICE",
		Short: "Wait for a service's desired count, or its running tasks, or both",
		Long: `Wait service returns when the service has the desired count and as many running tasks as are given. The time is
the server's: with serve --speed 60 five minutes are five seconds, and with serve --clock manual it moves the
clock, as far as it has to and no further.

If that does not come within the time, it prints what flyball explain prints, and the status is 1.`,
		Example: `  flyball wait service demo/web --desired 4 --within 5m
  flyball wait service demo/web --desired 4 --running 4`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: conn.completeNames(1, resource.Service),
		RunE: toTheEnd(func(cmd *cobra.Command, args []string) error {
			var want client.Wanted
			if cmd.Flags().Changed("desired") {
				want.Desired = &desired
			}
			if cmd.Flags().Changed("running") {
				want.Running = &running
			}
			switch {
			case want.Desired == nil && want.Running == nil:
				return refuse("give --desired or --running, or both: the number of tasks to wait for")
			case desired < 0 || running < 0:
				return refuse("--desired and --running: give a number of tasks, 0 or more")
			case within < 0:
				return refuse("--within %v: give a time to come, such as 5m", within)
			}
			c, name, err := conn.find(cmd.Context(), args[0], resource.Service)
			if err != nil {
				return err
			}
			want.Cluster, want.Service = name.Cluster, name.ID
			waited, err := c.Wait(cmd.Context(), want, within)
			if err != nil {
				return err
			}
			return tellWaited(cmd, name, waited, asJSON)
		}),
	}
	conn.flags(cmd)
	f := cmd.Flags()
	f.Int32Var(&desired, "desired", 0, "desired count to wait for")
	f.Int32Var(&running, "running", 0, "number of running tasks to wait for")
	f.DurationVar(&within, "within", 5*time.Minute, "how long to wait at most, on the server's clock")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// tellWaited prints what has become of a service that was waited for.
func tellWaited(cmd *cobra.Command, name resource.Name, w client.Waited, asJSON bool) error {
	after := time.Duration(w.Seconds * float64(time.Second)).Round(time.Millisecond)
	out := cmd.OutOrStdout()
	switch {
	case asJSON:
		if err := printJSON(out, w); err != nil {
			return err
		}
	case w.Met:
		fmt.Fprintf(out, "%s has %d desired and %d running after %v\n", name, w.Desired, w.Running, after)
	default:
		fmt.Fprint(out, w.Explanation)
	}
	if !w.Met {
		return fmt.Errorf("%s has %d desired, %d running and %d pending after %v, which is not what was waited for", name, w.Desired, w.Running, w.Pending, after)
	}
	return nil
}
