package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"flyball/internal/forecasting"
	"flyball/internal/trace"
)

// CompareAll replays each series of a batch, a value a step, as the traffic of a
// service that needs so many tasks on average, by so many workers at a time. The
// report is the mean over the services.
func CompareAll(ctx context.Context, batch *forecasting.BatchReader, step time.Duration, tasks float64, s Setup, workers int) (Report, error) {
	if !(tasks > 0) {
		return Report{}, fmt.Errorf("%v tasks on average; it must be a number greater than 0", tasks)
	}
	var mu sync.Mutex
	reports := map[int]Report{}
	group, stop := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	count := 0
	for stop.Err() == nil {
		series, err := batch.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		n := count
		count++
		group.Go(func() error {
			if err != nil {
				return err
			}
			r, err := compareSeries(series, step, tasks, s)
			if err != nil {
				return fmt.Errorf("series %q: %w", series.ID, err)
			}
			mu.Lock()
			reports[n] = r
			mu.Unlock()
			return nil
		})
	}
	if err := cmp.Or(group.Wait(), ctx.Err()); err != nil {
		return Report{}, err
	}
	if count == 0 {
		return Report{}, errors.New("no services to replay")
	}
	var all Report
	for n := range count { // in order: sums of fractions depend on it
		all.add(reports[n], 1/float64(count))
	}
	return all, nil
}

func compareSeries(series forecasting.Series, step time.Duration, tasks float64, s Setup) (Report, error) {
	traffic, err := NewTraffic(trace.Trace{Values: series.Values}, step)
	if err != nil {
		return Report{}, err
	}
	for _, v := range traffic {
		s.PerTask += v / float64(len(traffic)) / tasks
	}
	return Compare(traffic, s)
}

// add adds a share of another report.
func (r *Report) add(o Report, share float64) {
	r.Services++
	r.Hours += o.Hours
	r.Need += share * o.Need
	if r.Outcomes == nil {
		r.Outcomes = make([]Outcome, len(o.Outcomes))
	}
	for i, one := range o.Outcomes {
		sum := &r.Outcomes[i]
		sum.Policy = one.Policy
		sum.HoursEnough += share * one.HoursEnough
		sum.MinutesEnough += share * one.MinutesEnough
		sum.TooMany += share * one.TooMany
		sum.TooFew += share * one.TooFew
		sum.Tasks += share * one.Tasks
	}
}
