package forecasting

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"

	"flyball/forecast"
)

// A Score is the accuracy of forecasts over many series by the measures of the
// M4 competition, with the coverage of the intervals.
type Score struct {
	Series                int
	Forecast, SeasonNaive Accuracy
	Naive2                Accuracy
	Levels                []float64
	Coverage              []float64 // for each level, the share of values inside
	MSIS                  []float64 // for each level, the mean scaled interval score
}

// An Accuracy is the mean over series of two measures of error.
type Accuracy struct{ SMAPE, MASE float64 }

// OWA is the overall weighted average of M4: the mean of sMAPE and MASE, each
// relative to that of Naive2.
func (s Score) OWA(a Accuracy) float64 {
	return (a.SMAPE/s.Naive2.SMAPE + a.MASE/s.Naive2.MASE) / 2
}

// trial is the score of one series.
type trial struct {
	own, season, naive2 Accuracy
	inside, msis        []float64
}

// A Trial is what of each series is forecast from, and what is forecast.
type Trial struct {
	forecast.Options
	Holdout int // values at the end that are held back
	Newest  int // values before them that are read; 0: all
}

// Evaluate holds the last values of each series back, forecasts from what is
// left, and scores the forecasts against the first of what was held back. The measures relate
// to all that is left, whatever of it is read.
func Evaluate(ctx context.Context, series *BatchReader, o Trial, workers int, progress func(done int)) (Score, error) {
	s := Score{Levels: o.Levels, Coverage: make([]float64, len(o.Levels)), MSIS: make([]float64, len(o.Levels))}
	err := each(ctx, series, workers, func(series Series) (trial, error) {
		return evaluate(series, o)
	}, func(t trial, err error) error {
		if err != nil {
			return err
		}
		s.Series++
		add(&s.Forecast, t.own)
		add(&s.SeasonNaive, t.season)
		add(&s.Naive2, t.naive2)
		for i, share := range t.inside {
			s.Coverage[i] += share
			s.MSIS[i] += t.msis[i]
		}
		progress(s.Series)
		return nil
	})
	if err != nil || s.Series == 0 {
		return s, err
	}
	n := float64(s.Series)
	for _, a := range []*Accuracy{&s.Forecast, &s.SeasonNaive, &s.Naive2} {
		a.SMAPE /= n
		a.MASE /= n
	}
	for i := range s.Coverage {
		s.Coverage[i] /= n
		s.MSIS[i] /= n
	}
	return s, nil
}

func add(sum *Accuracy, a Accuracy) {
	sum.SMAPE += a.SMAPE
	sum.MASE += a.MASE
}

func evaluate(s Series, o Trial) (trial, error) {
	season := 1
	if len(o.Seasons) > 0 {
		season = o.Seasons[0]
	}
	left := len(s.Values) - o.Holdout
	if left <= season {
		return trial{}, fmt.Errorf("%d values are too few to hold %d back and keep a season", len(s.Values), o.Holdout)
	}
	history, actual := s.Values[:left], s.Values[left:left+o.Horizon]
	for _, v := range s.Values {
		if math.IsNaN(v) {
			return trial{}, fmt.Errorf("the measures are not defined for a series with gaps")
		}
	}
	read := history
	if o.Newest > 0 {
		read = history[max(0, left-o.Newest):]
	}
	r, err := forecast.Forecast(read, o.Options)
	if err != nil {
		return trial{}, err
	}
	var t trial
	score := func(f []float64) Accuracy {
		return Accuracy{forecast.SMAPE(actual, f), forecast.MASE(history, actual, f, season)}
	}
	t.own = score(r.Values)
	t.naive2 = score(forecast.Naive2(history, season, o.Horizon))
	repeat := make([]float64, o.Horizon)
	for i := range repeat {
		repeat[i] = history[left-season+i%season]
	}
	t.season = score(repeat)
	for _, in := range r.Intervals {
		n := 0.0
		for i, y := range actual {
			if y >= in.Lower[i] && y <= in.Upper[i] {
				n++
			}
		}
		t.inside = append(t.inside, n/float64(len(actual)))
		t.msis = append(t.msis, forecast.MSIS(history, actual, in, season))
	}
	return t, nil
}

// WriteText prints the score as a small table.
func (s Score) WriteText(w io.Writer) error {
	text := bufio.NewWriter(w)
	fmt.Fprintf(text, "%d series\n\n", s.Series)
	fmt.Fprintf(text, "%-16s %8s %8s %8s\n", "", "sMAPE", "MASE", "OWA")
	for _, row := range []struct {
		name string
		Accuracy
	}{{"Naive2", s.Naive2}, {"seasonal naive", s.SeasonNaive}, {"flyball", s.Forecast}} {
		fmt.Fprintf(text, "%-16s %8.3f %8.3f %8.3f\n", row.name, row.SMAPE, row.MASE, s.OWA(row.Accuracy))
	}
	fmt.Fprintln(text)
	for i, level := range s.Levels {
		fmt.Fprintf(text, "%g %% intervals held %.1f %% of the values, MSIS %.3f\n", 100*level, 100*s.Coverage[i], s.MSIS[i])
	}
	return text.Flush()
}
