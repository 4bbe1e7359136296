package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/client"
	"flyball/internal/hindsight"
	"flyball/internal/policydoc"
)

// An explaining is what the flags of flyball explain say.
type explaining struct {
	conn connection
	json bool
	at   string
	set  []string
}

func explainCommand() *cobra.Command {
	var e explaining
	cmd := &cobra.Command{
		Use:   "explain RESOURCE",
		Short: "What a target's alarms see, what was decided last, and when it can scale next",
		Long: `Explain tells what a target's alarms see, what was decided last, and what would have to happen for
the next scale-out and scale-in.

--at tells the same of a time of the past: a time, a time of the day, or how long ago it was. What is
recorded (datapoints, states of alarms, activities) is read; the decision and the cooldowns are
rebuilt by the code that decides; policies, and bounds that no scheduled action set, are those of
today. The explanation says which part is which.

--set asks what would have been decided with other values: min and max of the target, and
policy.NAME.FIELD with target, scaleOutCooldown, scaleInCooldown, cooldown, scaleIn, steps (such as
0:2,10:4) or threshold. Nothing is changed. flyball simulate has --set and --explain, too, for a whole
run with other values.`,
		Example: `  flyball explain prod/web
  flyball explain resize:live --json
  flyball explain prod/web --at 14:05
  flyball explain prod/web --at 2026-11-26T14:05:00Z --set policy.cpu.target=60 --set max=20
  flyball explain prod/web --at 10m --endpoint aws --region eu-west-1`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: e.conn.completeNames(1, scalable...),
		RunE:              func(cmd *cobra.Command, args []string) error { return e.run(cmd, args[0]) },
	}
	e.conn.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&e.json, "json", false, "print JSON")
	f.StringVar(&e.at, "at", "", "time of the past to tell of: 2026-11-26T14:05:00Z, 14:05 of the server's day (UTC), or how long ago, such as 10m")
	f.StringArrayVar(&e.set, "set", nil, "value to ask about, such as policy.cpu.target=60 or max=20; can be given several times")
	_ = cmd.RegisterFlagCompletionFunc("set", completeSettings)
	return cmd
}

func (e *explaining) run(cmd *cobra.Command, named string) error {
	settings, err := policydoc.ParseSettings(e.set)
	if err != nil {
		return refuse("--set %w", err)
	}
	if e.at != "" { // what is no time at all is refused before anybody is asked what time it is
		if _, err := hindsight.ParseMoment(e.at, time.Unix(0, 0)); err != nil {
			return refuse("--at: %w", err)
		}
	}
	c, name, err := e.conn.find(cmd.Context(), named, scalable...)
	if err != nil {
		return err
	}
	id, err := scalableID(name)
	if err != nil {
		return err
	}
	var told fmt.Stringer
	if e.at == "" && len(settings) == 0 {
		told, err = c.Explain(cmd.Context(), string(id))
	} else {
		told, err = e.past(cmd.Context(), c, hindsight.Question{Resource: id, Set: settings})
	}
	if err != nil {
		return err
	}
	if e.json {
		return printJSON(cmd.OutOrStdout(), told)
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), told)
	return err
}

// past is the explanation of a time of the past, or of now with other values.
func (e *explaining) past(ctx context.Context, c *client.Client, q hindsight.Question) (told hindsight.Explanation, err error) {
	clock, err := c.Clock(ctx)
	if err != nil {
		return told, c.Plain(err)
	}
	q.At = clock.Now
	if e.at != "" {
		if q.At, err = hindsight.ParseMoment(e.at, clock.Now); err != nil {
			return told, refuse("--at: %w", err)
		}
	}
	if err = q.Check(clock.Now); err != nil {
		return told, refuse("--at: %w", err)
	}
	told, err = hindsight.Read(ctx, c, q)
	if is[*hindsight.BadSetting](err) {
		return told, refuse("--set %w", err)
	}
	if is[*hindsight.Untold](err) {
		return told, refusal{err}
	}
	return told, c.Plain(err)
}
