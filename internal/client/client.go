// Package client is how flyball's own commands talk to a server: through the
// AWS SDK, as any other client would, and through the few reads that AWS has no
// operation for.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"flyball/governor"
)

// A Client talks to one server.
type Client struct {
	AutoScaling   *applicationautoscaling.Client
	CloudWatch    *cloudwatch.Client
	ECS           *ecs.Client
	LoadBalancing *elasticloadbalancingv2.Client

	endpoint        string
	region, account string
	http            *http.Client
}

// New returns a client of the server at an endpoint such as
// http://127.0.0.1:4566, for a region of an account. Without an account it is the
// server's own. It does not connect yet.
func New(endpoint, region, account string) *Client {
	cfg := aws.Config{
		Region:       region,
		BaseEndpoint: &endpoint,
		// An access key of 12 digits names the account.
		Credentials: credentials.NewStaticCredentialsProvider(cmp.Or(account, "flyball"), "flyball", ""),
		HTTPClient:  sender{http.DefaultClient},
		// The server is on this machine: to compress would only cost.
		DisableRequestCompression: true,
	}
	return &Client{
		AutoScaling:   applicationautoscaling.NewFromConfig(cfg),
		CloudWatch:    cloudwatch.NewFromConfig(cfg),
		ECS:           ecs.NewFromConfig(cfg),
		LoadBalancing: elasticloadbalancingv2.NewFromConfig(cfg),
		endpoint:      strings.TrimSuffix(endpoint, "/"),
		region:        region,
		account:       account,
		http:          http.DefaultClient,
	}
}

// A sender gives net/http bodies of its own to send. Those of the SDK are closed
// as soon as an answer begins. If net/http then still looks whether there is more
// of one, it takes the request for failed and drops the connection in the midst
// of the answer: on a busy machine, one call in a few hundred.
type sender struct{ *http.Client }

// Do sends a request.
func (s sender) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	return s.Client.Do(req)
}

// Endpoint is the server's address, without a slash at its end.
func (c *Client) Endpoint() string { return c.endpoint }

// A Clock is what a server's clock shows.
type Clock struct {
	Now   time.Time `json:"now"`
	Speed float64   `json:"speed"`
}

// Clock reads the server's clock.
func (c *Client) Clock(ctx context.Context) (Clock, error) {
	var clock Clock
	err := c.getJSON(ctx, "/console/api/clock", nil, &clock)
	return clock, err
}

// Explain reads the server's explanation of a scalable target.
func (c *Client) Explain(ctx context.Context, resourceID string) (governor.Explanation, error) {
	var e governor.Explanation
	err := c.getJSON(ctx, "/console/api/explain", c.in(url.Values{"resource": {resourceID}}), &e)
	return e, err
}

// in adds which region of which account is asked about.
func (c *Client) in(q url.Values) url.Values {
	q.Set("region", c.region)
	if c.account != "" {
		q.Set("account", c.account)
	}
	return q
}

// Logs opens the output of a task's container. The caller closes it.
func (c *Client) Logs(ctx context.Context, task, container string, follow bool) (io.ReadCloser, error) {
	q := url.Values{"task": {task}}
	if container != "" {
		q.Set("container", container)
	}
	if follow {
		q.Set("follow", "true")
	}
	return c.get(ctx, "/console/api/logs", c.in(q))
}

// Authority reads the certificate, in PEM, of the authority that load balancers with
// HTTPS have their certificates from.
func (c *Client) Authority(ctx context.Context) ([]byte, error) {
	body, err := c.get(ctx, "/console/api/authority", nil)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func (c *Client) getJSON(ctx context.Context, path string, q url.Values, v any) error {
	body, err := c.get(ctx, path, q)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

func (c *Client) get(ctx context.Context, path string, q url.Values) (io.ReadCloser, error) {
	u := c.endpoint + path
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		var request *url.Error // names the whole address again
		if errors.As(err, &request) {
			err = request.Err
		}
		return nil, fmt.Errorf("no server answers at %s: %w", c.endpoint, err)
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		return nil, fmt.Errorf("%s", strings.TrimSpace(string(text)))
	}
	return res.Body, nil
}
