package balancer

import (
	"errors"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/balancer/http1"
)

// A plan is what a listener does with requests, compiled. It never changes: a listener
// gets another one.
type plan struct {
	balancer *loadBalancer
	settings
	port       int
	portText   string
	portSuffix string // of a Host with the listener's port
	secure     bool
	scheme     string
	rules      []rule
	response   responseHeaders

	tlsVersionName, tlsCipherName string

	groupOf func(arn string) *group
}

// newPlan compiles a listener. A rule that can not be compiled is left out and returned
// as an error, so that it does not take the others with it.
func newPlan(b *loadBalancer, s settings, l Listener, groupOf func(arn string) *group) (*plan, error) {
	a := attributes(l.Attributes)
	name := func(key, otherwise string) string {
		if name := a["routing.http.request."+key+".header_name"]; name != "" {
			return name
		}
		return otherwise
	}
	p := &plan{
		balancer: b, settings: s, port: int(aws.ToInt32(l.Port)), scheme: "http",
		secure: l.Protocol == types.ProtocolEnumHttps, response: newResponseHeaders(a), groupOf: groupOf,
		tlsVersionName: name("x_amzn_tls_version", tlsVersionHeader),
		tlsCipherName:  name("x_amzn_tls_cipher_suite", tlsCipherHeader),
	}
	if p.secure {
		p.scheme = "https"
	}
	p.portText = strconv.Itoa(p.port)
	p.portSuffix = ":" + p.portText
	var failures error
	for _, r := range l.Rules {
		compiled, err := p.newRule(r)
		if err != nil {
			failures = errors.Join(failures, err)
			continue
		}
		p.rules = append(p.rules, compiled)
	}
	return p, failures
}

// serve does what the first rule says that is for the request.
func (p *plan) serve(x *exchange) {
	if status := p.refuses(&x.request); status != 0 {
		x.refuse(status)
		return
	}
	for i := range p.rules {
		r := &p.rules[i]
		if !r.match(&x.request) {
			continue
		}
		if len(r.conditions) > 0 {
			i++ // the default rule is not counted
		}
		if i > 0 {
			p.balancer.counts.add(ruleEvaluations, int64(i))
		}
		for _, t := range r.transforms {
			t.apply(&x.request)
		}
		r.action.serve(x)
		return
	}
	x.refuse(503) // a listener has a default rule
}

// maxForwarded is how many addresses X-Forwarded-For may have, and how many balancers
// a request may have passed: one whose target leads back to it, through the server's
// own address, say, would pass a request round until its head is too large.
const maxForwarded = 30

// refuses returns the status of a request that no rule sees, or 0.
func (p *plan) refuses(q *request) int {
	switch {
	case q.method == "TRACE":
		return 405
	case q.method == "CONNECT" || q.target == "*" && q.method != "OPTIONS":
		return 400
	case p.desync == "strictest" && q.flaw != http1.None:
		return 400
	}
	forwarded, passed := 0, 0
	for _, f := range q.fields {
		switch {
		case f.Is("X-Forwarded-For"):
			forwarded += 1 + strings.Count(f.Value, ",")
		case f.Is("X-Amzn-Trace-Id"):
			passed += strings.Count(f.Value, "Self=")
		}
	}
	if max(forwarded, passed) > maxForwarded {
		return 463
	}
	return 0
}
