package reach

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestWhichAddressesAreCalled(t *testing.T) {
	for list, want := range map[string]map[string]bool{
		"": {
			"10.1.2.3": true, "192.168.0.1": true, "203.0.113.7": true, "fd00::1": true, "2001:db8::1": true, "64:ff9b::cb00:7107": true,
			"127.0.0.1": false, "127.8.9.1": false, "::1": false, "::ffff:127.0.0.1": false, "0.0.0.0": false, "::": false,
			"169.254.169.254": false, "::ffff:169.254.169.254": false, "64:ff9b::a9fe:a9fe": false, "fe80::1%eth0": false,
			"fd00:ec2::254": false, "168.63.129.16": false, "224.0.0.1": false,
		},
		"10.0.0.0/8,fd00::/8": {"10.1.2.3": true, "fd00::1": true, "fd00:ec2::254": true, "192.168.0.1": false, "127.0.0.1": false},
		"127.0.0.1":           {"127.0.0.1": true, "::ffff:127.0.0.1": true, "127.0.0.2": false, "10.1.2.3": false},
		"prometheus.monitor":  {"10.1.2.3": false},
	} {
		a, err := Parse(strings.FieldsFunc(list, func(r rune) bool { return r == ',' }))
		if err != nil {
			t.Fatal(err)
		}
		for address, may := range want {
			if err := a.check(netip.MustParseAddr(address)); (err == nil) != may {
				t.Errorf("with %q %s is answered with %v", list, address, err)
			}
		}
	}
}

func TestHostsAreListedByTheirNames(t *testing.T) {
	a, err := Parse([]string{"Prometheus.monitoring", "*.shop.svc"})
	if err != nil {
		t.Fatal(err)
	}
	for host, is := range map[string]bool{
		"prometheus.monitoring": true, "PROMETHEUS.monitoring.": true, "web.shop.svc": true, "a.web.shop.svc": true,
		"prometheus.monitoring.evil.example": false, "evil-prometheus.monitoring": false, "shop.svc": false, "evilshop.svc": false,
	} {
		if a.named(host) != is {
			t.Errorf("%s: got %v", host, !is)
		}
	}
	for _, wrong := range []string{"http://prometheus", "10.0.0.0/99", "prometheus:9090", "*", "a b", "", "fe80::1%eth0"} {
		if _, err := Parse([]string{wrong}); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

// A name, and an answer, may lead anywhere: the address counts that is connected to.
func TestNoNameAndNoRedirectionLeadsPast(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the address was called") }))
	defer inner.Close()
	_, port, err := net.SplitHostPort(inner.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := new(Addresses).Client().Get("http://localhost:" + port); err == nil || !strings.Contains(err.Error(), "an address of this machine") {
		t.Errorf("a name of this machine is answered with %v", err)
	}
	outer := httptest.NewServer(http.RedirectHandler("http://localhost:"+port, http.StatusFound))
	defer outer.Close()
	outerHost, outerPort, err := net.SplitHostPort(outer.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	called := 0
	outer.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called++
		http.Redirect(w, r, "http://127.0.0.2:"+port, http.StatusFound)
	})
	a, err := Parse([]string{outerHost})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Client().Get("http://" + net.JoinHostPort(outerHost, outerPort)); err == nil || !strings.Contains(err.Error(), "127.0.0.2 is not among") || called != 1 {
		t.Errorf("an answer that leads elsewhere comes to %v, after %d calls", err, called)
	}
}
