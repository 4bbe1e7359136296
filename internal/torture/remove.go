package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// A taking is how a part of a data folder is taken away.
type taking string

const (
	whileRunning taking = "removed while the server runs"
	whileStopped taking = "removed while it is stopped"
	replaced     taking = "replaced by a copy while it runs"
)

// parts of a data folder, as patterns: "" is the whole folder.
var parts = []string{
	"", "flyball.db", "flyball.db-wal", "flyball.db-mark",
	"queues", "queues/*/*", "queues/*/*/q-*", "queues/*/*/q-*/*.log", "queues/*/*/lengths",
	"deliveries", "deliveries/*/*", "deliveries/*/*/all", "deliveries/*/*/all/*.log", "deliveries/*/*/lengths",
	"logs", "logs/*/*", "logs/*/*/*.seg", "logs/*/*/lengths",
	"functions", "functions/*/*/*", "registry", "registry/blobs",
}

var takings = []taking{whileRunning, replaced, whileStopped}

// removals takes parts of its data folder away from a server. What it acknowledges after that
// is there at its next start, and what is not there any more it tells of.
func removals(ctx context.Context, r *run) error {
	f := &flipped{run: r, whole: filepath.Join(r.dir, "whole"), from: time.Now().Truncate(time.Minute)}
	if err := f.stockUp(ctx); err != nil {
		return err
	}
	return r.repeat(ctx, func(ctx context.Context, n int) error {
		// One after the other of the parts, each time in another way.
		part, how := parts[(n-1)%len(parts)], takings[((n-1)/len(parts)+n)%len(takings)]
		if part == "" && how == whileStopped {
			how = whileRunning // a server begins anew where there is no folder
		}
		if err := f.take(ctx, n, part, how); err != nil {
			return fmt.Errorf("%q %s: %w", part, how, err)
		}
		return os.RemoveAll(f.data + ".was")
	})
}

// take takes a part away, and sees what comes of it.
func (f *flipped) take(ctx context.Context, n int, part string, how taking) error {
	name := fmt.Sprintf("%s %s", filepath.Join("the folder", part), how)
	wrong := func(k kind, format string, args ...any) {
		f.report(n, fault{k, name, name + ": " + fmt.Sprintf(format, args...)})
	}
	if err := errors.Join(os.RemoveAll(f.data), os.CopyFS(f.data, os.DirFS(f.whole))); err != nil {
		return err
	}
	var told, acknowledged []string
	var err error
	if how == whileStopped {
		err = f.remove(part, how)
	} else {
		told, acknowledged, err = f.takeRunning(ctx, n, part, how, wrong)
	}
	if err != nil {
		return err
	}
	seen, again, err := f.lookAgain(ctx)
	if err != nil {
		return err
	}
	told = append(told, again...)
	if line := panics(told); line != "" {
		wrong(panicked, "%s", line)
	}
	for _, what := range acknowledged {
		if seen != nil && !seen[what] {
			wrong(lost, "%s was acknowledged after that, and is gone", what)
		}
	}
	if f.tellsOf(told) {
		f.toldOf++
		return nil
	}
	if seen == nil {
		wrong(silent, "the next start ends without a word of it: %s", oneLine(strings.Join(again, "; ")))
		return nil
	}
	f.missed(seen, wrong)
	return nil
}

// takeRunning takes a part away under a server that runs, adds to what it has, and ends it. It
// returns what the server logged, and what it acknowledged after that.
func (f *flipped) takeRunning(ctx context.Context, n int, part string, how taking, wrong func(kind, string, ...any)) (told, acknowledged []string, err error) {
	p, err := f.launch(ctx)
	if err != nil {
		return nil, nil, err
	}
	err = f.remove(part, how)
	if err == nil {
		acknowledged = newStock(f.addr, f.from).add(ctx, fmt.Sprint("after-", n))
	}
	kills := f.rng.IntN(2) == 0
	if kills {
		p.kill()
	} else if stop := p.terminate(); stop != nil && strings.Contains(stop.Error(), "did not stop") {
		wrong(overrun, "%v", stop)
	}
	p.kill()
	return p.log.all(), acknowledged, err
}

// missed tells of what was there before, is gone, and was not told of: one of each kind.
func (f *flipped) missed(seen map[string]bool, wrong func(kind, string, ...any)) {
	for what, text := range f.want {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); !seen[what+" "+line] {
				wrong(silent, "%s %s is gone, and the log says nothing", what, oneLine(line))
				break
			}
		}
	}
}

// tellsOf reports whether a log tells, by the place in the folder, of what is not there.
func (f *flipped) tellsOf(log []string) bool {
	return slices.ContainsFunc(log, func(line string) bool {
		return strings.Contains(line, f.data) && slices.ContainsFunc([]string{"damaged", "lost", "gone", "removed", "replaced"}, func(word string) bool { return strings.Contains(line, word) })
	})
}

// remove takes away what a part's pattern names.
func (f *flipped) remove(part string, how taking) error {
	found, err := filepath.Glob(filepath.Join(f.data, part))
	if err != nil {
		return err
	}
	if len(found) == 0 {
		log.Printf("there is no %s", part)
	}
	for _, path := range found {
		if how != replaced {
			err = errors.Join(err, os.RemoveAll(path))
			continue
		}
		was := filepath.Join(f.data+".was", "it")
		err = errors.Join(err, os.RemoveAll(f.data+".was"), os.Mkdir(f.data+".was", 0o700), os.Rename(path, was), copyTree(was, path))
	}
	return err
}

// copyTree copies a file or a folder.
func copyTree(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	content, err := os.ReadFile(from)
	return errors.Join(err, os.WriteFile(to, content, 0o600))
}

// lookAgain starts a server on what is there, and returns what it shows: nil if it does not start.
func (f *flipped) lookAgain(ctx context.Context) (seen map[string]bool, told []string, err error) {
	p, err := start(f.options, f.addr, f.data, f.mark)
	if err != nil {
		return nil, nil, err
	}
	defer p.kill()
	if _, err := p.ready(ctx); err != nil {
		return nil, p.log.all(), ctx.Err()
	}
	seen = map[string]bool{}
	s := newStock(f.addr, f.from)
	for what, text := range s.look(ctx) {
		for line := range strings.Lines(text) {
			seen[what+" "+strings.TrimSpace(line)] = true
		}
	}
	maps.Copy(seen, s.added(ctx))
	return seen, p.log.all(), ctx.Err()
}

// add writes something more to each store, and returns what was acknowledged, as look and added
// show it.
func (s *stock) add(ctx context.Context, name string) (acknowledged []string) {
	now := time.Now().UnixMilli()
	note := func(what string, err error) {
		if err == nil {
			acknowledged = append(acknowledged, what)
		}
	}
	q, err := s.queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(stocked)})
	if err == nil {
		_, err = s.queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: &name})
	}
	note("queue "+name, err)
	_, err = s.logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: aws.String(stocked), LogStreamName: aws.String(stocked),
		LogEvents: []logtypes.InputLogEvent{{Timestamp: &now, Message: &name}},
	})
	note("logs "+fmt.Sprint(now, name), err)
	_, err = s.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &name})
	note("group "+name, err)
	_, err = s.images.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &name})
	note("repository "+name, err)
	return acknowledged
}

// added is what of add there is beside what look shows.
func (s *stock) added(ctx context.Context) map[string]bool {
	seen := map[string]bool{}
	if groups, err := s.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{}); err == nil {
		for _, g := range groups.LogGroups {
			seen["group "+*g.LogGroupName] = true
		}
	}
	if all, err := s.images.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{}); err == nil {
		for _, r := range all.Repositories {
			seen["repository "+*r.RepositoryName] = true
		}
	}
	return seen
}
