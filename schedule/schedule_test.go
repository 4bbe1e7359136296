package schedule_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"flyball/schedule"
)

// The format of the instants in these tests.
const layout = "2006-01-02 15:04:05 -0700"

func parse(t testing.TB, expression, zone string) schedule.Schedule {
	t.Helper()
	location, err := schedule.Zone(zone)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schedule.Parse(expression, location)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return s
}

// instant reads a time in UTC, of which the end may be left out.
func instant(t testing.TB, text string) time.Time {
	t.Helper()
	const whole = "2000-01-01 00:00:00"
	at, err := time.Parse(time.DateTime, text+whole[len(text):])
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A run is checked as the zone's clock shows it. Runs that are listed last have
// none after them.
type example struct {
	rule, expression, zone, after string
	runs                          []string
	last                          bool
}

func check(t *testing.T, examples []example) {
	for _, e := range examples {
		t.Run(e.rule, func(t *testing.T) {
			zone := "UTC"
			if e.zone != "" {
				zone = e.zone
			}
			location, _ := schedule.Zone(zone)
			s, at := parse(t, e.expression, zone), instant(t, e.after)
			for _, want := range e.runs {
				run, ok := s.Next(at)
				if got := run.In(location).Format(layout); !ok || !strings.HasPrefix(got, want) {
					t.Fatalf("%s after %v: %s %v, want %s", e.expression, at, got, ok, want)
				}
				at = run
			}
			if run, ok := s.Next(at); ok == e.last {
				t.Errorf("%s after %v: %v %v", e.expression, at, run, ok)
			}
		})
	}
}

func TestExamplesOfTheDocumentation(t *testing.T) {
	check(t, []example{
		{"10:00 every day", "cron(0 10 * * ? *)", "", "2026-01-30 12", []string{"2026-01-31 10:00:00", "2026-02-01 10:00:00"}, false},
		{"12:15 every day", "cron(15 12 * * ? *)", "", "2026-01-30 12:15", []string{"2026-01-31 12:15:00"}, false},
		{"18:00 Monday to Friday", "cron(0 18 ? * MON-FRI *)", "", "2026-11-20 18", []string{"2026-11-23 18:00:00", "2026-11-24 18:00:00"}, false},
		{"8:00 on the 1st of each month", "cron(0 8 1 * ? *)", "", "2026-11-21", []string{"2026-12-01 08:00:00", "2027-01-01 08:00:00"}, false},
		{"every 15 minutes", "cron(0/15 * * * ? *)", "", "2026-12-31 23:30", []string{"2026-12-31 23:45:00", "2027-01-01 00:00:00", "2027-01-01 00:15:00"}, false},
		{"every 10 minutes Monday to Friday", "cron(0/10 * ? * MON-FRI *)", "", "2026-11-20 23:45", []string{"2026-11-20 23:50:00", "2026-11-23 00:00:00"}, false},
		{"every 5 minutes of working hours", "cron(0/5 8-17 ? * MON-FRI *)", "", "2026-11-20 17:50", []string{"2026-11-20 17:55:00", "2026-11-23 08:00:00"}, false},
		{"every tenth minute from the first", "cron(1/10 * * * ? *)", "", "2026-11-20 17:51", []string{"2026-11-20 18:01:00", "2026-11-20 18:11:00"}, false},
		{"Mondays at 6:30", "cron(30 6 ? * MON *)", "", "2026-11-21", []string{"2026-11-23 06:30:00", "2026-11-30 06:30:00"}, false},
		{"the second Tuesday", "cron(0 0 ? * 3#2 *)", "", "2026-11-01", []string{"2026-11-10 00:00:00", "2026-12-08 00:00:00"}, false},
		{"the weekday nearest to the 3rd", "cron(0 0 3W * ? *)", "", "2026-09-30", []string{"2026-10-02 00:00:00", "2026-11-03 00:00:00", "2026-12-03 00:00:00"}, false},
		{"18:00 in a zone nine hours behind", "cron(0 18 ? * MON-FRI *)", "Etc/GMT+9", "2026-11-20 12", []string{"2026-11-20 18:00:00 -0900"}, false},
		{"once at a time in New York", "at(2021-01-31T17:00:00)", "America/New_York", "2021-01-01", []string{"2021-01-31 17:00:00 -0500"}, true},
		{"once with one digit", "at(2020-12-08T9:36:00)", "America/New_York", "2020-12-01", []string{"2020-12-08 09:36:00 -0500"}, true},
		{"once in UTC", "at(2021-03-31T22:00:00)", "", "2021-03-31 21:59:59", []string{"2021-03-31 22:00:00 +0000"}, true},
		{"with seconds", "cron(30 0 10 * * ? *)", "", "2026-01-30 10", []string{"2026-01-30 10:00:30", "2026-01-31 10:00:30"}, false},
	})
}

func TestLists(t *testing.T) {
	check(t, []example{
		{"names in any case, in any order", "cron(0 0 ? jan,Mar,FEB mon,sat *)", "", "2026-12-01", []string{"2027-01-02", "2027-01-04", "2027-01-09"}, false},
		{"numbers of days count from Sunday", "cron(0 0 ? * 1,7 *)", "", "2026-11-21 12", []string{"2026-11-22", "2026-11-28"}, false},
		{"a range of hours over midnight", "cron(0 22-2 * * ? *)", "", "2026-11-21 12", []string{"2026-11-21 22", "2026-11-21 23", "2026-11-22 00", "2026-11-22 01", "2026-11-22 02", "2026-11-22 22"}, false},
		{"a range of days over the weekend", "cron(0 0 ? * FRI-MON *)", "", "2026-11-17", []string{"2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23", "2026-11-27"}, false},
		{"a range of months over the new year", "cron(0 0 1 NOV-FEB ? *)", "", "2026-11-17", []string{"2026-12-01", "2027-01-01", "2027-02-01", "2027-11-01"}, false},
		{"steps of a range over midnight", "cron(0 20-4/3 * * ? *)", "", "2026-11-21 12", []string{"2026-11-21 20", "2026-11-21 23", "2026-11-22 02", "2026-11-22 20"}, false},
		{"steps of a range", "cron(10-30/7 0 * * ? *)", "", "2026-11-21 00:00", []string{"2026-11-21 00:10", "2026-11-21 00:17", "2026-11-21 00:24", "2026-11-22 00:10"}, false},
		{"steps of everything", "cron(*/25 0 * * ? *)", "", "2026-11-21 00:00", []string{"2026-11-21 00:25", "2026-11-21 00:50", "2026-11-22 00:00"}, false},
		{"steps without a start", "cron(/25 0 * * ? *)", "", "2026-11-21 00:00", []string{"2026-11-21 00:25"}, false},
		{"ranges, values and steps together", "cron(50,0-2,30/15 0 * * ? *)", "", "2026-11-21 00:00", []string{"2026-11-21 00:01", "2026-11-21 00:02", "2026-11-21 00:30", "2026-11-21 00:45", "2026-11-21 00:50", "2026-11-22 00:00"}, false},
		{"fields between any white space", "cron(\t0  10 *\n* ?   * )", "", "2026-01-30 12", []string{"2026-01-31 10:00:00"}, false},
		{"years", "cron(0 0 1 1 ? 2027,2030-2031,2040/100)", "", "2026-11-21", []string{"2027-01-01", "2030-01-01", "2031-01-01", "2040-01-01", "2140-01-01"}, true},
	})
}

func TestDaysOfMonth(t *testing.T) {
	check(t, []example{
		{"the 31st is in seven months", "cron(0 0 31 * ? *)", "", "2026-01-31", []string{"2026-03-31", "2026-05-31", "2026-07-31", "2026-08-31", "2026-10-31", "2026-12-31", "2027-01-31"}, false},
		{"the last day of every month", "cron(0 0 L * ? *)", "", "2027-12-31", []string{"2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"}, false},
		{"29 February is in leap years", "cron(0 0 29 2 ? *)", "", "2026-01-01", []string{"2028-02-29", "2032-02-29"}, false},
		{"no leap year at a century", "cron(0 0 29 FEB ? *)", "", "2096-02-29", []string{"2104-02-29"}, false},
		{"30 February is never", "cron(0 0 30 2 ? *)", "", "1970-01-01", nil, true},
		{"the third day before the last", "cron(0 0 L-3 * ? *)", "", "2027-01-29", []string{"2027-02-25", "2027-03-28", "2027-04-27"}, false},
		{"the thirtieth day before the last is the 1st of long months", "cron(0 0 L-30 * ? *)", "", "2027-01-01", []string{"2027-03-01", "2027-05-01"}, false},
		{"the last weekday of every month", "cron(0 0 LW * ? *)", "", "2026-09-30", []string{"2026-10-30", "2026-11-30", "2026-12-31", "2027-01-29"}, false},
		{"the weekday nearest to a day before the last", "cron(0 0 L-1W * ? *)", "", "2027-01-30", []string{"2027-02-26", "2027-03-30", "2027-04-29", "2027-05-31"}, false},
		{"a Saturday's nearest weekday is Friday", "cron(0 0 15W 8 ? *)", "", "2026-01-01", []string{"2026-08-14"}, false},
		{"a Sunday's nearest weekday is Monday", "cron(0 0 15W 11 ? *)", "", "2026-01-01", []string{"2026-11-16"}, false},
		{"the 1st on a Saturday stays in the month", "cron(0 0 1W 8 ? *)", "", "2026-01-01", []string{"2026-08-03"}, false},
		{"the last on a Sunday stays in the month", "cron(0 0 31W 5 ? *)", "", "2026-01-01", []string{"2026-05-29"}, false},
		{"a month without the day has no weekday near it", "cron(0 0 31W * ? *)", "", "2026-01-31", []string{"2026-03-31", "2026-05-29", "2026-07-31"}, false},
		{"28W of a February that ends on a Sunday", "cron(0 0 28W 2 ? *)", "", "2027-01-01", []string{"2027-02-26"}, false},
	})
}

func TestDaysOfWeek(t *testing.T) {
	check(t, []example{
		{"L is Saturday", "cron(0 0 ? * L *)", "", "2026-11-21", []string{"2026-11-28", "2026-12-05"}, false},
		{"the last Friday", "cron(0 0 ? * 6L *)", "", "2026-11-01", []string{"2026-11-27", "2026-12-25", "2027-01-29"}, false},
		{"the last Friday by name", "cron(0 0 ? * FRIL *)", "", "2026-11-01", []string{"2026-11-27"}, false},
		{"the first Monday by name", "cron(0 0 ? * mon#1 *)", "", "2026-11-02", []string{"2026-12-07"}, false},
		{"a fifth Friday is not in every month", "cron(0 0 ? * 6#5 *)", "", "2026-10-31", []string{"2027-01-29", "2027-04-30", "2027-07-30"}, false},
		{"a fifth Sunday in a February", "cron(0 0 ? 2 SUN#5 *)", "", "2026-01-01", []string{"2032-02-29", "2060-02-29"}, false},
		{"steps", "cron(0 0 ? * 2/2 *)", "", "2026-11-22", []string{"2026-11-23", "2026-11-25", "2026-11-27", "2026-11-30"}, false},
		{"every day", "cron(0 0 ? * * *)", "", "2026-11-22", []string{"2026-11-23", "2026-11-24"}, false},
	})
}

// "When the time shifts forward, an invocation is skipped if it falls on a time
// that does not exist; when it shifts back, it runs only once."
func TestDaylightSaving(t *testing.T) {
	check(t, []example{
		{"2:30 is skipped in spring", "cron(30 2 * * ? *)", "America/New_York", "2026-03-07 12", []string{"2026-03-09 02:30:00 -0400"}, false},
		{"1:30 runs once in autumn, the first time", "cron(30 1 * * ? *)", "America/New_York", "2026-10-31 12", []string{"2026-11-01 01:30:00 -0400", "2026-11-02 01:30:00 -0500"}, false},
		{"18:00 stays 18:00", "cron(0 18 * * ? *)", "America/New_York", "2026-10-31 12", []string{"2026-10-31 18:00:00 -0400", "2026-11-01 18:00:00 -0500"}, false},
		{"every half hour over the gap", "cron(0/30 * * * ? *)", "America/New_York", "2026-03-08 06:15", []string{"2026-03-08 01:30:00 -0500", "2026-03-08 03:00:00 -0400"}, false},
		{"every half hour over the overlap", "cron(0/30 * * * ? *)", "America/New_York", "2026-11-01 05:15", []string{"2026-11-01 01:30:00 -0400", "2026-11-01 02:00:00 -0500"}, false},
		{"asked for within the second showing of the hour", "cron(0/30 * * * ? *)", "America/New_York", "2026-11-01 06:15", []string{"2026-11-01 02:00:00 -0500"}, false},
		{"2:30 in Berlin in spring", "cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28 12", []string{"2026-03-30 02:30:00 +0200"}, false},
		{"2:30 on the last Sunday of March is never in Berlin", "cron(30 2 ? 3 1L *)", "Europe/Berlin", "2026-01-01", nil, true},
		{"half an hour in Lord Howe", "cron(15 2 ? 10 1#1 *)", "Australia/Lord_Howe", "2026-01-01", nil, true},
		{"half an hour in Lord Howe, after the gap", "cron(30 2 ? 10 1#1 *)", "Australia/Lord_Howe", "2026-01-01", []string{"2026-10-04 02:30:00 +1100"}, false},
		{"midnight that does not exist in Cairo", "cron(0 0 ? 4 6L *)", "Africa/Cairo", "2026-01-01", nil, true},
		{"the day that Samoa skipped", "cron(0 12 30 12 ? 2010-2012)", "Pacific/Apia", "2010-01-01", []string{"2010-12-30 12:00:00 -1000", "2012-12-30 12:00:00 +1400"}, true},
		{"at in the overlap is the first time", "at(2026-11-01T01:30:00)", "America/New_York", "2026-01-01", []string{"2026-11-01 01:30:00 -0400"}, true},
		{"the last day of a leap year", "cron(0 12 31 12 ? *)", "America/New_York", "2027-06-01", []string{"2027-12-31 12:00:00 -0500", "2028-12-31 12:00:00 -0500"}, false},
		{"the last day of a leap year in the south", "cron(0 12 31 12 ? *)", "America/Santiago", "2048-06-01", []string{"2048-12-31 12:00:00 -0300"}, false},
		{"far in the future", "cron(0 9 1 7 ? 2199)", "Europe/Paris", "2026-01-01", []string{"2199-07-01 09:00:00 +0200"}, true},
	})
}

func TestTheYearsEnd(t *testing.T) {
	check(t, []example{
		{"in 2199", "cron(59 23 31 12 ? *)", "", "2198-06-01", []string{"2198-12-31 23:59", "2199-12-31 23:59"}, true},
		{"in a given year", "cron(0 0 1 * ? 2026)", "", "2026-11-02", []string{"2026-12-01"}, true},
		{"and start in 1970", "cron(0 0 1 1 ? *)", "", "1901-01-01", []string{"1970-01-01", "1971-01-01"}, false},
	})
}

func TestRates(t *testing.T) {
	start := instant(t, "2021-01-30 12")
	tests := []struct {
		rule, expression, after, want string
	}{
		{"the first run is at the start", "rate(5 hours)", "2021-01-01", "2021-01-30 12:00:00"},
		{"the next is one interval later", "rate(5 hours)", "2021-01-30 12", "2021-01-30 17:00:00"},
		{"it keeps step with the start", "rate(5 hours)", "2021-01-31 00:00:01", "2021-01-31 03:00:00"},
		{"one of a unit", "rate(1 minute)", "2021-01-30 13", "2021-01-30 13:01:00"},
		{"singular and plural are the same", "rate(1 hours)", "2021-01-30 13", "2021-01-30 14:00:00"},
		{"the space may be missing", "rate(5minutes)", "2021-01-30 13", "2021-01-30 13:05:00"},
		{"a day is 24 hours", "rate(2 days)", "2021-01-30 13", "2021-02-01 12:00:00"},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			s := parse(t, test.expression, "America/New_York").Between(start, time.Time{})
			run, ok := s.Next(instant(t, test.after))
			if got := run.Format(time.DateTime); !ok || got != test.want {
				t.Errorf("%s %v, want %s", got, ok, test.want)
			}
		})
	}
}

func TestARateKeepsTheFractionOfItsStart(t *testing.T) {
	start := instant(t, "2021-01-30 12").Add(300 * time.Millisecond)
	s := parse(t, "rate(1 minute)", "UTC").Between(start, time.Time{})
	for n := range 3 {
		run, _ := s.Next(start.Add(time.Duration(n)*time.Minute - 1))
		if want := start.Add(time.Duration(n) * time.Minute); !run.Equal(want) {
			t.Errorf("run %d is at %v, want %v", n, run, want)
		}
	}
}

func TestBounds(t *testing.T) {
	noon := parse(t, "cron(0 12 * * ? *)", "UTC")
	tests := []struct {
		rule, start, end, after, want string // "": none
	}{
		{"nothing before the start", "2026-11-21 12:00:01", "", "2026-11-01", "2026-11-22 12:00:00"},
		{"the start is inside", "2026-11-21 12:00:00", "", "2026-11-01", "2026-11-21 12:00:00"},
		{"after the start", "2026-11-21", "", "2026-11-25", "2026-11-25 12:00:00"},
		{"the end is inside", "", "2026-11-25 12:00:00", "2026-11-25", "2026-11-25 12:00:00"},
		{"nothing after the end", "", "2026-11-25 11:59:59", "2026-11-25", ""},
		{"nothing between", "2026-11-25 13", "2026-11-26 11", "2026-11-01", ""},
	}
	bound := func(t *testing.T, text string) time.Time {
		if text == "" {
			return time.Time{}
		}
		return instant(t, text)
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			run, ok := noon.Between(bound(t, test.start), bound(t, test.end)).Next(instant(t, test.after))
			if !run.Equal(bound(t, test.want)) || ok != (test.want != "") {
				t.Errorf("%v %v, want %q", run, ok, test.want)
			}
		})
	}
}

func TestLast(t *testing.T) {
	tests := []struct{ rule, expression, after, until, want string }{
		{"none in time", "cron(0 12 * * ? *)", "2026-11-21 12", "2026-11-22 11:59", ""},
		{"one", "cron(0 12 * * ? *)", "2026-11-21 12", "2026-11-22 12", "2026-11-22 12:00:00"},
		{"the last of many", "cron(* * * * ? *)", "2020-01-01", "2026-11-21 18:24:40", "2026-11-21 18:24:00"},
		{"the last of many that ended long ago", "cron(* * * * ? 2020)", "2019-01-01", "2026-11-21 18:24:40", "2020-12-31 23:59:00"},
		{"once", "at(2026-11-21T10:00:00)", "2026-11-20", "2026-11-22", "2026-11-21 10:00:00"},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			run, ok := parse(t, test.expression, "UTC").Last(instant(t, test.after), instant(t, test.until))
			if ok != (test.want != "") || ok && run.Format(time.DateTime) != test.want {
				t.Errorf("%v %v, want %q", run, ok, test.want)
			}
		})
	}
}

func TestTheZeroScheduleNeverRuns(t *testing.T) {
	if run, ok := (schedule.Schedule{}).Next(time.Now()); ok {
		t.Error(run)
	}
}

func TestWhatIsNoExpression(t *testing.T) {
	const syntax = `Schedule expressions must have the following syntax: rate(<number>\s?(minutes?|hours?|days?)), cron(<cron_expression>) or at(yyyy-MM-dd'T'HH:mm:ss).`
	tests := []struct{ expression, want string }{
		{"", syntax},
		{"30 3 * * *", syntax},
		{"every(5 minutes)", syntax},
		{"cron(0 10 * * ? *", syntax},
		{"CRON(0 10 * * ? *)", syntax},
		{" rate(5 minutes)", syntax},
		{"rate(five minutes)", syntax},
		{"rate(5 weeks)", syntax},
		{"rate(-5 minutes)", syntax},
		{"rate(5  minutes)", syntax},
		{"rate(0 minutes)", "The value of a rate expression must be a positive integer."},
		{"rate(99999999999999999999 days)", "The value of a rate expression must not be greater than 83814 days."},
		{"at(2026-11-21)", syntax},
		{"at(2026-11-21 10:00:00)", syntax},
		{"at(2026-11-21T10:00:00Z)", syntax},
		{"at(2026-02-29T10:00:00)", "2026-02-29T10:00:00 is no date and time."},
		{"at(2026-01-01T24:00:00)", "2026-01-01T24:00:00 is no date and time."},
		{"at(2026-03-08T02:30:00)", "2026-03-08T02:30:00 does not exist in time zone America/New_York: the clock skips it."},
	}
	zone, err := schedule.Zone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		if _, err := schedule.Parse(test.expression, zone); err == nil || err.Error() != test.want {
			t.Errorf("%q: %v, want %s", test.expression, err, test.want)
		}
	}
}

func TestWhatIsNoCronExpression(t *testing.T) {
	tests := []struct {
		expression string
		position   string
		details    string
	}{
		{"cron()", "0", "An expression has six fields, or seven with seconds, and this one has 0"},
		{"cron(0 10 * * ?)", "10", "An expression has six fields, or seven with seconds, and this one has 5"},
		{"cron(0 0 0 10 * * ? *)", "16", "An expression has six fields, or seven with seconds, and this one has 8"},
		{"cron(0 16 * * MON-FRI *)", "5", "Support for specifying both a day-of-week AND a day-of-month parameter is not implemented."},
		{"cron(0 16 ? * ? *)", "9", "'?' can only be specified for Day-of-Month -OR- Day-of-Week."},
		{"cron(0 16 * MON ? *)", "7", "Invalid Month value: 'MON'"},
		{"cron(0 16 ? * MOON *)", "9", "Invalid Day-of-Week value: 'MOON'"},
		{"cron(60 16 * * ? *)", "0", "Minute and Second values must be between 0 and 59"},
		{"cron(0 24 * * ? *)", "2", "Hour values must be between 0 and 23"},
		{"cron(0 10 0 * ? *)", "5", "Day of month values must be between 1 and 31"},
		{"cron(0 10 1,32 * ? *)", "7", "Day of month values must be between 1 and 31"},
		{"cron(0 10 * 13 ? *)", "7", "Month values must be between 1 and 12"},
		{"cron(0 10 ? * 0 *)", "9", "Day-of-Week values must be between 1 and 7"},
		{"cron(0 10 * * ? 1969)", "11", "Year values must be between 1970 and 2199"},
		{"cron(0 10 * * ? 2200)", "11", "Year values must be between 1970 and 2199"},
		{"cron(0 10 * * ? 2030-2020)", "11", "Start year must be less than stop year"},
		{"cron(? 10 * * ? *)", "0", "'?' can only be specified for Day-of-Month or Day-of-Week."},
		{"cron(5x 10 * * ? *)", "0", "Illegal characters for this position: '5X'"},
		{"cron(-5 10 * * ? *)", "0", "Unexpected end of expression."},
		{"cron(5, 10 * * ? *)", "2", "Unexpected end of expression."},
		{"cron(5/ 10 * * ? *)", "2", "'/' must be followed by an integer."},
		{"cron(5/0 10 * * ? *)", "2", "'/' must be followed by an integer."},
		{"cron(0/61 10 * * ? *)", "2", "Increment > 60 : 61"},
		{"cron(0 0/24 * * ? *)", "4", "Increment > 24 : 24"},
		{"cron(0 0 1/32 * ? *)", "6", "Increment > 31 : 32"},
		{"cron(0 0 ? * 1/8 *)", "10", "Increment > 7 : 8"},
		{"cron(0 0 ? * 6#6 *)", "10", "A numeric value between 1 and 5 must follow the '#' option"},
		{"cron(0 0 ? * 3#1,6#3 *)", "8", `Support for specifying multiple "nth" days is not implemented.`},
		{"cron(0 0 ? * MON,6L *)", "8", "Support for specifying 'L' with other days of the week is not implemented"},
		{"cron(0 0 1,L * ? *)", "4", "Support for specifying 'L' and 'LW' with other days of the month is not implemented"},
		{"cron(0 0 1W,15 * ? *)", "4", "Support for specifying 'W' with other days of the month is not implemented"},
		{"cron(0 0 5L * ? *)", "4", "'L' option is not valid here. (pos=1)"},
		{"cron(0 0 L-31 * ? *)", "4", "Offset from last day must be <= 30"},
		{"cron(0 0 L- * ? *)", "4", "'L-' must be followed by an integer."},
		{"cron(0 0 32W * ? *)", "4", "Day of month values must be between 1 and 31"},
	}
	for _, test := range tests {
		want := "Invalid CRON expression: error at position " + test.position + ", details: " + test.details
		if _, err := schedule.Parse(test.expression, time.UTC); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", test.expression, err, want)
		}
	}
}

func TestZones(t *testing.T) {
	for _, name := range []string{"UTC", "Etc/UTC", "Etc/GMT+9", "Pacific/Tahiti", "Europe/Rome", "America/Argentina/Buenos_Aires"} {
		if zone, err := schedule.Zone(name); err != nil || zone.String() != name {
			t.Errorf("%s: %v %v", name, zone, err)
		}
	}
	for _, name := range []string{"", "Local", "localtime", "Mars/Olympus", "right/UTC", "posix/UTC", "../UTC", "/etc/localtime", "+02:00"} {
		if zone, err := schedule.Zone(name); err == nil {
			t.Errorf("%q is taken for %v", name, zone)
		}
	}
}

func TestPeersAgree(t *testing.T) {
	text, err := os.ReadFile("testdata/peers.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSpace(line), " | ")
		run, _ := parse(t, "cron("+fields[0]+")", "UTC").Next(instant(t, fields[1]))
		if got := run.Format(time.DateTime); got != fields[2] {
			t.Errorf("%s after %s: %s, want %s", fields[0], fields[1], got, fields[2])
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for _, e := range []struct{ name, expression, zone string }{
		{"daily in UTC", "cron(0 18 * * ? *)", "UTC"},
		{"weekdays in New York", "cron(0 18 ? * MON-FRI *)", "America/New_York"},
		{"every minute in Berlin", "cron(* * * * ? *)", "Europe/Berlin"},
		{"29 February", "cron(0 0 29 2 ? *)", "UTC"},
		{"never", "cron(0 0 30 2 ? *)", "UTC"},
		{"rate", "rate(5 minutes)", "UTC"},
	} {
		b.Run(e.name, func(b *testing.B) {
			s, at := parse(b, e.expression, e.zone), instant(b, "2026-03-01")
			b.ReportAllocs()
			for b.Loop() {
				s.Next(at)
			}
		})
	}
}

func ExampleSchedule_Next() {
	zone, _ := schedule.Zone("America/New_York")
	s, _ := schedule.Parse("cron(0 18 ? * MON-FRI *)", zone)
	run := time.Date(2026, time.October, 29, 23, 0, 0, 0, time.UTC)
	for range 2 {
		run, _ = s.Next(run)
		fmt.Println(run, "is", run.In(zone))
	}
	// Output:
	// 2026-10-30 22:00:00 +0000 UTC is 2026-10-30 18:00:00 -0400 EDT
	// 2026-11-02 23:00:00 +0000 UTC is 2026-11-02 18:00:00 -0500 EST
}

func TestWhatKindOfExpressionItIs(t *testing.T) {
	for expression, want := range map[string][3]bool{ // once, counts, seconds
		"at(2026-11-26T10:00:00)":  {true, false, false},
		"rate(5 minutes)":          {false, true, false},
		"cron(0 10 * * ? *)":       {false, false, false},
		"cron(0 0 10 * * ? *)":     {false, false, true},
		"cron(30/10 0 10 * * ? *)": {false, false, true},
	} {
		s, err := schedule.Parse(expression, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]bool{s.Once(), s.Counts(), s.HasSeconds()}; got != want {
			t.Errorf("%s: %v, want %v", expression, got, want)
		}
	}
}
