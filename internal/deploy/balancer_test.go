package deploy

import "testing"

func TestALoadBalancerIsReachedAtItsListenerOrAtTheServer(t *testing.T) {
	for name, c := range map[string]struct{ name, endpoint, want string }{
		"an address of its own":             {"127.35.4.71", "http://127.0.0.1:4566", "http://127.35.4.71:8080/"},
		"a name that leads to a server":     {"web-1.us-east-1.elb.localhost", "http://127.0.0.1:5000", "http://web-1.us-east-1.elb.localhost:5000/"},
		"a name that leads to one with TLS": {"web-1.us-east-1.elb.localhost", "https://localhost:5000", "https://web-1.us-east-1.elb.localhost:5000/"},
		"one of AWS":                        {"web-1.us-east-1.elb.amazonaws.com", "", "http://web-1.us-east-1.elb.amazonaws.com:8080/"},
	} {
		if got := urlOf(c.name, 8080, c.endpoint); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
