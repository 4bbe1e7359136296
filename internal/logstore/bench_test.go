package logstore

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

// line is a log line as services write them, of about 120 bytes.
func line(i int) string {
	return fmt.Sprintf(`127.0.0.1 - frank [10/Oct/2026:13:%02d:%02d +0000] "GET /items/%d?user=%x HTTP/1.1" 200 %d "-" "curl/8.5" %dms`,
		i/60%60, i%60, i%997, rand.Uint32(), rand.IntN(9000), rand.IntN(90))
}

func batchOf(n, from int) []Event {
	events := make([]Event, n)
	for i := range events {
		events[i] = Event{int64(from + i), line(from + i)}
	}
	return events
}

// A put of a hundred lines, by as many clients as there are streams.
func BenchmarkAppend(b *testing.B) {
	for _, clients := range []int{1, 50} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := open(b, b.TempDir())
			ctx, stop := context.WithCancel(b.Context())
			done := make(chan error)
			go func() { done <- s.Run(ctx) }()
			var at, stream atomic.Int64
			batch := batchOf(100, 0)
			b.SetParallelism(clients)
			b.RunParallel(func(pb *testing.PB) {
				own := uint32(stream.Add(1))
				events := append([]Event(nil), batch...)
				for pb.Next() {
					from := at.Add(100)
					for i := range events {
						events[i].Time = from + int64(i)
					}
					if err := s.Append(1, own, from, events); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "lines/s")
			stop()
			<-done
			s.Close()
		})
	}
}

// million is a store whose first stream has a million lines, among others.
func million(b *testing.B) *Store {
	s := open(b, b.TempDir())
	b.Cleanup(func() { s.Close() })
	for i := range 1000 {
		events := batchOf(1000, i*1000)
		for stream := range uint32(1 + i%2) {
			if err := s.Append(1, stream+1, 1, events); err != nil {
				b.Fatal(err)
			}
		}
	}
	return s
}

// A page of a stream of a million lines, from either end and from its middle, as they
// were put and after they were compacted.
func BenchmarkReadMillion(b *testing.B) {
	s := million(b)
	for _, form := range []string{"put", "compacted"} {
		if form == "compacted" {
			s.seal()
			if err := s.compact(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.Logf("%d bytes on disk, %d blocks", diskUse(b, s.dir), len(s.groups[1].blocks))
		}
		for name, q := range map[string]Query{
			"head":   {To: Key{Time: math.MaxInt64}},
			"tail":   {To: Key{Time: math.MaxInt64}, Backward: true},
			"middle": {From: Key{Time: 500_000}, To: Key{Time: math.MaxInt64}},
		} {
			b.Run(form+"/"+name, func(b *testing.B) {
				q.Group, q.Events, q.Bytes = 1, 10_000, 1<<20
				q.Streams = func(n uint32) bool { return n == 1 }
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.Read(b.Context(), q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(form+"/search", func(b *testing.B) {
			lines := 0
			for b.Loop() {
				q := Query{Group: 1, To: Key{Time: math.MaxInt64}, Events: 10, Match: func([]byte) bool { lines++; return false }}
				if _, err := s.Read(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
