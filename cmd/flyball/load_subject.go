package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/spf13/cobra"

	"flyball/internal/client"
	"flyball/internal/discovery"
	"flyball/internal/load"
	"flyball/internal/resource"
	"flyball/internal/task/simulated"
)

// subjectFlags are those that say what to put load on.
func (l *loading) subjectFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&l.service, "service", "", "service to put load on, CLUSTER/SERVICE: its load balancer, or else its tasks as they come and go")
	f.StringVar(&l.subject.TargetGroup, "target-group", "", "name or ARN of a target group, to whose healthy targets requests go")
	f.StringVar(&l.subject.Balancer, "lb", "", "name, ARN or DNS name of a load balancer")
	f.StringVar(&l.queue, "queue", "", "URL or name of a queue to send messages to")
	f.IntVar(&l.subject.Port, "port", 0, "port of the tasks, or of the load balancer; by default their own, and with --service past its load balancer")
	f.StringVar(&l.path, "path", "/", "path and query of the requests, of what is not a URL")
	_ = cmd.RegisterFlagCompletionFunc("service", l.server.completeNames(1, resource.Service))
	_ = cmd.RegisterFlagCompletionFunc("queue", l.server.completeNames(1, resource.Queue))
	_ = cmd.RegisterFlagCompletionFunc("target-group", l.completeBalancing(targetGroupNames))
	_ = cmd.RegisterFlagCompletionFunc("lb", l.completeBalancing(balancerNames))
	f.BoolVar(&l.allowRemote, "allow-remote", false, "send also to addresses that are neither loopback nor tasks of the server")
}

// completeBalancing has a shell complete names that Elastic Load Balancing knows.
func (l *loading) completeBalancing(names func(context.Context, *client.Client) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if l.server.complete() != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
		defer cancel()
		found, err := names(ctx, l.server.client())
		if err != nil {
			cobra.CompErrorln(err.Error())
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

func targetGroupNames(ctx context.Context, c *client.Client) (names []string, err error) {
	out, err := c.LoadBalancing.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{})
	if err != nil {
		return nil, err
	}
	for _, group := range out.TargetGroups {
		names = append(names, aws.ToString(group.TargetGroupName))
	}
	return names, nil
}

func balancerNames(ctx context.Context, c *client.Client) (names []string, err error) {
	out, err := c.LoadBalancing.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{})
	if err != nil {
		return nil, err
	}
	for _, balancer := range out.LoadBalancers {
		names = append(names, aws.ToString(balancer.LoadBalancerName))
	}
	return names, nil
}

// named are the flags that name what to put load on.
func (l *loading) named() []string {
	var named []string
	for _, flag := range []struct{ name, value string }{
		{"--service", l.service}, {"--target-group", l.subject.TargetGroup}, {"--lb", l.subject.Balancer}, {"--queue", l.queue},
	} {
		if flag.value != "" {
			named = append(named, flag.name)
		}
	}
	return named
}

func checkURLs(args []string) error {
	for _, arg := range args {
		u, err := url.Parse(arg)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("%q is not a URL such as http://127.64.0.1:8080/computation; a service is named with --service CLUSTER/SERVICE", arg)
		}
	}
	return nil
}

// checkPlace finds a path and a port that are none, and a service that cannot be one.
func (l *loading) checkPlace() error {
	if !strings.HasPrefix(l.path, "/") {
		return refuse("--path %q: a path begins with /", l.path)
	}
	if l.subject.Port < 0 || l.subject.Port > 65535 {
		return refuse("--port %d: a port is a number from 1 to 65535", l.subject.Port)
	}
	if l.service == "" {
		return nil
	}
	if _, err := resource.Parse(l.service, resource.Service); err != nil {
		return refuse("--service: %w", err)
	}
	return nil
}

// interval is how often is looked where the tasks are: a task that is stopped takes no new
// requests from that moment on.
const interval = 500 * time.Millisecond

// A route is where the requests of a load go.
type route struct {
	urls     []string            // that were typed
	follower *discovery.Follower // nil for those
	path     string
	guard    load.Guard
	roots    *x509.CertPool // whom to trust, where that is not the system's choice alone
}

// transport takes requests there and nowhere else.
func (r route) transport() *http.Transport {
	t := load.NewTransport(r.guard)
	if r.follower != nil {
		t.DialContext = r.follower.Dialing(t.DialContext)
	}
	if r.roots != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: r.roots}
	}
	return t
}

// targets are the URLs of the moment.
func (r route) targets() []string {
	if r.follower == nil {
		return r.urls
	}
	bases := r.follower.Place().URLs
	urls := make([]string, len(bases))
	for i, base := range bases {
		urls[i] = base + r.path
	}
	return urls
}

// tasks are those of the service behind, if there is one.
func (r route) tasks() *load.Tasks {
	if r.follower == nil {
		return nil
	}
	place := r.follower.Place()
	if place.Service == "" && place.Desired == 0 {
		return nil
	}
	return &load.Tasks{Running: place.Running, Desired: place.Desired}
}

// findRoute finds where requests go, and refuses addresses that load is not to go to.
func (l *loading) findRoute(ctx context.Context, urls []string) (route, error) {
	if len(urls) > 0 {
		guard, err := l.guardOf(ctx, urls)
		return route{urls: urls, guard: guard}, err
	}
	if err := l.server.complete(); err != nil {
		return route{}, err
	}
	c := l.server.client()
	if l.service != "" {
		in, name, err := l.server.find(ctx, l.service, resource.Service)
		if err != nil {
			return route{}, nothingSent(err)
		}
		c, l.server.Region = in, in.Region
		l.subject.Cluster, l.subject.Service, l.service = name.Cluster, name.ID, name.String()
	}
	follower, err := finderOf(c).Follow(ctx, l.subject, interval)
	if missing, is := errors.AsType[*discovery.NotFoundError](err); is {
		return route{}, refuse("%w in region %s at %s; %s", missing, c.Region, c.Endpoint, l.others(ctx, c))
	}
	if err != nil {
		return route{}, c.Plain(err)
	}
	if isSimulated(follower.Place()) {
		return route{}, refuse("the tasks there are records, which nothing can be sent to (serve --runtime simulated): what they use is set, not caused; see docs/testing.md")
	}
	r := route{follower: follower, path: l.path}
	if strings.HasPrefix(strings.Join(follower.Place().URLs, ""), "https:") && c.Endpoint != "" {
		if r.roots, err = authorities(ctx, c); err != nil {
			return route{}, fmt.Errorf("read the authority of the load balancers' certificates: %w", err)
		}
	}
	if !l.allowRemote {
		r.guard = func(a netip.Addr) bool {
			return a.IsLoopback() || c.Endpoint != "" && follower.Place().Has(a) && !simulated.IsAddress(a)
		}
	}
	return r, nil
}

// authorities are those of the system and that of the server's load balancers.
func authorities(ctx context.Context, c *client.Client) (*x509.CertPool, error) {
	pem, err := c.Authority(ctx)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	roots.AppendCertsFromPEM(pem)
	return roots, nil
}

// others says which names there are in place of one that is none.
func (l *loading) others(ctx context.Context, c *client.Client) string {
	list := balancerNames
	if l.subject.TargetGroup != "" {
		list = targetGroupNames
	}
	names, err := list(ctx, c)
	if err != nil || len(names) == 0 {
		return "there is none at all"
	}
	return "what is there: " + strings.Join(someOf(names), ", ")
}

// nothingSent is the error of a name that is none.
func nothingSent(err error) error {
	if errors.As(err, new(*resource.Missing)) || errors.As(err, new(*resource.Ambiguous)) || errors.As(err, new(*resource.BadName)) {
		return refusal{err}
	}
	return err
}

func finderOf(c *client.Client) discovery.Finder {
	finder := discovery.Finder{ECS: c.ECS, LoadBalancing: c.LoadBalancing}
	if u, err := url.Parse(c.Endpoint); err == nil {
		finder.Server, finder.TLS = u.Host, u.Scheme == "https"
	}
	return finder
}

// isSimulated is whether nothing answers at a place, since its tasks are records.
func isSimulated(place discovery.Place) bool {
	return slices.ContainsFunc(place.URLs, func(base string) bool {
		u, err := url.Parse(base)
		if err != nil {
			return false
		}
		address, err := netip.ParseAddr(u.Hostname())
		return err == nil && simulated.IsAddress(address)
	})
}

// guardOf lets requests through to loopback and to tasks of the server, which is asked only
// if there are others.
func (l *loading) guardOf(ctx context.Context, urls []string) (load.Guard, error) {
	if l.allowRemote {
		return nil, nil
	}
	var tasks map[netip.Addr]bool
	guard := func(a netip.Addr) bool { return a.IsLoopback() || tasks[a] && !simulated.IsAddress(a) }
	for _, typed := range urls {
		u, err := url.Parse(typed)
		if err != nil {
			return nil, err
		}
		addresses, err := load.Lookup(ctx, u.Hostname())
		if err != nil {
			return nil, refuse("%s: its address is not known: %w; look at the name, or give the address itself", typed, err)
		}
		for _, address := range addresses {
			address = address.Unmap()
			if !address.IsLoopback() && tasks == nil {
				tasks = l.ownTasks(ctx)
			}
			if !guard(address) {
				return nil, refusal{fmt.Errorf("%s is at %s, which is neither a loopback address nor that of a task of the server at %s: nothing was sent. --allow-remote sends load there, if those who run it agree",
					typed, address, l.server.Endpoint)}
			}
		}
	}
	return guard, nil
}

// ownTasks are the addresses of the server's tasks; none if it does not tell.
func (l *loading) ownTasks(ctx context.Context) map[netip.Addr]bool {
	none := map[netip.Addr]bool{}
	if err := l.server.complete(); err != nil || l.server.Endpoint == "" {
		return none
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	tasks, err := finderOf(l.server.client()).Addresses(ctx)
	if err != nil {
		return none
	}
	return tasks
}
