package logs_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// heap is how much memory is in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What a stream with events costs, and a group.
func BenchmarkMemory(b *testing.B) {
	const n = 2000
	for b.Loop() {
		w := newWorld(b)
		before := heap()
		for i := range n {
			must(w.CreateLogGroup(ctx(w), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(fmt.Sprint("/service/group-", i))}))
		}
		groups := heap()
		for i := range n {
			must(w.CreateLogStream(ctx(w), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("/service/group-1"), LogStreamName: aws.String(fmt.Sprintf("web/app/%032x", i))}))
		}
		streams := heap()
		for i := range n {
			w.put("/service/group-1", fmt.Sprintf("web/app/%032x", i), w.now(), "a line of the stream")
		}
		events := heap()
		w.restart()
		b.ReportMetric(float64(groups-before)/n, "B/group")
		b.ReportMetric(float64(streams-groups)/n, "B/stream")
		b.ReportMetric(float64(events-streams)/n, "B/put")
		b.ReportMetric(float64(heap()-streams)/n, "B/stream-with-events")
	}
}

// A put of a hundred lines of JSON into a group with a metric filter.
func BenchmarkPutWithMetricFilter(b *testing.B) {
	w := newWorld(b)
	w.create("app", "web")
	must(w.PutMetricFilter(ctx(w), filterInput()))
	var all []string
	for i := range 100 {
		all = append(all, fmt.Sprintf(`{"level": "INFO", "path": "/items/%d", "code": %d, "latency": %d}`, i, 200+i, i))
	}
	b.ReportAllocs()
	for b.Loop() {
		w.put("app", "web", w.now(), all...)
	}
	b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "lines/s")
}
