package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flyball/internal/report"
	"flyball/scaling"
)

// checkReports finds reports that could not be written at the end.
func (l *loading) checkReports() error {
	for _, name := range l.reports {
		if _, err := report.WriterOf(name); err != nil {
			return refuse("--report: %w", err)
		}
		if folder, err := os.Stat(filepath.Dir(name)); err != nil || !folder.IsDir() {
			return refuse("--report %s: there is no folder %s", name, filepath.Dir(name))
		}
	}
	return nil
}

// writeReports writes what became of a load, with its service where there is one.
func (l loading) writeReports(ctx context.Context, out io.Writer, kept *keptLoad, r route, judgements []judgement) error {
	if len(l.reports) == 0 || len(kept.history.Lines()) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // also of a load that was ended
	defer cancel()
	run, err := l.readRun(ctx, kept, r)
	if err != nil {
		return fmt.Errorf("the report was not written: %w", err)
	}
	for _, j := range judgements {
		run.Conditions = append(run.Conditions, report.Condition(j))
	}
	if l.json {
		out = io.Discard
	}
	var files []reportFile
	for _, name := range l.reports {
		write, err := report.WriterOf(name)
		if err != nil {
			return err
		}
		files = append(files, reportFile{name, write})
	}
	return writeRun(out, run, files)
}

func (l loading) readRun(ctx context.Context, kept *keptLoad, r route) (report.Run, error) {
	lines := kept.history.Lines()
	first, last := lines[0].Time, lines[len(lines)-1].Time
	run := report.Run{Of: l.of(r), From: kept.clock.Now, To: last, Speed: kept.clock.Speed, Load: lines}
	if r.follower == nil || r.follower.Place().Service == "" {
		return run, nil
	}
	run.From = run.From.Add(-margin(first, last))
	place := r.follower.Place()
	c := l.server.client()
	read, err := report.Read(ctx, sourceOf(c), scaling.ServiceID(place.Cluster, place.Service), lines, run.From, run.To)
	if err != nil {
		return run, c.Plain(err)
	}
	read.Speed = kept.clock.Speed
	return read, nil
}

// of is what the load was on, in words.
func (l loading) of(r route) string {
	switch {
	case l.queue != "":
		return "queue " + l.queue
	case l.subject.Balancer != "":
		return "load balancer " + l.subject.Balancer
	case l.subject.TargetGroup != "":
		return "target group " + l.subject.TargetGroup
	case l.service != "":
		return "service " + l.service
	}
	return strings.Join(someOf(r.urls), " ")
}
