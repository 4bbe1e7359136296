package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/duration"
	"flyball/internal/generator"
	"flyball/internal/trace"
)

// A generating is what the flags say of traffic that is made up, in the place of a file.
type generating struct {
	description string
	length      length
}

// generates tells in help texts what --generate takes.
var generates = `--generate makes traffic of a description in place of a file, for --for. Its rates add up, and factors
such as 2x multiply what the rates make together; --seed begins chance. It begins on Monday, 5 January
2026, at midnight in --zone. Times are written 90s, 14h or 9d14h; at is since the beginning.
` + generator.Help()

// add adds the flags to a command.
func (g *generating) add(cmd *cobra.Command) {
	f := cmd.Flags()
	g.length.d = 14 * 24 * time.Hour
	f.StringVar(&g.description, "generate", "", "traffic to make up, such as 'daily(low=300/m, high=3000/m, peak=14:00) + spike(at=9d14h, for=1h, by=2x)'")
	f.Var(&g.length, "for", "how long traffic is made up")
	if f.Lookup("seed") == nil {
		f.Uint64("seed", 1, "number that the chance of --generate begins with")
	}
	completeWords(cmd, "generate", generator.Examples()...)
	completeWords(cmd, "for", "1d", "14d", "10w")
}

// check refuses a length of traffic that is not made up.
func (g *generating) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed("for") && g.description == "" {
		return refuse("--for is how long traffic is made up, and none is: give --generate, too")
	}
	return nil
}

// begins is when traffic that is made up begins: a Monday.
func (r reading) begins() time.Time {
	zone := r.zone.location
	if zone == nil {
		zone = time.UTC
	}
	return time.Date(2026, 1, 5, 0, 0, 0, 0, zone)
}

// generated makes traffic up.
func (r reading) generated(cmd *cobra.Command) (trace.Series, error) {
	g, err := generator.Parse(r.made.description)
	if err != nil {
		return trace.Series{}, refuse("--generate: %w", err)
	}
	seed, err := cmd.Flags().GetUint64("seed")
	if err != nil {
		return trace.Series{}, err
	}
	begin := r.begins()
	what := trace.Trace{Name: "requests", Kind: trace.Counts, Start: begin.UTC(), Step: time.Minute}
	return trace.Made(what, g.All(begin, r.made.length.d, seed)), nil
}

// A length is a flag's time of minutes to years.
type length struct{ d time.Duration }

// String is the time as it is written.
func (l *length) String() string {
	const day = 24 * time.Hour
	if l.d >= day && l.d%day == 0 {
		return fmt.Sprintf("%dd", l.d/day)
	}
	return duration.String(l.d)
}

// Set reads a time such as 14d.
func (l *length) Set(text string) error {
	d, ok := generator.ParseSpan(text)
	if !ok || d < time.Minute {
		return fmt.Errorf("give a time such as 90m, 12h or 14d, from a minute to ten years")
	}
	l.d = d
	return nil
}

// Type is how the value is named in help texts.
func (l *length) Type() string { return "time" }
