package forecast_test

import (
	"math"
	"testing"
	"time"
	_ "time/tzdata" // Europe/Berlin, wherever the test runs

	"flyball/forecast"
)

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// office is the load of a service by the clock of those who use it: busy from 9 to 17 on
// weekdays, a fifth of that on Sundays and on holidays.
func office(at time.Time, holiday func(time.Time) bool) float64 {
	busy := 100 + 900*math.Exp(-math.Pow(float64(at.Hour())-13, 2)/8)
	if at.Weekday() == time.Sunday || holiday(at) {
		return busy / 5
	}
	return busy
}

// hoursOf are so many hours of a service's load from a moment on, and 48 after them.
func hoursOf(start time.Time, n int, zone *time.Location, holiday func(time.Time) bool) (history, future []float64) {
	for i := range n + 48 {
		v := office(start.Add(time.Duration(i)*time.Hour).In(zone), holiday)
		if i < n {
			history = append(history, v)
		} else {
			future = append(future, v)
		}
	}
	return history, future
}

func never(time.Time) bool { return false }

func TestClockOfTheServiceIsFollowed(t *testing.T) {
	zone := berlin(t)
	for _, c := range []struct {
		rule string
		now  time.Time
	}{
		{"before the clock goes back", time.Date(2026, 10, 24, 12, 0, 0, 0, zone)},
		{"in the hour that comes twice", time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC).Add(time.Hour)},
		{"a day after the clock went back", time.Date(2026, 10, 26, 0, 0, 0, 0, zone)},
		{"in the week after", time.Date(2026, 10, 29, 6, 0, 0, 0, zone)},
		{"before the clock goes forward", time.Date(2026, 3, 28, 12, 0, 0, 0, zone)},
		{"in the week after it went forward", time.Date(2026, 4, 1, 6, 0, 0, 0, zone)},
	} {
		t.Run(c.rule, func(t *testing.T) {
			const hours = 35 * 24
			start := c.now.Add(-hours * time.Hour)
			history, future := hoursOf(start, hours, zone, never)
			r := mustForecast(t, history, forecast.Options{Calendar: &forecast.Calendar{Next: c.now, Zone: zone}})
			if e := relativeError(future, r.Values); e > 0.02 {
				t.Errorf("the error is %.1f %% of the load, want at most 2 %%", 100*e)
			}
			for _, in := range r.Intervals {
				if len(in.Lower) != 48 || len(in.Upper) != 48 {
					t.Errorf("the interval has %d and %d steps, want 48", len(in.Lower), len(in.Upper))
				}
			}
		})
	}
}

func TestCalendarInUTCChangesNothing(t *testing.T) {
	history, _ := weekly(21 * 24).series(0)
	want := mustForecast(t, history, forecast.Options{}).Values
	got := mustForecast(t, history, forecast.Options{Calendar: &forecast.Calendar{Next: time.Unix(0, 0)}}).Values
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("value %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestHolidays(t *testing.T) {
	zone := berlin(t)
	list := []forecast.Holiday{{Month: time.December, Day: 8}, {Year: 2026, Month: time.December, Day: 22}}
	holiday := func(at time.Time) bool { return at.Month() == time.December && (at.Day() == 8 || at.Day() == 22) }
	for _, c := range []struct {
		rule string
		now  time.Time
	}{
		{"a holiday is like a Sunday", time.Date(2026, 12, 7, 12, 0, 0, 0, zone)},
		{"the day after is as usual", time.Date(2026, 12, 8, 18, 0, 0, 0, zone)},
		{"a week later is as usual", time.Date(2026, 12, 14, 12, 0, 0, 0, zone)},
		{"the second holiday is like the first", time.Date(2026, 12, 21, 12, 0, 0, 0, zone)},
	} {
		t.Run(c.rule, func(t *testing.T) {
			const hours = 35 * 24
			start := c.now.Add(-hours * time.Hour)
			history, future := hoursOf(start, hours, zone, holiday)
			r := mustForecast(t, history, forecast.Options{Calendar: &forecast.Calendar{Next: c.now, Zone: zone, Holidays: list}})
			if e := relativeError(future, r.Values); e > 0.02 {
				t.Errorf("the error is %.1f %% of the load, want at most 2 %%", 100*e)
			}
		})
	}
}

func TestHolidayIsLikeThoseThatWere(t *testing.T) {
	// A shop: twice as much on holidays as on any other day.
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	const hours = 35*24 + 12
	var history, future []float64
	for i := range hours + 48 {
		at := start.Add(time.Duration(i) * time.Hour)
		v := 100 + 50*math.Sin(2*math.Pi*float64(at.Hour())/24)
		if at.Day() == 27 && at.Month() == time.November || at.Day() == 8 && at.Month() == time.December {
			v *= 2
		}
		if i < hours {
			history = append(history, v)
		} else {
			future = append(future, v)
		}
	}
	r := mustForecast(t, history, forecast.Options{Calendar: &forecast.Calendar{Next: start.Add(hours * time.Hour), Holidays: []forecast.Holiday{
		{Month: time.November, Day: 27}, {Month: time.December, Day: 8},
	}}})
	if e := relativeError(future, r.Values); e > 0.02 {
		t.Errorf("the error is %.1f %% of the load, want at most 2 %%", 100*e)
	}
}

func TestParseHoliday(t *testing.T) {
	for text, want := range map[string]forecast.Holiday{
		"2026-12-25": {Year: 2026, Month: time.December, Day: 25},
		"12-25":      {Month: time.December, Day: 25},
		"02-29":      {Month: time.February, Day: 29},
	} {
		if got, err := forecast.ParseHoliday(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "25.12.2026", "2026-02-29", "13-01", "2026"} {
		if _, err := forecast.ParseHoliday(text); err == nil {
			t.Errorf("%q is taken for a date", text)
		}
	}
}
