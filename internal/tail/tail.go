// Package tail reads what tasks have written, of one task, of all of a service, or of a
// log group: `flyball logs`. Where containers have the log driver awslogs it reads log
// groups, and otherwise what the runtime keeps.
//
//	web := resource.Name{Kind: resource.Service, Cluster: "prod", ID: "web"}
//	err := tail.Read(ctx, client, web, tail.Options{Follow: true}, print)
//
// Each source hands out its lines in the order of their times, in pages. They are merged
// page by page, so that a log of any length takes little memory:
//
//	source ─┐
//	source ─┼─> merge ──> print      and again, while it is followed
//	source ─┘
package tail

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
	"flyball/internal/resource"
)

// Options say what is read.
type Options struct {
	Container string        // of each task; "" is all of a service, and the first one of a task
	Follow    bool          // goes on until the tasks have ended
	Since     time.Duration // how far back, on the server's clock; 0 is the beginning
	Filter    string        // a filter pattern of CloudWatch Logs
}

// A Line is what was written at once.
type Line struct {
	At     time.Time // on the server's clock; zero if that is not known
	Source string    // the log stream, or TASK/CONTAINER
	Text   string
}

// pollInterval is how often a followed log is asked for more, in real time.
const pollInterval = 500 * time.Millisecond

// settleTime is how long the last lines of a task take, in real time, to be in its log
// group.
const settleTime = 3 * time.Second

// Read reads the logs of a service, a task or a log group and hands each line to a function.
func Read(ctx context.Context, c *client.Client, name resource.Name, opts Options, print func(Line) error) error {
	clock, err := c.Clock(ctx)
	if err != nil {
		return err
	}
	set := &set{client: c, Options: opts, speed: clock.Speed, known: map[string]bool{}, definitions: map[string]*types.TaskDefinition{}, regions: map[string]filterer{}}
	if opts.Since > 0 {
		set.from = clock.Now.Add(-opts.Since)
	}
	find := set.find(name)
	for ended := (time.Time{}); ; {
		over, err := find(ctx)
		if err != nil {
			return err
		}
		if err := merge(ctx, set.sources, print); err != nil {
			return err
		}
		switch {
		case !opts.Follow || over && !ended.IsZero() && time.Since(ended) >= settleTime:
			return nil
		case over && ended.IsZero():
			ended = time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollInterval):
		}
	}
}

// A source has lines in the order of their times.
type source interface {
	// page returns the next lines, and whether there are more now. They are then for the
	// next call, as are those that come later.
	page(ctx context.Context) (lines []Line, more bool, err error)
}

// merge hands out the lines that sources have now, in the order of their times.
func merge(ctx context.Context, sources []source, print func(Line) error) error {
	heads := make([]head, len(sources))
	for i, s := range sources {
		heads[i] = head{source: s, more: true}
	}
	for {
		for i := range heads {
			if err := heads[i].fill(ctx); err != nil {
				return err
			}
		}
		heads = slices.DeleteFunc(heads, func(h head) bool { return len(h.lines) == 0 })
		if len(heads) == 0 {
			return nil
		}
		first := 0
		for i := range heads {
			if heads[i].lines[0].At.Before(heads[first].lines[0].At) {
				first = i
			}
		}
		if err := print(heads[first].lines[0]); err != nil {
			return err
		}
		heads[first].lines = heads[first].lines[1:]
	}
}

// A head is the next lines of a source.
type head struct {
	source
	lines []Line
	more  bool
}

// fill has the next page, if there is one, when all lines are handed out.
func (h *head) fill(ctx context.Context) (err error) {
	for len(h.lines) == 0 && h.more {
		if h.lines, h.more, err = h.page(ctx); err != nil {
			return err
		}
	}
	return nil
}
