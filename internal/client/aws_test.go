package client

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

// A wire notes where requests would go.
type wire struct{ hosts []string }

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.hosts = append(w.hosts, r.URL.Scheme+"://"+r.URL.Host)
	return nil, errors.New("not sent")
}

func TestWithoutAnEndpointItIsAWS(t *testing.T) {
	w := &wire{}
	c := New(Config{Region: "eu-west-1", HTTP: &http.Client{Transport: w}, Credentials: aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}})
	_, err := c.ECS.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Services: []string{"web"}}, func(o *ecs.Options) { o.RetryMaxAttempts = 1 })
	if err == nil || len(w.hosts) != 1 || w.hosts[0] != "https://ecs.eu-west-1.amazonaws.com" {
		t.Errorf("the call went to %v, %v; want AWS's own host", w.hosts, err)
	}
	clock, err := c.Clock(t.Context())
	if err != nil || clock.Speed != 1 || time.Since(clock.Now) > time.Minute {
		t.Errorf("its clock is %+v, %v; want the wall clock", clock, err)
	}
}

func TestAnEndpointThatIsNoURLIsSaidToBeNone(t *testing.T) {
	for _, endpoint := range []string{"127.0.0.1:4566", "localhost:4566", "http://"} {
		_, err := New(Config{Endpoint: endpoint, HTTP: &http.Client{Transport: &wire{}}}).Clock(t.Context())
		if err == nil || !strings.Contains(err.Error(), "is not the URL of a server") {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}
