package source_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flyball/internal/source"
	"flyball/metric"
)

// A broken network answers no call, and counts them.
type broken struct{ calls atomic.Int32 }

func (b *broken) RoundTrip(*http.Request) (*http.Response, error) {
	b.calls.Add(1)
	return nil, errors.New("no route to host")
}

func TestAnAddressThatDoesNotAnswerIsNotAskedForAllOfIt(t *testing.T) {
	network := &broken{}
	p := &source.Prometheus{URL: "http://prometheus", HTTP: &http.Client{Transport: network}, Queries: map[metric.Key]string{}}
	var queries []source.Query
	for i := range 500 {
		id := metric.NewID("n", fmt.Sprintf("m%d", i))
		p.Queries[id.Key()] = id.Name
		queries = append(queries, source.Query{Metric: id, Statistic: "Average", Period: time.Minute, Now: end, End: end, Periods: 3})
	}
	answers := p.Read(t.Context(), queries)
	if n := network.calls.Load(); n < 16 || n > 32 {
		t.Errorf("it was called %d times for %d queries", n, len(queries))
	}
	skipped := 0
	for _, a := range answers {
		switch {
		case a.Err == nil:
			t.Fatal("a query is answered by nobody")
		case strings.Contains(a.Err.Error(), "it was not asked, since"):
			skipped++
		}
	}
	if skipped != len(queries)-int(network.calls.Load()) {
		t.Errorf("of %d queries %d say that they were not asked", len(queries), skipped)
	}
}
