package cluster

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeCertificates makes what the parts of a cluster know each other by: an authority,
// certificates of the API server and the administrator, the key of service accounts, and the
// administrator's kubeconfig.
func writeCertificates(dir, server string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "flyball test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	if err := writePair(dir, "ca", der, key); err != nil {
		return err
	}
	ca, err := readAuthority(dir)
	if err != nil {
		return err
	}
	if der, key, err = ca.issue(pkix.Name{CommonName: "kube-apiserver"}, x509.ExtKeyUsageServerAuth); err != nil {
		return err
	}
	if err := writePair(dir, "apiserver", der, key); err != nil {
		return err
	}
	if der, key, err = ca.issue(pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}}, x509.ExtKeyUsageClientAuth); err != nil {
		return err
	}
	if err := writePair(dir, "admin", der, key); err != nil {
		return err
	}
	if err := writeAccountKey(dir); err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	return clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"test": {Server: server, CertificateAuthority: at("ca.crt")}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"admin": {ClientCertificate: at("admin.crt"), ClientKey: at("admin.key")}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "admin"}},
		CurrentContext: "test",
	}, at("kubeconfig"))
}

// writeAccountKey makes the key that tokens of service accounts are signed with.
func writeAccountKey(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := writeKey(filepath.Join(dir, "sa.key"), key); err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "sa.pub"), pemOf("PUBLIC KEY", der), 0o600)
}

// An authority issues certificates for loopback and for users.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func readAuthority(dir string) (a authority, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		return a, err
	}
	block, _ := pem.Decode(text)
	if a.certificate, err = x509.ParseCertificate(block.Bytes); err != nil {
		return a, err
	}
	if text, err = os.ReadFile(filepath.Join(dir, "ca.key")); err != nil {
		return a, err
	}
	block, _ = pem.Decode(text)
	a.key, err = x509.ParseECPrivateKey(block.Bytes)
	return a, err
}

func (a authority) issue(subject pkix.Name, usage x509.ExtKeyUsage) ([]byte, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		DNSNames: []string{"localhost", "kubernetes.default.svc"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)},
	}, a.certificate, key.Public(), a.key)
	return der, key, err
}

// issueClient is a certificate of a user, and its key.
func issueClient(dir, user string, groups []string) (certificate, key []byte, err error) {
	ca, err := readAuthority(dir)
	if err != nil {
		return nil, nil, err
	}
	der, private, err := ca.issue(pkix.Name{CommonName: user, Organization: groups}, x509.ExtKeyUsageClientAuth)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	return pemOf("CERTIFICATE", der), pemOf("EC PRIVATE KEY", keyDER), err
}

func writePair(dir, name string, der []byte, key *ecdsa.PrivateKey) error {
	if err := os.WriteFile(filepath.Join(dir, name+".crt"), pemOf("CERTIFICATE", der), 0o600); err != nil {
		return err
	}
	return writeKey(filepath.Join(dir, name+".key"), key)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pemOf("EC PRIVATE KEY", der), 0o600)
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
