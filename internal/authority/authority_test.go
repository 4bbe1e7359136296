package authority

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"

	"flyball/internal/state"
	"flyball/internal/store"
)

func TestClientsThatTrustTheAuthorityTrustEachName(t *testing.T) {
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	s := state.New(st)
	a := New(s)
	pem, err := a.PEM(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("not a certificate: %s", pem)
	}
	for _, name := range []string{"web-1.us-east-1.elb.example", "127.0.0.1"} {
		if err := handshake(t, a, &tls.Config{RootCAs: roots, ServerName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := handshake(t, a, &tls.Config{ServerName: "web"}); err == nil {
		t.Error("a client that does not know the authority trusts it")
	}

	again, err := New(s).PEM(t.Context()) // as after a restart
	if err != nil || !bytes.Equal(again, pem) {
		t.Errorf("another authority after a restart, or %v", err)
	}
}

func handshake(t *testing.T, a *Authority, client *tls.Config) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = tls.Server(c, &tls.Config{GetCertificate: a.Certificate}).Handshake()
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		c.Close()
	}
	return err
}
