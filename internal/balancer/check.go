package balancer

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A checker checks the health of the targets of one group, as it is configured.
type checker struct {
	config   types.TargetGroup
	interval time.Duration
	timeout  time.Duration
	codes    matcher
	grpc     bool
	client   http.Client
}

func newChecker(g types.TargetGroup, dial dialFunc) *checker {
	version := cmp.Or(aws.ToString(g.ProtocolVersion), "HTTP1")
	c := &checker{
		config:   g,
		interval: time.Duration(cmp.Or(aws.ToInt32(g.HealthCheckIntervalSeconds), 30)) * time.Second,
		timeout:  time.Duration(cmp.Or(aws.ToInt32(g.HealthCheckTimeoutSeconds), 5)) * time.Second,
		grpc:     version == "GRPC",
	}
	codes := "200"
	if c.grpc {
		codes = "12"
	}
	if m := g.Matcher; m != nil {
		codes = cmp.Or(aws.ToString(m.HttpCode), aws.ToString(m.GrpcCode), codes)
	}
	c.codes = newMatcher(codes)
	// Each check has a connection of its own, which is closed after it. Certificates of
	// targets are not looked at ("Target groups for your Application Load Balancers").
	protocols := new(http.Protocols)
	protocols.SetHTTP1(version == "HTTP1")
	protocols.SetHTTP2(version != "HTTP1")
	protocols.SetUnencryptedHTTP2(version != "HTTP1")
	c.client = http.Client{
		Transport: &http.Transport{
			DialContext: dial, DisableKeepAlives: true, DisableCompression: true, Protocols: protocols,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// same says whether targets are checked as before.
func (c *checker) same(g types.TargetGroup) bool {
	settings := func(g types.TargetGroup) [8]string {
		var http, grpc string
		if g.Matcher != nil {
			http, grpc = aws.ToString(g.Matcher.HttpCode), aws.ToString(g.Matcher.GrpcCode)
		}
		return [8]string{
			aws.ToString(g.HealthCheckPath), aws.ToString(g.HealthCheckPort), string(g.HealthCheckProtocol), http, grpc,
			strconv.Itoa(int(aws.ToInt32(g.HealthCheckIntervalSeconds))), strconv.Itoa(int(aws.ToInt32(g.HealthCheckTimeoutSeconds))),
			aws.ToString(g.ProtocolVersion),
		}
	}
	return settings(c.config) == settings(g)
}

// port is where a target is checked.
func (c *checker) port(t address) string {
	if port := aws.ToString(c.config.HealthCheckPort); port != "" && port != "traffic-port" {
		return port
	}
	return strconv.Itoa(int(t.port))
}

// loop checks a target until ctx ends. The ticks do not wait for a check, which ends
// before the next one is due.
func (c *checker) loop(ctx context.Context, t *target) {
	ticks := time.NewTicker(c.interval)
	defer ticks.Stop()
	for {
		v := c.check(ctx, t.address)
		if ctx.Err() != nil {
			return
		}
		t.group.checked(t, v)
		t.sweep(time.Now().Add(-maxIdleTime))
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// check asks a target once.
func (c *checker) check(ctx context.Context, t address) verdict {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	u := url.URL{Scheme: strings.ToLower(cmp.Or(string(c.config.HealthCheckProtocol), "HTTP")), Host: net.JoinHostPort(t.ip, c.port(t))}
	path := aws.ToString(c.config.HealthCheckPath)
	if c.grpc {
		return c.checkGRPC(ctx, u.String()+cmp.Or(path, "/AWS.ALB/healthcheck"))
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String()+cmp.Or(path, "/"), nil)
	if err != nil {
		return verdict{types.TargetHealthReasonEnumInternalError, "Health checks failed due to an internal error"}
	}
	q.Header.Set("User-Agent", userAgent)
	response, err := c.client.Do(q)
	if err != nil {
		return verdictOf(err)
	}
	response.Body.Close()
	if !c.codes.match(response.StatusCode) {
		return wrongCode(strconv.Itoa(response.StatusCode))
	}
	return verdict{}
}

const userAgent = "ELB-HealthChecker/2.0"

// checkGRPC calls a method without a message. A target that knows none of its name
// answers UNIMPLEMENTED, which is 12.
func (c *checker) checkGRPC(ctx context.Context, url string) verdict {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("\x00\x00\x00\x00\x00"))
	if err != nil {
		return verdict{types.TargetHealthReasonEnumInternalError, "Health checks failed due to an internal error"}
	}
	q.Header.Set("User-Agent", userAgent)
	q.Header.Set("Content-Type", "application/grpc")
	q.Header.Set("Te", "trailers")
	response, err := c.client.Do(q)
	if err != nil {
		return verdictOf(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return verdictOf(err)
	}
	status := cmp.Or(response.Trailer.Get("Grpc-Status"), response.Header.Get("Grpc-Status"))
	if code, err := strconv.Atoi(status); err != nil || !c.codes.match(code) {
		return wrongCode(status)
	}
	return verdict{}
}

func verdictOf(err error) verdict {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return timedOut
	}
	return failed
}
