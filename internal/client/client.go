// Package client is how flyball's own commands talk to a server: through the
// AWS SDK, as any other client would, and through the few reads that AWS has no
// operation for.
package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"flyball/governor"
	"flyball/internal/cause"
	"flyball/scaling"
)

// A Client talks to one server.
type Client struct {
	AutoScaling   *applicationautoscaling.Client
	CloudWatch    *cloudwatch.Client
	ECR           Repositories
	ECS           *ecs.Client
	IAM           *iam.Client
	Lambda        *lambda.Client
	LoadBalancing *elasticloadbalancingv2.Client
	Logs          *cloudwatchlogs.Client
	Rules         Rules
	SQS           *sqs.Client
	STS           *sts.Client
	// DescribeSubnets is all that commands call of EC2. The rest of its client, which has 800
	// methods, stays out of the program as long as no value has its type: html/template keeps
	// the methods of all types that values can have.
	DescribeSubnets func(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)

	Config
	signer *v4.Signer
}

// A Config says which server to call, and as whom. All fields but Region
// may be left out.
type Config struct {
	Endpoint string // such as http://127.0.0.1:4566; without one it is AWS itself
	Flag     string // of a command that has named it; --endpoint, if none is said
	Region   string
	Account  string // 12 digits; the server's own without them
	// Credentials are the access key to sign with. Without one, or for another account,
	// it is one that the server does not know.
	Credentials aws.Credentials
	HTTP        *http.Client
	// Direct, if there is one, carries out the operations of AWS in place of sending them.
	Direct Direct
}

// New returns a client. It does not connect yet.
func New(c Config) *Client {
	if c.HTTP == nil {
		c.HTTP = http.DefaultClient
	}
	if c.Credentials.AccessKeyID == "" {
		c.Credentials = aws.Credentials{AccessKeyID: cmp.Or(c.Account, "flyball"), SecretAccessKey: "flyball"}
	}
	cfg := c.AWS()
	c.Endpoint = strings.TrimSuffix(c.Endpoint, "/")
	return &Client{
		AutoScaling:   applicationautoscaling.NewFromConfig(cfg),
		CloudWatch:    cloudwatch.NewFromConfig(cfg),
		ECR:           newRepositories(cfg),
		ECS:           ecs.NewFromConfig(cfg),
		IAM:           iam.NewFromConfig(cfg),
		Lambda:        lambda.NewFromConfig(cfg),
		LoadBalancing: elasticloadbalancingv2.NewFromConfig(cfg),
		Logs:          cloudwatchlogs.NewFromConfig(cfg),
		Rules:         newRules(cfg),
		SQS:           sqs.NewFromConfig(cfg),
		STS:           sts.NewFromConfig(cfg),

		DescribeSubnets: ec2.NewFromConfig(cfg).DescribeSubnets,

		Config: c,
		signer: v4.NewSigner(),
	}
}

// AWS is the configuration of the SDK's clients.
func (c Config) AWS() aws.Config {
	key := c.Credentials
	if c.Account != "" {
		key = aws.Credentials{AccessKeyID: c.Account, SecretAccessKey: "flyball"} // names the account
	}
	cfg := aws.Config{
		Region:      c.Region,
		Credentials: credentials.StaticCredentialsProvider{Value: key},
		HTTPClient:  sender{c.HTTP},
		// The server is on this machine or near: to compress would only cost.
		DisableRequestCompression: true,
	}
	if c.Direct != nil {
		cfg.APIOptions = append(cfg.APIOptions, c.Direct.shorten)
	}
	if c.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(c.Endpoint)
	}
	return cfg
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

// Clock reads the server's clock. That of AWS is the wall clock.
func (c *Client) Clock(ctx context.Context) (Clock, error) {
	if c.Endpoint == "" {
		now := time.Now().UTC()
		return Clock{Now: now, Wall: now, Speed: 1, State: Follows}, nil
	}
	var clock Clock
	err := c.getJSON(ctx, "/console/api/clock", nil, &clock)
	return clock, err
}

// Health is nil if the server answers.
func (c *Client) Health(ctx context.Context) error {
	body, err := c.get(ctx, "/healthz", nil)
	if err != nil {
		return err
	}
	return body.Close()
}

// ServerHealth is nil if a server answers. Flyball control, which has /healthz as well, is none.
func (c *Client) ServerHealth(ctx context.Context) error {
	res, err := c.send(ctx, http.MethodGet, "/healthz", nil)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.Header.Get(NowHeader) != "" {
		return nil
	}
	body, err := c.get(ctx, "/readyz", nil) // a replica that waits for its turn, or something before a server, has none
	if err != nil {
		return nil
	}
	body.Close()
	return fmt.Errorf("what answers at %s is flyball control, and no server: give its address to --control, and %s that of flyball serve",
		c.Endpoint, cmp.Or(c.Flag, "--endpoint"))
}

// ControlHealth is nil if flyball control answers. A server, which has /healthz as well, is none.
func (c *Client) ControlHealth(ctx context.Context) error {
	if err := c.Health(ctx); err != nil {
		return err
	}
	body, err := c.get(ctx, "/readyz", nil) // which a server does not have
	if err == nil {
		return body.Close()
	}
	rejected, told := errors.AsType[*Rejected](err)
	if told && rejected.Status == http.StatusServiceUnavailable {
		return nil // it cannot do its work, and says why
	}
	if _, foreign := errors.AsType[*Foreign](err); foreign || told {
		return fmt.Errorf("what answers at %s is not flyball control: give %s the address of its --listen", c.Endpoint, cmp.Or(c.Flag, "--endpoint"))
	}
	return err
}

// Explain reads the server's explanation of a scalable target.
func (c *Client) Explain(ctx context.Context, resourceID string) (governor.Explanation, error) {
	var e governor.Explanation
	err := c.getJSON(ctx, "/console/api/explain", c.in(url.Values{"resource": {resourceID}}), &e)
	return e, err
}

// Activities reads the scaling activities of a target that began between two times, newest first and a
// thousand at most, with what each of its policies said.
func (c *Client) Activities(ctx context.Context, resourceID string, from, to time.Time) (all []scaling.Activity, err error) {
	err = c.getJSON(ctx, "/console/api/activities", c.in(url.Values{
		"resource": {resourceID}, "from": {from.UTC().Format(time.RFC3339Nano)}, "to": {to.UTC().Format(time.RFC3339Nano)},
	}), &all)
	return all, err
}

// Regions reads in which regions of the server there may be something.
func (c *Client) Regions(ctx context.Context) (regions []string, err error) {
	if c.Endpoint == "" {
		return nil, nil // AWS tells who may list its regions
	}
	err = c.getJSON(ctx, "/console/api/regions", c.in(url.Values{}), &regions)
	return regions, err
}

// in adds which region of which account is asked about.
func (c *Client) in(q url.Values) url.Values {
	q.Set("region", c.Region)
	if c.Account != "" {
		q.Set("account", c.Account)
	}
	return q
}

// In returns a client of another region of the server.
func (c *Client) In(region string) *Client {
	other := c.Config
	other.Region = region
	return New(other)
}

// LogLinesInput says which lines of a container's log are asked for.
type LogLinesInput struct {
	Task, Container string
	Position        string // of an earlier answer; "" is the beginning
	Filter          string // a filter pattern of CloudWatch Logs
}

// LogLines are lines of a container's log that the runtime keeps.
type LogLines struct {
	Lines    []LogLine `json:"lines"`
	Position string    `json:"position"` // behind them
	More     bool      `json:"more"`     // there are more now
}

// A LogLine is one line, or a piece of a very long one.
type LogLine struct {
	At   time.Time `json:"at,omitzero"` // on the server's clock; zero if that is not known
	Text string    `json:"text"`
}

// LogLines reads the next lines of what the runtime keeps of a container's log.
func (c *Client) LogLines(ctx context.Context, in LogLinesInput) (LogLines, error) {
	var page LogLines
	err := c.getJSON(ctx, "/console/api/log-lines", c.in(url.Values{
		"task": {in.Task}, "container": {in.Container}, "position": {in.Position}, "filter": {in.Filter},
	}), &page)
	return page, err
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

// Backup has the server make a backup, which is an archive in the form of tar.
func (c *Client) Backup(ctx context.Context) (io.ReadCloser, error) {
	return c.ask(ctx, http.MethodPost, "/console/api/backup", nil)
}

// Own calls one of the server's own paths, as the documentation lists them, in the client's region, and
// decodes what it answers.
func (c *Client) Own(ctx context.Context, method, path string, q url.Values, v any) error {
	return c.askJSON(ctx, method, path, c.in(q), v)
}

func (c *Client) getJSON(ctx context.Context, path string, q url.Values, v any) error {
	return c.askJSON(ctx, http.MethodGet, path, q, v)
}

func (c *Client) postJSON(ctx context.Context, path string, q url.Values, v any) error {
	return c.askJSON(ctx, http.MethodPost, path, q, v)
}

func (c *Client) askJSON(ctx context.Context, method, path string, q url.Values, v any) error {
	body, err := c.ask(ctx, method, path, q)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(v); err != nil {
		return &Foreign{c.Endpoint, c.Flag}
	}
	return nil
}

func (c *Client) get(ctx context.Context, path string, q url.Values) (io.ReadCloser, error) {
	return c.ask(ctx, http.MethodGet, path, q)
}

func (c *Client) ask(ctx context.Context, method, path string, q url.Values) (io.ReadCloser, error) {
	res, err := c.send(ctx, method, path, q)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// send makes a request, and returns the answer if its status is 200.
func (c *Client) send(ctx context.Context, method, path string, q url.Values) (*http.Response, error) {
	u := c.Endpoint + path
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	if err := c.CheckEndpoint(); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, u, nil)
	if err != nil {
		return nil, err
	}
	if err := c.signer.SignHTTP(ctx, c.Credentials, req, emptyBody, "flyball", c.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign the request: %w", err)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, c.Plain(err)
	}
	if res.StatusCode == http.StatusNotFound {
		res.Body.Close()
		return nil, &Foreign{c.Endpoint, c.Flag}
	}
	if res.StatusCode != http.StatusOK {
		defer res.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		if bytes.HasPrefix(text, []byte("<")) || bytes.Contains(text, []byte("HTTP request to an HTTPS server")) {
			return nil, &Foreign{c.Endpoint, c.Flag}
		}
		return nil, &Rejected{res.StatusCode, strings.TrimSpace(string(text))}
	}
	return res, nil
}

// emptyBody is the hash of no body.
const emptyBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Plain says of a failed call that no server answers, or that it is not trusted, if
// that is so.
func (c *Client) Plain(err error) error {
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%s is not trusted; give its authority's certificate with --ca or AWS_CA_BUNDLE: %w", c.Endpoint, cause.Of(untrusted))
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return &Unreachable{c.Endpoint, c.Flag, dial}
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
		return &Unreachable{c.Endpoint, c.Flag, request}
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if call, called := errors.AsType[*smithy.OperationError](err); ok && called && api.ErrorMessage() != "" {
		return &Refused{Operation: call.ServiceID + " " + call.OperationName, Err: api}
	}
	if _, unread := errors.AsType[*smithy.DeserializationError](err); unread || ok && api.ErrorMessage() == "" {
		return &Foreign{c.Endpoint, c.Flag}
	}
	return err
}

// Trusting returns an HTTP client that trusts the authorities in a PEM file, and no
// others.
func Trusting(name string) (*http.Client, error) {
	pem, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate in PEM; name the file with the certificate of the server, or of its authority", name)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport}, nil
}
