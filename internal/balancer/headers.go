package balancer

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"flyball/internal/balancer/http1"
)

// httpDate is a time as the Date header has it.
func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

// outgoing makes the fields that the target sees. They begin with Host.
func (x *exchange) outgoing() []http1.Field {
	p := x.plan
	out := append(x.sent[:0], http1.NewField("Host", p.hostFor(x.host)))
	var forwarded, trace string
	nominated := x.nominated()
	for _, f := range x.fields {
		switch {
		case f.Hop() || p.dropInvalid && !usual(f.Name) || nominated != nil && nominated[strings.ToLower(f.Name)]:
		case f.Is("X-Forwarded-For"):
			forwarded = join(forwarded, f.Value)
		case f.Is("X-Forwarded-Proto") || f.Is("X-Forwarded-Port"):
		case f.Is(tlsVersionHeader) || f.Is(tlsCipherHeader) || f.Is(p.tlsVersionName) || f.Is(p.tlsCipherName):
		case f.Is("X-Amzn-Trace-Id"):
			trace = f.Value
		default:
			out = append(out, f)
		}
	}
	if forwarded = p.forwardedFor(forwarded, x.client); forwarded != "" {
		out = append(out, http1.NewField("X-Forwarded-For", forwarded))
	}
	out = append(out,
		http1.NewField("X-Forwarded-Proto", p.scheme), http1.NewField("X-Forwarded-Port", p.portText),
		http1.NewField("X-Amzn-Trace-Id", traceID(trace, time.Now())))
	if x.tls != nil && p.tlsHeaders {
		out = append(out,
			http1.NewField(p.tlsVersionName, tls.VersionName(x.tls.Version)),
			http1.NewField(p.tlsCipherName, cipherName(x.tls.CipherSuite)))
	}
	x.sent = out
	return out
}

// nominated are the names, in lower case, of the fields that the client's Connection
// header says are only for the next hop; nil for nearly all requests. What the balancer
// adds itself can not be taken away in this way.
func (x *exchange) nominated() map[string]bool {
	var names map[string]bool
	for _, f := range x.fields {
		if !f.Hop() || !f.Is("Connection") {
			continue
		}
		for option := range strings.SplitSeq(f.Value, ",") {
			switch name := strings.ToLower(strings.Trim(option, " \t")); name {
			case "", "close", "keep-alive", "upgrade": // what speaks of the connection is not passed on anyway
			default:
				if names == nil {
					names = map[string]bool{}
				}
				names[name] = true
			}
		}
	}
	return names
}

// usual says whether drop_invalid_header_fields lets a name pass: letters, digits
// and hyphens.
func usual(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

func join(list, value string) string {
	if list == "" {
		return value
	}
	return list + ", " + value
}

// hostFor is the Host that the target sees: without the port of the listener, unless
// it is to be preserved.
func (p *plan) hostFor(host string) string {
	if p.preserveHost {
		return host
	}
	return strings.TrimSuffix(host, p.portSuffix)
}

// forwardedFor is X-Forwarded-For with the address of the client, as the mode says.
func (p *plan) forwardedFor(before string, client netip.AddrPort) string {
	switch p.xff {
	case "preserve":
		return before
	case "remove":
		return ""
	}
	address := client.Addr().Unmap()
	if p.xffPort {
		return join(before, netip.AddrPortFrom(address, client.Port()).String())
	}
	return join(before, address.String())
}

// traceID adds to X-Amzn-Trace-Id: a root where there is none, and beside the
// client's root the balancer's own part ("Request tracing for your Application Load
// Balancer").
func traceID(before string, now time.Time) string {
	b := make([]byte, 0, 96)
	rooted := strings.Contains(before, "Root=")
	if rooted {
		b = append(b, "Self="...)
	} else {
		b = append(b, "Root="...)
	}
	var random [16]byte
	binary.BigEndian.PutUint32(random[:], uint32(now.Unix()))
	binary.BigEndian.PutUint32(random[4:], rand.Uint32())
	binary.BigEndian.PutUint64(random[8:], rand.Uint64())
	b = append(b, "1-"...)
	b = hex.AppendEncode(b, random[:4])
	b = append(b, '-')
	b = hex.AppendEncode(b, random[4:])
	if before != "" {
		b = append(b, ';')
		b = append(b, before...)
	}
	return string(b)
}

const (
	tlsVersionHeader = "X-Amzn-Tls-Version"
	tlsCipherHeader  = "X-Amzn-Tls-Cipher-Suite"
)

// cipherName is OpenSSL's name of a cipher suite, which AWS uses.
func cipherName(suite uint16) string {
	name := tls.CipherSuiteName(suite)
	key, cipher, found := strings.Cut(strings.TrimPrefix(name, "TLS_"), "_WITH_")
	if !found {
		return name // TLS 1.3, where both have the same names
	}
	cipher = strings.NewReplacer("AES_128", "AES128", "AES_256", "AES256", "_CBC", "", "POLY1305_SHA256", "POLY1305", "_", "-").Replace(cipher)
	if key == "RSA" {
		return cipher
	}
	return strings.ReplaceAll(key, "_", "-") + "-" + cipher
}
