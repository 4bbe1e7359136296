package balancer

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A redirect is an action that sends the client somewhere else.
type redirect struct {
	status                     int
	protocol, host, port, path string
	query                      string
}

func newRedirect(c *types.RedirectActionConfig) action {
	if c == nil {
		return nil
	}
	status := 302
	if c.StatusCode == types.RedirectActionStatusCodeEnumHttp301 {
		status = 301
	}
	or := func(value *string, otherwise string) string {
		if value == nil {
			return otherwise
		}
		return *value
	}
	return &redirect{
		status:   status,
		protocol: or(c.Protocol, "#{protocol}"),
		host:     or(c.Host, "#{host}"),
		port:     or(c.Port, "#{port}"),
		path:     or(c.Path, "/#{path}"),
		query:    or(c.Query, "#{query}"),
	}
}

// maxLocation is the longest Location that is sent.
const maxLocation = 8 << 10

func (r *redirect) serve(x *exchange) {
	location := r.location(x.plan, &x.request)
	if len(location) > maxLocation {
		x.refuse(500)
		return
	}
	x.plan.balancer.counts.add(redirects, 1)
	x.answer(page{status: r.status, contentType: "text/html", body: html(r.status), location: location})
}

// location fills the URL in. The port is always part of it, as AWS does it.
func (r *redirect) location(p *plan, q *request) string {
	protocol := "http"
	if p.secure {
		protocol = "https"
	}
	fill := strings.NewReplacer(
		"#{protocol}", protocol, "#{host}", withoutPort(q.host), "#{port}", strconv.Itoa(p.port),
		"#{path}", strings.TrimPrefix(q.path(), "/"), "#{query}", q.query())
	location := strings.ToLower(fill.Replace(r.protocol)) + "://" + fill.Replace(r.host) + ":" + fill.Replace(r.port) + fill.Replace(r.path)
	if query := fill.Replace(r.query); query != "" {
		location += "?" + query
	}
	return location
}
