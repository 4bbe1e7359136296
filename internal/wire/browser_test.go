package wire

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The headers that browsers send with what a page at http://evil.example can have them send:
// to loopback addresses, which they trust, and to a name without TLS, which they do not and
// tell nothing but where the page has them tell it.
var (
	chromeTrusted = map[string]string{
		"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Sec-Ch-Ua":  `"Chromium";v="142", "Not_A Brand";v="99"`, "Sec-Fetch-Site": "cross-site", "Accept-Encoding": "gzip, deflate, br, zstd",
	}
	firefoxTrusted = map[string]string{
		"User-Agent":     "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
		"Sec-Fetch-Site": "cross-site", "Priority": "u=5", "Accept-Encoding": "gzip, deflate, br, zstd",
	}
	plainName = map[string]string{"User-Agent": "Mozilla/5.0", "Accept-Encoding": "gzip, deflate"}
	safariOld = map[string]string{"User-Agent": "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/15.6 Safari/605.1.15"}
)

// forged is a query that claims to be signed with a key of whoever wrote it.
func forged(more string) string {
	at := time.Now().UTC().Format("20060102T150405Z")
	return "/?" + more + "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F" + at[:8] + "%2Fus-east-1%2Fmonitoring%2Faws4_request&X-Amz-Date=" +
		at + "&X-Amz-SignedHeaders=host&X-Amz-Signature=" + strings.Repeat("0", 64)
}

func TestNoPageInABrowserCallsTheServer(t *testing.T) {
	const put = "Action=PutMetricData&Version=2010-08-01&Namespace=A&MetricData.member.1.MetricName=M&MetricData.member.1.Value=1"
	signed := fmt.Sprintf(testAuthorization, "monitoring")
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
	for _, tt := range []struct {
		name, method, host, target, body string
		browser, header                  map[string]string
	}{
		{"an image, to loopback", "GET", "127.0.0.1:4566", forged(put), "", chromeTrusted, map[string]string{"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}},
		{"an image, to a name", "GET", "flyball.test:4566", forged(put), "", plainName, map[string]string{"Referer": "http://evil.example/"}},
		{"an image without a Referer, to a name", "GET", "flyball.test:4566", forged(put), "", plainName, nil},
		{"an image without a Referer, to the bridge", "GET", "172.17.0.1:4566", forged(put), "", plainName, nil},
		{"an image, in an old browser", "GET", "127.0.0.1:4566", forged(put), "", safariOld, nil},
		{"a link that is followed", "GET", "127.0.0.1:4566", forged(put), "", firefoxTrusted, map[string]string{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}},
		{"a link that is typed", "GET", "127.0.0.1:4566", forged(put), "", nil, map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}},
		{"a form, to loopback", "POST", "localhost:4566", forged("x=y"), put, chromeTrusted, with(form, "Origin", "http://evil.example")},
		{"a form of a page that hides", "POST", "localhost:4566", forged("x=y"), put, firefoxTrusted, with(form, "Origin", "null")},
		{"a form, to a name", "POST", "flyball.test:4566", forged("x=y"), put, plainName, with(form, "Origin", "http://evil.example")},
		{"a form, in a browser that names no origin", "POST", "flyball.test:4566", forged("x=y"), put, safariOld, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
		{"a form without a signature", "POST", "localhost:4566", "/", put, safariOld, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
		{"text, by a script", "POST", "localhost:4566", forged("x=y"), put, chromeTrusted, map[string]string{"Content-Type": "text/plain;charset=UTF-8", "Origin": "http://evil.example", "Sec-Fetch-Mode": "no-cors"}},
		{"a beacon", "POST", "flyball.test:4566", forged("x=y"), put, plainName, map[string]string{"Content-Type": "text/plain;charset=UTF-8", "Origin": "http://evil.example"}},
		{"a page of this machine at another port", "POST", "localhost:4566", "/", put, chromeTrusted, map[string]string{"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site", "Authorization": signed}},
		{"a name that was made to lead here", "POST", "evil.example:4566", "/", put, chromeTrusted, map[string]string{"Origin": "http://evil.example:4566", "Sec-Fetch-Site": "same-origin", "Authorization": signed}},
		{"a question whether it may", "OPTIONS", "localhost:4566", "/", "", chromeTrusted, map[string]string{
			"Origin": "http://evil.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,x-amz-target", "Access-Control-Request-Private-Network": "true",
		}},
		{"a WebSocket", "GET", "flyball.test:4566", forged(put), "", plainName, map[string]string{
			"Origin": "http://evil.example", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := new(fakeCloudWatch)
			h, err := NewHandler(Options{Hosts: []string{"flyball.test", "172.17.0.1"}}, CloudWatch(always(f)))
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(tt.method, "http://"+tt.host+tt.target, strings.NewReader(tt.body))
			for _, headers := range []map[string]string{tt.browser, tt.header} {
				for name, value := range headers {
					r.Header.Set(name, value)
				}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code < 400 || f.data != nil {
				t.Errorf("answer %d %s, and the service was called with %v", w.Code, w.Body, f.data)
			}
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s is set", name)
				}
			}
		})
	}
}

func with(headers map[string]string, name, value string) map[string]string {
	all := maps.Clone(headers)
	all[name] = value
	return all
}

func TestASignedURLIsACallOfWhoeverHasTheKey(t *testing.T) {
	r := signer{userKey, "monitoring", "us-east-1", time.Now()}.presign(t, calls[4].make(), "600")
	r.Header.Set("Sec-Fetch-Site", "none")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	if w := openOffice(t, Options{}).answer(r); w.Code != http.StatusOK {
		t.Errorf("status %d %s", w.Code, w.Body)
	}
}
