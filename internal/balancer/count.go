package balancer

import (
	"sync/atomic"

	"flyball/metric"
)

// A counter is one of the numbers that a load balancer counts by itself.
type counter int

const (
	newConnections counter = iota
	processedBytes
	ruleEvaluations
	redirects
	fixedResponses
	tlsErrors
	elb3xx
	elb4xx
	elb5xx
	elb500
	elb502
	elb503
	elb504
	counters
)

// A kind is a metric's name and unit, as in "CloudWatch metrics for your Application
// Load Balancer".
type kind struct{ name, unit string }

var counterKinds = [counters]kind{
	newConnections:  {"NewConnectionCount", "Count"},
	processedBytes:  {"ProcessedBytes", "Bytes"},
	ruleEvaluations: {"RuleEvaluations", "Count"},
	redirects:       {"HTTP_Redirect_Count", "Count"},
	fixedResponses:  {"HTTP_Fixed_Response_Count", "Count"},
	tlsErrors:       {"ClientTLSNegotiationErrorCount", "Count"},
	elb3xx:          {"HTTPCode_ELB_3XX_Count", "Count"},
	elb4xx:          {"HTTPCode_ELB_4XX_Count", "Count"},
	elb5xx:          {"HTTPCode_ELB_5XX_Count", "Count"},
	elb500:          {"HTTPCode_ELB_500_Count", "Count"},
	elb502:          {"HTTPCode_ELB_502_Count", "Count"},
	elb503:          {"HTTPCode_ELB_503_Count", "Count"},
	elb504:          {"HTTPCode_ELB_504_Count", "Count"},
}

// counts are what a load balancer counts, whatever the target.
type counts struct {
	active  atomic.Int64 // connections of clients that are open
	numbers [counters]atomic.Int64
}

func (c *counts) add(which counter, n int64) { c.numbers[which].Add(n) }

// addStatus counts a response that the balancer made.
func (c *counts) addStatus(status int) {
	switch status / 100 {
	case 3:
		c.add(elb3xx, 1)
	case 4:
		c.add(elb4xx, 1)
	case 5:
		c.add(elb5xx, 1)
	}
	switch status {
	case 500:
		c.add(elb500, 1)
	case 502:
		c.add(elb502, 1)
	case 503:
		c.add(elb503, 1)
	case 504:
		c.add(elb504, 1)
	}
}

// A tally is what is counted of the targets of one group in one zone.
type tally struct {
	zone             string
	requests         atomic.Int64
	failOpen         atomic.Int64 // requests to targets that are not healthy
	connectionErrors atomic.Int64
	tlsErrors        atomic.Int64
	connections      atomic.Int64    // that are open now
	classes          [6]atomic.Int64 // responses by the first digit of their status
	latency          latency
}

// counted are the numbers of a tally since it was last asked, for one zone or for
// several.
type counted struct {
	requests, failOpen, connectionErrors, tlsErrors int64
	classes                                         [6]int64
	latency                                         metric.Set
}

// take returns what was counted, and begins anew.
func (t *tally) take() counted {
	c := counted{
		requests:         t.requests.Swap(0),
		failOpen:         t.failOpen.Swap(0),
		connectionErrors: t.connectionErrors.Swap(0),
		tlsErrors:        t.tlsErrors.Swap(0),
		latency:          t.latency.take(),
	}
	for i := range c.classes {
		c.classes[i] = t.classes[i].Swap(0)
	}
	return c
}

func (c *counted) add(o counted) {
	c.requests += o.requests
	c.failOpen += o.failOpen
	c.connectionErrors += o.connectionErrors
	c.tlsErrors += o.tlsErrors
	for i := range c.classes {
		c.classes[i] += o.classes[i]
	}
	c.latency.Merge(o.latency)
}
