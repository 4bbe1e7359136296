package balancer

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A condition says whether a rule is for a request.
type condition func(*request) bool

// newCondition compiles a condition. Values of one condition are alternatives
// ("Condition types for listener rules").
func newCondition(c types.RuleCondition) (condition, error) {
	field := aws.ToString(c.Field)
	switch field {
	case "host-header":
		values, regexes := c.Values, c.RegexValues
		if d := c.HostHeaderConfig; d != nil {
			values, regexes = append(slices.Clone(values), d.Values...), append(slices.Clone(regexes), d.RegexValues...)
		}
		return hostIs(lowered(values), regexes)
	case "path-pattern":
		values, regexes := c.Values, c.RegexValues
		if d := c.PathPatternConfig; d != nil {
			values, regexes = append(slices.Clone(values), d.Values...), append(slices.Clone(regexes), d.RegexValues...)
		}
		return pathIs(newWildcards(values), regexes)
	case "http-header":
		return headerIs(c)
	case "http-request-method":
		return methodIs(c), nil
	case "query-string":
		return queryHas(c), nil
	case "source-ip":
		return sourceIs(c)
	}
	return nil, fmt.Errorf("a condition on %q is not known", field)
}

func compile(patterns []string) ([]*regexp.Regexp, error) {
	compiled := make([]*regexp.Regexp, len(patterns))
	for i, p := range patterns {
		var err error
		if compiled[i], err = regexp.Compile(p); err != nil {
			return nil, err
		}
	}
	return compiled, nil
}

func findAny(regexes []*regexp.Regexp, s string) bool {
	for _, r := range regexes {
		if r.MatchString(s) {
			return true
		}
	}
	return false
}

func hostIs(values []wildcard, patterns []string) (condition, error) {
	regexes, err := compile(patterns)
	return func(q *request) bool {
		host := q.name()
		return matchAny(values, host) || findAny(regexes, host)
	}, err
}

func pathIs(values []wildcard, patterns []string) (condition, error) {
	regexes, err := compile(patterns)
	return func(q *request) bool {
		path := q.path()
		return matchAny(values, path) || findAny(regexes, path)
	}, err
}

func headerIs(c types.RuleCondition) (condition, error) {
	d := c.HttpHeaderConfig
	if d == nil {
		return never, nil
	}
	name, values := aws.ToString(d.HttpHeaderName), lowered(d.Values)
	regexes, err := compile(append(slices.Clone(d.RegexValues), c.RegexValues...))
	return func(q *request) bool {
		if strings.EqualFold(name, "Host") {
			return matchAny(values, strings.ToLower(q.host)) || findAny(regexes, q.host)
		}
		for _, f := range q.fields {
			if f.Is(name) && (matchAny(values, strings.ToLower(f.Value)) || findAny(regexes, f.Value)) {
				return true
			}
		}
		return false
	}, err
}

func methodIs(c types.RuleCondition) condition {
	d := c.HttpRequestMethodConfig
	if d == nil {
		return never
	}
	return func(q *request) bool { return slices.Contains(d.Values, q.method) }
}

// queryHas compares names and values as they were sent, whatever their case. A
// condition without a key is about values of any.
func queryHas(c types.RuleCondition) condition {
	d := c.QueryStringConfig
	if d == nil {
		return never
	}
	type pair struct {
		key   *wildcard
		value wildcard
	}
	pairs := make([]pair, len(d.Values))
	for i, v := range d.Values {
		pairs[i].value = newWildcard(strings.ToLower(aws.ToString(v.Value)))
		if v.Key != nil {
			key := newWildcard(strings.ToLower(*v.Key))
			pairs[i].key = &key
		}
	}
	return func(q *request) bool {
		for part := range strings.SplitSeq(strings.ToLower(q.query()), "&") {
			key, value, _ := strings.Cut(part, "=")
			for _, p := range pairs {
				if part != "" && (p.key == nil || p.key.match(key)) && p.value.match(value) {
					return true
				}
			}
		}
		return false
	}
}

// sourceIs looks at the address of the connection, not at X-Forwarded-For.
func sourceIs(c types.RuleCondition) (condition, error) {
	d := c.SourceIpConfig
	if d == nil {
		return never, nil
	}
	ranges := make([]netip.Prefix, len(d.Values))
	for i, v := range d.Values {
		var err error
		if ranges[i], err = netip.ParsePrefix(v); err != nil {
			return nil, err
		}
	}
	return func(q *request) bool {
		address := q.client.Addr().Unmap()
		for _, r := range ranges {
			if r.Contains(address) {
				return true
			}
		}
		return false
	}, nil
}

func never(*request) bool { return false }

// withoutPort returns a host without the port after it, and IPv6 without brackets.
func withoutPort(host string) string {
	colon := strings.LastIndexByte(host, ':')
	if colon < 0 || strings.IndexByte(host[colon:], ']') >= 0 {
		colon = len(host)
	}
	return strings.TrimSuffix(strings.TrimPrefix(host[:colon], "["), "]")
}
