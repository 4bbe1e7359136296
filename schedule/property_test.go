package schedule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flyball/schedule"
)

// A drawn expression, with the definition of what it matches: one predicate a
// field.
type drawn struct {
	text, zone                string
	minute, hour, month, year func(int) bool
	day                       func(time.Time) bool // of the month or of the week
	schedule                  schedule.Schedule
	location                  *time.Location
}

// list draws a list of values, ranges and steps between two values, and which
// values are in it.
func list(t *rapid.T, label string, low, high int, name func(int) string) (string, func(int) bool) {
	var items []string
	var tests []func(int) bool
	value := rapid.IntRange(low, high)
	for range rapid.IntRange(1, 3).Draw(t, label+" items") {
		a, b := value.Draw(t, label+" from"), value.Draw(t, label+" to")
		step := rapid.IntRange(1, min(high-low, high)).Draw(t, label+" step")
		// distance is how far a value is from a, going up and round.
		distance := func(v int) int { return (v - a + high - low + 1) % (high - low + 1) }
		switch rapid.SampledFrom([]string{"one", "one", "range", "range", "from", "steps", "all", "every"}).Draw(t, label+" kind") {
		case "one":
			items = append(items, name(a))
			tests = append(tests, func(v int) bool { return v == a })
		case "range":
			items = append(items, name(a)+"-"+name(b))
			tests = append(tests, func(v int) bool { return distance(v) <= distance(b) })
		case "steps":
			items = append(items, fmt.Sprintf("%s-%s/%d", name(a), name(b), step))
			tests = append(tests, func(v int) bool { return distance(v) <= distance(b) && distance(v)%step == 0 })
		case "from":
			items = append(items, fmt.Sprintf("%s/%d", name(a), step))
			tests = append(tests, func(v int) bool { return v >= a && (v-a)%step == 0 })
		case "every":
			items = append(items, fmt.Sprintf("*/%d", step))
			tests = append(tests, func(v int) bool { return (v-low)%step == 0 })
		case "all":
			items = append(items, "*")
			tests = append(tests, func(int) bool { return true })
		}
	}
	return strings.Join(items, ","), func(v int) bool {
		return slices.ContainsFunc(tests, func(in func(int) bool) bool { return in(v) })
	}
}

func decimal(v int) string { return fmt.Sprint(v) }

func workday(d time.Time) bool {
	return d.Weekday() != time.Saturday && d.Weekday() != time.Sunday
}

// nearest reports whether day is the workday of its month that is nearest to the
// n-th. No two are as near: a weekend has two days.
func nearest(day time.Time, n int) bool {
	if !workday(day) || n > lengthOf(day) {
		return false
	}
	far := max(day.Day()-n, n-day.Day())
	for d := 1; d <= lengthOf(day); d++ {
		if other := day.AddDate(0, 0, d-day.Day()); workday(other) && max(d-n, n-d) < far {
			return false
		}
	}
	return true
}

func lengthOf(day time.Time) int {
	n := day.Day()
	for day.AddDate(0, 0, n-day.Day()+1).Month() == day.Month() {
		n++
	}
	return n
}

// days draws the two day fields, and which days they match.
func days(t *rapid.T) (ofMonth, ofWeek string, matches func(time.Time) bool) {
	weekdays := []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
	n := rapid.IntRange(1, 31).Draw(t, "n")
	w := time.Weekday(rapid.IntRange(0, 6).Draw(t, "w"))
	nth := rapid.IntRange(1, 5).Draw(t, "nth")
	weekday := rapid.SampledFrom([]string{weekdays[w], strings.ToLower(weekdays[w]), decimal(int(w) + 1)}).Draw(t, "weekday")
	left := func(d time.Time) int { return lengthOf(d) - d.Day() }
	switch rapid.SampledFrom([]string{"month", "week", "L", "L-n", "nW", "LW", "L-nW", "wL", "w#n", "L of week"}).Draw(t, "days") {
	case "month":
		text, in := list(t, "day of month", 1, 31, decimal)
		return text, "?", func(d time.Time) bool { return in(d.Day()) }
	case "week":
		text, in := list(t, "day of week", 1, 7, func(v int) string {
			return rapid.SampledFrom([]string{weekdays[v-1], decimal(v)}).Draw(t, "weekday")
		})
		return "?", text, func(d time.Time) bool { return in(int(d.Weekday()) + 1) }
	case "L":
		return "L", "?", func(d time.Time) bool { return left(d) == 0 }
	case "L-n":
		return fmt.Sprintf("L-%d", n-1), "?", func(d time.Time) bool { return left(d) == n-1 }
	case "nW":
		return fmt.Sprintf("%dW", n), "?", func(d time.Time) bool { return nearest(d, n) }
	case "LW":
		return "lw", "?", func(d time.Time) bool { return nearest(d, lengthOf(d)) }
	case "L-nW":
		return fmt.Sprintf("L-%dW", n-1), "?", func(d time.Time) bool {
			return lengthOf(d) > n-1 && nearest(d, lengthOf(d)-n+1)
		}
	case "wL":
		return "?", weekday + "L", func(d time.Time) bool { return d.Weekday() == w && left(d) < 7 }
	case "w#n":
		return "?", fmt.Sprintf("%s#%d", weekday, nth), func(d time.Time) bool {
			return d.Weekday() == w && (d.Day()-1)/7+1 == nth
		}
	}
	return "?", "L", func(d time.Time) bool { return d.Weekday() == time.Saturday }
}

func draw(t *rapid.T) drawn {
	var e drawn
	var minutes, hours, months, years, ofMonth, ofWeek string
	minutes, e.minute = list(t, "minute", 0, 59, decimal)
	hours, e.hour = list(t, "hour", 0, 23, decimal)
	names := []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	months, e.month = list(t, "month", 1, 12, func(v int) string {
		return rapid.SampledFrom([]string{names[v-1], decimal(v)}).Draw(t, "month")
	})
	years, e.year = "*", func(v int) bool { return v >= 1970 && v <= 2199 }
	if rapid.Bool().Draw(t, "years") {
		from := rapid.IntRange(1970, 2199).Draw(t, "year")
		step := rapid.IntRange(1, 8).Draw(t, "year step")
		years, e.year = fmt.Sprintf("%d/%d", from, step), func(v int) bool { return v >= from && v <= 2199 && (v-from)%step == 0 }
	}
	ofMonth, ofWeek, e.day = days(t)
	e.text = fmt.Sprintf("cron(%s %s %s %s %s %s)", minutes, hours, ofMonth, months, ofWeek, years)
	e.zone = rapid.SampledFrom([]string{
		"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu",
		"America/Santiago", "Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "Pacific/Chatham",
	}).Draw(t, "zone")
	var err error
	if e.location, err = schedule.Zone(e.zone); err != nil {
		t.Fatal(err)
	}
	if e.schedule, err = schedule.Parse(e.text, e.location); err != nil {
		t.Fatalf("%s: %v", e.text, err)
	}
	return e
}

// matches is the definition: what a clock shows, field by field.
func (e drawn) matches(shown time.Time) bool {
	return shown.Second() == 0 && e.minute(shown.Minute()) && e.hour(shown.Hour()) && e.month(int(shown.Month())) && e.year(shown.Year()) && e.day(shown)
}

// shows is what a clock in the zone shows, as if it were UTC.
func (e drawn) shows(at time.Time) time.Time {
	l := at.In(e.location)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
}

// moment draws a time, often one at which some clocks change.
func moment(t *rapid.T) time.Time {
	changes := []string{
		"2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z", // New York
		"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", // Berlin
		"2026-10-03T15:30:00Z", "2027-04-03T15:00:00Z", // Lord Howe
		"2026-04-23T22:00:00Z", "2026-10-29T21:00:00Z", // Cairo
		"2011-12-30T10:00:00Z", // Apia leaves a day out
		"2028-02-29T00:00:00Z", "2100-02-28T23:00:00Z", "2026-12-31T23:00:00Z",
	}
	var base time.Time
	if rapid.Bool().Draw(t, "near a change") {
		base, _ = time.Parse(time.RFC3339, rapid.SampledFrom(changes).Draw(t, "change"))
	} else {
		base = time.Unix(rapid.Int64Range(0, 5_000_000_000).Draw(t, "second"), 0)
	}
	return base.Add(time.Duration(rapid.Int64Range(-50*3600, 50*3600).Draw(t, "off")) * time.Second)
}

// Every instant is looked at, minute by minute.
func TestNextIsTheFirstMinuteThatMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, after := draw(t), moment(t)
		shown := map[time.Time]bool{} // by now, to see what is shown twice
		got, ok := e.schedule.Next(after)
		for at := after.Truncate(time.Minute).Add(-26 * time.Hour); at.Before(after.Add(6 * 24 * time.Hour)); at = at.Add(time.Minute) {
			wall := e.shows(at)
			again := shown[wall]
			shown[wall] = true
			if !at.After(after) || again || !e.matches(wall) {
				continue
			}
			if !ok || !got.Equal(at) {
				t.Fatalf("%s in %s after %v: %v %v, want %v", e.text, e.zone, after, got, ok, at)
			}
			return
		}
		if ok && got.Before(after.Add(6*24*time.Hour)) {
			t.Fatalf("%s in %s after %v: %v, which does not match", e.text, e.zone, after, got)
		}
	})
}

// Every day is looked at, until the years end.
func TestNextIsOnTheFirstDayThatMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, after := draw(t), moment(t).Truncate(24*time.Hour)
		s, err := schedule.Parse(strings.Replace(e.text, "cron(", "cron(0 ", 1), time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := s.Next(after.Add(-1))
		for day := after; day.Year() < 2200; day = day.AddDate(0, 0, 1) {
			if !e.month(int(day.Month())) || !e.year(day.Year()) || !e.day(day) {
				continue
			}
			if !ok || !got.Truncate(24*time.Hour).Equal(day) {
				t.Fatalf("%s from %v: %v %v, want %v", e.text, after, got, ok, day)
			}
			return
		}
		if ok {
			t.Fatalf("%s from %v: %v, which does not match", e.text, after, got)
		}
	})
}

func TestLastIsWhereNextEndsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.Custom(func(t *rapid.T) schedule.Schedule {
			if rapid.Bool().Draw(t, "rate") {
				s, _ := schedule.Parse(fmt.Sprintf("rate(%d minutes)", rapid.IntRange(1, 5000).Draw(t, "rate")), time.UTC)
				return s
			}
			return draw(t).schedule
		}).Draw(t, "schedule")
		after := moment(t)
		if rapid.Bool().Draw(t, "bounds") {
			s = s.Between(after.Add(time.Hour), after.Add(100*time.Hour))
		}
		until := after.Add(time.Duration(rapid.IntRange(0, 200*3600).Draw(t, "seconds")) * time.Second)
		var want time.Time
		some := false
		for run, ok := s.Next(after); ok && !run.After(until); run, ok = s.Next(run) {
			want, some = run, true
		}
		if got, ok := s.Last(after, until); ok != some || !got.Equal(want) {
			t.Fatalf("%v %v, want %v %v", got, ok, want, some)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"at(2026-11-21T10:00:00)", "rate(5 minutes)", "cron(0/15 22-2 ? JAN,MAR MON-FRI 2020-2030)",
		"cron(0 0 0 LW * ? *)", "cron(0 0 L-3W * ? */4)", "cron(0 0 ? * 6#5 *)", "cron(0 0 ? * FRIL *)", "cron(*/7 * 31W 2 ? 2199)",
	} {
		f.Add(seed, "America/New_York", int64(1_780_000_000))
	}
	f.Fuzz(func(t *testing.T, expression, zone string, second int64) {
		location, err := schedule.Zone(zone)
		if err != nil {
			location = time.UTC
		}
		s, err := schedule.Parse(expression, location)
		if err != nil {
			if _, ours := err.(schedule.Error); !ours || err.Error() == "" {
				t.Fatalf("%q: %#v", expression, err)
			}
			return
		}
		at := time.Unix(second%10_000_000_000, 0)
		for range 3 {
			run, ok := s.Next(at)
			if !ok {
				return
			}
			if !run.After(at) {
				t.Fatalf("%q after %v: %v", expression, at, run)
			}
			if before, ok := s.Next(run.Add(-1)); !ok || !before.Equal(run) {
				t.Fatalf("%q: %v follows %v, but not the moment before: %v", expression, run, at, before)
			}
			at = run
		}
	})
}
