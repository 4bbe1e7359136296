package balancer

import (
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A transform changes what a target sees of a request.
type transform struct {
	host     bool // the Host header, and not path and query
	rewrites []rewrite
}

type rewrite struct {
	regex       *regexp.Regexp
	replacement string
}

// groupReference is $1 in a replacement, which regexp would read as one word with
// letters that follow.
var groupReference = regexp.MustCompile(`\$(\d+)`)

func newTransform(t types.RuleTransform) (transform, error) {
	var compiled transform
	var configured []types.RewriteConfig
	switch {
	case t.HostHeaderRewriteConfig != nil:
		compiled.host, configured = true, t.HostHeaderRewriteConfig.Rewrites
	case t.UrlRewriteConfig != nil:
		configured = t.UrlRewriteConfig.Rewrites
	}
	for _, c := range configured {
		regex, err := regexp.Compile(aws.ToString(c.Regex))
		if err != nil {
			return compiled, err
		}
		compiled.rewrites = append(compiled.rewrites,
			rewrite{regex, groupReference.ReplaceAllString(aws.ToString(c.Replace), "$${$1}")})
	}
	return compiled, nil
}

// apply rewrites the request. What would no longer be a request target or a host,
// since something in it has to be escaped, stays as it was.
func (t transform) apply(q *request) {
	for _, r := range t.rewrites {
		if t.host {
			if host := r.regex.ReplaceAllString(q.host, r.replacement); host != "" && printable(host) {
				q.host = host
			}
			continue
		}
		target := r.regex.ReplaceAllString(q.target, r.replacement)
		if !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
		if printable(target) {
			q.target = target
		}
	}
}

// printable says that nothing in s ends a line or a part of one.
func printable(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c == 0x7f }) < 0
}
