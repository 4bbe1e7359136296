package wire

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const signedQuery = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261121%2Fus-east-1%2Fmonitoring%2Faws4_request&X-Amz-SignedHeaders=host&X-Amz-Signature=00"

func TestForeignersAreRefusedBeforeAnythingIsParsed(t *testing.T) {
	h, err := NewHandler(Options{Hosts: []string{"host.docker.internal", "172.17.0.1", "*.localhost"}}, ECS(always(new(fakeECS))), CloudWatch(always(new(fakeCloudWatch))))
	if err != nil {
		t.Fatal(err)
	}
	signed := fmt.Sprintf(testAuthorization, "ecs")
	for _, tt := range []struct {
		name   string
		url    string
		header map[string]string
		want   int
		code   string
	}{
		{"loopback address", "http://127.0.0.1:4566/", nil, 400, "not valid JSON"},
		{"another loopback address", "http://127.3.2.1:4566/", nil, 400, "not valid JSON"},
		{"IPv6 loopback", "http://[::1]:4566/", nil, 400, "not valid JSON"},
		{"localhost", "http://LocalHost/", nil, 400, "not valid JSON"},
		{"configured name", "http://host.docker.internal:4566/", nil, 400, "not valid JSON"},
		{"configured address", "http://172.17.0.1:4566/", nil, 400, "not valid JSON"},
		{"name under a configured one", "http://ecs.localhost:4566/", nil, 400, "not valid JSON"},
		{"unknown name", "http://evil.example/", nil, 403, "AccessDeniedException"},
		{"name that ends like a configured one", "http://evil-localhost/", nil, 403, "AccessDeniedException"},
		{"bare suffix of a configured one", "http://.localhost/", nil, 403, "AccessDeniedException"},
		{"address that resembles loopback", "http://127.0.0.1.evil.example/", nil, 403, "AccessDeniedException"},
		{"another address", "http://10.0.0.1:4566/", nil, 403, "AccessDeniedException"},

		{"own origin", "http://localhost:4566/", map[string]string{"Origin": "http://localhost:4566"}, 400, "not valid JSON"},
		{"foreign origin", "http://localhost:4566/", map[string]string{"Origin": "https://evil.example"}, 403, "AccessDeniedException"},
		{"own name at another port", "http://localhost:4566/", map[string]string{"Origin": "http://localhost:3000"}, 403, "AccessDeniedException"},
		{"origin that hides", "http://localhost:4566/", map[string]string{"Origin": "null"}, 403, "AccessDeniedException"},
		{"cross-site without an origin", "http://localhost:4566/", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "AccessDeniedException"},

		{"no Authorization", "http://localhost/", map[string]string{"Authorization": ""}, 403, "MissingAuthenticationTokenException"},
		{"another kind of Authorization", "http://localhost/", map[string]string{"Authorization": "Basic YTpi"}, 403, "MissingAuthenticationTokenException"},
		{"no credential", "http://localhost/", map[string]string{"Authorization": "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00"}, 400, "IncompleteSignatureException"},
		{"no signature", "http://localhost/", map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=A/B/C/ecs/aws4_request"}, 400, "IncompleteSignatureException"},
		{"half a scope", "http://localhost/", map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=A/B/aws4_request,SignedHeaders=host,Signature=00"}, 400, "IncompleteSignatureException"},
		{"without spaces", "http://localhost/", map[string]string{"Authorization": strings.ReplaceAll(signed, ", ", ",")}, 400, "not valid JSON"},
		{"scope without a region", "http://localhost/", map[string]string{"Authorization": "AWS4-ECDSA-P256-SHA256 Credential=A/20261121/ecs/aws4_request, SignedHeaders=host, Signature=00"}, 400, "not valid JSON"},

		{"signed URL with a key of anybody's", "http://localhost/" + signedQuery, map[string]string{"Authorization": ""}, 400, "UnrecognizedClientException"},
		{"form in an old browser's page", "http://localhost/" + signedQuery, map[string]string{"Authorization": "", "Referer": "https://evil.example/"}, 403, "AccessDeniedException"},
		{"signed URL that a browser opens", "http://localhost/" + signedQuery, map[string]string{"Authorization": "", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}, 400, "UnrecognizedClientException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, tt.url, strings.NewReader("{{{"))
			r.Header.Set("Authorization", signed)
			r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeServices")
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.want || !strings.Contains(w.Body.String(), tt.code) {
				t.Errorf("answer = %d %s, want %d %s", w.Code, w.Body, tt.want, tt.code)
			}
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s is set", name)
				}
			}
		})
	}
}

func TestARefusalIsInTheLanguageOfTheClient(t *testing.T) {
	s := newTestServer(t)
	for name, tt := range map[string]struct {
		call request
		want string
	}{
		"awsJson":   {request{service: "-", header: map[string]string{"X-Amz-Target": "A.B"}}, `{"__type":"MissingAuthenticationTokenException","message":"Request is missing Authentication Token"}`},
		"rpcv2Cbor": {request{service: "-", header: map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}}, "\xbf\x66__type\x78\x3ccom.amazon.coral.service#MissingAuthenticationTokenException"},
		"awsQuery":  {request{service: "-"}, "<Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code>"},
		"a browser": {request{service: "-", method: http.MethodGet, path: "/favicon.ico"}, "<Code>MissingAuthenticationToken</Code>"},
	} {
		status, _, body := s.send(t, tt.call)
		if status != 403 || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestGuardLetsLinksThrough(t *testing.T) {
	guarded := Guard([]string{"flyball.test"}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	for _, tt := range []struct {
		name, method, host string
		header             map[string]string
		want               int
	}{
		{"a program", "GET", "127.0.0.1:4566", nil, 204},
		{"a configured name", "GET", "flyball.test", nil, 204},
		{"an unknown name", "GET", "evil.example", nil, 403},
		{"the page's own script", "POST", "localhost:4566", map[string]string{"Origin": "http://localhost:4566", "Sec-Fetch-Site": "same-origin"}, 204},
		{"a link from elsewhere", "GET", "localhost:4566", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 204},
		{"a form from elsewhere", "POST", "localhost:4566", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403},
		{"a script from elsewhere", "GET", "localhost:4566", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, 403},
	} {
		r := httptest.NewRequest(tt.method, "/console/", nil)
		r.Host = tt.host
		for k, v := range tt.header {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, w.Code, tt.want)
		}
	}
}

// Calls of restJson1 that are not signed are told by their paths.
func TestARefusalWithoutASignatureIsInTheLanguageOfThePath(t *testing.T) {
	s := newTestServer(t)
	for path, typ := range map[string]string{
		"/2015-03-31/functions":  "application/json",
		"/schedules/a":           "application/json",
		"/schedule-groups":       "application/json",
		"/tags/arn":              "application/json",
		"/":                      "text/xml",
		"/210987654321/a-queue":  "text/xml",
		"/2015-03-31":            "text/xml",
		"/20150331-is-not-a-day": "text/xml",
	} {
		if status, header, _ := s.send(t, request{service: "-", method: http.MethodGet, path: path}); status != 403 || header.Get("Content-Type") != typ {
			t.Errorf("%s: %d in %s, want %s", path, status, header.Get("Content-Type"), typ)
		}
	}
}
