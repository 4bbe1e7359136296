package forecasting

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"

	"flyball/forecast"
)

// A Forecast is what was forecast of a series.
type Forecast struct {
	ID string
	forecast.Result
}

// Each reads all series, forecasts them by so many workers at a time, and
// hands the forecasts to yield, one at a time, in the order of the series. A
// series that cannot be read or forecast is a *RowError there. It ends at the
// first error that yield returns.
func Each(ctx context.Context, series *BatchReader, o forecast.Options, workers int, yield func(Forecast, error) error) error {
	return each(ctx, series, workers, func(s Series) (Forecast, error) {
		r, err := forecast.Forecast(s.Values, o)
		return Forecast{s.ID, r}, err
	}, yield)
}

// each maps the series in parallel and yields the results in order. A few
// series a worker are on the way at a time, so that a batch may be larger than
// memory.
func each[T any](ctx context.Context, series *BatchReader, workers int, do func(Series) (T, error), yield func(T, error) error) error {
	type result struct {
		value T
		err   error
	}
	type job struct {
		Series
		done chan result
	}
	group, ctx := errgroup.WithContext(ctx)
	todo, inOrder := make(chan job), make(chan job, 4*workers)
	group.Go(func() error {
		defer close(todo)
		defer close(inOrder)
		for {
			s, err := series.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			j, queues := job{s, make(chan result, 1)}, []chan job{inOrder, todo}
			if bad := new(RowError); errors.As(err, &bad) {
				j.done <- result{err: err}
				queues = queues[:1]
			} else if err != nil {
				return err
			}
			for _, queue := range queues {
				select {
				case queue <- j:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
	})
	for range workers {
		group.Go(func() error {
			for j := range todo {
				v, err := do(j.Series)
				if err != nil {
					err = rowError("series %q: %w", j.ID, err)
				}
				j.done <- result{v, err}
			}
			return nil
		})
	}
	group.Go(func() error {
		for j := range inOrder {
			select {
			case r := <-j.done:
				if err := yield(r.value, r.err); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return group.Wait()
}
