package events_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// BenchmarkPutEvents measures calls with ten events of 200 bytes over 100 rules, of which
// each event matches one, until the deliveries are handed over.
func BenchmarkPutEvents(b *testing.B) {
	w, stop := fresh(b)
	defer stop()
	for i := range 100 {
		w.rule(b, fmt.Sprint("r", i), fmt.Sprintf(`{"source": ["shop"], "detail": {"kind": ["k%d"], "amount": [{"numeric": [">", 5]}]}}`, i), queue("a"))
	}
	in := &eventbridge.PutEventsInput{}
	for i := range 10 {
		in.Entries = append(in.Entries, types.PutEventsRequestEntry{
			Source: aws.String("shop"), DetailType: aws.String("Order"),
			Detail: aws.String(fmt.Sprintf(`{"kind": "k%d", "amount": 7, "text": "%s"}`, i*10, strings.Repeat("x", 150))),
		})
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := w.PutEvents(b.Context(), in); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(10*b.N)/b.Elapsed().Seconds(), "events/s")
}
