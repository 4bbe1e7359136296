package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/client"
	"flyball/internal/wire"
)

func TestAnAddressThatIsBeingLeftIsWaitedFor(t *testing.T) {
	before, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, func() { before.Close() })
	l, err := awaitAddress(before.Addr().String(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := awaitAddress(l.Addr().String(), time.Millisecond); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listening to an address that is in use: %v", err)
	}
}

func TestAnAddressThatOthersCanReachNeedsKnownKeys(t *testing.T) {
	for addr, c := range map[string]struct{ open, known string }{
		"127.0.0.1:0":    {"", ""},
		"127.3.2.1:80":   {"", ""},
		"[::1]:0":        {"", ""},
		"localhost:4566": {"", ""},
		"0.0.0.0:4566":   {"with --auth", ""},
		":4566":          {"with --auth", ""},
		"192.0.2.7:4566": {"with --auth", ""},
		"example.com:80": {"with --auth", ""},
		"127.0.0.1":      {"give HOST:PORT", "give HOST:PORT"},
	} {
		cfg := Config{Addr: addr}
		if err := cfg.checkAddr(); !says(err, c.open) {
			t.Errorf("%s: %v", addr, err)
		}
		knownKeysOnly(&cfg)
		if err := cfg.checkAddr(); !says(err, c.known) {
			t.Errorf("%s with known keys only: %v", addr, err)
		}
	}
}

// says reports whether an error has a text in it, or is none where there is none.
func says(err error, text string) bool {
	return err == nil && text == "" || err != nil && text != "" && strings.Contains(err.Error(), text)
}

// certificate makes one for names and addresses, which is its own authority, and
// writes it into a file.
func certificate(t *testing.T, names ...string) (pair *tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "flyball"}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, file
}

func TestHTTP2IsSpokenWhicheverListenerServesFirst(t *testing.T) {
	pair, authority := certificate(t, "127.0.0.1")
	s := open(t, "", knownKeysOnly, func(c *Config) { c.Certificate = pair })
	defer s.Close()
	trusting, err := client.Trusting(authority)
	if err != nil {
		t.Fatal(err)
	}
	plain := s.listeners[len(s.listeners)-1]
	go s.serve(plain)
	answer, err := http.Get("http://" + plain.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	go s.serve(s.listeners[0])
	answer, err = trusting.Get(s.URL() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.ProtoMajor != 2 {
		t.Errorf("the server speaks %s", answer.Proto)
	}
}

func TestTheServerSpeaksTLS(t *testing.T) {
	pair, authority := certificate(t, "127.0.0.1", "flyball.test")
	s := open(t, "", knownKeysOnly, func(c *Config) { c.Certificate = pair })
	defer running(t, s)()
	if !strings.HasPrefix(s.URL(), "https://") {
		t.Errorf("the address is %s", s.URL())
	}
	trusting, err := client.Trusting(authority)
	if err != nil {
		t.Fatal(err)
	}
	c := client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: adminKey, HTTP: trusting})
	if _, err := c.ECS.ListClusters(t.Context(), &ecs.ListClustersInput{}); err != nil {
		t.Error(err)
	}
	if _, err := c.Clock(t.Context()); err != nil {
		t.Error(err)
	}
	_, err = client.New(client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: adminKey}).Clock(t.Context())
	if !says(err, "is not trusted; give its authority's certificate with --ca") {
		t.Errorf("without its authority: %v", err)
	}

	// Policies see how a call comes.
	admin := callerWith(s.taskEndpoint, testRegion, adminKey)
	user := client.Config{Endpoint: s.URL(), Region: testRegion, Credentials: admin.createKey(t, "bob"), HTTP: trusting}
	embed(t, admin, "bob", "secure", document("Allow", "flyball:*", "*", `, "Condition": {"Bool": {"aws:SecureTransport": "true"}}`))
	if _, err := client.New(user).Clock(t.Context()); err != nil {
		t.Error(err)
	}
	user.Endpoint = s.taskEndpoint
	if _, err := client.New(user).Clock(t.Context()); !says(err, "not authorized to perform: flyball:Clock") {
		t.Errorf("without TLS: %v", err)
	}

	res, err := trusting.Get(s.URL() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
		t.Errorf("%s in %s", res.Status, res.Proto)
	}
	old := trusting.Transport.(*http.Transport).TLSClientConfig.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if conn, err := tls.Dial("tcp", s.listeners[0].Addr().String(), old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func TestACertificatesNamesAreTheServers(t *testing.T) {
	pair, _ := certificate(t, "127.0.0.1", "192.0.2.7", "flyball.test", "*.lb.test")
	s := open(t, "", knownKeysOnly, func(c *Config) { c.Certificate, c.Hosts = pair, []string{"given.test"} })
	defer s.Close()
	for host, want := range map[string]int{
		"flyball.test": http.StatusOK, "a.lb.test": http.StatusOK, "192.0.2.7": http.StatusOK, "given.test": http.StatusOK, "evil.test": http.StatusForbidden,
	} {
		r := httptest.NewRequest(http.MethodGet, "https://"+host+":4566/healthz", nil)
		w := httptest.NewRecorder()
		if s.http.Handler.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s: %d %s", host, w.Code, w.Body)
		}
	}
}

func TestTheServersNameIsTheOneThatItListensOn(t *testing.T) {
	for addr, c := range map[string]struct {
		host string
		want int
	}{
		"build.example:4566": {"build.example", http.StatusOK},
		"192.0.2.7:4566":     {"192.0.2.7:4566", http.StatusOK},
		"0.0.0.0:4566":       {"0.0.0.0:4566", http.StatusForbidden}, // no address, though some systems go to loopback by it
		"[::]:4566":          {"[::]:4566", http.StatusForbidden},
		":4566":              {"", http.StatusForbidden},
	} {
		s := &Server{cfg: Config{Addr: addr}}
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		wire.Guard(s.hosts(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%q at %s: %d", c.host, addr, w.Code)
		}
	}
}

// Tasks know no authority, and outlive the server: where it speaks TLS they find it
// at loopback, at the same port again.
func TestTasksFindTheServerBesideTLS(t *testing.T) {
	pair, _ := certificate(t, "flyball.test")
	dir := t.TempDir()
	before := ""
	for range 2 {
		s := open(t, dir, func(c *Config) { c.Certificate = pair })
		stop := running(t, s)
		if before != "" && s.taskEndpoint != before {
			t.Errorf("tasks find the server at %s, before at %s", s.taskEndpoint, before)
		}
		before = s.taskEndpoint
		res, err := http.Get(before + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != "ok\n" {
			t.Errorf("at %s: %s, %v", before, body, err)
		}
		stop()
	}
}

func TestToBeReachedWithoutTLSIsWarnedOf(t *testing.T) {
	var log bytes.Buffer
	s := &Server{cfg: Config{Addr: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(&log, nil))}}
	s.warnOfPlain(listenerAt{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4566}})
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "--tls-cert") {
		t.Errorf("the log has %q", &log)
	}
	log.Reset()
	s.warnOfPlain(listenerAt{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4566}})
	if log.Len() > 0 {
		t.Errorf("the log has %q", &log)
	}
}
