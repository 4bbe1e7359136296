package wire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	smithy "github.com/aws/smithy-go"

	"flyball/internal/principal"
	"flyball/internal/signature"
)

var (
	userKey    = aws.Credentials{AccessKeyID: "AKIAUSER", SecretAccessKey: "user's secret"}
	sessionKey = aws.Credentials{AccessKeyID: "ASIASESSION", SecretAccessKey: "session's secret", SessionToken: "session's token"}

	shop = principal.Principal{Kind: principal.User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/shop", ID: "AIDASHOP", Name: "shop"}
	web  = principal.Principal{Kind: principal.Role, Account: "444455556666", ARN: "arn:aws:sts::444455556666:assumed-role/web/1", ID: "AROAWEB:1", Name: "web", Tags: map[string]string{"team": "shop"}}
)

// keyring knows the keys of a user and of a role's sessions.
func keyring(_ context.Context, accessKey string) (signature.Credential, bool) {
	c, ok := map[string]signature.Credential{
		"AKIAUSER":    {Secret: "user's secret", Active: true, Principal: shop},
		"AKIAOFF":     {Secret: "user's secret", Principal: shop},
		"ASIASESSION": {Secret: "session's secret", SessionToken: "session's token", Expires: time.Now().Add(time.Hour), Active: true, Principal: web},
		"ASIAOVER":    {Secret: "session's secret", SessionToken: "session's token", Expires: time.Now().Add(-time.Hour), Active: true, Principal: web},
	}[accessKey]
	return c, ok
}

// A signer is what a request is signed with.
type signer struct {
	aws.Credentials
	service, region string
	at              time.Time
}

// calls are one that is served in each protocol, before they are signed.
var calls = []struct {
	name   string
	signer signer
	make   func() *http.Request
	status int // of a refusal that is the client's
}{
	{"awsJson1.1", signer{service: "ecs"}, func() *http.Request {
		return jsonCall(describeServices, `{"services":["web"]}`).unsigned()
	}, http.StatusBadRequest},
	{"awsJson1.0", signer{service: "monitoring"}, func() *http.Request {
		r := jsonCall("GraniteServiceVersion20100801.PutMetricData", `{"Namespace":"A"}`).unsigned()
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		return r
	}, http.StatusForbidden},
	{"rpcv2Cbor", signer{service: "monitoring"}, func() *http.Request {
		return cborCall("PutMetricData", "\xa1\x69Namespace\x61A").unsigned()
	}, http.StatusForbidden},
	{"awsQuery", signer{service: "monitoring"}, func() *http.Request {
		return queryCall("Action=PutMetricData&Version=2010-08-01&Namespace=A").unsigned()
	}, http.StatusForbidden},
	{"awsQuery in the URL", signer{service: "monitoring"}, func() *http.Request {
		return request{method: http.MethodGet, path: "/?Action=PutMetricData&Version=2010-08-01&Namespace=A"}.unsigned()
	}, http.StatusForbidden},
}

func (q request) unsigned() *http.Request {
	if q.method == "" {
		q.method = http.MethodPost
	}
	r := httptest.NewRequest(q.method, "http://localhost:4566/"+strings.TrimPrefix(q.path, "/"), strings.NewReader(q.body))
	for k, v := range q.header {
		r.Header.Set(k, v)
	}
	return r
}

// bodyOf is the body of a request, which can be read again.
func bodyOf(t testing.TB, r *http.Request) []byte {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

func (s signer) sign(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	sum := sha256.Sum256(bodyOf(t, r))
	if err := v4.NewSigner().SignHTTP(context.Background(), s.Credentials, r, hex.EncodeToString(sum[:]), s.service, s.region, s.at); err != nil {
		t.Fatal(err)
	}
	return r
}

func (s signer) presign(t testing.TB, r *http.Request, expires string) *http.Request {
	t.Helper()
	body := bodyOf(t, r)
	r.URL.RawQuery += "&X-Amz-Expires=" + expires
	sum := sha256.Sum256(body)
	url, header, err := v4.NewSigner().PresignHTTP(context.Background(), s.Credentials, r, hex.EncodeToString(sum[:]), s.service, s.region, s.at)
	if err != nil {
		t.Fatal(err)
	}
	signed := httptest.NewRequest(r.Method, url, bytes.NewReader(body))
	signed.Header = header
	return signed
}

// An office takes signed calls and tells who made them.
type office struct {
	http.Handler
	log   bytes.Buffer
	calls []Call
	ctx   context.Context // of the last call of the ECS operation
}

type attentiveECS struct {
	fakeECS
	office *office
}

func (e *attentiveECS) DescribeServices(ctx context.Context, in *ecs.DescribeServicesInput, opts ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	e.office.ctx = ctx
	return e.fakeECS.DescribeServices(ctx, in, opts...)
}

func openOffice(t testing.TB, options Options) *office {
	t.Helper()
	o := new(office)
	options.Credentials = keyring
	options.Log = slog.New(slog.NewTextHandler(&o.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options.Authorize = func(_ context.Context, c Call) error {
		o.calls = append(o.calls, c)
		return nil
	}
	var err error
	if o.Handler, err = NewHandler(options, ECS(always(&attentiveECS{office: o})), CloudWatch(always(new(fakeCloudWatch)))); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) answer(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	return w
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func inAuthorization(old, new string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
	}
}

func TestSignaturesOfKnownKeysAreVerifiedInEachProtocol(t *testing.T) {
	const (
		incomplete = "IncompleteSignature"
		unknown    = "InvalidClientTokenId"
		over       = "ExpiredToken"
		wrong      = "SignatureDoesNotMatch"
	)
	inOtherProtocols := map[string]string{
		incomplete: "IncompleteSignatureException",
		unknown:    "UnrecognizedClientException",
		over:       "ExpiredTokenException",
		wrong:      "InvalidSignatureException",
	}
	known := func(key string) aws.Credentials {
		return aws.Credentials{AccessKeyID: key, SecretAccessKey: "session's secret", SessionToken: "session's token"}
	}
	for _, tt := range []struct {
		name    string
		with    func(*signer)       // changes what the request is signed with
		change  func(*http.Request) // after it was signed
		code    string              // in awsQuery; empty if the call is made
		message string
	}{
		{"a user", nil, nil, "", ""},
		{"a session", func(s *signer) { s.Credentials = sessionKey }, nil, "", ""},
		{"headers that nobody signs", nil, header("User-Agent", "other"), "", ""},

		{"a wrong secret", func(s *signer) { s.SecretAccessKey = "other" }, nil, wrong, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"},
		{"a wrong signature", nil, inAuthorization("Signature=", "Signature=0"), wrong, "we calculated"},
		{"another key's name", nil, inAuthorization("AKIAUSER", "AKIAOFF"), unknown, "The security token included in the request is invalid."},
		{"an inactive key", func(s *signer) { s.AccessKeyID = "AKIAOFF" }, nil, unknown, "The security token included in the request is invalid."},
		{"an old date", func(s *signer) { s.at = s.at.Add(-6 * time.Minute) }, nil, wrong, "Signature expired: "},
		{"a date to come", func(s *signer) { s.at = s.at.Add(6 * time.Minute) }, nil, wrong, "Signature not yet current: "},
		{"an altered date", nil, header("X-Amz-Date", time.Now().UTC().Add(-time.Minute).Format("20060102T150405Z")), wrong, ""},
		{"another day in the scope", nil, inAuthorization("/20", "/19"), wrong, "Date in Credential scope does not match YYYYMMDD"},
		{"no date", nil, func(r *http.Request) { r.Header.Del("X-Amz-Date") }, incomplete, "existence of either"},
		{"an altered body", nil, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{}")) }, wrong, "we calculated"},
		{"an altered header", func(*signer) {}, header("X-Amz-Note", "b"), wrong, "we calculated"},
		{"an altered query", nil, func(r *http.Request) { r.URL.RawQuery += "&Namespace=B" }, wrong, "we calculated"},
		{"an altered path", nil, func(r *http.Request) { r.URL.Path = "/x" + r.URL.Path }, wrong, "we calculated"},
		{"an altered host", nil, func(r *http.Request) { r.Host = "127.0.0.1" }, wrong, "we calculated"},
		{"a header twice", nil, func(r *http.Request) { r.Header.Add("X-Amz-Note", "a") }, wrong, "we calculated"},
		{"two signatures", nil, func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, incomplete, "more than one"},
		{"a header that is not signed", nil, header("X-Amz-Other", "a"), wrong, "'X-Amz-Other' must be a 'SignedHeader' in the AWS Authorization."},
		{"a host that is not signed", nil, inAuthorization("host;", ""), wrong, "'Host' or ':authority' must be"},
		{"another region in the scope", nil, inAuthorization("us-east-1", "us-east-2"), wrong, "we calculated"},
		{"no region in the scope", func(s *signer) { s.region = "moon" }, nil, wrong, "Credential should be scoped to a valid region, not 'moon'."},
		{"another service in the scope", nil, inAuthorization("/us-east-1/", "/us-east-1/x"), wrong, ""},
		{"signed for another service", func(s *signer) { s.service = "sts" }, nil, wrong, "Credential should be scoped to correct service: '"},
		{"Signature Version 4a", nil, inAuthorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), incomplete, "Unsupported AWS 'algorithm'"},
		{"a session without its token", func(s *signer) { s.Credentials = sessionKey; s.SessionToken = "" }, nil, unknown, "The security token included in the request is invalid."},
		{"a session with another token", func(s *signer) { s.Credentials = sessionKey; s.SessionToken = "other" }, nil, unknown, "The security token included in the request is invalid."},
		{"a user with a session's token", func(s *signer) { s.SessionToken = sessionKey.SessionToken }, nil, unknown, "The security token included in the request is invalid."},
		{"a session that is over", func(s *signer) { s.Credentials = known("ASIAOVER") }, nil, over, "The security token included in the request is expired"},
		{"an unsigned payload", nil, header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), wrong, ""},
	} {
		for _, c := range calls {
			t.Run(tt.name+"/"+c.name, func(t *testing.T) {
				s := c.signer
				s.Credentials, s.region, s.at = userKey, "us-east-1", time.Now()
				if tt.with != nil {
					tt.with(&s)
				}
				r := c.make()
				r.Header.Set("X-Amz-Note", "a")
				s.sign(t, r)
				if tt.change != nil {
					tt.change(r)
				}
				o := openOffice(t, Options{})
				w := o.answer(r)
				if tt.code == "" {
					if w.Code != http.StatusOK || len(o.calls) != 1 {
						t.Errorf("status %d, %s\n%s", w.Code, w.Body, o.log.String())
					}
					return
				}
				code, status := tt.code, c.status
				if !strings.HasPrefix(c.name, "awsQuery") {
					code = inOtherProtocols[code]
				}
				if tt.code == incomplete {
					status = http.StatusBadRequest
				}
				if body := w.Body.String(); w.Code != status || !strings.Contains(body, code) || !strings.Contains(strings.ReplaceAll(body, "&#39;", "'"), tt.message) {
					t.Errorf("status %d, %s, want %d, %s", w.Code, body, status, code)
				}
				if len(o.calls) > 0 {
					t.Error("the call is made")
				}
				if strings.Contains(w.Body.String(), "Canonical") {
					t.Errorf("the client is told what to sign: %s", w.Body)
				}
			})
		}
	}
}

func TestWhatShouldHaveBeenSignedIsInTheLog(t *testing.T) {
	o := openOffice(t, Options{})
	s := signer{aws.Credentials{AccessKeyID: "AKIAUSER", SecretAccessKey: "other"}, "ecs", "us-east-1", time.Now()}
	o.answer(s.sign(t, calls[0].make()))
	if log := o.log.String(); !strings.Contains(log, "level=DEBUG") || !strings.Contains(log, "The Canonical String for this request should have been") {
		t.Error(log)
	}
}

func TestPresignedURLsOfKnownKeysAreVerified(t *testing.T) {
	query := func() *http.Request { return calls[4].make() }
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	for _, tt := range []struct {
		name    string
		key     aws.Credentials
		at      time.Time
		expires string
		change  func(*http.Request)
		code    string
	}{
		{"in time", userKey, ago(9 * time.Minute), "600", nil, ""},
		{"of a session", sessionKey, ago(0), "600", nil, ""},
		{"replayed when it has expired", userKey, ago(11 * time.Minute), "600", nil, "SignatureDoesNotMatch"},
		{"for more than a week", userKey, ago(0), "604801", nil, "IncompleteSignature"},
		{"made to last longer", userKey, ago(11 * time.Minute), "600", func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Expires=600", "Expires=6000", 1)
		}, "SignatureDoesNotMatch"},
		{"with another parameter", userKey, ago(0), "600", func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Namespace=A", "Namespace=B", 1)
		}, "SignatureDoesNotMatch"},
		{"made a call of another protocol", userKey, ago(0), "600", header("X-Amz-Target", describeServices), "InvalidSignatureException"},
		{"of a session, without its token", sessionKey, ago(0), "600", func(r *http.Request) {
			q := r.URL.Query()
			q.Del("X-Amz-Security-Token")
			r.URL.RawQuery = q.Encode()
		}, "InvalidClientTokenId"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := signer{tt.key, "monitoring", "us-east-1", tt.at}.presign(t, query(), tt.expires)
			if tt.change != nil {
				tt.change(r)
				if r.Method = http.MethodGet; r.Header.Get("X-Amz-Target") != "" {
					r.Method = http.MethodPost
				}
			}
			w := openOffice(t, Options{}).answer(r)
			if tt.code == "" && w.Code != http.StatusOK || tt.code != "" && !strings.Contains(w.Body.String(), tt.code) {
				t.Errorf("status %d, %s, want %q", w.Code, w.Body, tt.code)
			}
		})
	}
}

func TestTheCallerIsKnownToWhoJudgesAndToTheOperation(t *testing.T) {
	for _, tt := range []struct {
		name    string
		key     aws.Credentials
		account string
		caller  *principal.Principal
	}{
		{"a user", userKey, "111122223333", &shop},
		{"a session", sessionKey, "444455556666", &web},
		{"a key that names an account", aws.Credentials{AccessKeyID: "210987654321", SecretAccessKey: "any"}, "210987654321", nil},
		{"a key that nobody has", aws.Credentials{AccessKeyID: "test", SecretAccessKey: "any", SessionToken: "any"}, "000000000000", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := openOffice(t, Options{})
			if w := o.answer(signer{tt.key, "ecs", "eu-west-2", time.Now()}.sign(t, calls[0].make())); w.Code != http.StatusOK {
				t.Fatal(w.Body)
			}
			call := o.calls[0]
			if want := (Scope{Account: tt.account, Region: "eu-west-2", AccessKey: tt.key.AccessKeyID, Service: "ecs"}); call.Scope != want {
				t.Errorf("scope = %+v, want %+v", call.Scope, want)
			}
			p, ok := principal.FromContext(o.ctx)
			if ok != (tt.caller != nil) || (call.Principal != nil) != ok {
				t.Fatalf("caller = %v, %v, %v", p, ok, call.Principal)
			}
			if ok && (p.ARN != tt.caller.ARN || call.Principal.ARN != tt.caller.ARN) {
				t.Errorf("caller = %v and %v, want %v", p, call.Principal, tt.caller)
			}
		})
	}
}

func TestKeysHaveToBeKnownIfThatIsRequired(t *testing.T) {
	for _, c := range calls {
		s := c.signer
		s.Credentials, s.region, s.at = aws.Credentials{AccessKeyID: "210987654321", SecretAccessKey: "any"}, "us-east-1", time.Now()
		o := openOffice(t, Options{Admit: nobody})
		code := "UnrecognizedClientException"
		if strings.HasPrefix(c.name, "awsQuery") {
			code = "InvalidClientTokenId"
		}
		r := c.make()
		r.Header.Set("X-Amzn-Query-Mode", "true")
		r = s.sign(t, r)
		r.Body = unread{t}
		if w := o.answer(r); w.Code != c.status || !strings.Contains(w.Body.String(), code) {
			t.Errorf("%s: status %d, %s", c.name, w.Code, w.Body)
		} else if old := w.Header().Get("X-Amzn-Query-Error"); c.signer.service == "monitoring" && old != "InvalidClientTokenId;Sender" {
			t.Errorf("%s: the code in awsQuery is %q", c.name, old)
		}
		s.Credentials = userKey
		if w := o.answer(s.sign(t, c.make())); w.Code != http.StatusOK {
			t.Errorf("%s of a known key: status %d, %s", c.name, w.Code, w.Body)
		}
	}
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, io.EOF
}

func (u unread) Close() error { return nil }

func TestClientsOfTheSDKWithKnownKeysAreServed(t *testing.T) {
	o := openOffice(t, Options{Admit: nobody})
	server := httptest.NewServer(o)
	defer server.Close()
	config := clientConfig(server.Client())
	config.BaseEndpoint = aws.String(server.URL)
	config.Credentials = credentials.NewStaticCredentialsProvider(sessionKey.AccessKeyID, sessionKey.SecretAccessKey, sessionKey.SessionToken)
	if _, err := ecs.NewFromConfig(config).DescribeServices(context.Background(), &ecs.DescribeServicesInput{Services: []string{"web"}}); err != nil {
		t.Error(err)
	}
	for protocol, opts := range cloudwatchProtocols {
		// Large enough that it is sent packed.
		if _, err := cloudwatch.NewFromConfig(config, opts).PutMetricData(context.Background(), putMetricData(1)); err != nil {
			t.Errorf("%s: %v", protocol, err)
		}
	}
	config.Credentials = credentials.NewStaticCredentialsProvider(sessionKey.AccessKeyID, "other", sessionKey.SessionToken)
	for protocol, opts := range cloudwatchProtocols {
		_, err := cloudwatch.NewFromConfig(config, opts).PutMetricData(context.Background(), putMetricData(1))
		// Clients of services that once spoke awsQuery are told its codes.
		const code = "SignatureDoesNotMatch"
		if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != code {
			t.Errorf("%s: %v, want %s", protocol, err, code)
		}
	}
}

func TestAStreamOfAKnownKeyIsVerifiedBeforeItIsTaken(t *testing.T) {
	var heard []string
	g := &gramophone{take: func(r io.Reader) error {
		b, err := io.ReadAll(r)
		heard = append(heard, string(b))
		return err
	}}
	h, err := NewHandler(Options{Log: slog.New(slog.DiscardHandler), Credentials: keyring}, serve(Service{
		name: "gramophone", target: "Gramophone", protocols: []Protocol{AWSJSON11},
	}, always(g)))
	if err != nil {
		t.Fatal(err)
	}
	record := func() *http.Request {
		return signer{userKey, "gramophone", "us-east-1", time.Now()}.sign(t, jsonCall("Gramophone.GetMetricWidgetImage", "a song").unsigned())
	}
	for range 2 {
		h.ServeHTTP(httptest.NewRecorder(), record())
	}
	forged := record()
	forged.Body = io.NopCloser(strings.NewReader("another"))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, forged)
	if !slices.Equal(heard, []string{"a song", "a song"}) || w.Code != http.StatusBadRequest {
		t.Errorf("heard %q, status %d", heard, w.Code)
	}
}

// BenchmarkCaller is a small call as a server meets it. The difference between the
// two is what verification costs.
func BenchmarkCaller(b *testing.B) {
	h, err := NewHandler(Options{Log: slog.New(slog.DiscardHandler), Credentials: keyring}, ECS(always(new(fakeECS))))
	if err != nil {
		b.Fatal(err)
	}
	for name, key := range map[string]aws.Credentials{"unknown": {AccessKeyID: "test", SecretAccessKey: "test"}, "known": userKey} {
		r := signer{key, "ecs", "us-east-1", time.Now()}.sign(b, calls[0].make())
		body := bodyOf(b, r)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(bytes.NewReader(body))
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
