package wire

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Guard passes on requests that address the server by one of its names and do
// not come from a foreign web page, and refuses others: a page in a browser
// must not drive the server, by its own name or by one that it made to resolve
// here. NewHandler guards itself; this is for the server's other paths.
func Guard(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refusal := refuse(hosts, r); refusal != nil {
			http.Error(w, refusal.message, refusal.status)
			return
		}
		// A page of another origin must not embed an answer, whatever it is.
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func refuse(hosts []string, r *http.Request) *fault {
	if !knownHost(hosts, r.Host) && !ownAddress(r) {
		return forbidden("The Host of the request is not a name of this server. Names are added with --host.")
	}
	if foreign(r) {
		return forbidden("Requests from web pages of other origins are refused.")
	}
	return nil
}

// knownHost reports whether a Host header names this server: by a loopback
// address or localhost, or by a configured name.
func knownHost(hosts []string, host string) bool {
	name := Hostname(host)
	if name == "localhost" {
		return true
	}
	if ip, err := netip.ParseAddr(name); err == nil && ip.IsLoopback() {
		return true
	}
	for _, h := range hosts {
		h = strings.ToLower(h)
		if suffix, wild := strings.CutPrefix(h, "*"); wild && len(name) > len(suffix) && strings.HasSuffix(name, suffix) {
			return true
		}
		if name != "" && name == h {
			return true
		}
	}
	return false
}

// ownAddress reports whether a Host header is the very address at which the request
// came in. A page that had a name resolved to it would send the name.
func ownAddress(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return false
	}
	named, err := netip.ParseAddr(Hostname(r.Host))
	return err == nil && named.Unmap() == local.AddrPort().Addr().Unmap()
}

// Hostname is a Host header without its port, in lower case.
func Hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
}

// foreign reports whether a browser sent the request on behalf of a page that
// is not the server's own. Programs send none of these headers. Following a link
// to a page here is not foreign.
//
// Browsers name the origin wherever a page can make the server change something: with
// every method but GET and HEAD, and with WebSocket. The Sec-Fetch headers they send to
// loopback addresses and with TLS only, so a GET elsewhere is known by nothing, or by
// its Referer, which the page can keep back: it must not change anything unless it is
// signed as no page can sign it.
func foreign(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		if !sameOrigin(origin, r) {
			return true
		}
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if from := r.Header.Get("Referer"); from != "" && !reads && !sameOrigin(from, r) {
		return true // browsers of old name no origin in forms
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return false
	}
	return !reads || !navigates(r)
}

// sameOrigin reports whether an origin, or a page's URL, is of the address that the
// request was sent to.
func sameOrigin(origin string, r *http.Request) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

func navigates(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Mode") == "navigate" }
