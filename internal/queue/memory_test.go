package queue_test

import (
	"fmt"
	"runtime"
	"testing"

	"flyball/internal/queue"
)

// heap is what is allocated.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkMemory tells what a message costs that was looked at, and a deduplication ID.
func BenchmarkMemory(b *testing.B) {
	const n = 100_000
	for range b.N {
		before := heap()
		l := &list{}
		q := queue.New(queue.Settings{Retention: 1 << 40}, l)
		for i := range n {
			q.Sent(queue.Message{Sequence: uint64(i + 1), Sent: queue.Millis(i), Delay: 1 << 30})
		}
		b.ReportMetric(float64(heap()-before)/n, "B/message")
		before = heap()
		var d queue.Deduplication
		for i := range n {
			d.Add(0, "", fmt.Sprint(i), queue.Original{})
		}
		b.ReportMetric(float64(heap()-before)/n, "B/deduplication")
		runtime.KeepAlive(q)
		runtime.KeepAlive(&d)
	}
}
