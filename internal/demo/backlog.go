package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/internal/client"
	"flyball/internal/load"
	"flyball/internal/voucher"
)

// What the demo of a backlog shows, in the server's time: an idle service gets many
// vouchers at once, and then a steady flow of them. 1,500 messages of 0.1 s are work for
// 15 workers if they are to wait 10 s at most.
const (
	backlogSpeed  = 10
	burst         = 1500
	flow          = 40 // messages a second
	flowTime      = 4 * time.Minute
	mostWorkers   = 20
	perMessage    = 100 * time.Millisecond
	agreed        = 10 * time.Second
	backlogEvery  = 250 * time.Millisecond // on the wall clock
	longestDemo   = 105 * time.Second      // on the wall clock
	waitsLookBack = 10 * time.Second       // of the messages whose waiting time is shown
)

// ErrTooLate is wrapped by RunBacklog when not all messages were worked on, or no side
// kept the agreement better than the other.
var ErrTooLate = errors.New("the backlogs were not worked off as they should have been")

// RunBacklog shows the same vouchers arriving at two services that are scaled by backlog
// per task: one with AWS's metrics of each minute, and one with Flyball's of each second.
// It takes less than two minutes, and ends by itself.
func RunBacklog(ctx context.Context, opts Options) (err error) {
	opts.Speed = backlogSpeed
	s, stop, err := serve(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	c := client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"})
	r := &race{now: s.Clock().Now}
	for _, p := range []voucher.Plan{
		{Name: "minutes", Period: time.Minute, Math: true},
		{Name: "seconds", Period: time.Second},
	} {
		p.Most, p.Each, p.Agreed = mostWorkers, perMessage, agreed
		shop, err := voucher.Open(ctx, c, p)
		if err != nil {
			return err
		}
		r.lanes = append(r.lanes, &lane{shop: shop, queue: c.SQS})
	}
	r.began = r.now()
	fmt.Fprintf(opts.Out, "flyball serves at %s; its clock runs at %d times speed\n", s.URL(), backlogSpeed)
	fmt.Fprintf(opts.Out, "two queues, with 0 to %d workers each; a message takes 0.1 s, and may wait 10 s:\n", mostWorkers)
	plan := r.lanes[0].shop.Plan
	fmt.Fprintf(opts.Out, "%.0f of them a worker are acceptable, and the policies aim at half of that;\n", plan.Acceptable())
	fmt.Fprintf(opts.Out, "%d come at once, then %d a second for %v\n\n", burst, flow, flowTime)
	return r.run(ctx, newBacklogScreen(opts.Out, r.began), opts.Out)
}

// A race is two lanes at which the same messages arrive.
type race struct {
	now   func() time.Time // on the server's clock
	began time.Time
	lanes []*lane
}

// run shows the race until all messages are worked off and the faster lane is at zero
// again, and then says how it went.
func (r *race) run(ctx context.Context, show backlogScreen, out io.Writer) error {
	feeding, stop := context.WithCancel(ctx)
	defer stop()
	fed := make(chan error, 1)
	go func() { fed <- r.feed(feeding) }()
	late := time.After(longestDemo)
	tick := time.NewTicker(backlogEvery)
	defer tick.Stop()
	for fedAll := false; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-fed:
			if err != nil {
				return err
			}
			fedAll = true
		case <-late:
			return r.close(ctx, show, out)
		case <-tick.C:
			if err := r.look(ctx, show); err != nil {
				return err
			}
			if fedAll && r.over() {
				return r.close(ctx, show, out)
			}
		}
	}
}

// feed sends the same to both queues.
func (r *race) feed(ctx context.Context) error {
	body, err := load.ParseTemplate(`{"voucher": "{{.ID}}"}`)
	if err != nil {
		return err
	}
	steady := load.Constant(flow, flowTime).Faster(backlogSpeed).Times(backlogSpeed)
	var all errgroup.Group
	for _, l := range r.lanes {
		all.Go(func() error {
			for _, f := range []load.Feed{{Messages: burst}, {Schedule: steady}} {
				f.Queue, f.URL, f.Body = l.queue, l.shop.URL, body
				sent, err := f.Run(ctx)
				if err != nil {
					return err
				}
				l.sent.Add(int64(sent.Requests - sent.Errors))
			}
			return nil
		})
	}
	return all.Wait()
}

// look looks at both lanes at once, and shows what it sees.
func (r *race) look(ctx context.Context, show backlogScreen) error {
	at := r.now()
	var all errgroup.Group
	for _, l := range r.lanes {
		all.Go(func() error { return l.look(ctx, at) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	var seen [2]moment
	for i, l := range r.lanes {
		for _, a := range l.news {
			show.event(a.At, fmt.Sprintf("each %-6s  %s", r.metrics(i), a.Text))
		}
		seen[i] = l.last
	}
	show.show(at, seen)
	return nil
}

// metrics is how often a lane's metrics come.
func (r *race) metrics(i int) string {
	if r.lanes[i].shop.Period < time.Minute {
		return "second"
	}
	return "minute"
}

// over reports whether there is nothing more to see.
func (r *race) over() bool {
	slow, fast := r.lanes[0].last, r.lanes[1].last
	return slow.Waiting+slow.InFlight+fast.Waiting+fast.InFlight == 0 && fast.Desired == 0 && fast.Running == 0
}

// close says how many messages waited no longer than was agreed.
func (r *race) close(ctx context.Context, show backlogScreen, out io.Writer) error {
	show.close()
	fmt.Fprintf(out, "\n%-38s  %-14s first worker longest wait\n", "", "within 10 s")
	var shares [2]float64
	for i, l := range r.lanes {
		waits, err := l.shop.Waits(ctx, time.Time{})
		if err != nil {
			return err
		}
		t, sent := tallyOf(waits, agreed), int(l.sent.Load())
		shares[i] = t.share(sent)
		fmt.Fprintf(out, "%-38s  %3.0f %% of %-6d %8.0f s %10.0f s\n", laneTitles[i], shares[i], sent, l.started.Sub(r.began).Seconds(), t.longest.Seconds())
		if t.begun < sent {
			return fmt.Errorf("%w: of %d messages %d were begun", ErrTooLate, sent, t.begun)
		}
	}
	if shares[1] <= shares[0] {
		return fmt.Errorf("%w: %.0f %% within the agreement with metrics each second, and %.0f %% with metrics each minute", ErrTooLate, shares[1], shares[0])
	}
	fmt.Fprintln(out, "\nThe first service has its metrics as on AWS, and keeps its workers for a")
	fmt.Fprintln(out, "quarter of an hour after the last message. docs/backlog.md has both policies.")
	return nil
}
