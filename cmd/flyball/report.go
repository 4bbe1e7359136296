package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"flyball/internal/client"
	"flyball/internal/hindsight"
	"flyball/internal/load"
	"flyball/internal/report"
	"flyball/internal/resource"
)

func reportCommand() *cobra.Command {
	var r reporting
	cmd := &cobra.Command{
		Use:   "report SERVICE",
		Short: "Draw load, CPU utilization, tasks and scaling activities of a service in one picture",
		Long: `Report draws what became of a service: users, requests per second and latency from the record of
flyball load --out; CPU utilization against its target, desired and running tasks; and below them, over
the same time axis, scaling activities, alarms, cooldowns and deployments, each with its reason when
pointed at. Without a record, requests and latency are the load balancer's metrics. --html writes one
page that needs nothing else, with the activities in a table; --svg the picture alone; both have the
colours of light and of dark surroundings. --json writes the figures, for programs.

The picture goes from two minutes before the record until now, but not further than 30 minutes after
the record's end; without a record it is of the last 30 minutes. --since and --until, a time such as
2026-11-26T14:05:00Z or how long ago, say otherwise.

With --endpoint aws it is about a service on AWS, with the access key of the environment. The load's
own times have to be those of the service then: record it with --speed 1.`,
		Example: `  flyball report workshop/app --load load.jsonl --html workshop.html --svg workshop.svg
  flyball report prod/web --since 3h --html web.html
  flyball report prod/web --endpoint aws --region eu-west-1 --since 1h --svg web.svg`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.server.completeNames(1, resource.Service),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.run(cmd.Context(), args[0], cmd.OutOrStdout())
		},
	}
	r.server.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&r.record, "load", "", "record of the load, as flyball load --out writes it")
	f.StringVar(&r.since, "since", "", "begin at this time, or so long ago")
	f.StringVar(&r.until, "until", "", "end at this time, or so long ago")
	f.StringVar(&r.svg, "svg", "", "file to write the picture to")
	f.StringVar(&r.html, "html", "", "file to write the page to")
	f.StringVar(&r.json, "json", "", "file to write the figures to")
	cmd.MarkFlagsOneRequired("svg", "html", "json")
	_ = cmd.MarkFlagFilename("load", "jsonl")
	_ = cmd.MarkFlagFilename("svg", "svg")
	_ = cmd.MarkFlagFilename("html", "html")
	_ = cmd.MarkFlagFilename("json", "json")
	return cmd
}

// A reporting is what the flags of flyball report say.
type reporting struct {
	server                                connection
	record, since, until, svg, html, json string
}

// files are those to write.
func (r reporting) files() []reportFile {
	return []reportFile{{r.svg, report.Run.WriteSVG}, {r.html, report.Run.WriteHTML}, {r.json, report.Run.WriteJSON}}
}

// A reportFile is a file to write a report to; without a name it is none.
type reportFile struct {
	name  string
	write report.Writer
}

func (r reporting) run(ctx context.Context, service string, out io.Writer) error {
	if _, err := resource.Parse(service, resource.Service); err != nil {
		return err
	}
	record, err := r.readRecord()
	if err != nil {
		return err
	}
	clock, err := r.server.client().Clock(ctx)
	if err != nil {
		return err
	}
	from, to, err := r.window(clock.Now, record)
	if err != nil {
		return err
	}
	c, name, err := r.server.find(ctx, service, resource.Service)
	if err != nil {
		return err
	}
	run, err := report.Read(ctx, sourceOf(c), name.Scalable(), record, from, to)
	if err != nil {
		return c.Plain(err)
	}
	run.Speed = clock.Speed
	return writeRun(out, run, r.files())
}

func sourceOf(c *client.Client) report.Source {
	return report.Source{AutoScaling: c.AutoScaling, CloudWatch: c.CloudWatch, ECS: c.ECS, LoadBalancing: c.LoadBalancing}
}

// writeRun writes files.
func writeRun(out io.Writer, run report.Run, files []reportFile) error {
	for _, file := range files {
		if file.name == "" {
			continue
		}
		if err := createFile(file.name, func(w io.Writer) error { return file.write(run, w) }); err != nil {
			return err
		}
		fmt.Fprintln(out, "wrote", file.name)
	}
	return nil
}

func (r reporting) readRecord() ([]load.Line, error) {
	if r.record == "" {
		return nil, nil
	}
	file, err := os.Open(r.record)
	if err != nil {
		return nil, refuse("--load: %w", err)
	}
	defer file.Close()
	lines, err := load.ReadRecord(file)
	if err != nil {
		return nil, refuse("%s: %w", r.record, err)
	}
	if len(lines) == 0 {
		return nil, refuse("%s has no whole line: the load has not run for a second", r.record)
	}
	return lines, nil
}

// What a picture shows around a load, and without one.
const (
	beforeLoad = 2 * time.Minute
	afterLoad  = 30 * time.Minute
	usually    = 30 * time.Minute
)

// margin is how much of the time before a load is shown: a fifth of its own, at most.
func margin(first, last time.Time) time.Duration { return min(beforeLoad, last.Sub(first)/5) }

// window is from when to when the picture goes.
func (r reporting) window(now time.Time, record []load.Line) (from, to time.Time, err error) {
	from, to = now.Add(-usually), now
	if n := len(record); n > 0 && r.since == "" {
		first, last := record[0].Time, record[n-1].Time
		from = first.Add(-margin(first, last))
		if end := last.Add(afterLoad); end.Before(to) {
			to = end
		}
	}
	if r.since != "" {
		if from, err = hindsight.ParseMoment(r.since, now); err != nil {
			return from, to, refuse("--since: %w", err)
		}
	}
	if r.until != "" {
		if to, err = hindsight.ParseMoment(r.until, now); err != nil {
			return from, to, refuse("--until: %w", err)
		}
	}
	if !from.Before(to) {
		return from, to, refuse("the picture would end at %s, before it begins at %s; the time there is %s",
			to.UTC().Format(time.RFC3339), from.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if n := len(record); n > 0 && (record[0].Time.After(to) || record[n-1].Time.Before(from)) {
		return from, to, refuse("the record is of %s to %s and the picture of %s to %s: record with --speed server, so that both have one clock",
			record[0].Time.Format(time.RFC3339), record[n-1].Time.Format(time.RFC3339), from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	return from, to, nil
}
