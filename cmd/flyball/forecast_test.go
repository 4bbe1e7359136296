package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// runForecast runs the command with a week of hours, a batch of three such
// series and a broken file at hand.
func runForecast(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	var column, batch strings.Builder
	column.WriteString("requests\n")
	for row := range 3 {
		fmt.Fprintf(&batch, "s%d", row)
		for hour := range 168 + row {
			v := 100 + 50*math.Sin(2*math.Pi*float64(hour)/24) + float64(hour*7919%13-6)
			fmt.Fprintf(&batch, ",%.1f", v)
			if row == 0 {
				fmt.Fprintf(&column, "%.1f\n", v)
			}
		}
		batch.WriteByte('\n')
	}
	for name, text := range map[string]string{"week.csv": column.String(), "batch.csv": batch.String(), "bad.csv": "1\nmany\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	cmd := forecastCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(append([]string{}, args...)) // without any, cobra would take those of the test
	err = cmd.Execute()
	return stdout.String(), err
}

func TestForecastCommand(t *testing.T) {
	for _, c := range []struct {
		rule  string
		args  []string
		begin string
		lines int
	}{
		{"a file becomes CSV when piped", []string{"week.csv", "--horizon", "3"}, "step,forecast,lower80,upper80,lower95,upper95\n1,", 4},
		{"parts of hours are forecast", []string{"week.csv", "--step", "30m", "--horizon", "3"}, "step,forecast,lower80,upper80,lower95,upper95\n1,", 7},
		{"finer rows become hours", []string{"week.csv", "--step", "30m", "--hourly", "--horizon", "3"}, "step,forecast,lower80,upper80,lower95,upper95\n1,", 4},
		{"levels are chosen", []string{"week.csv", "--horizon", "3", "--level", "0.5"}, "step,forecast,lower50,upper50\n1,", 4},
		{"a batch becomes a row each, in order", []string{"--batch", "batch.csv", "--season", "24"}, "s0,", 3},
		{"a holdout is scored", []string{"--batch", "batch.csv", "--holdout", "48", "--season", "24"}, "3 series\n", 9},
	} {
		t.Run(c.rule, func(t *testing.T) {
			out, err := runForecast(t, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(out, "\n"); !strings.HasPrefix(out, c.begin) || n != c.lines {
				t.Errorf("%d lines, want %d that begin with %q:\n%s", n, c.lines, c.begin, out)
			}
		})
	}
}

func TestForecastOfDaysHasASeasonOfAWeek(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("day,requests\n")
	for day := range 70 {
		load := 1000
		if day%7 >= 5 {
			load = 100
		}
		fmt.Fprintf(&rows, "%s,%d\n", time.Date(2026, 1, 5+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), load)
	}
	var stdout, stderr bytes.Buffer
	cmd := forecastCommand()
	cmd.SetIn(strings.NewReader(rows.String()))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs([]string{"-", "--horizon", "7"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(stdout.String()), "\n")[1:] {
		want := "1000"
		if i >= 5 {
			want = "100"
		}
		if got := strings.Split(line, ",")[1]; got != want {
			t.Errorf("day %d is forecast as %s, want %s", i, got, want)
		}
	}
}

func TestForecastFollowsTheClockAndTheHolidaysOfItsZone(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	// Three weeks until Friday the 30th of October 2026; the clock went back on Sunday. Sundays,
	// and the holiday on Saturday, have no load.
	load := func(at time.Time) int {
		at = at.In(zone)
		if at.Weekday() == time.Sunday || at.Month() == time.October && at.Day() == 31 || at.Hour() < 9 || at.Hour() >= 17 {
			return 0
		}
		return 1000
	}
	end := time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC)
	var rows strings.Builder
	rows.WriteString("time,requests\n")
	for at := end.AddDate(0, 0, -21); at.Before(end); at = at.Add(time.Hour) {
		fmt.Fprintf(&rows, "%s,%d\n", at.Format(time.RFC3339), load(at))
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("holidays.txt", []byte("# of Brandenburg\n10-31  Reformation\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dates := range []string{"2026-10-31", "12-25,10-31", "holidays.txt"} {
		var stdout bytes.Buffer
		cmd := forecastCommand()
		cmd.SetIn(strings.NewReader(rows.String()))
		cmd.SetOut(&stdout)
		cmd.SetErr(io.Discard)
		cmd.SetArgs([]string{"-", "--zone", "Europe/Berlin", "--holidays", dates})
		if err := cmd.Execute(); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimSpace(stdout.String()), "\n")[1:] {
			got, _ := strconv.ParseFloat(strings.Split(line, ",")[1], 64)
			if want := load(end.Add(time.Duration(i) * time.Hour)); math.Abs(got-float64(want)) > 20 {
				t.Errorf("--holidays %s: %s, want %d", dates, line, want)
			}
		}
	}
}

func TestForecastCommandWritesAFile(t *testing.T) {
	if _, err := runForecast(t, "--batch", "batch.csv", "--out", "out.csv"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("out.csv")
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(text), "\n"); strings.Count(first, ",") != 48 {
		t.Errorf("the first row is %q, want an id and 48 values", first)
	}
}

func TestForecastCommandLeavesBadSeriesOut(t *testing.T) {
	const batch = "a,1,2,3\nb,1,two\nc,4,5,6\n"
	var stdout, stderr bytes.Buffer
	cmd := forecastCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetIn(strings.NewReader(batch))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs([]string{"--batch", "-", "--horizon", "1"})
	err := cmd.Execute()
	if want := "-: 1 of 3 series could not be forecast; the others were"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if want := `-: line 2: series "b": value 2: "two" is not a number`; !strings.Contains(stderr.String(), want) {
		t.Errorf("no %s in %s", want, stderr.String())
	}
	if out := stdout.String(); strings.Count(out, "\n") != 2 || !strings.HasPrefix(out, "a,") || !strings.Contains(out, "\nc,") {
		t.Errorf("got %s, want a row for a and one for c", out)
	}
}

func TestForecastCommandRefuses(t *testing.T) {
	for _, c := range []struct {
		rule string
		args []string
		want string
	}{
		{"no file", nil, "name a file of hourly values, such as requests.csv, or a batch of series with --batch"},
		{"a file and a batch", []string{"week.csv", "--batch", "batch.csv"}, `a file and --batch do not go together: leave out "week.csv"`},
		{"a file that is not there", []string{"none.csv"}, "open none.csv: no such file or directory"},
		{"a file of words", []string{"bad.csv"}, `bad.csv: line 2, column 1: "many" is not a number; a row is a time and a value, or a value alone`},
		{"a batch without values", []string{"--batch", "bad.csv"}, "bad.csv: no series to forecast"},
		{"a horizon of none", []string{"week.csv", "--horizon", "0"}, "--horizon 0: give a number above 0"},
		{"a format that is none", []string{"week.csv", "--format", "png"}, "--format png is neither csv nor chart"},
		{"seasons that do not ascend", []string{"week.csv", "--season", "168,24"}, "week.csv: seasons [168 24] do not ascend"},
		{"holidays of rows without times", []string{"week.csv", "--holidays", "12-25"}, "--holidays need a file whose rows have times"},
		{"holidays of a batch", []string{"--batch", "batch.csv", "--holidays", "12-25"}, "--holidays is for files whose rows have times: leave out --batch"},
		{"a holiday that is no date", []string{"week.csv", "--holidays", "25.12."}, `invalid argument "25.12." for "--holidays" flag: "25.12." is no date; give 2026-12-25, or 12-25 for that of each year; there is no file of this name either`},
		{"a step that hours are no number of", []string{"week.csv", "--step", "7m"}, "--step 7m cannot be forecast: an hour must be a number of steps of a minute and more, such as 5m; --hourly forecasts hours"},
		{"a holdout of one file", []string{"week.csv", "--holdout", "48"}, "--holdout is for batches: give --batch FILE"},
		{"a part of no holdout", []string{"--batch", "batch.csv", "--newest", "24"}, "--newest 24: give a number above 0, with --holdout"},
		{"a holdout below the horizon", []string{"--batch", "batch.csv", "--holdout", "24"}, "--holdout 24 holds back less than --horizon 48"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if _, err := runForecast(t, c.args...); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestForecastCommandLeavesNoPartOfAFailedFile(t *testing.T) {
	if _, err := runForecast(t, "--batch", "bad.csv", "--out", "out.csv"); err == nil {
		t.Fatal("no error")
	}
	if found, _ := filepath.Glob("out*"); len(found) > 0 {
		t.Errorf("%v is left", found)
	}
}
