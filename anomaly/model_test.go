package anomaly_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"flyball/anomaly"
	"flyball/metric"
)

// trained is a Thursday, 06:00 UTC.
var trained = time.Date(2026, 11, 26, 6, 0, 0, 0, time.UTC)

// points are one a period, up to a time, of a function of time.
func points(from, to time.Time, period time.Duration, f func(time.Time) float64) []metric.Datapoint {
	var all []metric.Datapoint
	for t := from; t.Before(to); t = t.Add(period) {
		all = append(all, metric.Datapoint{Time: t, Value: f(t)})
	}
	return all
}

func train(t testing.TB, ps []metric.Datapoint, o anomaly.Options) *anomaly.Model {
	t.Helper()
	if o.At.IsZero() {
		o.At = trained
	}
	m, err := anomaly.Train(ps, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// office is a load by day: 100 from 9 to 17 o'clock, else 20.
func office(in *time.Location) func(time.Time) float64 {
	return func(t time.Time) float64 {
		if h := t.In(in).Hour(); h >= 9 && h < 17 {
			return 100
		}
		return 20
	}
}

// noisy adds what is normally distributed.
func noisy(f func(time.Time) float64, deviation float64) func(time.Time) float64 {
	r := rand.New(rand.NewPCG(1, 2))
	return func(t time.Time) float64 { return f(t) + deviation*r.NormFloat64() }
}

func within(t *testing.T, m *anomaly.Model, at time.Time, width, value float64, want bool) {
	t.Helper()
	lower, upper, ok := m.Band(at, width)
	if !ok || (lower <= value && value <= upper) != want {
		t.Errorf("%s: %v is within %v to %v: want %v", at.Format(time.RFC3339), value, lower, upper, want)
	}
}

func TestBandFollowsTheDay(t *testing.T) {
	m := train(t, points(trained.Add(-anomaly.Reach), trained, time.Minute, noisy(office(time.UTC), 3)), anomaly.Options{})
	noon, night := trained.Add(6*time.Hour+30*time.Minute), trained.Add(17*time.Hour)
	within(t, m, noon, 2, 100, true)
	within(t, m, noon, 2, 60, false)
	within(t, m, noon, 2, 140, false)
	within(t, m, night, 2, 20, true)
	within(t, m, night, 2, 100, false)
	lower, upper, _ := m.Band(noon, 2)
	if width := upper - lower; width < 10 || width > 25 { // 12 is four deviations of the points
		t.Errorf("the band at noon is %v to %v", lower, upper)
	}
	if narrow, _, _ := m.Band(noon, 1); narrow <= lower {
		t.Errorf("width 1 begins at %v, width 2 at %v", narrow, lower)
	}
}

// Of what comes as before, a band of width 2 holds about 95 %.
func TestBandHoldsWhatIsUsual(t *testing.T) {
	for _, deviation := range []float64{1, 5, 15} {
		f := noisy(office(time.UTC), deviation)
		m := train(t, points(trained.Add(-anomaly.Reach), trained, time.Minute, f), anomaly.Options{})
		held, all := 0, points(trained, trained.Add(24*time.Hour), time.Minute, f)
		for _, p := range all {
			if lower, upper, ok := m.Band(p.Time, 2); ok && lower <= p.Value && p.Value <= upper {
				held++
			}
		}
		if share := float64(held) / float64(len(all)); share < 0.90 || share > 0.999 {
			t.Errorf("deviation %v: the band holds %v", deviation, share)
		}
	}
}

func TestBandIsOfTheTimeAfterTheTraining(t *testing.T) {
	m := train(t, points(trained.Add(-anomaly.Reach), trained, time.Minute, office(time.UTC)), anomaly.Options{})
	for after, want := range map[time.Duration]bool{-time.Second: false, 0: true, anomaly.Horizon: true, m.Until(): false} {
		if _, _, ok := m.Band(trained.Add(after), 2); ok != want {
			t.Errorf("there is a band %v after the training: %v", after, ok)
		}
	}
	if m.Until() < anomaly.Horizon {
		t.Errorf("the band ends after %v", m.Until())
	}
}

func TestTooFewPoints(t *testing.T) {
	for name, ps := range map[string][]metric.Datapoint{
		"none":            nil,
		"most of a day":   points(trained.Add(-23*time.Hour), trained, time.Minute, office(time.UTC)),
		"after":           points(trained, trained.Add(48*time.Hour), time.Minute, office(time.UTC)),
		"long before":     points(trained.Add(-30*24*time.Hour), trained.Add(-15*24*time.Hour), time.Minute, office(time.UTC)),
		"without a value": points(trained.Add(-anomaly.Reach), trained, time.Minute, func(time.Time) float64 { return math.NaN() }),
	} {
		if _, err := anomaly.Train(ps, anomaly.Options{At: trained}); !errors.Is(err, anomaly.ErrTooFew) {
			t.Errorf("%s: %v", name, err)
		}
	}
	train(t, points(trained.Add(-24*time.Hour), trained, time.Minute, office(time.UTC)), anomaly.Options{})
	train(t, points(trained.Add(-72*time.Hour), trained, 24*time.Hour, office(time.UTC)), anomaly.Options{Period: 24 * time.Hour})
}

// An incident that is excluded leaves the band as if it had not been.
func TestExcludedTimes(t *testing.T) {
	incident := anomaly.Range{Start: trained.Add(-48 * time.Hour), End: trained.Add(-24 * time.Hour)}
	f := noisy(office(time.UTC), 1)
	broken := func(t time.Time) float64 {
		if !t.Before(incident.Start) && t.Before(incident.End) {
			return 900
		}
		return f(t)
	}
	ps := points(trained.Add(-anomaly.Reach), trained, 5*time.Minute, broken)
	m := train(t, ps, anomaly.Options{Period: 5 * time.Minute, Excluded: []anomaly.Range{incident}})
	noon := trained.Add(6*time.Hour + 30*time.Minute)
	within(t, m, noon, 2, 100, true)
	within(t, m, noon, 2, 130, false)
	if _, without, _ := m.Band(noon, 2); true {
		if _, with, _ := train(t, ps, anomaly.Options{Period: 5 * time.Minute}).Band(noon, 2); with <= without {
			t.Errorf("the band ends at %v with the incident and at %v without", with, without)
		}
	}
}

// Spikes that come each hour are usual where the metric is said to have them.
func TestSpikes(t *testing.T) {
	f := noisy(func(t time.Time) float64 {
		if t.Minute() == 0 {
			return 200
		}
		return 50
	}, 1)
	ps := points(trained.Add(-anomaly.Reach), trained, time.Minute, f)
	at := trained.Add(3 * time.Hour)
	within(t, train(t, ps, anomaly.Options{}), at, 2, 200, false)
	within(t, train(t, ps, anomaly.Options{Spikes: true}), at, 2, 199, true)
}

// In the zone of the metric its days begin at the same time all the year.
func TestDaysFollowTheZone(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Skip(err)
	}
	change := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) // clocks were put back at 06:00
	ps := points(change.Add(-anomaly.Reach), change, 5*time.Minute, office(zone))
	nine := time.Date(2026, 11, 1, 9, 30, 0, 0, zone)
	within(t, train(t, ps, anomaly.Options{At: change, Period: 5 * time.Minute, Location: zone}), nine, 3, 100, true)
	if lower, upper, _ := train(t, ps, anomaly.Options{At: change, Period: 5 * time.Minute}).Band(nine.Add(7*time.Hour), 3); lower > 50 && upper > 90 {
		t.Log("UTC knows no clocks that are put back", lower, upper)
	}
}

// A metric that never changes is not unusual for rounding, and one that was never
// negative is not expected to be.
func TestBandOfAConstant(t *testing.T) {
	m := train(t, points(trained.Add(-anomaly.Reach), trained, time.Minute, func(time.Time) float64 { return 1.0 / 3 }), anomaly.Options{})
	within(t, m, trained, 1, 1.0/3, true)
	within(t, m, trained, 2, 0.34, false)
	zero := train(t, points(trained.Add(-anomaly.Reach), trained, time.Minute, noisy(func(time.Time) float64 { return 0 }, 0)), anomaly.Options{})
	within(t, zero, trained, 2, 0, true)
	within(t, zero, trained, 2, 1, false)
	rare := train(t, points(trained.Add(-anomaly.Reach), trained, time.Minute, func(t time.Time) float64 {
		if t.Minute()%7 == 0 {
			return 1
		}
		return 0
	}), anomaly.Options{})
	if lower, _, _ := rare.Band(trained, 5); lower != 0 {
		t.Errorf("the band begins at %v", lower)
	}
}

func TestSamePointsSameBand(t *testing.T) {
	ps := points(trained.Add(-anomaly.Reach), trained, time.Minute, noisy(office(time.UTC), 9))
	a, b := train(t, ps, anomaly.Options{}), train(t, ps, anomaly.Options{})
	for h := range 24 {
		at := trained.Add(time.Duration(h) * time.Hour)
		la, ua, _ := a.Band(at, 2)
		if lb, ub, _ := b.Band(at, 2); la != lb || ua != ub {
			t.Errorf("hour %d: %v to %v and %v to %v", h, la, ua, lb, ub)
		}
	}
}

func FuzzTrain(f *testing.F) {
	f.Add(uint16(1440), int64(60), 1.5, uint8(3))
	f.Add(uint16(3), int64(86400), -1e300, uint8(0))
	f.Add(uint16(500), int64(1), math.Inf(1), uint8(255))
	f.Fuzz(func(t *testing.T, n uint16, seconds int64, scale float64, shape uint8) {
		period := time.Duration(1+(seconds&0xfffff)) * time.Second
		var ps []metric.Datapoint
		for i := range min(int(n), 3000) {
			v := scale * float64((i*int(shape))%97)
			if math.IsInf(v, 0) {
				v = math.NaN() // is in no metric
			}
			ps = append(ps, metric.Datapoint{Time: trained.Add(-time.Duration(i+1) * period), Value: v})
		}
		m, err := anomaly.Train(ps, anomaly.Options{At: trained, Period: period, Spikes: shape%2 == 0})
		if err != nil {
			return
		}
		if lower, upper, ok := m.Band(trained.Add(anomaly.Horizon), 2); !ok || !(lower <= upper) {
			t.Errorf("%v to %v, %v", lower, upper, ok)
		}
	})
}

func BenchmarkTrain(b *testing.B) {
	ps := points(trained.Add(-anomaly.Reach), trained, time.Minute, noisy(office(time.UTC), 9))
	b.ReportAllocs()
	for b.Loop() {
		train(b, ps, anomaly.Options{})
	}
}
