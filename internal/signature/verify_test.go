package signature

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var (
	noon   = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	known  = Credential{Secret: "s3cr3t", Active: true}
	client = aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "s3cr3t"}
)

// signed is a request that the SDK has signed at noon.
func signed(t testing.TB, credentials aws.Credentials, prepare ...func(*http.Request)) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://localhost:4566/", nil)
	for _, p := range prepare {
		p(r)
	}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, r, hash(nil), "ecs", "us-east-1", noon); err != nil {
		t.Fatal(err)
	}
	return r
}

// presigned is a URL that the SDK has signed at noon.
func presigned(t testing.TB, credentials aws.Credentials, expires string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://localhost:4566/?Action=GetCallerIdentity", nil)
	if expires != "" {
		r.URL.RawQuery += "&X-Amz-Expires=" + url.QueryEscape(expires)
	}
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), credentials, r, hash(nil), "sts", "us-east-1", noon)
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewRequest(http.MethodGet, signed, nil)
}

// rewrite changes the Authorization header.
func rewrite(r *http.Request, old, new string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
}

func TestRefusals(t *testing.T) {
	session := aws.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "s3cr3t", SessionToken: "token"}
	ours := Credential{Secret: "s3cr3t", SessionToken: "token", Expires: noon.Add(time.Hour), Active: true}
	change := func(f func(*http.Request)) *http.Request {
		r := signed(t, client, func(r *http.Request) { r.Header.Set("X-Amz-Target", "A.B") })
		f(r)
		return r
	}
	for _, tt := range []struct {
		name       string
		request    *http.Request
		credential Credential
		now        time.Time
		reason     Reason
		message    string
	}{
		{"no signature", httptest.NewRequest("GET", "/", nil), known, noon, MissingToken, "Request is missing Authentication Token"},
		{"another kind of Authorization", change(func(r *http.Request) { r.Header.Set("Authorization", "Basic YTpi") }), known, noon, MissingToken, "Request is missing Authentication Token"},
		{"nothing but an algorithm", change(func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256") }), known, noon, Incomplete,
			"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter."},
		{"no signed headers", change(func(r *http.Request) { rewrite(r, "SignedHeaders", "Headers") }), known, noon, Incomplete, "Authorization header requires 'SignedHeaders' parameter."},
		{"two Authorization headers", change(func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }), known, noon, Incomplete, "The request has more than one Authorization header."},
		{"half a scope", change(func(r *http.Request) { rewrite(r, "/us-east-1/ecs", "") }), known, noon, Incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIAIOSFODNN7EXAMPLE/20261121/aws4_request'"},
		{"no region", change(func(r *http.Request) { rewrite(r, "/us-east-1", "") }), known, noon, Incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term"},
		{"empty region", change(func(r *http.Request) { rewrite(r, "/us-east-1/", "//") }), known, noon, WrongScope, "Credential should be scoped to a valid region, not ''."},
		{"another terminator", change(func(r *http.Request) { rewrite(r, "aws4_request", "aws5_request") }), known, noon, WrongScope, "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."},
		{"no date", change(func(r *http.Request) { r.Header.Del("X-Amz-Date") }), known, noon, Incomplete, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		{"a date of no form", change(func(r *http.Request) { r.Header.Set("X-Amz-Date", "2026-11-21T12:00:00Z") }), known, noon, Incomplete, "Date must be in ISO-8601 'basic format'. Got '2026-11-21T12:00:00Z'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"another date than that of the scope", change(func(r *http.Request) { r.Header.Set("X-Amz-Date", "20261120T235959Z") }), known, noon, WrongScope,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261121' != '20261120', from '20261120T235959Z'."},
		{"another algorithm", change(func(r *http.Request) { rewrite(r, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1") }), known, noon, Incomplete, "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'."},
		{"Signature Version 4a", change(func(r *http.Request) {
			rewrite(r, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")
			rewrite(r, "/us-east-1", "")
		}), known, noon, Incomplete, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."},

		{"five minutes ago", signed(t, client), known, noon.Add(5 * time.Minute), 0, ""},
		{"longer ago", signed(t, client), known, noon.Add(5*time.Minute + time.Second), Expired, "Signature expired: 20261121T120000Z is now earlier than 20261121T120001Z (20261121T120501Z - 5 min.)"},
		{"in five minutes", signed(t, client), known, noon.Add(-5 * time.Minute), 0, ""},
		{"later", signed(t, client), known, noon.Add(-5*time.Minute - time.Second), NotYetCurrent, "Signature not yet current: 20261121T120000Z is still later than 20261121T115959Z (20261121T115459Z + 5 min.)"},

		{"host is not signed", change(func(r *http.Request) { rewrite(r, "host;", "") }), known, noon, Mismatch, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"an x-amz header is not signed", change(func(r *http.Request) { rewrite(r, ";x-amz-target", "") }), known, noon, Mismatch, "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."},
		{"an empty name among the signed headers", change(func(r *http.Request) { rewrite(r, "host;", "host;;") }), known, noon, Incomplete, "SignedHeaders must be names of headers, separated by semicolons, not 'host;;x-amz-date;x-amz-target'."},
		{"a signed header is sent twice", change(func(r *http.Request) { r.Header.Add("X-Amz-Target", "A.B") }), known, noon, Mismatch, "The request signature we calculated"},
		{"a signed header is missing", change(func(r *http.Request) { r.Header.Del("X-Amz-Target") }), known, noon, Mismatch, "The request signature we calculated"},
		{"the date is sent twice", change(func(r *http.Request) { r.Header.Add("X-Amz-Date", "20261121T120000Z") }), known, noon, Mismatch, "The request signature we calculated"},
		{"another region", change(func(r *http.Request) { rewrite(r, "us-east-1", "us-east-2") }), known, noon, Mismatch, "The request signature we calculated"},
		{"another service", change(func(r *http.Request) { rewrite(r, "/ecs/", "/sts/") }), known, noon, Mismatch, "The request signature we calculated"},
		{"another key's secret", signed(t, client), Credential{Secret: "other", Active: true}, noon, Mismatch, "The request signature we calculated"},
		{"the hash of another body", signed(t, client, func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", hash([]byte("x"))) }), known, noon, Mismatch, "The request signature we calculated"},
		{"a body that is not signed", signed(t, client, func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }), known, noon, Mismatch, "The body of the request must be signed"},
		{"a body in signed parts", signed(t, client, func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") }), known, noon, Mismatch, "The body of the request must be signed"},

		{"an inactive key", signed(t, client), Credential{Secret: "s3cr3t"}, noon, InvalidToken, "The security token included in the request is invalid."},
		{"a session", signed(t, session), ours, noon, 0, ""},
		{"a session without its token", signed(t, client), ours, noon, InvalidToken, "The security token included in the request is invalid."},
		{"a session with another token", signed(t, aws.Credentials{AccessKeyID: "A", SecretAccessKey: "s3cr3t", SessionToken: "other"}), ours, noon, InvalidToken, "The security token included in the request is invalid."},
		{"a user's key with a token", signed(t, session), known, noon, InvalidToken, "The security token included in the request is invalid."},
		{"a session that is over", signed(t, session), Credential{Secret: "s3cr3t", SessionToken: "token", Expires: noon, Active: true}, noon, ExpiredToken, "The security token included in the request is expired"},
		{"a session's token that is not signed", change(func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "token") }), ours, noon, Mismatch, "'X-Amz-Security-Token' must be"},

		{"a presigned URL", presigned(t, client, "60"), known, noon.Add(time.Minute), 0, ""},
		{"a presigned URL of a session", presigned(t, session, "60"), ours, noon, 0, ""},
		{"a presigned URL of another session", presigned(t, session, "60"), known, noon, InvalidToken, "The security token"},
		{"a presigned URL that is over", presigned(t, client, "90"), known, noon.Add(91 * time.Second), Expired, "Signature expired: 20261121T120000Z is now earlier than 20261121T120001Z (20261121T120131Z - 90 sec.)"},
		{"a presigned URL for a week", presigned(t, client, "604800"), known, noon.Add(7 * 24 * time.Hour), 0, ""},
		{"a presigned URL for more than a week", presigned(t, client, "604801"), known, noon, Incomplete, "X-Amz-Expires must be a number of seconds between 1 and 604800, not '604801'."},
		{"a presigned URL for no time", presigned(t, client, "0"), known, noon, Incomplete, "X-Amz-Expires must be"},
		{"a presigned URL for less than that", presigned(t, client, "-1"), known, noon, Incomplete, "X-Amz-Expires must be"},
		{"a presigned URL for something", presigned(t, client, "1e3"), known, noon, Incomplete, "X-Amz-Expires must be"},
		{"a presigned URL that does not say how long", presigned(t, client, ""), known, noon.Add(5 * time.Minute), 0, ""},
		{"the same after five minutes", presigned(t, client, ""), known, noon.Add(6 * time.Minute), Expired, "Signature expired"},
		{"a presigned URL without its parameters", httptest.NewRequest("GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", nil), known, noon, Incomplete, "AWS query-string parameters must include 'X-Amz-Credential'. Re-examine the query-string parameters."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := verify(tt.request, nil, tt.credential, tt.now)
			if tt.reason == 0 {
				if err != nil {
					t.Error(explain(err))
				}
				return
			}
			if e, ok := err.(*Error); !ok || e.Reason != tt.reason || !strings.HasPrefix(e.Message, tt.message) {
				t.Errorf("err = %v, want reason %d: %s", explain(err), tt.reason, tt.message)
			}
		})
	}
}

func TestADateHeaderStandsInForXAmzDate(t *testing.T) {
	for _, date := range []string{"Sat, 21 Nov 2026 12:00:00 GMT", "20261121T120000Z"} {
		r := signed(t, client)
		r.Header.Del("X-Amz-Date")
		r.Header.Set("Date", date)
		rewrite(r, "host;x-amz-date", "date;host")
		claim, err := Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		check, err := new(Verifier).Begin(r, claim, known, noon)
		if err != nil {
			t.Fatal(err)
		}
		key, _ := check.verifier.keys.find(derivedFrom{"s3cr3t", "20261121", "us-east-1", "ecs"})
		check.request.payload = hash(nil)
		rewrite(r, claim.Signature, check.sign(key, forms[0]))
		if err := verify(r, nil, known, noon); err != nil {
			t.Errorf("%s: %s", date, explain(err))
		}
	}
}

func TestOnlyKeysThatHaveVerifiedAreKept(t *testing.T) {
	v := new(Verifier)
	try := func(region string, credential Credential) error {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		if err := v4.NewSigner().SignHTTP(context.Background(), client, r, hash(nil), "ecs", region, noon); err != nil {
			t.Fatal(err)
		}
		claim, _ := Parse(r)
		check, err := v.Begin(r, claim, credential, noon)
		if err != nil {
			t.Fatal(err)
		}
		return check.Finish(nil)
	}
	if err := try("us-east-1", Credential{Secret: "other", Active: true}); err == nil || len(v.keys.kept) != 0 {
		t.Errorf("%v, and %d keys are kept", err, len(v.keys.kept))
	}
	for i := range mostKeys + 10 {
		if err := try(fmt.Sprintf("xx-east-%d", i), known); err != nil {
			t.Fatal(err)
		}
		if len(v.keys.kept) > mostKeys {
			t.Fatalf("%d keys are kept", len(v.keys.kept))
		}
	}
	if err := try("xx-east-1", known); err != nil {
		t.Error(err)
	}
}

// Whatever is claimed, it is refused or it is in the request, and what is refused
// is printable.
func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=A/20261121/us-east-1/ecs/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "", "20261121T120000Z")
	f.Add("AWS4-ECDSA-P256-SHA256 Credential=A/20261121/ecs/aws4_request,SignedHeaders=host,Signature=00", "", "20261121T120000Z")
	f.Add("", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20261121%2Fus-east-1%2Fecs%2Faws4_request&X-Amz-SignedHeaders=host&X-Amz-Signature=00&X-Amz-Date=20261121T120000Z&X-Amz-Expires=60", "")
	f.Add("AWS4-", "a=%zz&=&;+%20&a=b", "\xff")
	verifier := new(Verifier)
	f.Fuzz(func(t *testing.T, authorization, rawQuery, date string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawQuery = rawQuery
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		claim, err := Parse(r)
		if err == nil {
			if claim.AccessKey == "" || claim.Headers == "" || claim.Signature == "" {
				t.Fatalf("claim = %+v", claim)
			}
			var check *Check
			if check, err = verifier.Begin(r, claim, known, noon); err == nil {
				err = check.Finish(nil)
			}
		}
		e, ok := err.(*Error)
		if !ok || e.Reason == 0 {
			t.Fatalf("err = %v", err)
		}
		if strings.ContainsFunc(e.Message, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Fatalf("message = %q", e.Message)
		}
	})
}

// A canonical query is its own canonical query: encoding loses nothing.
func FuzzQuery(f *testing.F) {
	f.Add("b=2&a=1&a=0&c")
	f.Add("a%2Fb=c+d&a-b=%20&=&%zz=%")
	f.Fuzz(func(t *testing.T, raw string) {
		once := parameters(raw).appendCanonical(nil)
		if twice := parameters(string(once)).appendCanonical(nil); !bytes.Equal(once, twice) {
			t.Fatalf("%q became %q", once, twice)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	r := signed(b, client, func(r *http.Request) {
		r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeServices")
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	})
	claim, err := Parse(r)
	if err != nil {
		b.Fatal(err)
	}
	v := new(Verifier)
	b.ReportAllocs()
	for b.Loop() {
		check, err := v.Begin(r, claim, known, noon)
		if err != nil {
			b.Fatal(err)
		}
		if err := check.Finish(nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	r := signed(b, client)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(r); err != nil {
			b.Fatal(err)
		}
	}
}
