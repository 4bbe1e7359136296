package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/resource"
	"flyball/internal/status"
	"flyball/internal/terminal"
)

func statusCommand() *cobra.Command {
	var l looking
	cmd := &cobra.Command{
		Use:   "status [NAME...]",
		Short: "Services, their metrics against targets, alarms, schedules, forecasts, and what fails and why",
		Long: `Status lists all services, and the functions that are scaled: how many tasks run of those that are
desired, how many are healthy targets, what the metric is against its target, and whether tasks fail
to start. Below it are policies and alarms, schedules with their next run, forecasts, and why
something fails; with many services, of those that fail and of those that are named.

NAME is a service, a cluster or a function, or a pattern such as demo/* or *-api.

With --watch it goes on: a terminal shows the newest state in place, anything else gets the text
again whenever more than the time has changed.`,
		Example: `  flyball status
  flyball status demo/web --watch
  flyball status prod --json
  flyball status '*-api'`,
		ValidArgsFunction: l.conn.completeNames(100, resource.Service, resource.Cluster, resource.Function),
		RunE: func(cmd *cobra.Command, args []string) error {
			if l.watch {
				return l.follow(cmd.Context(), cmd.OutOrStdout(), args)
			}
			s, err := status.Read(cmd.Context(), l.conn.client(), args...)
			if err != nil {
				return err
			}
			if l.json {
				return printJSON(cmd.OutOrStdout(), s)
			}
			return s.WriteText(cmd.OutOrStdout())
		},
	}
	l.conn.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&l.json, "json", false, "print JSON; with --watch a line of it for each state")
	f.BoolVarP(&l.watch, "watch", "w", false, "go on, and show what changes")
	f.DurationVar(&l.interval, "interval", 2*time.Second, "with --watch: how often to look, in real time")
	return cmd
}

// A looking is what the flags of flyball status say.
type looking struct {
	conn        connection
	json, watch bool
	interval    time.Duration
}

// follow shows the state again and again. That the server does not answer for a while is shown,
// too; only the first time it is an error.
func (l looking) follow(ctx context.Context, out io.Writer, names []string) error {
	if l.interval < time.Millisecond {
		return refuse("--interval %v: give a time of 1ms or more, such as 2s", l.interval)
	}
	c := l.conn.client()
	show := l.shower(out)
	for first := true; ; first = false {
		s, err := status.Read(ctx, c, names...)
		switch {
		case err != nil && (first || ctx.Err() != nil):
			return err
		case err != nil:
			err = show(nil, fmt.Sprintf("flyball: %v; it is asked again\n", err))
		default:
			err = show(s, "")
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(l.interval):
		}
	}
}

// shower returns what shows a state, or what there is in its place: on a terminal over the one
// before, and otherwise below it, if more has changed than the time.
func (l looking) shower(out io.Writer) func(s *status.Status, otherwise string) error {
	if file := terminal.Of(out, 1, 1); file != nil && !l.json {
		screen := terminal.Frames{W: file}
		return func(s *status.Status, otherwise string) error {
			var text strings.Builder
			if s == nil {
				text.WriteString(otherwise)
			} else if err := s.WriteText(&text); err != nil {
				return err
			}
			return screen.Draw(func(width, height int) []string { return clipped(text.String(), width, height) })
		}
	}
	var last *status.Status
	return func(s *status.Status, otherwise string) (err error) {
		switch {
		case s == nil:
			_, err = io.WriteString(os.Stderr, otherwise)
		case s.Same(last):
		case l.json:
			err = json.NewEncoder(out).Encode(s)
		default:
			if err = s.WriteText(out); err == nil {
				_, err = fmt.Fprintln(out)
			}
		}
		last = s
		return err
	}
}

// clipped are the lines of a text for which a terminal has room; the last one tells of those
// that it has not. The line below them is left to the cursor.
func clipped(text string, width, height int) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if room := max(height-1, 1); len(lines) > room {
		lines = append(lines[:room-1], fmt.Sprintf("%d more lines: name a service, or make the terminal higher", len(lines)-(room-1)))
	}
	for i, line := range lines {
		if runes := []rune(line); len(runes) > width {
			lines[i] = string(runes[:width])
		}
	}
	return lines
}
