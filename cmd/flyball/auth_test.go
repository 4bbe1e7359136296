package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/client"
)

func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// certificate writes one for 127.0.0.1, which is its own authority, and its key.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})),
		writeFile(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

const administrator = "[default]\naws_access_key_id = FLYBALLADMIN00000001\naws_secret_access_key = secret\n"

func TestCommandsSignForAServerThatAdmitsKnownKeysOverTLS(t *testing.T) {
	cert, key := certificate(t)
	admin := writeFile(t, "credentials", []byte(administrator))
	s := serve(t, "", "--auth", admin, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(s.Endpoint, "https://127.0.0.1:") {
		t.Fatalf("ready at %s", s.Endpoint)
	}
	trusting, err := client.Trusting(cert)
	if err != nil {
		t.Fatal(err)
	}
	s.Client = client.New(client.Config{
		Endpoint: s.Endpoint, Region: "us-east-1", HTTP: trusting,
		Credentials: aws.Credentials{AccessKeyID: "FLYBALLADMIN00000001", SecretAccessKey: "secret"},
	})
	if _, err := s.ECS.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("test")}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", admin)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	for _, c := range []struct {
		args []string
		env  string // AWS_CA_BUNDLE
		want string
	}{
		{[]string{"status", "--ca", cert}, "", "There are no services in region us-east-1 yet"},
		{[]string{"status"}, cert, "There are no services in region us-east-1 yet"},
		{[]string{"activities"}, cert, "No scaling activities yet."},
		{[]string{"explain", "service/test/web"}, cert, "there is no service test/web"},
		{[]string{"ca"}, cert, "BEGIN CERTIFICATE"},
		{[]string{"logs", "0f9d1c62b1a84f3f9f6c5d1f2b7a9e10"}, cert, "task"},
		{[]string{"status"}, "", "is not trusted; give its authority's certificate with --ca"},
		{[]string{"activities"}, "", "is not trusted; give its authority's certificate with --ca"},
		{[]string{"status", "--ca", cert + "x"}, "", "there is no file"},
		{[]string{"status", "--ca", admin}, "", "has no certificate in PEM"},
	} {
		t.Setenv("AWS_CA_BUNDLE", c.env)
		if out, _ := flyball(t, append(c.args, "--endpoint", s.Endpoint)...); !strings.Contains(out, c.want) {
			t.Errorf("%v: %s, want %s", c.args, out, c.want)
		}
	}
	t.Setenv("AWS_CA_BUNDLE", cert)
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	if out, err := flyball(t, "status", "--endpoint", s.Endpoint); err == nil || !strings.Contains(out, "security token included in the request is invalid") {
		t.Errorf("with an unknown key: %s, %v", out, err)
	}
}

func TestServeRefusesWhatLeavesItOpen(t *testing.T) {
	cert, key := certificate(t)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an address that others can reach": {[]string{"--addr", "0.0.0.0:0"}, "let in only known access keys, with --auth"},
		"a certificate without its key":    {[]string{"--addr", "127.0.0.1:0", "--tls-cert", cert}, "tls-key"},
		"a key of another certificate":     {[]string{"--addr", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", cert}, "are no certificate and its key in PEM"},
		"a certificate that is not there":  {[]string{"--addr", "127.0.0.1:0", "--tls-cert", cert + "x", "--tls-key", key}, "there is no file"},
		"another way to take roles":        {[]string{"--addr", "127.0.0.1:0", "--roles", "none"}, `roles "none": give enforce or aws`},
	} {
		if out, err := flyball(t, append([]string{"serve", "--data", ""}, c.args...)...); err == nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
}
