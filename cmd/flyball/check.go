package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/damage"
	"flyball/internal/datafolder"
)

func checkCommand() *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use:   "check DIR",
		Short: "Look whether all that is in a data folder is as it was written",
		Long: `Check reads all that is in the data folder of a server that is stopped: state and datapoints,
queues, events on their way, log events, images, code of functions and records of tasks. It
prints a table of what is sound and what is damaged, and a line for each damaged place. It
changes nothing, and ends with status 1 if something is damaged, with 2 if it could not look.

With --repair what is damaged is moved into DIR/damaged-TIME, and all else is kept.`,
		Example: `  flyball check ~/.local/state/flyball
  flyball check ~/.local/state/flyball --repair`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeFolders,
		RunE: func(cmd *cobra.Command, args []string) error {
			lock, err := datafolder.Take(args[0])
			if err != nil {
				return refusal{err}
			}
			defer lock.Close()
			reports, err := datafolder.Check(args[0])
			if err != nil {
				return refusal{err}
			}
			damaged := printReports(cmd.OutOrStdout(), reports)
			if damaged == 0 {
				return nil
			}
			if !repair {
				return fmt.Errorf("%s damaged; restore a backup with flyball restore, or go on without them: flyball check %s --repair", places(damaged), args[0])
			}
			return repairAll(cmd.OutOrStdout(), args[0], reports)
		},
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "move what is damaged into a folder DIR/damaged-TIME, and keep the rest")
	return cmd
}

// places are how many there are, with their verb.
func places(n int) string {
	if n == 1 {
		return "1 place is"
	}
	return fmt.Sprintf("%d places are", n)
}

// completeFolders has a shell complete the name of a folder.
func completeFolders(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// printReports prints what was found, and returns how many places are damaged.
func printReports(to io.Writer, reports []damage.Report) (damaged int) {
	w := tabwriter.NewWriter(to, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "STORE\tITEMS\tSOUND\tDAMAGED")
	for _, r := range reports {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", r.Store, r.Items, r.Sound, len(r.Found))
		damaged += len(r.Found)
	}
	w.Flush()
	for _, r := range reports {
		for _, f := range r.Found {
			fmt.Fprintf(to, "\n%s\n  %s\n", f.File, f.Where)
		}
	}
	return damaged
}

// repairAll moves aside what is damaged.
func repairAll(to io.Writer, dir string, reports []damage.Report) error {
	aside, err := datafolder.Aside(dir, time.Now())
	if err != nil {
		return err
	}
	last := ""
	fmt.Fprintf(to, "\nWhat is damaged is moved to %s.\n", aside)
	for _, r := range reports {
		for _, f := range r.Found {
			outcome, err := f.Repair(aside)
			if err != nil {
				return fmt.Errorf("repair %s: %w", f.File, err)
			}
			if told := f.File + outcome; told != last { // one repair mends several places
				fmt.Fprintf(to, "\n%s\n  %s\n", f.File, outcome)
				last = told
			}
		}
	}
	return nil
}
