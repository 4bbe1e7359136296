package server

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/client"
)

// teapot makes a load balancer of the home cell that answers everything with 418, and
// returns its name.
func teapot(t *testing.T, w *world) string {
	t.Helper()
	api := w.server.home().elb
	made, err := api.CreateLoadBalancer(t.Context(), &elasticloadbalancingv2.CreateLoadBalancerInput{Name: aws.String("teapot"), Subnets: []string{"subnet-1", "subnet-2"}})
	if err != nil {
		t.Fatal(err)
	}
	for port, protocol := range map[int32]types.ProtocolEnum{18080: types.ProtocolEnumHttp, 18443: types.ProtocolEnumHttps} {
		in := &elasticloadbalancingv2.CreateListenerInput{
			LoadBalancerArn: made.LoadBalancers[0].LoadBalancerArn, Port: &port, Protocol: protocol,
			DefaultActions: []types.Action{{Type: types.ActionTypeEnumFixedResponse, FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("418")}}},
		}
		if protocol == types.ProtocolEnumHttps {
			in.Certificates = []types.Certificate{{CertificateArn: aws.String("arn:aws:acm:us-east-1:123456789012:certificate/1")}}
		}
		if _, err := api.CreateListener(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	return *made.LoadBalancers[0].DNSName
}

func TestALoadBalancerIsServedByItsName(t *testing.T) {
	var log lockedBuffer
	w := newWorld(t, &log)
	defer w.stop()
	name := teapot(t, w)
	for what, c := range map[string]struct {
		url, host string
		header    map[string]string
		want      int
	}{
		"at its own address":           {"http://" + name + ":18080/", "", nil, 418},
		"at the server's":              {w.server.URL(), name, nil, 418},
		"with a port":                  {w.server.URL(), name + ":80", nil, 418},
		"at one of our own paths":      {w.server.URL() + "/healthz", name, nil, 418},
		"for a page of another origin": {w.server.URL(), name, map[string]string{"Origin": "http://shop.example"}, 418},
		"but no signed call":           {w.server.URL(), name, map[string]string{"Authorization": "AWS4-HMAC-SHA256 x"}, 400},
		"and no other name":            {w.server.URL(), "shop.example", nil, 403},
	} {
		t.Run(what, func(t *testing.T) {
			r, err := http.NewRequest("GET", c.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = c.host
			for key, value := range c.header {
				r.Header.Set(key, value)
			}
			answer, err := w.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != c.want {
				t.Errorf("status %d, want %d", answer.StatusCode, c.want)
			}
		})
	}
}

// Who comes before a server knows its load balancers, or after one is gone, is not told that he may not come.
func TestANameOfNoLoadBalancerIsNotAvailable(t *testing.T) {
	s := &Server{cfg: Config{LBDomain: "localhost"}, cells: &cells{}}
	h := s.balanced(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	for host, want := range map[string]int{"web-1.us-east-1.elb.localhost:4566": http.StatusServiceUnavailable, "elb.localhost": http.StatusForbidden, "shop.example": http.StatusForbidden} {
		r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
		r.Host = host
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s is answered with %d, want %d", host, w.Code, want)
		}
	}
}

func TestClientsThatTrustTheAuthorityTrustLoadBalancers(t *testing.T) {
	var log lockedBuffer
	w := newWorld(t, &log)
	defer w.stop()
	name := teapot(t, w)
	pem, err := client.New(client.Config{Endpoint: w.server.URL(), Region: testRegion}).Authority(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	answer, err := trusting.Get(fmt.Sprintf("https://%s:18443/", name))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); answer.StatusCode != 418 || !strings.Contains(answer.Proto, "HTTP/") {
		t.Errorf("%s %d %s", answer.Proto, answer.StatusCode, body)
	}
}

func TestADomainOfLoadBalancersIsAName(t *testing.T) {
	for domain, ok := range map[string]bool{"": true, "localhost": true, "lb.example.com": true, ".example": false, "example.": false, "a b": false, "Example": false} {
		c := Config{Runtime: "simulated", Addr: "127.0.0.1:0", Speed: 1, Account: testAccount, Region: testRegion, LBDomain: domain}
		if err := c.check(); (err == nil) != ok {
			t.Errorf("%q: %v", domain, err)
		}
	}
}
