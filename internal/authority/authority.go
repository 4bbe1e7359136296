// Package authority makes certificates for the HTTPS listeners of load balancers, by
// an authority of the server's own. Who trusts the authority trusts them:
//
//	ca := authority.New(st)
//	pem, err := ca.PEM(ctx)                                 // what clients are told to trust
//	tls.Config{GetCertificate: ca.Certificate}              // one for each name that clients ask for
//
// The authority is made when it is first needed, and kept with the state.
package authority

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
	"net"
	"sync"
	"time"

	"flyball/internal/state"
	"flyball/internal/store"
)

var kindAuthority = state.Kind{Name: "server.authority", Version: 1}

// key is the only row's.
const key = "ca"

// A document is the authority as it is kept: in DER.
type document struct{ Certificate, Key []byte }

// How long certificates are good for. Those of names are made again in time.
const (
	authorityLasts = 10 * 365 * 24 * time.Hour
	leafLasts      = 90 * 24 * time.Hour
	renewedBefore  = 30 * 24 * time.Hour
)

// mostLeaves bounds the certificates that are kept in memory: clients choose names.
const mostLeaves = 1000

// An Authority makes certificates. Its methods may be called from several goroutines.
type Authority struct {
	state *state.State

	mu     sync.Mutex
	made   *pair
	leaves map[string]*tls.Certificate // by name
}

type pair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// New returns the authority of a state.
func New(st *state.State) *Authority {
	return &Authority{state: st, leaves: map[string]*tls.Certificate{}}
}

// PEM is the authority's certificate.
func (a *Authority) PEM(ctx context.Context) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ca, err := a.authority(ctx)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw}), nil
}

// Certificate is one for the name that a client asks for, or without a name for the
// address that it has called.
func (a *Authority) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := hello.ServerName
	if name == "" {
		host, _, err := net.SplitHostPort(hello.Conn.LocalAddr().String())
		if err != nil {
			return nil, fmt.Errorf("make a certificate: %w", err)
		}
		name = host
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if leaf := a.leaves[name]; leaf != nil && time.Until(leaf.Leaf.NotAfter) > renewedBefore {
		return leaf, nil
	}
	ca, err := a.authority(hello.Context())
	if err != nil {
		return nil, err
	}
	leaf, err := ca.leaf(name)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for %s: %w", name, err)
	}
	if len(a.leaves) >= mostLeaves {
		clear(a.leaves)
	}
	a.leaves[name] = leaf
	return leaf, nil
}

// authority is the authority, read or made, under the lock.
func (a *Authority) authority(ctx context.Context) (*pair, error) {
	if a.made != nil {
		return a.made, nil
	}
	doc, err := state.Get[document](a.state, kindAuthority, key)
	if errors.Is(err, store.ErrNotFound) {
		if doc, err = newAuthority(); err == nil {
			err = a.state.Change(ctx, func(_ context.Context, tx *state.Tx) error {
				tx.Put(kindAuthority, key, doc)
				return nil
			})
		}
	}
	if err != nil {
		return nil, fmt.Errorf("make the certificate authority: %w", err)
	}
	a.made, err = doc.pair()
	return a.made, err
}

func (d *document) pair() (*pair, error) {
	certificate, err := x509.ParseCertificate(d.Certificate)
	if err != nil {
		return nil, fmt.Errorf("read the certificate authority: %w", err)
	}
	private, err := x509.ParseECPrivateKey(d.Key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate authority: %w", err)
	}
	return &pair{certificate, private}, nil
}

func newAuthority() (*document, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := newTemplate(pkix.Name{CommonName: "Flyball local authority", Organization: []string{"Flyball"}}, authorityLasts)
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, err
	}
	bytes, err := x509.MarshalECPrivateKey(private)
	return &document{certificate, bytes}, err
}

// leaf makes a certificate for a host name or an address.
func (p *pair) leaf(name string) (*tls.Certificate, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := newTemplate(pkix.Name{CommonName: name}, leafLasts)
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if len(name) > 64 { // the bound of a common name
		template.Subject.CommonName = ""
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, p.certificate, &private.PublicKey, p.key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(raw)
	return &tls.Certificate{Certificate: [][]byte{raw, p.certificate.Raw}, PrivateKey: private, Leaf: parsed}, err
}

func newTemplate(subject pkix.Name, lasts time.Duration) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // it never fails
	now := time.Now()
	return &x509.Certificate{SerialNumber: serial, Subject: subject, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lasts)}
}
