package forecasting

import (
	"context"
	"errors"
	"fmt"
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
// hands the forecasts to yield, one at a time, in the order of the series.
func Each(ctx context.Context, series *BatchReader, o forecast.Options, workers int, yield func(Forecast) error) error {
	return each(ctx, series, workers, func(s Series) (Forecast, error) {
		r, err := forecast.Forecast(s.Values, o)
		return Forecast{s.ID, r}, err
	}, yield)
}

// each maps the series in parallel and yields the results in order. A few
// series a worker are on the way at a time, so that a batch may be larger than
// memory.
func each[T any](ctx context.Context, series *BatchReader, workers int, do func(Series) (T, error), yield func(T) error) error {
	type job struct {
		Series
		done chan T
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
			if err != nil {
				return err
			}
			j := job{s, make(chan T, 1)}
			for _, queue := range []chan job{inOrder, todo} {
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
					return fmt.Errorf("series %q: %w", j.ID, err)
				}
				j.done <- v
			}
			return nil
		})
	}
	group.Go(func() error {
		for j := range inOrder {
			select {
			case v := <-j.done:
				if err := yield(v); err != nil {
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
