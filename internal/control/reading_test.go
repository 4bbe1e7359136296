package control_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flyball/internal/clock"
	"flyball/internal/control"
	"flyball/internal/policydoc"
	"flyball/internal/source"
	"flyball/scaling"
)

// steady is a source whose metrics have one value in all periods.
type steady float64

func (s steady) Read(_ context.Context, queries []source.Query) []source.Answer {
	answers := make([]source.Answer, len(queries))
	for i, q := range queries {
		for range q.Periods {
			answers[i].Values = append(answers[i].Values, float64(s))
		}
	}
	return answers
}

// mute is a source that never answers.
type mute struct{ asked atomic.Int32 }

func (m *mute) Read(ctx context.Context, queries []source.Query) []source.Answer {
	m.asked.Add(1)
	<-ctx.Done()
	return source.Failed(len(queries), ctx.Err())
}

// by has each service's metrics read from a source of its own.
type by map[string]source.Source

func (b by) Of(q source.Query) (source.Source, error) { return b[q.Metric.Dimensions[1].Value], nil }

func TestASourceThatNeverAnswersHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "")
		web, other := w.serve("service/shop/web", 2, 0), w.serve("service/shop/other", 2, 0)
		silent := &mute{}
		d, err := policydoc.Read(strings.NewReader(tracking + "---\n" + strings.ReplaceAll(tracking, "shop/web", "shop/other")))
		if err != nil {
			t.Fatal(err)
		}
		targets, problems := control.Compile(d, by{"web": steady(100), "other": silent})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		w.host = control.New(w.cfg)
		for _, one := range targets {
			w.host.Put(one)
		}
		ctx, end := context.WithTimeout(t.Context(), 150*time.Second)
		defer end()
		if err := w.host.Run(ctx, clock.New(time.Now(), 1)); err != nil {
			t.Fatal(err)
		}
		if len(web.sets) == 0 || web.sets[0] != 4 {
			t.Errorf("set to %v beside a source that does not answer; want 4 first:\n%s", web.sets, w.log())
		}
		if n := silent.asked.Load(); n != 1 || len(other.sets) > 0 {
			t.Errorf("the source that does not answer is asked %d times at once, and its service set to %v", n, other.sets)
		}
	})
}

// All that is due is done in one Round, however much it is.
func TestARoundGovernsAllThatIsDue(t *testing.T) {
	w := newWorld(t, "")
	var policies strings.Builder
	const many = 2345
	for i := range many {
		id := scaling.ServiceID("shop", fmt.Sprintf("s%d", i))
		w.serve(id, 2, 0)
		policies.WriteString("---\n" + strings.ReplaceAll(tracking, "shop/web", strings.TrimPrefix(string(id), "service/")))
	}
	d, err := policydoc.Read(strings.NewReader(policies.String()))
	if err != nil {
		t.Fatal(err)
	}
	targets, problems := control.Compile(d, w)
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	w.host = control.New(w.cfg)
	for _, one := range targets {
		w.host.Put(one)
	}
	w.host.Round(t.Context(), w.now)
	seen := 0
	for _, one := range targets {
		if _, looked := w.host.Explain(one.Resource, w.now); looked {
			seen++
		}
	}
	if seen != many {
		t.Errorf("%d of %d targets were looked at in a round", seen, many)
	}
}

// A target that is looked at each minute is not new, but its policy may be.
func TestAPolicyThatIsAddedHasItsForecastAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "")
		w.serve("service/shop/web", 2, 0)
		put := func(policies string) {
			d, err := policydoc.Read(strings.NewReader(policies))
			if err != nil {
				t.Fatal(err)
			}
			targets, problems := control.Compile(d, by{"web": steady(50)})
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			w.host.Put(targets[0])
		}
		w.host = control.New(w.cfg)
		put(tracking)
		ctx, end := context.WithTimeout(t.Context(), 3*time.Minute)
		defer end()
		go func() {
			time.Sleep(2 * time.Minute)
			put(tracking + "  ahead: {metric: cpu, forecast: 50}\n")
		}()
		if err := w.host.Run(ctx, clock.New(time.Now(), 1)); err != nil {
			t.Fatal(err)
		}
		if n := w.events(control.Forecasts, control.NoForecast); n != 1 {
			t.Errorf("a minute after the policy was added, %d forecasts are told of:\n%s", n, w.log())
		}
	})
}
