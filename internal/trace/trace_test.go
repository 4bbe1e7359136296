package trace_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flyball/internal/trace"
)

// summary is what a test compares: the name, the kind, the start, the step and the values.
func summary(t trace.Trace) string {
	start := "-"
	if !t.Start.IsZero() {
		start = t.Start.UTC().Format("2006-01-02T15:04:05")
	}
	return fmt.Sprintf("%s %s %s %s %v", t.Name, t.Kind, start, t.Step, t.Values)
}

func TestReadTables(t *testing.T) {
	for _, c := range []struct{ rule, file, want string }{
		{"values alone", "1\n2\n", " unknown - 0s [1 2]"},
		{"a header names the values", "requests\n1\n2\n", "requests counts - 0s [1 2]"},
		{"the numbers of the rows are no times", "0,1\n1,2\n3,4\n", " unknown - 0s [1 2 NaN 4]"},
		{"times and values", "time,requests\n2026-03-01T00:00:00Z,5\n2026-03-01T01:00:00Z,6\n", "requests counts 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"rows in any order", "2026-03-01 01:00,2\n2026-03-01 00:00,1\n", " unknown 2026-03-01T00:00:00 1h0m0s [1 2]"},
		{"zones are heeded", "2026-03-01T01:00:00+01:00,1\n2026-03-01T01:00:00Z,2\n", " unknown 2026-03-01T00:00:00 1h0m0s [1 2]"},
		{"a space before the zone", "2026-03-01 01:00:00+01:00,1\n2026-03-01 01:00:00 UTC,2\n", " unknown 2026-03-01T00:00:00 1h0m0s [1 2]"},
		{"semicolons", "time;requests\n2026-03-01T00:00:00Z;5\n2026-03-01T00:05:00Z;6\n", "requests counts 2026-03-01T00:00:00 5m0s [5 6]"},
		{"semicolons and decimal commas", "time;cpu\n2026-03-01T00:00:00Z;5,25\n2026-03-01T00:05:00Z;1.006,5\n", "cpu gauges 2026-03-01T00:00:00 5m0s [5.25 1006.5]"},
		{"tabs", "time\trequests\n2026-03-01T00:00:00Z\t5\n2026-03-01T00:05:00Z\t6\n", "requests counts 2026-03-01T00:00:00 5m0s [5 6]"},
		{"bars and a line below the header, as psql prints", "time | requests\n-----+-----\n2026-03-01 00:00:00 | 5\n2026-03-01 00:05:00 | 6\n", "requests counts 2026-03-01T00:00:00 5m0s [5 6]"},
		{"white space", "2026-03-01 00:00:00 5\n2026-03-01 00:05:00 6\n", " unknown 2026-03-01T00:00:00 5m0s [5 6]"},
		{"date and time of day in two columns", "date,hour,requests\n2026-03-01,00:00,5\n2026-03-01,01:00,6\n", "requests counts 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"slashes in dates", "Label,RequestCount\n2026/10/01 00:00:00,5\n2026/10/01 00:05:00,6\n", "RequestCount counts 2026-10-01T00:00:00 5m0s [5 6]"},
		{"headers of many rows, as CloudWatch's console writes", "Full label,RequestCount app/web\nLabel,RequestCount\nPeriod,300\n2026/10/01 00:00:00,5\n2026/10/01 00:05:00,6\n",
			"RequestCount counts 2026-10-01T00:00:00 5m0s [5 6]"},
		{"a column of words beside the values", "timestamp,value,unit\n2026-03-01T00:00:00Z,5,Count\n2026-03-01T00:05:00Z,6,Count\n", "value counts 2026-03-01T00:00:00 5m0s [5 6]"},
		{"a unit that is no count", "timestamp,value,unit\n2026-03-01T00:00:00Z,5,Percent\n2026-03-01T00:05:00Z,6,Percent\n", "value gauges 2026-03-01T00:00:00 5m0s [5 6]"},
		{"an index before the times, as pandas writes", ",time,requests\n0,2026-03-01T00:00:00Z,5\n1,2026-03-01T00:05:00Z,6\n2,2026-03-01T00:10:00Z,7\n",
			"requests counts 2026-03-01T00:00:00 5m0s [5 6 7]"},
		{"quoted numbers with thousands", "time,requests\n2026-03-01T00:00:00Z,\"1,005\"\n2026-03-01T00:05:00Z,\"12,006.5\"\n", "requests counts 2026-03-01T00:00:00 5m0s [1005 12006.5]"},
		{"spaces and apostrophes in thousands", "time,requests\n2026-03-01T00:00:00Z,1 005\n2026-03-01T00:05:00Z,12'006\n", "requests counts 2026-03-01T00:00:00 5m0s [1005 12006]"},
		{"seconds since 1970", "1772323200,1\n1772326800,2\n", " unknown 2026-03-01T00:00:00 1h0m0s [1 2]"},
		{"thousandths since 1970", "1772323200000,1\n1772326800000,2\n", " unknown 2026-03-01T00:00:00 1h0m0s [1 2]"},
		{"month first, since a day is past the twelfth", "03/13/2026 00:00,1\n03/13/2026 01:00,2\n", " unknown 2026-03-13T00:00:00 1h0m0s [1 2]"},
		{"day first, with dots", "13.03.2026 00:00;1\n13.03.2026 01:00;2\n", " unknown 2026-03-13T00:00:00 1h0m0s [1 2]"},
		{"twelve hours", "03/13/2026 11:00 AM,1\n03/13/2026 12:00 PM,2\n", " unknown 2026-03-13T11:00:00 1h0m0s [1 2]"},
		{"names of months", "\"Mar 1, 2026 15:00:00\",1\n\"Mar 1, 2026 16:00:00\",2\n", " unknown 2026-03-01T15:00:00 1h0m0s [1 2]"},
		{"days", "day,visits\n2026-03-01,1\n2026-03-02,2\n", "visits counts 2026-03-01T00:00:00 24h0m0s [1 2]"},
		{"empty cells and null are gaps", "2026-03-01 00:00,1\n2026-03-01 01:00,\n2026-03-01 02:00,null\n2026-03-01 03:00,2\n", " unknown 2026-03-01T00:00:00 1h0m0s [1 NaN NaN 2]"},
		{"comments and empty lines are passed over", "# from production\ntime,requests\n\n2026-03-01T00:00:00Z,5\n2026-03-01T01:00:00Z,6\n\n", "requests counts 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"a usual name among columns of numbers", "time,requests,errors,p95\n2026-03-01T00:00:00Z,5,1,0.2\n2026-03-01T01:00:00Z,6,0,0.3\n", "requests counts 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"dates and hours in two columns", "date,hour,requests\n2026-03-01,9,5\n2026-03-01,10,6\n", "requests counts 2026-03-01T09:00:00 1h0m0s [5 6]"},
		{"percent signs", "time,cpu\n2026-03-01T00:00:00Z,5%\n2026-03-01T01:00:00Z,6%\n", "cpu gauges 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"a counter that goes on rising", "time,requests_total\n2026-03-01T00:00:00Z,100\n2026-03-01T01:00:00Z,105\n2026-03-01T02:00:00Z,111\n", "requests_total counts 2026-03-01T00:00:00 1h0m0s [NaN 5 6]"},
		{"requests a second are rates", "time,req_per_sec\n2026-03-01T00:00:00Z,5.5\n2026-03-01T01:00:00Z,6.5\n", "req_per_sec rates 2026-03-01T00:00:00 1h0m0s [5.5 6.5]"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := trace.Read(strings.NewReader(c.file), trace.Options{})
			if err != nil || summary(got) != c.want {
				t.Errorf("got %s, %v, want %s", summary(got), err, c.want)
			}
		})
	}
}

func TestReadWhatIsAskedFor(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	const two = "time,in,out\n2026-03-01T00:00:00Z,5,50\n2026-03-01T01:00:00Z,6,60\n"
	const long = "time,service,requests\n2026-03-01T00:00:00Z,web,5\n2026-03-01T00:00:00Z,api,50\n2026-03-01T01:00:00Z,web,6\n2026-03-01T01:00:00Z,api,60\n"
	autumn := "time,requests\n"
	for i, at := range []string{"01:00", "02:00", "02:00", "03:00"} {
		autumn += fmt.Sprintf("2026-10-25 %s,%d\n", at, i)
	}
	for _, c := range []struct {
		rule, file string
		o          trace.Options
		want       string
	}{
		{"a column by its name", two, trace.Options{Column: "OUT"}, "out unknown 2026-03-01T00:00:00 1h0m0s [50 60]"},
		{"a column by its number", two, trace.Options{Column: "2"}, "in unknown 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"all columns added up", two, trace.Options{Column: "*"}, " unknown 2026-03-01T00:00:00 1h0m0s [55 66]"},
		{"rows by a cell", long, trace.Options{Where: map[string]string{"service": "api"}}, "requests counts 2026-03-01T00:00:00 1h0m0s [50 60]"},
		{"times of a zone", "2026-03-01 01:00,1\n2026-03-01 02:00,2\n", trace.Options{Zone: berlin}, " unknown 2026-03-01T00:00:00 1h0m0s [1 2]"},
		{"the hour that is there twice when clocks go back", autumn, trace.Options{Zone: berlin}, "requests counts 2026-10-24T23:00:00 1h0m0s [0 1 2 3]"},
		{"counts of longer steps are added up", "time,requests\n2026-03-01T00:00:00Z,5\n2026-03-01T00:30:00Z,6\n", trace.Options{Step: time.Hour}, "requests counts 2026-03-01T00:00:00 1h0m0s [11]"},
		{"of gauges the mean is taken", "time,cpu\n2026-03-01T00:00:00Z,5\n2026-03-01T00:30:00Z,6\n", trace.Options{Step: time.Hour}, "cpu gauges 2026-03-01T00:00:00 1h0m0s [5.5]"},
		{"counts of shorter steps are spread", "time,requests\n2026-03-01T00:00:00Z,5\n2026-03-01T01:00:00Z,6\n", trace.Options{Step: 30 * time.Minute}, "requests counts 2026-03-01T00:00:00 30m0s [2.5 2.5 3 3]"},
		{"the day first", "03/04/2026 00:00,1\n03/04/2026 01:00,2\n", trace.Options{Order: trace.DayFirst}, " unknown 2026-04-03T00:00:00 1h0m0s [1 2]"},
		{"a decimal comma", "2026-03-01 00:00;1,500\n2026-03-01 01:00;2,250\n", trace.Options{Comma: true}, " unknown 2026-03-01T00:00:00 1h0m0s [1.5 2.25]"},
		{"rows of one time that belong together", "2026-03-01T00:00:00Z,1\n2026-03-01T00:00:00Z,2\n2026-03-01T01:00:00Z,4\n", trace.Options{Kind: trace.Counts}, " counts 2026-03-01T00:00:00 1h0m0s [3 4]"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := trace.Read(strings.NewReader(c.file), c.o)
			if err != nil || summary(got) != c.want {
				t.Errorf("got %s, %v, want %s", summary(got), err, c.want)
			}
		})
	}
}

func TestReadDocumentsAndLogs(t *testing.T) {
	const combined = `192.0.2.1 - - [01/Mar/2026:00:00:%02d +0100] "GET / HTTP/1.1" 200 612 "-" "curl/8"` + "\n"
	const balancer = `https 2026-03-01T00:00:%02d.186641Z app/web/50dc6c495c0c9188 192.0.2.10:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://example.com:443/ HTTP/1.1" "curl/8" a b` + "\n"
	for _, c := range []struct{ rule, file, column, want string }{
		{"get-metric-data, the newest first", `{"MetricDataResults":[{"Id":"m1","Label":"RequestCount","Timestamps":["2026-03-01T00:05:00Z","2026-03-01T00:00:00+00:00"],"Values":[6,5],"StatusCode":"Complete"}]}`, "",
			"RequestCount counts 2026-03-01T00:00:00 5m0s [5 6]"},
		{"one of several results", `{"MetricDataResults":[{"Id":"a","Label":"x","Timestamps":[],"Values":[]},{"Id":"b","Label":"CPUUtilization","Timestamps":["2026-03-01T00:00:00Z","2026-03-01T01:00:00Z"],"Values":[5,6]}]}`, "b",
			"CPUUtilization gauges 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"get-metric-statistics in any order", `{"Label":"RequestCount","Datapoints":[{"Timestamp":"2026-03-01T01:00:00Z","Sum":6.0,"Unit":"Count"},{"Timestamp":"2026-03-01T00:00:00Z","Sum":5.0,"Unit":"Count"}]}`, "",
			"RequestCount counts 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"one of several statistics", `{"Label":"CPU","Datapoints":[{"Timestamp":1772323200,"Average":6.5,"Maximum":9},{"Timestamp":1772326800,"Average":5,"Maximum":8}]}`, "Maximum",
			"CPU gauges 2026-03-01T00:00:00 1h0m0s [9 8]"},
		{"what the CLI prints of get-metric-statistics as text", "RequestCount\nDATAPOINTS\t6.0\t2026-03-01T01:00:00+00:00\tCount\nDATAPOINTS\t5.0\t2026-03-01T00:00:00+00:00\tCount\n", "",
			"RequestCount counts 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"what the CLI prints of get-metric-data as text", "METRICDATARESULTS\tm1\tRequestCount\tComplete\nTIMESTAMPS\t2026-03-01T01:00:00+00:00\nTIMESTAMPS\t2026-03-01T00:00:00+00:00\nVALUES\t6.0\nVALUES\t5.0\n", "",
			"RequestCount counts 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"a range of Prometheus", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"web"},"values":[[1772323200,"5"],[1772323260.0,"6.5"]]}]}}`, "",
			" unknown 2026-03-01T00:00:00 1m0s [5 6.5]"},
		{"a counter of Prometheus begins again", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"http_requests_total"},"values":[[1772323200,"100"],[1772323260,"107"],[1772323320,"4"]]}]}}`, "",
			"http_requests_total counts 2026-03-01T00:00:00 1m0s [NaN 7 4]"},
		{"series of Prometheus added up", `{"data":{"resultType":"matrix","result":[{"metric":{"pod":"a"},"values":[[1772323200,"5"],[1772323260,"6"]]},{"metric":{"pod":"b"},"values":[[1772323200,"1"],[1772323260,"2"]]}]}}`, "*",
			" unknown 2026-03-01T00:00:00 1m0s [6 8]"},
		{"a list of times and values", `[["2026-03-01T00:00:00Z", 5], ["2026-03-01T01:00:00Z", 6]]`, "", " unknown 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"a list of objects", `[{"time":"2026-03-01T00:00:00Z","value":5},{"time":"2026-03-01T01:00:00Z","value":null}]`, "value", "value unknown 2026-03-01T00:00:00 1h0m0s [5 NaN]"},
		{"a time and a value a line", `{"time":"2026-03-01T00:00:00Z","requests":5}` + "\n" + `{"time":"2026-03-01T01:00:00Z","requests":6}` + "\n", "", "requests counts 2026-03-01T00:00:00 1h0m0s [5 6]"},
		{"a combined log", fmt.Sprintf(combined, 1) + strings.Replace(fmt.Sprintf(combined, 2), ":00:00:", ":00:02:", 1) + fmt.Sprintf(combined, 59), "", "requests counts 2026-02-28T23:00:00 1m0s [2 0 1]"},
		{"a log of a load balancer", fmt.Sprintf(balancer, 1) + fmt.Sprintf(balancer, 59), "", "requests counts 2026-03-01T00:00:00 1m0s [2]"},
		{"Envoy's log", "[2026-03-01T00:00:01.250Z] \"GET / HTTP/1.1\" 200 - 0 1\n", "", "requests counts 2026-03-01T00:00:00 1m0s [1]"},
		{"an extended log", "#Version: 1.0\n#Fields: date time cs-method sc-status\n2026-03-01 00:00:01 GET 200\n2026-03-01\t00:00:02\tGET\t200\n", "", "requests counts 2026-03-01T00:00:00 1m0s [2]"},
		{"a log of JSON lines", strings.Repeat(`{"level":"info","ts":1772323201.25,"msg":"handled","status":200,"path":"/","user":"a"}`+"\n", 3), "", "requests counts 2026-03-01T00:00:00 1m0s [3]"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := trace.Read(strings.NewReader(c.file), trace.Options{Column: c.column})
			if err != nil || summary(got) != c.want {
				t.Errorf("got %s, %v, want %s", summary(got), err, c.want)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ rule, file, want string }{
		{"an empty file", "", "no values; a file has a row for each step: a time and a value, or the value alone"},
		{"a header alone", "time,requests\n", "no values; a file has a row for each step: a time and a value, or the value alone"},
		{"a word among the values", "1\nmany\n", `line 2, column 1: "many" is not a number; a row is a time and a value, or a value alone`},
		{"a time that is none", "2026-03-01 00:00,1\n2026-03-01 01:00,2\nyesterday,3\n", `line 3, column 1: "yesterday" is not a time; write times such as 2006-01-02T15:04:05Z, or seconds since 1970`},
		{"times in a way that is not known", "time,requests\n2026-03-01 00:00 CEST,1\n2026-03-01 01:00 CEST,2\n", `line 2, column 1: "2026-03-01 00:00 CEST" is not a time; write times such as 2006-01-02T15:04:05Z, or seconds since 1970`},
		{"months", "month,visits\n2026-01-01,1\n2026-02-01,2\n2026-03-01,2\n2026-04-01,2\n", "rows are 744h apart and more; a forecast or a simulation needs rows of hours or minutes"},
		{"units", "time,requests\n2026-03-01 00:00,5 req\n", `line 2, column 2: "5 req" is not a number; take units off the numbers`},
		{"columns among which none has a usual name", "time,in,out\n2026-03-01 00:00,1,2\n2026-03-01 01:00,1,2\n", "2 columns of numbers; choose one with --column: in, out; or add them up with --column '*'"},
		{"rows of several series", "time,service,requests\n" + strings.Repeat("2026-03-01T00:00:00Z,web,5\n2026-03-01T00:00:00Z,api,50\n", 3),
			"rows of 2 kinds share their times: column service has api, web; choose one with --where 'service=api'"},
		{"dates of two meanings", "03/04/2026 00:00,1\n03/04/2026 01:00,2\n", "line 1: the dates can be meant with the month or with the day first; say which with --date-order mdy or --date-order dmy"},
		{"numbers of two meanings", "2026-03-01 00:00;1,500\n2026-03-01 01:00;2,250\n", `line 1, column 2: "1,500" can be a number with thousands or with decimals; say --decimal-comma, or write numbers without separators of thousands`},
		{"two values at a time", "2026-10-25 01:00,1\n2026-10-25 02:00,1\n2026-10-25 02:00,3\n",
			"line 3: 2026-10-25T02:00:00Z is there twice, with 1 and 3; local times need their zone when clocks change (--zone Europe/Berlin); rows that belong together need --values counts or --values gauges"},
		{"a broken quote", "time,requests\n\"2026-03-01,1\n", `line 2, column 15: a quote that does not match; write quotes within quotes twice, as in "a ""b"" c"`},
		{"several results", `{"MetricDataResults":[{"Id":"a","Timestamps":[],"Values":[]},{"Id":"b","Timestamps":[],"Values":[]}]}`, "2 results; choose one with --column: a, b; or add them up with --column '*'"},
		{"another document", `{"a": {"b": 1}}`, "a JSON document that is neither an answer of get-metric-data or get-metric-statistics nor one of Prometheus' query_range; save one of those, or a table of times and values"},
		{"half a document", "{\"MetricDataResults\":[\n{\"Id\":\"a\"", "line 2, column 9: this is not whole JSON; save the answer as the command printed it"},
		{"an instant of Prometheus", `{"data":{"resultType":"vector","result":[]}}`, "Prometheus' answer is a vector; ask /api/v1/query_range, which answers with a matrix"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := trace.Read(strings.NewReader(c.file), trace.Options{})
			if refused := new(trace.Error); !errors.As(err, &refused) || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// day is a table of requests every five minutes of a day, each row changed by how.
func day(how func(i int, at time.Time) (time.Time, bool)) string {
	var file strings.Builder
	file.WriteString("time,requests\n")
	for i := range 288 {
		at := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 5 * time.Minute)
		if at, ok := how(i, at); ok {
			fmt.Fprintf(&file, "%s,%d\n", at.Format(time.RFC3339), 100+i)
		}
	}
	return file.String()
}

func TestTimesOffTheGrid(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		rule, file string
		cells      int
		note       string
	}{
		{"times a little late", day(func(_ int, at time.Time) (time.Time, bool) {
			return at.Add(time.Duration(random.IntN(20)) * time.Second), true
		}), 288, "to the steps of 5m"},
		{"times a little early and late", day(func(_ int, at time.Time) (time.Time, bool) {
			return at.Add(time.Duration(random.IntN(40)-20) * time.Second), true
		}), 288, "to the steps of 5m"},
		{"a clock that was set by four minutes", day(func(i int, at time.Time) (time.Time, bool) {
			if i >= 100 {
				at = at.Add(4 * time.Minute)
			}
			return at, true
		}), 288, "Moved 188 rows by up to 4m"},
		{"a row of another year", day(func(i int, at time.Time) (time.Time, bool) {
			if i == 7 {
				at = at.AddDate(-30, 0, 0)
			}
			return at, true
		}), 288, "Left out line 9, at 1996-10-01T00:35:00Z: it lies far from all other rows."},
		{"an outage among hundreds of requests", day(func(i int, at time.Time) (time.Time, bool) { return at, i < 50 || i >= 60 }), 288, "Took 10 missing rows for unknown"},
		{"one row twice", day(func(_ int, at time.Time) (time.Time, bool) { return at, true }) + "2026-10-01T00:00:00Z,100\n", 288, "Left out 1 row that repeat"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := trace.Read(strings.NewReader(c.file), trace.Options{})
			if err != nil || got.Step != 5*time.Minute || len(got.Values) != c.cells || !strings.Contains(strings.Join(got.Notes, "\n"), c.note) {
				t.Errorf("got %d steps of %s, notes %q, %v; want %d steps and %q", len(got.Values), got.Step, got.Notes, err, c.cells, c.note)
			}
		})
	}
}

func TestMissingRowsOfCountsAreZeroWhereCountsAreSmall(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var sparse, dense strings.Builder
	for i := range 3 * 1440 {
		mean := 0.3
		if hour := i / 60 % 24; hour >= 8 && hour < 20 {
			mean = 6
		}
		n := 0
		for p := random.Float64(); p > math.Exp(-mean); p *= random.Float64() {
			n++
		}
		row := fmt.Sprintf("%s,%d\n", time.Date(2026, 10, 1, 0, i, 0, 0, time.UTC).Format(time.RFC3339), n)
		dense.WriteString(row)
		if n > 0 {
			sparse.WriteString(row)
		}
	}
	total := func(file string) (sum float64) {
		got, err := trace.Read(strings.NewReader(file), trace.Options{Assume: trace.Counts, Step: time.Hour})
		if err != nil || got.Kind != trace.Counts {
			t.Fatal(got.Kind, err)
		}
		for _, v := range got.Values[:70] {
			sum += v
		}
		return sum
	}
	if s, d := total(sparse.String()), total(dense.String()); math.Abs(s-d) > 0.01*d {
		t.Errorf("without rows of zero there are %v requests, with them %v", s, d)
	}
}

func TestOpenUnpacks(t *testing.T) {
	const text = "time,requests\n2026-03-01T00:00:00Z,5\n"
	pack := func(write func(io.Writer)) string {
		var packed bytes.Buffer
		write(&packed)
		return packed.String()
	}
	gzipped := pack(func(w io.Writer) { z := gzip.NewWriter(w); io.WriteString(z, text); z.Close() })
	archive := func(names ...string) string {
		return pack(func(w io.Writer) {
			z := zip.NewWriter(w)
			for _, name := range names {
				f, _ := z.Create(name)
				io.WriteString(f, text)
			}
			z.Close()
		})
	}
	for _, c := range []struct{ rule, file, want string }{
		{"plain text", text, text},
		{"text after a byte order mark", "\ufeff" + text, text},
		{"gzip", gzipped, text},
		{"an archive of one file", archive("requests.csv"), text},
		{"an archive with a shadow of macOS", archive("requests.csv", "__MACOSX/._requests.csv"), text},
		{"an archive of two files", archive("a.csv", "b.csv"), "-: the archive holds 2 files; unpack it, and name the one to read"},
		{"a spreadsheet's UTF-16", "\xff\xfet\x00", "-: the text is UTF-16; save it as UTF-8"},
		{"what is not text", "\x7fELF\x00\x01", "-: this is not text; save a spreadsheet as CSV"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f, err := trace.Open("-", strings.NewReader(c.file))
			if err != nil {
				if err.Error() != c.want {
					t.Errorf("got %v, want %s", err, c.want)
				}
				return
			}
			defer f.Close()
			if got, err := io.ReadAll(f); string(got) != c.want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	t.Run("a folder is refused", func(t *testing.T) {
		if _, err := trace.Open(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "is a folder") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a file by its name", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "requests.csv")
		if err := os.WriteFile(path, []byte(gzipped), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := trace.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got, err := io.ReadAll(f); string(got) != text || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// endless repeats a text without end, and counts what was read of it.
type endless struct {
	begin, text string
	read        int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.begin)
	e.begin = e.begin[n:]
	for n < len(p) {
		n += copy(p[n:], e.text)
	}
	e.read += n
	return n, nil
}

func TestWhatHasNoEndIsRefusedBeforeItFillsTheMemory(t *testing.T) {
	for name, c := range map[string]struct {
		file endless
		want string
		most int
	}{
		"a row":             {endless{text: "1,"}, "a row of more than", 2 << 20},
		"a quoted cell":     {endless{begin: "time,v\n" + strings.Repeat("2026-03-01,2\n", 20_000) + "3,\"", text: "a\n"}, "line 20002: a row of more than", 2 << 20},
		"a line of words":   {endless{text: "1 "}, "a line of more than", 2 << 20},
		"a list of numbers": {endless{begin: "[0", text: ",0"}, "a document of more than", 65 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := trace.Read(io.LimitReader(&c.file, 128<<20), trace.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) || c.file.read > c.most {
				t.Errorf("after %d bytes: %v", c.file.read, err)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"1\n2\n", "time,v\n2026-03-01T00:00:00Z,5\n2026-03-01T02:00:00Z,6\n", "0,1\n1,2\n7,3\n", "0001-01-01,1\n9999-12-31,2\n", "a;b\n1,5;2\n", "01/02/2026,1\n02/01/2026,2\n",
		`{"MetricDataResults":[{"Id":"a","Timestamps":["2026-03-01T00:00:00Z"],"Values":[1]}]}`, `[[1772323200,1],[1772323260,2]]`, `{"time":1772323200,"v":1}`,
		`192.0.2.1 - - [01/Mar/2026:00:00:01 +0100] "GET / HTTP/1.1" 200 612`, "DATAPOINTS\t1\t2026-03-01T00:00:00Z\tCount\n", `{"data":{"resultType":"matrix","result":[{"values":[[1,"2"],[3]]}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := trace.Names(bytes.NewReader(file), trace.Options{}); err != nil && err.Error() == "" {
			t.Error("an error that says nothing")
		}
		got, err := trace.Read(bytes.NewReader(file), trace.Options{Missing: trace.Zero})
		if err == nil && (len(got.Values) == 0 || got.Step < 0) {
			t.Errorf("%d values at steps of %s and no error", len(got.Values), got.Step)
		}
		for _, v := range got.Values {
			if math.IsInf(v, 0) {
				t.Error("an infinite value")
			}
		}
	})
}
