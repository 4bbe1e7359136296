package load

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestNamesBelowLocalhostAreThisMachines(t *testing.T) {
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Host }))
	defer server.Close()
	host := strings.Replace(strings.TrimPrefix(server.URL, "http://"), "127.0.0.1", "web-1.us-east-1.elb.localhost", 1)
	transport := NewTransport(nil)
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get("http://" + host)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := <-asked; got != host {
		t.Errorf("the server was asked for %s, want %s", got, host)
	}
	found, err := Lookup(t.Context(), "Web.Localhost.")
	if err != nil || len(found) != 1 || !found[0].IsLoopback() {
		t.Errorf("the name leads to %v, %v", found, err)
	}
	for _, name := range []string{"localhost", "web.localhost.example", "weblocalhost", ""} {
		if isLocalName(name) {
			t.Errorf("%q is taken for a name below localhost", name)
		}
	}
}
