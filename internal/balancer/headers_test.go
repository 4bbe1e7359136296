package balancer

import (
	"crypto/tls"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"flyball/internal/balancer/http1"
)

// fieldsOf reads lines as fields.
func fieldsOf(lines ...string) (fields []http1.Field) {
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		fields = append(fields, http1.NewField(name, value))
	}
	return fields
}

func linesOf(fields []http1.Field) (lines []string) {
	for _, f := range fields {
		lines = append(lines, f.Name+": "+f.Value)
	}
	return lines
}

func TestHeadersToTargets(t *testing.T) {
	const host, proto, port = "Host: example.com", "X-Forwarded-Proto: http", "X-Forwarded-Port: 8080"
	for name, c := range map[string]struct {
		settings settings
		host     string
		in       []string
		want     []string
	}{
		"the client's address": {settings{}, "example.com", nil,
			[]string{host, "X-Forwarded-For: 127.0.0.1", proto, port}},
		"appended to those before": {settings{xff: "append"}, "example.com", []string{"x-forwarded-for: 127.0.0.4", "X-Forwarded-For: 127.0.0.5"},
			[]string{host, "X-Forwarded-For: 127.0.0.4, 127.0.0.5, 127.0.0.1", proto, port}},
		"with its port": {settings{xffPort: true}, "example.com", nil,
			[]string{host, "X-Forwarded-For: 127.0.0.1:9999", proto, port}},
		"preserved": {settings{xff: "preserve"}, "example.com", []string{"X-Forwarded-For: 127.0.0.4"},
			[]string{host, "X-Forwarded-For: 127.0.0.4", proto, port}},
		"removed": {settings{xff: "remove"}, "example.com", []string{"X-Forwarded-For: 127.0.0.4"},
			[]string{host, proto, port}},
		"what the client says of protocol and port is not passed on": {settings{xff: "remove"}, "example.com", []string{"X-Forwarded-Proto: https", "X-Forwarded-Port: 443"},
			[]string{host, proto, port}},
		"what speaks of the connection is not passed on": {settings{xff: "remove"}, "example.com",
			[]string{"Connection: keep-alive, X-Secret", "Keep-Alive: 5", "TE: trailers", "Upgrade: x", "X-Secret: y", "Proxy-Connection: z", "Content-Length: 4", "A: b"},
			[]string{host, "A: b", proto, port}},
		"whatever the case and the header that names it": {settings{xff: "remove"}, "example.com",
			[]string{"x-secret: y", "A: b", "Connection: close", "connection: X-SECRET", "Cookie: c"}, []string{host, "A: b", "Cookie: c", proto, port}},
		"Connection can not take away what the balancer adds": {settings{}, "example.com", []string{"Connection: X-Forwarded-For"},
			[]string{host, "X-Forwarded-For: 127.0.0.1", proto, port}},
		"the listener's port leaves Host":         {settings{xff: "remove"}, "example.com:8080", nil, []string{host, proto, port}},
		"another port stays":                      {settings{xff: "remove"}, "example.com:80", nil, []string{"Host: example.com:80", proto, port}},
		"a preserved Host":                        {settings{xff: "remove", preserveHost: true}, "example.com:8080", nil, []string{"Host: example.com:8080", proto, port}},
		"names that are not usual":                {settings{xff: "remove"}, "example.com", []string{"a_b: c"}, []string{host, "a_b: c", proto, port}},
		"are dropped where that is set":           {settings{xff: "remove", dropInvalid: true}, "example.com", []string{"a_b: c", "A-1: d"}, []string{host, "A-1: d", proto, port}},
		"a client's TLS headers are not believed": {settings{xff: "remove"}, "example.com", []string{"X-Amzn-Tls-Version: TLSv9"}, []string{host, proto, port}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &plan{settings: c.settings, scheme: "http", portText: "8080", portSuffix: ":8080", tlsVersionName: tlsVersionHeader, tlsCipherName: tlsCipherHeader}
			x := &exchange{plan: p}
			x.host, x.fields, x.client = c.host, fieldsOf(c.in...), netip.MustParseAddrPort("127.0.0.1:9999")
			got := slices.DeleteFunc(linesOf(x.outgoing()), func(l string) bool { return strings.HasPrefix(l, "X-Amzn-Trace-Id: ") })
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestTraceIDs(t *testing.T) {
	now := time.Unix(0x5e000000, 0)
	for name, c := range map[string]struct{ before, want string }{
		"none":             {"", `^Root=1-5e000000-[0-9a-f]{24}$`},
		"without a root":   {"CalledFrom=app", `^Root=1-5e000000-[0-9a-f]{24};CalledFrom=app$`},
		"the client's own": {"Root=1-67891233-abcdef012345678912345678", `^Self=1-5e000000-[0-9a-f]{24};Root=1-67891233-abcdef012345678912345678$`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := traceID(c.before, now); !regexp.MustCompile(c.want).MatchString(got) {
				t.Errorf("got %q, want %s", got, c.want)
			}
		})
	}
}

func TestCipherNamesAreOpenSSLs(t *testing.T) {
	for suite, want := range map[uint16]string{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:       "ECDHE-RSA-AES128-GCM-SHA256",
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA:        "ECDHE-ECDSA-AES256-SHA",
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
		tls.TLS_RSA_WITH_AES_128_GCM_SHA256:             "AES128-GCM-SHA256",
		tls.TLS_AES_128_GCM_SHA256:                      "TLS_AES_128_GCM_SHA256",
	} {
		if got := cipherName(suite); got != want {
			t.Errorf("%s is %q, want %q", tls.CipherSuiteName(suite), got, want)
		}
	}
}

func TestHeadersToClients(t *testing.T) {
	h := newResponseHeaders(attributes{
		"routing.http.response.server.enabled":                           "false",
		"routing.http.response.strict_transport_security.header_value":   "max-age=1",
		"routing.http.response.access_control_allow_origin.header_value": "",
	})
	got := linesOf(h.apply(fieldsOf("Server: x", "A: b", "strict-transport-security: max-age=9")))
	if want := []string{"A: b", "Strict-Transport-Security: max-age=1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestForwardedAddressesAreBounded(t *testing.T) {
	p := &plan{}
	list := strings.TrimSuffix(strings.Repeat("10.0.0.1, ", 30), ", ")
	if status := p.refuses(&request{method: "GET", target: "/", fields: fieldsOf("X-Forwarded-For: " + list)}); status != 0 {
		t.Errorf("30 addresses: %d, want none", status)
	}
	if status := p.refuses(&request{method: "GET", target: "/", fields: fieldsOf("X-Forwarded-For: "+list, "X-Forwarded-For: ::1")}); status != 463 {
		t.Errorf("31 addresses: %d, want 463", status)
	}
}

func TestRequestsThatGoRoundAreStopped(t *testing.T) {
	p := &plan{settings: settings{xff: "remove"}}
	q := request{method: "GET", target: "/"}
	passed := 0
	for ; passed < 100 && p.refuses(&q) == 0; passed++ {
		x := exchange{plan: p, request: q}
		q.fields = slices.Clone(x.outgoing())
	}
	// The first one only begins the trace.
	if status := p.refuses(&q); status != 463 || passed != maxForwarded+2 {
		t.Errorf("%d after %d balancers, want 463 after %d", status, passed, maxForwarded+2)
	}
}

// BenchmarkManyFields has as many fields as a head can hold, each of which could be one
// that Connection names. When each field looked at all others they took a second.
func BenchmarkManyFields(b *testing.B) {
	x := exchange{plan: &plan{}}
	x.fields = []http1.Field{http1.NewField("Connection", "B"+strings.Repeat(",C", http1.MaxField/2-1))}
	for range http1.MaxRequestHead / len("a:\r\n") {
		x.fields = append(x.fields, http1.NewField("A", ""))
	}
	for b.Loop() {
		x.outgoing()
	}
}
