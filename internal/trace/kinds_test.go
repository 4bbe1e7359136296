package trace_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"flyball/internal/trace"
)

// A kind is a way in which programs write the same series: a value for each minute.
type kind struct {
	name    string
	head    string // before the rows
	row     func(at time.Time, v float64) string
	tail    string // after them
	options trace.Options
}

// stamped is a row of a time and a value.
func stamped(layout, separator string) func(time.Time, float64) string {
	return func(at time.Time, v float64) string { return at.Format(layout) + separator + fmt.Sprintf("%g", v) }
}

// kinds are tables as people have them.
var kinds = []kind{
	{name: "plain", head: "time,requests", row: stamped(time.RFC3339, ",")},
	{name: "without a header", row: stamped(time.RFC3339, ",")},
	{name: "a byte order mark", head: "\ufefftime,requests", row: stamped(time.DateTime, ",")},
	{name: "lines of Windows", head: "time,requests\r", row: func(at time.Time, v float64) string { return stamped(time.DateTime, ",")(at, v) + "\r" }},
	{name: "Excel in German", head: "\ufeffZeit;Anfragen", row: func(at time.Time, v float64) string {
		return at.Format("02.01.2006 15:04") + ";" + strings.Replace(fmt.Sprintf("%.2f", v), ".", ",", 1)
	}, options: trace.Options{Order: trace.DayFirst}},
	{name: "Excel in American English", head: "Date,Requests", row: func(at time.Time, v float64) string { return at.Format("1/2/2006 3:04 PM") + fmt.Sprintf(`,"%.1f"`, v) },
		options: trace.Options{Order: trace.MonthFirst}},
	{name: "a line that names the separator", head: "sep=;\ntime;requests", row: stamped(time.DateTime, ";")},
	{name: "a date and a time of day", head: "date,time,requests", row: stamped("2006-01-02,15:04:05", ",")},
	{name: "tabs", head: "time\trequests", row: stamped(time.DateTime, "\t")},
	{name: "pipes", head: "time|requests", row: stamped(time.DateTime, "|")},
	{name: "columns of a terminal", head: "time                 requests", row: stamped("2006-01-02T15:04:05", "   ")},
	{name: "Markdown", head: "| time | requests |\n|---|---|", row: func(at time.Time, v float64) string {
		return "| " + stamped(time.DateTime, " | ")(at, v) + " |"
	}},
	{name: "psql", head: "         time         | requests \n----------------------+----------", row: func(at time.Time, v float64) string { return " " + stamped(time.DateTime, " | ")(at, v) },
		tail: "(30 rows)"},
	{name: "mysql", head: "+---------------------+----------+\n| time                | requests |\n+---------------------+----------+",
		row:  func(at time.Time, v float64) string { return "| " + stamped(time.DateTime, " | ")(at, v) + " |" },
		tail: "+---------------------+----------+"},
	{name: "seconds since 1970", head: "ts,requests", row: func(at time.Time, v float64) string { return fmt.Sprintf("%d,%g", at.Unix(), v) }},
	{name: "thousandths since 1970", head: "ts,requests", row: func(at time.Time, v float64) string { return fmt.Sprintf("%d,%g", at.UnixMilli(), v) }},
	{name: "millionths since 1970", head: "ts,requests", row: func(at time.Time, v float64) string { return fmt.Sprintf("%d,%g", at.UnixMicro(), v) }},
	{name: "billionths since 1970", head: "ts,requests", row: func(at time.Time, v float64) string { return fmt.Sprintf("%d,%g", at.UnixNano(), v) }},
	{name: "seconds with a fraction", head: "ts,requests", row: func(at time.Time, v float64) string { return fmt.Sprintf("%d.000,%g", at.Unix(), v) }},
	{name: "seconds as powers of ten", head: "ts,requests", row: func(at time.Time, v float64) string { return fmt.Sprintf("%.9e,%g", float64(at.Unix()), v) }},
	{name: "pandas with an index", head: ",time,requests", row: numbered(func(i int, at time.Time, v float64) string {
		return fmt.Sprintf("%d,%s,%.1f", i, at.Format(time.DateTime), v)
	})},
	{name: "pandas with times as its index", head: ",requests", row: stamped(time.DateTime, ",")},
	{name: "pandas with a zone", head: "time,requests", row: stamped("2006-01-02 15:04:05-07:00", ",")},
	{name: "R", head: `"","time","requests"`, row: numbered(func(i int, at time.Time, v float64) string {
		return fmt.Sprintf(`"%d","%s",%g`, i+1, at.Format(time.DateTime), v)
	})},
	{name: "Grafana, one series", head: `"Time","requests"`, row: stamped("2006-01-02 15:04:05", ",")},
	{name: "Grafana with units", head: `"Time","requests {job=""web""}"`, row: stamped("2006-01-02T15:04:05.000Z", ",")},
	{name: "Grafana, series to columns", head: `"Time","web","api"`, row: func(at time.Time, v float64) string { return fmt.Sprintf("%d,%g,%g", at.UnixMilli(), v, 3*v) },
		options: trace.Options{Column: "web"}},
	{name: "Grafana, series to rows", head: `"Metric","Time","Value"`, row: func(at time.Time, v float64) string {
		return fmt.Sprintf("web,%[1]s,%[2]g\napi,%[1]s,%[3]g", at.Format(time.RFC3339), v, 3*v)
	}, options: trace.Options{Where: map[string]string{"Metric": "web"}}},
	{name: "Datadog", head: "timestamp,sum:trace.http.request.hits{service:web}.as_count()", row: func(at time.Time, v float64) string { return fmt.Sprintf("%d,%g", at.UnixMilli(), v) }},
	{name: "Datadog, long", head: `"time","host","value"`, row: func(at time.Time, v float64) string { return fmt.Sprintf(`"%s","a",%g`, at.Format(time.RFC3339), v) }},
	{name: "CloudWatch's console", head: "Full label,RequestCount\nNamespace,AWS/ApplicationELB\nLabel,RequestCount\nPeriod,60\nStatistic,Sum", row: stamped("2006/01/02 15:04:05", ",")},
	{name: "Logs Insights", head: "bin(1m),count(*)", row: stamped("2006-01-02 15:04:05.000", ",")},
	{name: "Athena", head: `"minute","requests"`, row: func(at time.Time, v float64) string {
		return fmt.Sprintf(`"%s","%g"`, at.Format("2006-01-02 15:04:05.000"), v)
	}},
	{name: "BigQuery", head: "minute,f0_", row: stamped("2006-01-02 15:04:05 UTC", ",")},
	{name: "Splunk", head: `"_time",count,"_span"`, row: func(at time.Time, v float64) string {
		return fmt.Sprintf(`"%s",%g,60`, at.Format("2006-01-02T15:04:05.000-0700"), v)
	}},
	{name: "Kibana", head: `"@timestamp per minute","Count of records"`, row: func(at time.Time, v float64) string {
		return fmt.Sprintf(`"%s","%g"`, at.Format("2006-01-02 15:04"), v)
	}},
	{name: "Azure Monitor", head: "# Metric: Requests\n# Aggregation: Sum\nTime,Requests", row: stamped("2006-01-02T15:04:05Z", ",")},
	{name: "Stackdriver", head: "TimeSeries ID,web", row: stamped("Mon Jan 02 2006 15:04:05 GMT-0700 (Coordinated Universal Time)", ",")},
	{name: "k6", head: "metric_name,timestamp,metric_value,check,error", row: func(at time.Time, v float64) string {
		return fmt.Sprintf("http_reqs,%d,%.6f,,", at.Unix(), v)
	}},
	{name: "InfluxDB", head: "name,time,count", row: func(at time.Time, v float64) string { return fmt.Sprintf("requests,%d,%g", at.UnixNano(), v) }},
	{name: "InfluxDB with annotations", head: "#group,false,false,true,true,false,false\n#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double\n#default,_result,,,,,\n,result,table,_start,_stop,_time,_value",
		row: func(at time.Time, v float64) string {
			return fmt.Sprintf(",,0,2026-03-01T00:00:00Z,2026-03-02T00:00:00Z,%s,%g", at.Format(time.RFC3339), v)
		}},
	{name: "New Relic", head: "Begin time,End time,Count", row: func(at time.Time, v float64) string {
		return fmt.Sprintf("%s,%s,%g", at.Format("2006-01-02 15:04:05"), at.Add(time.Minute).Format("2006-01-02 15:04:05"), v)
	}},
	{name: "thousands in quotes", head: "time,requests", row: func(at time.Time, v float64) string { return fmt.Sprintf(`%s,"1,%06.2f"`, at.Format(time.DateTime), v) }},
	{name: "thousands of Switzerland", head: "time;requests", row: func(at time.Time, v float64) string { return fmt.Sprintf(`%s;1'%06.2f`, at.Format(time.DateTime), v) }},
	{name: "thousands of France", head: "time;requests", row: func(at time.Time, v float64) string {
		return fmt.Sprintf("%s;1\u202f%s", at.Format(time.DateTime), strings.Replace(fmt.Sprintf("%06.2f", v), ".", ",", 1))
	}},
	{name: "a total at the end", head: "time,requests", row: stamped(time.DateTime, ","), tail: "Total,3435"},
	{name: "a sum in a row without a time", head: "time,requests", row: stamped(time.DateTime, ","), tail: ",3435"},
	{name: "comments", head: "# exported by hand\ntime,requests\n# the night shift", row: stamped(time.DateTime, ",")},
	{name: "a title and two rows of header", head: "Requests of the shop,\n,Requests\nTime,Count", row: stamped(time.DateTime, ",")},
	{name: "a row of units", head: "time,requests\nUTC,1/min", row: stamped(time.DateTime, ",")},
	{name: "empty lines", head: "\n\ntime,requests\n", row: func(at time.Time, v float64) string { return stamped(time.DateTime, ",")(at, v) + "\n" }},
	{name: "commas at the ends of lines", head: "time,requests,,", row: func(at time.Time, v float64) string { return stamped(time.DateTime, ",")(at, v) + ",," }},
	{name: "spaces after commas", head: "time, requests", row: stamped(time.DateTime, ", ")},
	{name: "the newest first", head: "time,requests", row: nil},
	{name: "several columns", head: "time,cpu,requests,memory", row: func(at time.Time, v float64) string { return fmt.Sprintf("%s,0.5,%g,512", at.Format(time.DateTime), v) }},
	{name: "a column of words", head: "time,service,requests", row: func(at time.Time, v float64) string { return fmt.Sprintf("%s,web,%g", at.Format(time.DateTime), v) }},
	{name: "numbers of minutes", head: "minute,requests", row: numbered(func(i int, _ time.Time, v float64) string { return fmt.Sprintf("%d,%g", i, v) })},
	{name: "a month with a name", head: "time,requests", row: stamped("02-Jan-2006 15:04:05", ",")},
	{name: "quoted all over", head: `"time";"requests"`, row: func(at time.Time, v float64) string { return fmt.Sprintf(`"%s";"%g"`, at.Format(time.DateTime), v) }},
}

// numbered is a row that knows its number.
func numbered(row func(i int, at time.Time, v float64) string) func(time.Time, float64) string {
	return func(at time.Time, v float64) string { return row(int(at.Sub(firstMinute)/time.Minute), at, v) }
}

var firstMinute = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func TestTablesOfManyProgramsAreReadAlike(t *testing.T) {
	const rows = 30
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			var lines []string
			for i := range rows {
				at, v := firstMinute.Add(time.Duration(i)*time.Minute), 100+float64(i)
				if k.row == nil {
					lines = append([]string{stamped(time.DateTime, ",")(at, v)}, lines...)
					continue
				}
				lines = append(lines, k.row(at, v))
			}
			text := strings.Join(lines, "\n") + "\n"
			if k.head != "" {
				text = k.head + "\n" + text
			}
			got, err := trace.Read(strings.NewReader(text+k.tail), k.options)
			if err != nil {
				t.Fatalf("%v\n%s", err, text[:min(len(text), 300)])
			}
			if len(got.Values) != rows {
				t.Fatalf("%d values, want %d: %v\n%s", len(got.Values), rows, got.Notes, text[:min(len(text), 300)])
			}
			first := got.Values[0]
			if math.Mod(first, 1000) != 100 || got.Values[rows-1] != first+rows-1 {
				t.Errorf("from %v to %v, want from 100 to %d", first, got.Values[rows-1], 100+rows-1)
			}
			if !strings.Contains(k.name, "numbers of minutes") && (!got.Start.Equal(firstMinute) || got.Step != time.Minute) {
				t.Errorf("from %v on, each %v", got.Start, got.Step)
			}
		})
	}
}
