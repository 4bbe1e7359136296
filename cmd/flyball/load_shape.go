package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/client"
	"flyball/internal/load"
	"flyball/internal/trace"
)

// shapeFlags are those that say how much load there is over time.
func (l *loading) shapeFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Float64Var(&l.users, "users", 10, "virtual users")
	f.Float64Var(&l.rate, "rate", 0, "requests or messages a second, in place of users")
	f.DurationVar(&l.ramp, "ramp", 0, "time to reach the full load")
	f.DurationVar(&l.hold, "hold", 30*time.Second, "time at the full load")
	f.DurationVar(&l.rampDown, "ramp-down", 0, "time to come back to nothing")
	f.DurationVar(&l.duration, "duration", 0, "time of the whole, ramps included, in place of --hold; with --trace, how much of it")
	f.StringVar(&l.stages, "stages", "", "stages such as '2m:50,steady 5m,spike 30s:400', or @FILE with one a line; /s makes levels requests per second")
	f.StringVar(&l.trace, "trace", "", "file of requests that were counted, a row for each minute or a few")
	f.DurationVar(&l.traceStep, "trace-step", 0, "time that a row of the trace is about, if not the distance of the rows' times")
	f.Float64Var(&l.scale, "scale", 1, "factor of all levels of --stages or --trace")
	f.DurationVar(&l.think, "think", 0, "how long a user waits between an answer and the next request, on average")
	f.StringVar(&l.speed, "speed", "", `how many times faster the load's times run, or "server": as the server's clock, which is how all but URLs have it; 1 for those`)
	for _, one := range []string{"stages", "trace"} {
		for _, other := range []string{"users", "rate", "ramp", "hold", "ramp-down"} {
			cmd.MarkFlagsMutuallyExclusive(one, other)
		}
	}
	cmd.MarkFlagsMutuallyExclusive("stages", "trace")
	cmd.MarkFlagsMutuallyExclusive("stages", "duration")
	cmd.MarkFlagsMutuallyExclusive("users", "rate")
	cmd.MarkFlagsMutuallyExclusive("hold", "duration")
	_ = cmd.MarkFlagFilename("trace", "csv", "gz")
	_ = cmd.RegisterFlagCompletionFunc("speed", cobra.FixedCompletions([]string{"server", "1", "10", "60"}, cobra.ShellCompDirectiveNoFileComp))
}

// checkShape reads stages or a trace, and finds numbers that are none.
func (l *loading) checkShape() (err error) {
	for _, flag := range []struct {
		name  string
		value float64
		least float64
	}{
		{"users", l.users, 1}, {"rate", l.rate, 0}, {"scale", l.scale, 0}, {"think", l.think.Seconds(), 0}, {"ramp", l.ramp.Seconds(), 0},
		{"hold", l.hold.Seconds(), 0}, {"ramp-down", l.rampDown.Seconds(), 0}, {"duration", l.duration.Seconds(), 0},
	} {
		if !(flag.value >= flag.least) || math.IsInf(flag.value, 0) {
			return refuse("--%s %v: give a number of %v or more", flag.name, flag.value, flag.least)
		}
	}
	l.open = l.rate > 0
	switch {
	case l.stages != "":
		err = l.readStages()
	case l.trace != "":
		err = l.readTrace()
	case l.queue == "":
		_, err = l.schedule()
	}
	if err != nil || l.shape == nil {
		return err
	}
	if l.shape = l.shape.Times(l.scale); l.queue != "" && !l.open {
		return refuse("--stages of a queue are messages per second: write 2m:50/s")
	}
	return nil
}

func (l *loading) readStages() error {
	text := l.stages
	if name, isFile := strings.CutPrefix(text, "@"); isFile {
		b, err := readSmall(name)
		if err != nil {
			return refuse("--stages: %w", err)
		}
		text = string(b)
	}
	var err error
	if l.shape, l.open, err = load.ParseStages(text); err != nil {
		return refuse("--stages: %w", err)
	}
	return nil
}

func (l *loading) readTrace() error {
	in, err := trace.Open(l.trace, os.Stdin)
	if err != nil {
		return refuse("--trace: %w", err)
	}
	defer in.Close()
	past, err := trace.Read(in, trace.Options{Step: l.traceStep, Assume: trace.Counts})
	if err == nil {
		past, err = past.Counted()
	}
	if err != nil {
		return refuse("--trace %s: %w", l.trace, err)
	}
	step := past.Step
	if step <= 0 {
		return refuse("--trace %s does not tell what time a row is about; say so with --trace-step, such as --trace-step 1m", l.trace)
	}
	if l.shape, err = load.Trace(past.Values, step); err != nil {
		return refuse("--trace %s: %w", l.trace, err)
	}
	if l.duration > 0 {
		l.shape = l.shape.First(l.duration)
	}
	l.open = true
	return nil
}

// readSmall reads a file of what could as well be typed.
func readSmall(name string) ([]byte, error) {
	const most = 1 << 20
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && len(b) > most {
		err = fmt.Errorf("%s is larger than 1 MiB", name)
	}
	return b, err
}

// schedule is the level over time that the flags say.
func (l loading) schedule() (load.Schedule, error) {
	if l.shape != nil {
		return l.shape, nil
	}
	peak, hold := l.users, l.hold
	if l.rate > 0 {
		peak = l.rate
	}
	if l.duration != 0 {
		if hold = l.duration - l.ramp - l.rampDown; hold < 0 {
			return nil, refuse("--duration %v is shorter than the ramps in it", l.duration)
		}
	}
	return load.Ramp(peak, l.ramp, hold, l.rampDown), nil
}

// clock is the clock that the load follows.
func (l loading) clock(ctx context.Context) (client.Clock, error) {
	switch l.speed {
	case "":
		return client.Clock{Now: time.Now(), Speed: 1}, nil
	case "server":
		if err := l.server.complete(); err != nil {
			return client.Clock{}, err
		}
		clock, err := l.server.client().Clock(ctx)
		if err == nil && clock.Speed <= 0 {
			err = errors.New("the clock of the server stands still, and a load that follows it would never end: give --speed 1")
		}
		return clock, err
	}
	speed, err := strconv.ParseFloat(l.speed, 64)
	if err != nil || !(speed > 0 && speed <= 100_000) {
		return client.Clock{}, refuse(`--speed %q: give a number above 0, at most 100000, or "server"`, l.speed)
	}
	return client.Clock{Now: time.Now(), Speed: speed}, nil
}
