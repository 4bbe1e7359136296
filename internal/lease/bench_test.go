package lease_test

import (
	"context"
	"testing"
	"time"

	"flyball/internal/postgres/postgrestest"
)

// BenchmarkReplicas has 100 replicas beat on one database: what that asks of it, and how long it takes until another one
// has the lease of a silent one.
func BenchmarkReplicas(b *testing.B) {
	cluster := postgrestest.Shared(b)
	url := postgrestest.Database(b)
	var members []*member
	for range 100 {
		members = append(members, join(b, url))
	}
	holder, _ := awaitHolder(b, members...)
	observer := members[0]
	if observer == holder {
		observer = members[1]
	}
	const watched = 10 * time.Second
	transactions := func() (n int) {
		const query = `SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()`
		if err := observer.db.QueryRow(b.Context(), query).Scan(&n); err != nil {
			b.Fatal(err)
		}
		return n
	}
	for b.Loop() {
		before, cpu := transactions(), cluster.CPU()
		time.Sleep(watched)
		b.ReportMetric(float64(transactions()-before)/watched.Seconds(), "transactions/s")
		b.ReportMetric((cluster.CPU()-cpu).Seconds()/watched.Seconds(), "cores")
		began := time.Now()
		holder.silence(b)
		members = without(members, holder)
		holder, _ = awaitHolder(b, members...)
		b.ReportMetric(time.Since(began).Seconds(), "s/takeover")
	}
	for _, m := range members {
		_ = m.Leave(context.WithoutCancel(b.Context()))
	}
}
