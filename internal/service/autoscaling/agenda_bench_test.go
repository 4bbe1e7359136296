package autoscaling

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/capacity"
	"flyball/internal/clock"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/scaling"
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
	api, err := New(Config{Cell: testCell(clock.New(time.Now(), 1), st), Capacity: capacity.Services{ECS: everyService{}}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range actions {
		in := scheduling(fmt.Sprintf("action-%d", i%10), "cron(0 * ? * MON-SUN *)", 1, 20)
		in.Timezone = aws.String("America/New_York")
		in.ResourceId = aws.String(fmt.Sprintf("service/default/web-%06d", i/10))
		if i%10 == 0 {
			id := scaling.ResourceID(*in.ResourceId)
			api.state.Later(func(tx *state.Tx) {
				api.rows.put(tx, &target{row: &row{ResourceID: id, ID: newTargetID(), Min: 1, Max: 20}})
			})
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
		hour := time.Now().Truncate(time.Hour)
		api.state.Later(func(tx *state.Tx) {
			for _, t := range api.rows.selected() {
				t = &target{t.row, t.policies, slices.Clone(t.actions)}
				for i, c := range t.actions {
					c := *c
					c.schedule = c.schedule.Between(time.Time{}, time.Time{}) // as if it were old enough
					c.Done, c.next = hour.Add(-time.Hour), hour
					t.actions[i] = &c
				}
				api.rows.put(tx, t)
				api.times.plan(t.ResourceID, t.governor())
			}
		})
		b.StartTimer()
		for {
			due, _ := api.times.steps.Take(time.Now(), targetsAtOnce)
			if len(due) == 0 {
				break
			}
			api.governDue(context.Background(), due)
		}
		for _, t := range api.rows.selected() {
			for _, c := range t.actions {
				if !c.Done.Equal(hour) {
					b.Fatalf("action %s ran for %v", c.Name, c.Done)
				}
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/actions, "µs/run")
}
