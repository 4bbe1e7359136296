package autoscaling

import (
	"testing"
	"time"

	"flyball/metric"
)

func TestAForecastIsComparedWithWhatWasMeasured(t *testing.T) {
	inWorld(t, func(w *world) {
		w.predictive(predictiveConfig{})
		if got := w.Accuracies(w.ctx); len(got) != 0 {
			t.Errorf("before an hour is over it is %+v", got)
		}
		time.Sleep(5 * time.Hour)
		got := w.Accuracies(w.ctx)
		if len(got) != 1 || got[0].Resource != web || got[0].Policy != "daily" || got[0].Error < 0 || got[0].Error > 0.02 {
			t.Fatalf("with load as it was forecast it is %+v", got)
		}

		w.cw.mu.Lock()
		for i := range w.cw.series["CPUUtilization Sum"] {
			w.cw.series["CPUUtilization Sum"][i].Value *= 2
		}
		w.cw.mu.Unlock()
		if again := w.Accuracies(w.ctx); again[0] != got[0] {
			t.Errorf("within the hour it has become %+v", again)
		}
		time.Sleep(time.Hour)
		if got := w.Accuracies(w.ctx); len(got) != 1 || got[0].Error < 0.45 || got[0].Error > 0.55 {
			t.Errorf("with twice the load it is %+v", got)
		}

		w.cw.mu.Lock()
		w.cw.series["CPUUtilization Sum"] = []metric.Datapoint{}
		w.cw.mu.Unlock()
		time.Sleep(time.Hour)
		if got := w.Accuracies(w.ctx); len(got) != 0 {
			t.Errorf("without measurements it is %+v", got)
		}
	})
}

func TestBoundsAreThoseOfTheTargets(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register(2, 40)
		if got := w.Bounds(w.ctx); len(got) != 1 || got[0] != (TargetBounds{web, 2, 40}) {
			t.Errorf("they are %+v", got)
		}
	})
}
