package replica

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"flyball/internal/postgres"
)

const (
	// name is that of every replica, as its certificate tells it: they are all the same to one another.
	name       = "flyball-replica"
	secretName = "replica-authority"
	// Clocks may be apart, and a replica may run for long.
	before = 24 * time.Hour
	valid  = 10 * 365 * 24 * time.Hour
)

// Identity is how a replica shows others who it is, and knows them.
type Identity struct {
	Server, Client *tls.Config
}

// NewIdentity makes a certificate that the other replicas on a database know. The time is that of all replicas.
func NewIdentity(ctx context.Context, db *postgres.DB, now func() time.Time) (Identity, error) {
	authority, err := authorityOf(ctx, db, now())
	if err != nil {
		return Identity{}, fmt.Errorf("get the authority of the replicas: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Identity{}, err
	}
	template := certificate(now())
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.DNSNames = []string{name}
	der, err := x509.CreateCertificate(rand.Reader, template, authority.Leaf, key.Public(), authority.PrivateKey)
	if err != nil {
		return Identity{}, err
	}
	known := x509.NewCertPool()
	known.AddCert(authority.Leaf)
	own := []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	return Identity{
		Server: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: own, ClientCAs: known, ClientAuth: tls.RequireAndVerifyClientCert, Time: now},
		Client: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: own, RootCAs: known, ServerName: name, Time: now},
	}, nil
}

func certificate(now time.Time) *x509.Certificate {
	serial := make([]byte, 16)
	_, _ = rand.Read(serial) // it never fails
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-before), NotAfter: now.Add(valid),
	}
}

// authorityOf is the authority in a database, which the first replica makes.
func authorityOf(ctx context.Context, db *postgres.DB, now time.Time) (tls.Certificate, error) {
	made, err := newAuthority(now)
	if err != nil {
		return tls.Certificate{}, err
	}
	if _, err := db.Exec(ctx, `INSERT INTO flyball.secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, secretName, made); err != nil {
		return tls.Certificate{}, err
	}
	var kept []byte
	if err := db.QueryRow(ctx, `SELECT value FROM flyball.secret WHERE name = $1`, secretName).Scan(&kept); err != nil {
		return tls.Certificate{}, err
	}
	authority, err := tls.X509KeyPair(kept, kept)
	if err == nil && authority.Leaf == nil {
		err = errors.New("it has no certificate")
	}
	return authority, err
}

// newAuthority is a certificate and its key.
func newAuthority(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificate(now)
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), nil
}
