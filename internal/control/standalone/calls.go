package standalone

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	smithy "github.com/aws/smithy-go/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"flyball/internal/source"
)

// calls count what is asked of others.
type calls struct{ counted *prometheus.CounterVec }

func newCalls() *calls {
	return &calls{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "flyball_control_calls_total", Help: "Calls of AWS, by their service and operation, and of other addresses, by host and method. " +
			"Attempts that were repeated count once.",
	}, []string{"service", "operation", "outcome"})}
}

func (c *calls) note(service, operation string, failed bool) {
	outcome := "ok"
	if failed {
		outcome = "failed"
	}
	c.counted.WithLabelValues(service, operation, outcome).Inc()
}

// count has the calls of a client of AWS counted.
func (c *calls) count(stack *smithy.Stack) error {
	return stack.Initialize.Add(smithy.InitializeMiddlewareFunc("FlyballCountCalls", func(ctx context.Context, in smithy.InitializeInput, next smithy.InitializeHandler) (smithy.InitializeOutput, smithy.Metadata, error) {
		out, metadata, err := next.HandleInitialize(ctx, in)
		c.note(middleware.GetServiceID(ctx), middleware.GetOperationName(ctx), err != nil)
		return out, metadata, err
	}), smithy.After)
}

// transport counts requests of HTTP.
func (c *calls) transport(next http.RoundTripper) http.RoundTripper {
	return transportFunc(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		c.note(r.URL.Host, r.Method, err != nil || resp.StatusCode >= 400)
		return resp, err
	})
}

type transportFunc func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// spending tells what CloudWatch was asked for, and what that costs.
type spending struct{ budget *source.Budget }

var (
	metricsDesc = prometheus.NewDesc("flyball_control_cloudwatch_metrics_total", "Metrics that GetMetricData was asked for.", nil, nil)
	dollarsDesc = prometheus.NewDesc("flyball_control_cloudwatch_dollars_total", "What that costs, in US dollars.", nil, nil)
)

// Describe implements prometheus.Collector.
func (spending) Describe(out chan<- *prometheus.Desc) { out <- metricsDesc; out <- dollarsDesc }

// Collect implements prometheus.Collector.
func (s spending) Collect(out chan<- prometheus.Metric) {
	_, metrics, dollars := s.budget.Spent()
	out <- prometheus.MustNewConstMetric(metricsDesc, prometheus.CounterValue, float64(metrics))
	out <- prometheus.MustNewConstMetric(dollarsDesc, prometheus.CounterValue, dollars)
}
