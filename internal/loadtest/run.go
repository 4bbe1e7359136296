package loadtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/internal/discovery"
	"flyball/internal/load"
	"flyball/internal/task/simulated"
)

// interval is how often is looked where the tasks are, in real time.
const interval = 500 * time.Millisecond

// A running carries a test out until its end or that of a context.
type running func(context.Context) (load.Summary, error)

// prepare finds where the load goes, so that what is wrong with that is told before anything is sent.
func (t *Tests) prepare(ctx, following context.Context, one *test) (running, error) {
	if one.spec.Kind == Queue {
		return t.messages(ctx, one)
	}
	return t.requests(ctx, following, one)
}

// messages sends to a queue. A rate is of messages in a second of the server's clock.
func (t *Tests) messages(ctx context.Context, one *test) (running, error) {
	queue, err := one.client.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &one.spec.Name})
	if err != nil {
		return nil, err
	}
	body, err := load.ParseTemplate("message {{.N}}")
	if err != nil {
		return nil, err
	}
	feed := load.Feed{
		Queue: one.client.SQS, URL: *queue.QueueUrl, Body: body, Now: t.Now,
		Schedule: one.spec.Schedule().Faster(t.Speed).Times(t.Speed),
	}
	if strings.HasSuffix(one.spec.Name, ".fifo") {
		group, err := load.ParseTemplate("all")
		if err != nil {
			return nil, err
		}
		feed.Group = &group
	}
	return func(ctx context.Context) (load.Summary, error) {
		recorder := load.NewRecorder(nil, t.Now(), t.Speed)
		feed.Report = func(s load.Second) { one.add(s, recorder.Line(s)) }
		return feed.Run(ctx)
	}, nil
}

// requests sends to where a service or a load balancer answers.
func (t *Tests) requests(ctx, following context.Context, one *test) (running, error) {
	finder := discovery.Finder{ECS: one.client.ECS, LoadBalancing: one.client.LoadBalancing, Server: t.Server}
	subject := discovery.Subject{Balancer: one.spec.Name}
	if one.spec.Kind == Service {
		cluster, service, _ := strings.Cut(one.spec.Name, "/")
		subject = discovery.Subject{Cluster: cluster, Service: service}
	}
	follower, err := finder.Follow(following, subject, interval)
	if silent, is := errors.AsType[*discovery.NoPortError](err); is {
		return nil, &BadSpec{"name", fmt.Sprintf("Nobody knows at which port the tasks of %s answer: task definition %s maps none. Give it a port mapping, or choose another service.", one.spec.Name, silent.Definition)}
	}
	if missing, is := errors.AsType[*discovery.NotFoundError](err); is {
		return nil, &BadSpec{"name", "There is no " + missing.What + " in region " + one.place.Region + "."}
	}
	if err != nil {
		return nil, err
	}
	place := follower.Place()
	if isSimulated(place) {
		return nil, &BadSpec{"name", "The tasks of " + one.spec.Name + " are records, which nothing can be sent to: what they use is set, not caused."}
	}
	one.at(place)
	transport, err := t.transport(ctx, follower)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (load.Summary, error) {
		defer transport.CloseIdleConnections()
		recorder := load.NewRecorder(nil, t.Now(), t.Speed)
		return load.Plan{
			Targets:  func() []string { return withPath(follower.Place().URLs, one.spec.Path) },
			Schedule: one.spec.Schedule().Faster(t.Speed), Open: one.spec.Open, InFlight: MostRate,
			Request: load.Request{Method: http.MethodGet, Header: headerFor(place)}, Retry: true, Transport: guarded{transport, t.Server},
			Report: func(s load.Second) {
				s.Tasks = tasksOf(follower.Place())
				one.add(s, recorder.Line(s))
			},
		}.Run(ctx)
	}, nil
}

// at notes where the target is reached.
func (o *test) at(place discovery.Place) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.via = place.Via
	if place.Service != "" {
		o.service = place.Cluster + "/" + place.Service
	}
}

// transport connects to loopback addresses and to tasks.
func (t *Tests) transport(ctx context.Context, follower *discovery.Follower) (*http.Transport, error) {
	transport := load.NewTransport(func(a netip.Addr) bool {
		return (a.IsLoopback() || follower.Place().Has(a)) && !simulated.IsAddress(a)
	})
	transport.DialContext = follower.Dialing(transport.DialContext)
	if strings.HasPrefix(strings.Join(follower.Place().URLs, ""), "https:") {
		roots, err := t.Roots(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the authority of the load balancers' certificates: %w", err)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: follower.Place().Host}
	}
	return transport, nil
}

// guarded sends requests to where the target answers, and nowhere else. They come from the
// server's own process, which the server trusts: it is not called itself, and an answer that leads
// elsewhere is not followed.
type guarded struct {
	next   http.RoundTripper
	server string
}

// RoundTrip implements http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == g.server && (r.Host == "" || r.Host == g.server) {
		return nil, errors.New("the target is the server itself")
	}
	answer, err := g.next.RoundTrip(r)
	if err == nil {
		answer.Header.Del("Location")
	}
	return answer, err
}

// headerFor names the load balancer that is meant, where its address does not.
func headerFor(place discovery.Place) http.Header {
	header := http.Header{}
	if place.Host != "" {
		header.Set("Host", place.Host)
	}
	return header
}

func withPath(bases []string, path string) []string {
	urls := make([]string, len(bases))
	for i, base := range bases {
		urls[i] = base + path
	}
	return urls
}

func tasksOf(place discovery.Place) *load.Tasks {
	if place.Service == "" {
		return nil
	}
	return &load.Tasks{Running: place.Running, Desired: place.Desired}
}

// isSimulated is whether nothing answers at a place, since its tasks are records.
func isSimulated(place discovery.Place) bool {
	for _, base := range place.URLs {
		u, err := url.Parse(base)
		if err != nil {
			continue
		}
		if address, err := netip.ParseAddr(u.Hostname()); err == nil && simulated.IsAddress(address) {
			return true
		}
	}
	return false
}
