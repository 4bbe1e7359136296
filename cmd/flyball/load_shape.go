package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/client"
	"flyball/internal/duration"
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
	f.DurationVar(&l.duration, "duration", 0, "time of the whole, ramps included, in place of --hold; with --traffic, --traffic-from and --generate, how much of it")
	f.StringVar(&l.stages, "stages", "", "stages such as '2m:50,steady 5m,spike 30s:400', or @FILE with one a line; /s makes levels requests per second")
	l.past.measured.last.d = time.Hour
	l.past.flags(cmd, "--traffic-service")
	f.StringVar(&l.pastOf, "traffic-service", "", "with --traffic-from, CLUSTER/SERVICE whose traffic it is; that of --service by default")
	f.Float64Var(&l.scale, "scale", 1, "factor of all levels of --stages, --traffic, --traffic-from or --generate")
	f.DurationVar(&l.think, "think", 0, "how long a user waits between an answer and the next request, on average")
	f.StringVar(&l.speed, "speed", "", `how many times faster the load's times run, or "server": as the server's clock, which is how all but URLs have it; 1 for those`)
	for _, one := range []string{"stages", "traffic", "traffic-from", "generate"} {
		for _, other := range []string{"users", "rate", "ramp", "hold", "ramp-down"} {
			cmd.MarkFlagsMutuallyExclusive(one, other)
		}
	}
	cmd.MarkFlagsMutuallyExclusive("stages", "traffic", "generate", "traffic-from")
	cmd.MarkFlagsMutuallyExclusive("stages", "duration")
	cmd.MarkFlagsMutuallyExclusive("users", "rate")
	cmd.MarkFlagsMutuallyExclusive("hold", "duration")
	_ = cmd.RegisterFlagCompletionFunc("speed", cobra.FixedCompletions([]string{"server", "1", "10", "60"}, cobra.ShellCompDirectiveNoFileComp))
}

// checkShape reads stages or traffic of the past, and finds numbers that are none.
func (l *loading) checkShape(cmd *cobra.Command) (err error) {
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
	for _, flag := range []struct {
		name string
		none bool
		want string
	}{
		{"rate", l.rate == 0, "such as --rate 20"}, {"scale", l.scale == 0, "such as --scale 0.1"},
		{"stages", l.stages == "", "such as --stages '2m:50,steady 5m'"}, {"traffic", l.past.path == "", "of counted requests, such as --traffic requests.csv"},
	} {
		if flag.none && cmd.Flags().Changed(flag.name) {
			return refuse("--%s of nothing puts no load on anything: give one %s", flag.name, flag.want)
		}
	}
	l.open = l.rate > 0
	switch {
	case l.stages != "":
		err = l.readStages()
	case l.past.given():
		err = l.readPast(cmd)
	}
	if err != nil {
		return err
	}
	l.shape = l.shape.Times(l.scale)
	if l.queue != "" && l.shape != nil && !l.open {
		return refuse("--stages of a queue are messages per second: write 2m:50/s")
	}
	if _, err := l.speedOf(); err != nil {
		return err
	}
	if l.queue != "" {
		return nil // its rate and time may follow from --messages
	}
	schedule, err := l.schedule()
	if err != nil {
		return err
	}
	if peak := schedule.Peak(); !l.open && peak > float64(l.connections) {
		return fmt.Errorf("%v users are more than --max-connections %d: raise it, or have fewer users", peak, l.connections)
	}
	return schedule.Check()
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

// readPast reads traffic of the past, as flyball simulate does.
func (l *loading) readPast(cmd *cobra.Command) error {
	// Rates of messages are on the server's clock; requests are as many in a minute of the tasks.
	l.past.measured.asCounted = l.queue != ""
	service := cmp.Or(l.pastOf, l.service)
	if l.past.measured.from != "" && service == "" {
		return refuse("--traffic-from: of which service? Name it with --traffic-service CLUSTER/SERVICE, such as --traffic-service shop/web")
	}
	conn := l.server // which stays that of what the load is put on
	var past trace.Series
	err := unlessInterrupted(cmd.Context(), func() (err error) {
		past, err = l.past.read(cmd, &conn, service)
		return err
	})
	if err != nil {
		return refusal{err}
	}
	if past.Step <= 0 {
		return refuse("%s does not tell what time a row is about; say so with --step, such as --step 1m", l.past.source())
	}
	counted, err := past.Trace()
	if err != nil {
		return err
	}
	if l.shape, err = load.Trace(counted.Values, counted.Step); err != nil {
		return refuse("%s: %w", l.past.source(), err)
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
			return nil, refuse("--duration %s is shorter than the ramps in it", duration.String(l.duration))
		}
	}
	return load.Ramp(peak, l.ramp, hold, l.rampDown), nil
}

// speedOf is how many times faster the load's times run; 0 is as fast as the server's.
func (l loading) speedOf() (float64, error) {
	switch l.speed {
	case "":
		return 1, nil
	case "server":
		return 0, nil
	}
	speed, err := strconv.ParseFloat(l.speed, 64)
	if err != nil || !(speed > 0 && speed <= 100_000) {
		return 0, refuse(`--speed %q: give a number above 0, at most 100000, or "server"`, l.speed)
	}
	return speed, nil
}

// clock is the clock that the load follows.
func (l loading) clock(ctx context.Context) (client.Clock, error) {
	speed, err := l.speedOf()
	if err != nil || speed > 0 {
		return client.Clock{Now: time.Now(), Speed: speed}, err
	}
	if err := l.server.complete(); err != nil {
		return client.Clock{}, err
	}
	clock, err := l.server.client().Clock(ctx)
	if err == nil && clock.Speed <= 0 {
		err = refuse("the clock of the server stands still, and a load that follows it would not end: give --speed 1")
	}
	return clock, err
}
