package autoscaling

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/clock"
	"flyball/internal/store"
)

// manyActions is the service with scheduled actions, ten a target, all of which
// run at the next full hour of a zone.
func manyActions(b *testing.B, actions int) *API {
	b.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	api, err := New(Config{
		Account: "123456789012", Region: "us-east-1", Clock: clock.New(time.Now(), 1), Store: st, Services: everyService{},
	})
	if err != nil {
		b.Fatal(err)
	}
	for i := range actions {
		in := scheduling(fmt.Sprintf("action-%d", i%10), "cron(0 * ? * MON-SUN *)", 1, 20)
		in.Timezone = aws.String("America/New_York")
		in.ResourceId = aws.String(fmt.Sprintf("service/default/web-%06d", i/10))
		if i%10 == 0 {
			api.insert(&target{ResourceID: *in.ResourceId, ARN: api.newTargetARN(), Min: 1, Max: 20})
		}
		if _, err := api.PutScheduledAction(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
	return api
}

func heapBytes() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// What a scheduled action keeps in memory, with a tenth of its target and what
// the store in memory keeps of both.
func BenchmarkMemoryOfScheduledActions(b *testing.B) {
	const actions = 20_000
	for b.Loop() {
		before := heapBytes()
		api := manyActions(b, actions)
		b.ReportMetric((heapBytes()-before)/actions, "B/action")
		runtime.KeepAlive(api)
	}
}

// A moment at which every action is due.
func BenchmarkScheduledRuns(b *testing.B) {
	const actions = 20_000
	api := manyActions(b, actions)
	for b.Loop() {
		b.StopTimer()
		api.mu.Lock()
		due := api.agenda.take(time.Now().Add(2 * time.Hour))
		for _, c := range due {
			c.schedule = c.schedule.Between(time.Time{}, time.Time{}) // as if it were old enough
			c.Done = time.Now().Add(-time.Hour)
		}
		api.mu.Unlock()
		b.StartTimer()
		api.runDue(context.Background(), due)
		if len(due) != actions || time.Since(due[0].Done) > time.Hour {
			b.Fatalf("%d actions ran, the first for %v", len(due), due[0].Done)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/actions, "µs/run")
}
