package signature

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

// A drawn request is one that some client may make.
type drawn struct {
	request     *http.Request
	body        []byte
	credentials aws.Credentials
	region      string
	service     string
	at          time.Time
}

func draw(t *rapid.T) drawn {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aZ09-_.~/ +=&?%;:@!*'(),$#[]\"<>\\^`{|}é語")), 0, 12, -1)
	d := drawn{
		body:    rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "body"),
		region:  rapid.SampledFrom([]string{"us-east-1", "eu-west-2", "us-gov-west-1"}).Draw(t, "region"),
		service: rapid.SampledFrom([]string{"ecs", "monitoring", "application-autoscaling", "sts"}).Draw(t, "service"),
		at:      time.Unix(rapid.Int64Range(1_600_000_000, 1_900_000_000).Draw(t, "time"), 0).UTC(),
		credentials: aws.Credentials{
			AccessKeyID:     "AKIAIOSFODNN7EXAMPLE",
			SecretAccessKey: rapid.StringMatching(`[A-Za-z0-9/+]{1,40}`).Draw(t, "secret"),
			SessionToken:    rapid.StringMatching(`([A-Za-z0-9/+=]{8,60})?`).Draw(t, "token"),
		},
	}
	u := url.URL{Scheme: "http", Host: "localhost:4566"}
	for _, segment := range rapid.SliceOfN(text, 0, 4).Draw(t, "path") {
		u.Path += "/" + segment
		u.RawPath += "/" + url.PathEscape(segment)
	}
	q := url.Values{}
	for range rapid.IntRange(0, 5).Draw(t, "parameters") {
		q.Add(text.Draw(t, "name"), text.Draw(t, "value"))
	}
	u.RawQuery = q.Encode()
	d.request, _ = http.NewRequest(rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE"}).Draw(t, "method"), u.String(), bytes.NewReader(d.body))
	for range rapid.IntRange(0, 4).Draw(t, "headers") {
		name := rapid.SampledFrom([]string{"Content-Type", "X-Amz-Target", "X-Amz-Meta-Note", "Smithy-Protocol", "Amz-Sdk-Request", "Zebra"}).Draw(t, "header")
		d.request.Header.Add(name, rapid.StringMatching(`[ \t]{0,3}[!-~]{0,6}( {0,3}[!-~é]{1,6}){0,3}[ \t]{0,2}`).Draw(t, "content"))
	}
	if rapid.Bool().Draw(t, "says its hash") {
		d.request.Header.Set("X-Amz-Content-Sha256", hash(d.body))
	}
	return d
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// sign signs the request in its header.
func (d *drawn) sign() error {
	return v4.NewSigner().SignHTTP(context.Background(), d.credentials, d.request, hash(d.body), d.service, d.region, d.at)
}

// presign signs the request in its URL.
func (d *drawn) presign(valid time.Duration) error {
	q := d.request.URL.Query()
	q.Set("X-Amz-Expires", strconv.Itoa(int(valid/time.Second)))
	d.request.URL.RawQuery = q.Encode()
	signed, header, err := v4.NewSigner().PresignHTTP(context.Background(), d.credentials, d.request, hash(d.body), d.service, d.region, d.at)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(d.request.Method, signed, bytes.NewReader(d.body))
	if err != nil {
		return err
	}
	r.Header = header
	r.Header.Del("Host")
	d.request = r
	return nil
}

// arrive is the request as a server reads it.
func (d *drawn) arrive() (*http.Request, error) {
	var wire bytes.Buffer
	d.request.Header.Set("User-Agent", "test")
	if err := d.request.Write(&wire); err != nil {
		return nil, err
	}
	return http.ReadRequest(bufio.NewReader(&wire))
}

func (d *drawn) credential() Credential {
	return Credential{Secret: d.credentials.SecretAccessKey, SessionToken: d.credentials.SessionToken, Active: true}
}

// verify does all that a server does.
func verify(r *http.Request, body []byte, credential Credential, now time.Time) error {
	claim, err := Parse(r)
	if err != nil {
		return err
	}
	check, err := new(Verifier).Begin(r, claim, credential, now)
	if err != nil {
		return err
	}
	return check.Finish(body)
}

func explain(err error) string {
	if e, ok := err.(*Error); ok {
		return fmt.Sprintf("%s\n%s", e.Message, e.Detail)
	}
	return fmt.Sprint(err)
}

func TestWhatTheSDKSignsIsVerified(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		if err := d.sign(); err != nil {
			t.Skip(err)
		}
		r, err := d.arrive()
		if err != nil {
			t.Skip(err)
		}
		now := d.at.Add(time.Duration(rapid.IntRange(-300, 300).Draw(t, "skew")) * time.Second)
		if err := verify(r, d.body, d.credential(), now); err != nil {
			t.Fatalf("%s %s: %s", r.Method, r.RequestURI, explain(err))
		}
	})
}

func TestWhatTheSDKPresignsIsVerified(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		valid := time.Duration(rapid.IntRange(1, 604_800).Draw(t, "valid")) * time.Second
		if err := d.presign(valid); err != nil {
			t.Skip(err)
		}
		r, err := d.arrive()
		if err != nil {
			t.Skip(err)
		}
		now := d.at.Add(time.Duration(rapid.Int64Range(int64(-5*time.Minute), int64(valid)).Draw(t, "age")))
		if err := verify(r, d.body, d.credential(), now); err != nil {
			t.Fatalf("%s %s: %s", r.Method, r.RequestURI, explain(err))
		}
		if err, ok := verify(r, d.body, d.credential(), d.at.Add(valid+time.Second)).(*Error); !ok || err.Reason != Expired {
			t.Fatalf("after it has expired: %v", err)
		}
	})
}

// Whatever is changed in what was signed, the signature is no longer right.
func TestWhatIsChangedIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		d.request.Header.Set("X-Amz-Target", "A.B")
		sign := d.sign
		if rapid.Bool().Draw(t, "presigned") {
			sign = func() error { return d.presign(time.Hour) }
		}
		if err := sign(); err != nil {
			t.Skip(err)
		}
		r, err := d.arrive()
		if err != nil {
			t.Skip(err)
		}
		credential, body := d.credential(), d.body
		switch change := rapid.SampledFrom([]string{"method", "path", "query", "host", "header", "new header", "body", "secret", "token", "signature"}).Draw(t, "change"); change {
		case "method":
			r.Method = "PATCH"
		case "path":
			r.URL.Path, r.URL.RawPath = r.URL.Path+"x", ""
		case "query":
			r.URL.RawQuery += "&a=1"
		case "host":
			r.Host = "localhost:4567"
		case "header":
			r.Header.Set("X-Amz-Target", "A.C")
		case "new header":
			r.Header.Set("X-Amz-Invented", "1")
		case "body":
			body = append(bytes.Clone(body), 0)
		case "secret":
			credential.Secret += "x"
		case "token":
			credential.SessionToken += "x"
		case "signature":
			last := len(d.request.URL.RawQuery) - 1
			if auth := r.Header.Get("Authorization"); auth != "" {
				r.Header.Set("Authorization", auth[:len(auth)-1]+other(auth[len(auth)-1]))
			} else {
				r.URL.RawQuery = r.URL.RawQuery[:last] + other(r.URL.RawQuery[last])
			}
		}
		if err := verify(r, body, credential, d.at); err == nil {
			t.Fatalf("%s %s is accepted", r.Method, r.URL)
		}
	})
}

func other(digit byte) string {
	if digit == '0' {
		return "1"
	}
	return "0"
}

func TestWhiteSpaceIsFoldedAsEachClientDoes(t *testing.T) {
	for _, tt := range []struct {
		value      string
		java, goes string // what the SDKs for Java and Go sign
	}{
		{"a", "a", "a"},
		{"  a   b  ", "a b", "a b"},
		{"a\tb", "a b", "a\tb"},
		{"a \t b", "a b", "a \t b"},
		{"\t a \t", "a", "a"},
		{`"a   b"`, `"a b"`, `"a b"`},
		{"", "", ""},
	} {
		if got := string(appendFolded(nil, tt.value, forms[0])); got != tt.java {
			t.Errorf("%q: %q, want %q", tt.value, got, tt.java)
		}
		if got := string(appendFolded(nil, tt.value, forms[1])); got != tt.goes {
			t.Errorf("%q as it was sent: %q, want %q", tt.value, got, tt.goes)
		}
	}
}

func TestPathsAreEncodedTwice(t *testing.T) {
	for path, want := range map[string]string{
		"":                  "/",
		"/":                 "/",
		"/a/b":              "/a/b",
		"/a/b/":             "/a/b/",
		"/a%20b":            "/a%2520b",
		"/a+b:c@d=e":        "/a%2Bb%3Ac%40d%3De",
		"/a%2Fb":            "/a%252Fb",
		"/~a_b-c.d":         "/~a_b-c.d",
		"//a///b":           "/a/b",
		"/a/./b/../c":       "/a/c",
		"/../..":            "/",
		"/a/..":             "/",
		"/" + "a/../" + "b": "/b",
	} {
		if got := string(appendPath(nil, path, forms[0])); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
		if got := string(appendPath(nil, path, forms[1])); strings.Contains(path, "..") && !strings.Contains(got, "..") {
			t.Errorf("%q as it was sent: %q", path, got)
		}
	}
}
