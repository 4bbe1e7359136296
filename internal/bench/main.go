// Command bench measures the whole server and prints one line a figure: name,
// value, unit. The benchmarks of single packages are Go benchmarks beside their
// code; `make bench` runs both.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 32
	binary := flag.String("flyball", "bin/flyball", "the program to measure")
	targets := flag.Int("targets", 10_000, "scalable targets in the breach measurement")
	backlog := flag.Int("backlog", 1_000_000, "messages that wait in the queue measurement")
	other := flag.String("beside", "", "the URL of another server with SQS's protocol, to be measured after the queues")
	only := flag.String("only", "", "the only measurement that is made")
	record := flag.String("record", "", "file to which the live run of the fidelity measurement is written")
	traces := flag.String("traces", "", "folder of files of requests, on which tune is measured besides traffic that is made up")
	candidates := flag.Int("candidates", 1000, "candidates of each search of the tune measurement")
	data := flag.String("serve", "", "be the server of the breach measurement, with its state in this folder")
	flag.Parse()
	// When nobody reads on, the programs that are measured are to be stopped, too.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	if *data != "" {
		if err := serve(ctx, *data); err != nil {
			log.Fatal("bench: ", err)
		}
		return
	}
	measurements := []measurement{
		{"start", func(ctx context.Context) error { return startUp(ctx, *binary) }},
		{"ingestion", func(ctx context.Context) error { return ingestion(ctx, *binary) }},
		{"logs", func(ctx context.Context) error { return logEvents(ctx, *binary) }},
		{"images", func(ctx context.Context) error { return images(ctx, *binary) }},
		{"breach", func(ctx context.Context) error { return breach(ctx, *targets) }},
		{"schedules", func(ctx context.Context) error { return scheduled(ctx, *binary, 100_000) }},
		{"alarms", func(ctx context.Context) error { return alarms(ctx, *binary, 100_000) }},
		{"events", func(ctx context.Context) error { return eventRules(ctx, *binary) }},
		{"backlog", func(ctx context.Context) error { return burst(ctx, *binary) }},
		{"functions", func(ctx context.Context) error { return functions(ctx, *binary) }},
		{"patterns", func(context.Context) error { return patterns() }},
		{"simulation", func(context.Context) error { return targetMinutes() }},
		{"fidelity", func(ctx context.Context) error { return predictability(ctx, *binary, *record) }},
		{"queues", func(ctx context.Context) error {
			if err := queues(ctx, *binary, *backlog); err != nil || *other == "" {
				return err
			}
			return beside(ctx, *other)
		}},
	}
	if *only != "" { // these print tables, and are made where they are asked for
		measurements = append(measurements,
			measurement{"tune", func(ctx context.Context) error { return tuned(ctx, *traces, *candidates) }},
			measurement{"lookahead", func(context.Context) error { return ahead(*traces) }})
	}
	if err := known(measurements, *only); err != nil {
		log.Print("bench: ", err)
		os.Exit(2)
	}
	for _, m := range measurements {
		if *only != "" && *only != m.name {
			continue
		}
		if err := m.measure(ctx); err != nil {
			log.Fatal("bench: ", err)
		}
	}
}

// A measurement is one that can be made alone.
type measurement struct {
	name    string
	measure func(context.Context) error
}

// known refuses a name that no measurement has; none is all of them.
func known(all []measurement, name string) error {
	var names []string
	for _, m := range all {
		if names = append(names, m.name); m.name == name || name == "" {
			return nil
		}
	}
	return fmt.Errorf("there is no measurement %q; -only takes %s", name, strings.Join(names, ", "))
}

// figure prints one line.
func figure(name string, value float64, unit string) {
	fmt.Printf("%s %.4g %s\n", name, value, unit)
}

// quantile is the nearest-rank quantile of durations, in milliseconds.
func quantile(d []time.Duration, q float64) float64 {
	slices.Sort(d)
	return float64(d[min(int(q*float64(len(d))), len(d)-1)]) / float64(time.Millisecond)
}
