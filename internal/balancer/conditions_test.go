package balancer

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/balancer/http1"
)

func TestConditions(t *testing.T) {
	host := func(values ...string) types.RuleCondition {
		return types.RuleCondition{Field: aws.String("host-header"), HostHeaderConfig: &types.HostHeaderConditionConfig{Values: values}}
	}
	path := func(values ...string) types.RuleCondition {
		return types.RuleCondition{Field: aws.String("path-pattern"), Values: values}
	}
	header := func(name string, values ...string) types.RuleCondition {
		return types.RuleCondition{Field: aws.String("http-header"),
			HttpHeaderConfig: &types.HttpHeaderConditionConfig{HttpHeaderName: &name, Values: values}}
	}
	query := func(pairs ...types.QueryStringKeyValuePair) types.RuleCondition {
		return types.RuleCondition{Field: aws.String("query-string"), QueryStringConfig: &types.QueryStringConditionConfig{Values: pairs}}
	}
	pair := func(key, value string) types.QueryStringKeyValuePair {
		return types.QueryStringKeyValuePair{Key: aws.String(key), Value: &value}
	}
	source := func(values ...string) types.RuleCondition {
		return types.RuleCondition{Field: aws.String("source-ip"), SourceIpConfig: &types.SourceIpConditionConfig{Values: values}}
	}
	q := request{
		method: "GET", target: "/img/a.png?Version=v1&lang=de&flag", host: "WWW.example.com:8080",
		client: netip.MustParseAddrPort("10.1.2.3:4000"),
		fields: []http1.Field{
			http1.NewField("User-Agent", "Mozilla/5.0 (X11)"), http1.NewField("X-Forwarded-For", "192.0.2.1"),
			http1.NewField("X-Tag", "one"), http1.NewField("x-tag", "two"),
		},
	}
	for name, c := range map[string]struct {
		condition types.RuleCondition
		want      bool
	}{
		"a host, whatever its case and port": {host("www.Example.com"), true},
		"a host with a wildcard":             {host("*.example.com"), true},
		"a wildcard wants its dot":           {host("*.www.example.com"), false},
		"one of several hosts":               {host("a.com", "www.example.com"), true},
		"a regex of hosts":                   {types.RuleCondition{Field: aws.String("host-header"), RegexValues: []string{`^www\.`}}, true},
		"a path with a wildcard":             {path("/img/*"), true},
		"a question mark is one character":   {path("/img/?.png"), true},
		"a path's case counts":               {path("/IMG/*"), false},
		"the query is no part of the path":   {path("*Version*"), false},
		"a path as a whole":                  {path("/img"), false},
		"a regex of paths":                   {types.RuleCondition{Field: aws.String("path-pattern"), PathPatternConfig: &types.PathPatternConditionConfig{RegexValues: []string{`\.(png|gif)$`}}}, true},
		"a header, whatever its case":        {header("user-agent", "*mozilla*"), true},
		"each field of a header":             {header("X-Tag", "TWO"), true},
		"a header that is not there":         {header("X-None", "*"), false},
		"a method":                           {types.RuleCondition{Field: aws.String("http-request-method"), HttpRequestMethodConfig: &types.HttpRequestMethodConditionConfig{Values: []string{"POST", "GET"}}}, true},
		"a method's case counts":             {types.RuleCondition{Field: aws.String("http-request-method"), HttpRequestMethodConfig: &types.HttpRequestMethodConditionConfig{Values: []string{"get"}}}, false},
		"a key and a value of the query":     {query(pair("version", "V?")), true},
		"a value without a key":              {query(types.QueryStringKeyValuePair{Value: aws.String("de")}), true},
		"a key with another value":           {query(pair("version", "v2")), false},
		"one of several pairs":               {query(pair("version", "v2"), pair("lang", "*")), true},
		"the address of the connection":      {source("10.1.0.0/16"), true},
		"not the address of X-Forwarded-For": {source("192.0.2.0/24"), false},
		"one of several addresses":           {source("2001:db8::/32", "10.1.2.3/32"), true},
	} {
		t.Run(name, func(t *testing.T) {
			holds, err := newCondition(c.condition)
			if err != nil {
				t.Fatal(err)
			}
			if got := holds(&q); got != c.want {
				t.Errorf("holds: %v, want %v", got, c.want)
			}
		})
	}
}

// FuzzWildcard compares with what regexp makes of the pattern.
func FuzzWildcard(f *testing.F) {
	f.Add("/img/*", "/img/a")
	f.Add("*a?b*", "xxaabyb")
	f.Add("a*a*a*b", "aaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		var b strings.Builder
		for _, c := range []byte(pattern) {
			switch c {
			case '*':
				b.WriteString("(?s:.*)")
			case '?':
				b.WriteString("(?s:.)")
			default:
				b.WriteString(regexp.QuoteMeta(string(rune(c))))
			}
		}
		ascii := func(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0 }
		if !ascii(pattern) || !ascii(s) {
			return // regexp goes by runes
		}
		want := regexp.MustCompile("^(?:" + b.String() + ")$").MatchString(s)
		w := newWildcard(pattern)
		if got := w.match(s); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, s, got, want)
		}
	})
}

func TestTransforms(t *testing.T) {
	rewrite := func(regex, replace string) []types.RewriteConfig {
		return []types.RewriteConfig{{Regex: &regex, Replace: &replace}}
	}
	for name, c := range map[string]struct {
		transform    types.RuleTransform
		target, host string
	}{
		"a path with a group": {
			types.RuleTransform{UrlRewriteConfig: &types.UrlRewriteConfig{Rewrites: rewrite("^/api/v1/(.*)$", "/$1new")}}, "/a?x=1new", "www.example.com"},
		"a host": {
			types.RuleTransform{HostHeaderRewriteConfig: &types.HostHeaderRewriteConfig{Rewrites: rewrite(`^www\.(.+)$`, "api.$1")}}, "/api/v1/a?x=1", "api.example.com"},
		"what ends a line stays out": {
			types.RuleTransform{UrlRewriteConfig: &types.UrlRewriteConfig{Rewrites: rewrite(".*", "/ HTTP/1.1\r\nX: y")}}, "/api/v1/a?x=1", "www.example.com"},
		"a target keeps its slash": {
			types.RuleTransform{UrlRewriteConfig: &types.UrlRewriteConfig{Rewrites: rewrite("^/api/v1/", "")}}, "/a?x=1", "www.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			q := request{target: "/api/v1/a?x=1", host: "www.example.com"}
			compiled, err := newTransform(c.transform)
			if err != nil {
				t.Fatal(err)
			}
			if compiled.apply(&q); q.target != c.target || q.host != c.host {
				t.Errorf("target %q and host %q, want %q and %q", q.target, q.host, c.target, c.host)
			}
		})
	}
}

func TestRedirects(t *testing.T) {
	p := &plan{port: 8080}
	q := request{target: "/a/b?c=d", host: "example.com:8080"}
	for name, c := range map[string]struct {
		config types.RedirectActionConfig
		want   string
	}{
		"to HTTPS": {types.RedirectActionConfig{Protocol: aws.String("HTTPS"), Port: aws.String("443")}, "https://example.com:443/a/b?c=d"},
		"all of its parts": {types.RedirectActionConfig{Host: aws.String("www.#{host}"), Path: aws.String("/new/#{path}"), Query: aws.String("#{query}&e=f")},
			"http://www.example.com:8080/new/a/b?c=d&e=f"},
		"without a query": {types.RedirectActionConfig{Query: aws.String("")}, "http://example.com:8080/a/b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := newRedirect(&c.config).(*redirect).location(p, &q); got != c.want {
				t.Errorf("location %q, want %q", got, c.want)
			}
		})
	}
}
