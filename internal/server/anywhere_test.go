package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/peer"
	"flyball/internal/task/docker"
	"flyball/internal/wire"
)

func TestWhoeverReachesAServerIsLetInInAContainerAlone(t *testing.T) {
	for name, c := range map[string]struct {
		where    surrounding
		anywhere bool
		want     string
	}{
		"a machine":                              {surrounding{machine: true}, false, "with --auth FILE"},
		"a machine, asked for":                   {surrounding{machine: true}, true, "--listen-anywhere is for containers"},
		"a container":                            {surrounding{container: true}, false, "serve --listen-anywhere"},
		"a container, asked for":                 {surrounding{container: true}, true, ""},
		"a container with the machine's network": {surrounding{container: true, machine: true}, true, "Leave out --network host"},
	} {
		err := Config{Addr: "0.0.0.0:4566", ListenAnywhere: c.anywhere}.openAddress(c.where)
		if !says(err, c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestAPortThatTasksReachAtTheMachineIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "",
		"127.0.0.1:4566":                  "",
		"127.0.0.1:4566 [::1]:4566":       "",
		"0.0.0.0:14566":                   "docker run -p 127.0.0.1:14566:4566",
		"127.0.0.1:4566 [::]:4566":        "published at [::]:4566",
		"192.0.2.7:4566 127.0.0.1:4566":   "published at 192.0.2.7:4566",
		"[::ffff:127.0.0.1]:1 10.1.2.3:2": "-p 127.0.0.1:2:4566",
	} {
		var at []netip.AddrPort
		for _, a := range strings.Fields(text) {
			at = append(at, netip.MustParseAddrPort(a))
		}
		if err := checkPublished(at); !says(err, want) || err != nil && !errors.As(err, new(ConfigError)) {
			t.Errorf("%s: %v, want %q as what a server was given", text, err, want)
		}
	}
}

func TestASocketThatMayNotBeOpenedIsRefusedAsWhatAServerWasGiven(t *testing.T) {
	err := mountedInVain(docker.ErrPermission)
	if !says(err, "--group-add") || !errors.As(err, new(ConfigError)) || !errors.Is(err, docker.ErrPermission) {
		t.Error(err)
	}
}

// callFrom is the context of a call from an address at which no program of this network is.
func callFrom(address string) context.Context {
	return context.WithValue(context.Background(), visitorKey{}, &visitor{address, func() (peer.Peer, error) { return peer.Peer{}, peer.ErrUnknown }})
}

func TestTasksAreToldFromOthersThatReachAPublishedPort(t *testing.T) {
	own := ""
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLoopback() {
			own = p.Addr().String()
		}
	}
	anywhere := &Server{cfg: Config{ListenAnywhere: true, TaskRange: netip.MustParsePrefix("100.64.0.0/10")}, taskNetwork: netip.MustParsePrefix("172.30.0.0/24")}
	known := &Server{cfg: anywhere.cfg, taskNetwork: anywhere.taskNetwork}
	knownKeysOnly(&known.cfg)
	for name, c := range map[string]struct {
		server  *Server
		address string
		want    string
	}{
		"the gateway of the container's network":      {anywhere, "172.17.0.1", ""},
		"a container beside it":                       {anywhere, "172.17.0.9", ""},
		"the gateway, in IPv6's form":                 {anywhere, "::ffff:172.17.0.1", ""},
		"a task":                                      {anywhere, "172.30.0.5", "leave AWS_ACCESS_KEY_ID out"},
		"a task, in IPv6's form":                      {anywhere, "::ffff:172.30.0.5", "leave AWS_ACCESS_KEY_ID out"},
		"the gateway of the tasks' network":           {anywhere, "172.30.0.1", "leave AWS_ACCESS_KEY_ID out"},
		"a process with a network namespace":          {anywhere, "100.64.3.7", "leave AWS_ACCESS_KEY_ID out"},
		"a program beside it that hides":              {anywhere, "127.0.0.1", "has closed its connection"},
		"a program beside it that hides, by its name": {anywhere, own, "leave AWS_ACCESS_KEY_ID out"},
		"what is no address":                          {anywhere, "", "leave AWS_ACCESS_KEY_ID out"},
		"the gateway, where nobody is let in so":      {&Server{}, "172.17.0.1", "leave AWS_ACCESS_KEY_ID out"},
		"the gateway, where keys have to be known":    {known, "172.17.0.1", "leave AWS_ACCESS_KEY_ID out"},
	} {
		if got := c.server.stranger(callFrom(c.address)); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A page in a browser comes from the gateway as whoever opens it does.
func TestAPageDoesNotDriveAServerWithAPublishedPort(t *testing.T) {
	s := open(t, "")
	s.cfg.ListenAnywhere = true
	defer running(t, s)()
	test := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	for name, c := range map[string]struct {
		key       aws.Credentials
		presigned bool
		change    func(*http.Request)
	}{
		"of another origin":       {test, false, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }},
		"at a name of its own":    {test, false, func(r *http.Request) { r.Host = "evil.example:4566" }},
		"at the container's name": {test, false, func(r *http.Request) { r.Host = "flyball:4566" }},
		"embedding a signed URL": {test, true, func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "no-cors")
		}},
	} {
		a := ask{method: http.MethodGet, path: "/console/api/clock", key: c.key, service: "flyball", at: time.Now(), presigned: c.presigned, change: c.change}
		if status, body := a.send(t, s.URL()); status != http.StatusForbidden {
			t.Errorf("a page %s: %d %s", name, status, body)
		}
	}
}

func TestToLetInWhoeverComesIsWarnedOf(t *testing.T) {
	var log bytes.Buffer
	s := &Server{cfg: Config{ListenAnywhere: true, Log: slog.New(slog.NewTextHandler(&log, nil))}, listeners: []net.Listener{listenerOn("0.0.0.0:4566")}}
	if err := s.learnSurroundings(t.Context()); err != nil || !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "-p 127.0.0.1:4566:4566") {
		t.Errorf("%v, the log has %q", err, &log)
	}
}

func TestAServerInAContainerIsWhereItsPortIsPublished(t *testing.T) {
	inside := []net.Listener{listenerOn("0.0.0.0:4566"), listenerOn("127.0.0.1:33333")}
	for name, c := range map[string]struct {
		server          *Server
		own, near, url  string // of repositories, for the engine, and for programs of this machine
		images, foreign []string
	}{
		"published for this machine": {
			&Server{listeners: inside, published: netip.MustParseAddrPort("127.0.0.1:5000"), cfg: Config{Hosts: []string{"flyball"}}},
			"127.0.0.1:5000", "127.0.0.1:5000", "http://127.0.0.1:5000",
			[]string{"127.0.0.1:5000", "localhost:5000", "flyball:4566"}, []string{"127.0.0.1:5001", "example.com:5000"},
		},
		"published for others": {
			&Server{listeners: inside, published: netip.MustParseAddrPort("0.0.0.0:5000"), cfg: Config{Hosts: []string{"flyball.example"}}},
			"flyball.example:5000", "127.0.0.1:5000", "http://127.0.0.1:5000",
			[]string{"127.0.0.1:5000", "flyball.example:5000"}, []string{"192.0.2.7:5000"},
		},
		"in no container": {
			&Server{listeners: inside}, "127.0.0.1:4566", "127.0.0.1:33333", "http://0.0.0.0:4566",
			[]string{"127.0.0.1:4566"}, []string{"127.0.0.1:5000"},
		},
	} {
		s := c.server
		if own, near, url := s.addressing().Host, s.nearHost(), s.PublicURL(); own != c.own || near != c.near || url != c.url {
			t.Errorf("%s: %s, %s, %s; want %s, %s, %s", name, own, near, url, c.own, c.near, c.url)
		}
		for _, host := range append(c.images, c.foreign...) {
			if got, want := s.isOwn(wire.Hostname(host), host), slices.Contains(c.images, host); got != want {
				t.Errorf("%s: an image at %s is ours: %t, want %t", name, host, got, want)
			}
		}
	}
}
