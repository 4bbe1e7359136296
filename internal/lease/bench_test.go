package lease_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"flyball/internal/postgres/postgrestest"
)

// BenchmarkReplicas has 100 replicas beat on one database, each with connections of its own: what that asks of it, how long
// it takes until another one has the lease of a silent one, and how long until all know.
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
	ask := func(query string) (n int) {
		if err := observer.db.QueryRow(b.Context(), query).Scan(&n); err != nil {
			b.Fatal(err)
		}
		return n
	}
	const committed = `SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()`
	var takeovers, known []float64
	for b.Loop() {
		before, cpu, began := ask(committed), cluster.CPU(), time.Now()
		time.Sleep(10 * time.Second)
		watched := time.Since(began).Seconds()
		b.ReportMetric(float64(ask(committed)-before)/watched, "transactions/s")
		b.ReportMetric((cluster.CPU()-cpu).Seconds()/watched, "cores")
		b.ReportMetric(float64(ask(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()`)), "connections")
		b.ReportMetric(float64(ask(`SELECT pg_total_relation_size('flyball.replica')`))/1024, "KiB/members")
		began = time.Now()
		holder.silence(b)
		members = without(members, holder)
		if observer == holder {
			observer = members[0]
		}
		holder, _ = awaitHolder(b, members...)
		takeovers = append(takeovers, time.Since(began).Seconds())
		for _, m := range members {
			for owner, changed := m.Owner(); owner.ID != holder.ID; owner, changed = m.Owner() {
				<-changed
			}
		}
		known = append(known, time.Since(began).Seconds())
	}
	b.ReportMetric(median(takeovers), "s/takeover")
	b.ReportMetric(slices.Max(takeovers), "s/slowest")
	b.ReportMetric(slices.Max(known), "s/all-know")
	for _, m := range members {
		_ = m.Leave(context.WithoutCancel(b.Context()))
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
