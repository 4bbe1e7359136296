package cause_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"

	"flyball/internal/cause"
)

// gone is an address at which nothing listens any more.
func gone(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

func TestTheSystemsWordsAreSaidPlainly(t *testing.T) {
	address := gone(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	trusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	trusted.Config.ErrorLog = log.New(io.Discard, "", 0) // of the client that does not trust it
	trusted.StartTLS()
	defer trusted.Close()
	sdk := func(err error) error {
		return &smithy.OperationError{ServiceID: "SQS", OperationName: "SendMessage", Err: err}
	}
	taken := plain.Listener.Addr().String()
	const socket = "none.sock" // in this folder: the path of a temporary one may be too long for a socket
	dial := func(network, address string) error { _, err := net.Dial(network, address); return err }
	listen := func(address string) error { _, err := net.Listen("tcp", address); return err }
	get := func(url string) error { _, err := http.Get(url); return err }
	op := func(op, network string, err error) error {
		return &net.OpError{Op: op, Net: network, Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 80}, Err: os.NewSyscallError(op, err)}
	}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"nothing listens", dial("tcp", address), "nothing listens there"},
		{"nothing listens, and somebody says more", fmt.Errorf("ask: %w; start one", dial("tcp", address)), "ask: nothing listens there; start one"},
		{"nothing listens for HTTP", get("http://" + address), "nothing listens there"},
		{"TLS with who speaks none", get("https://" + taken), "what listens there speaks no TLS; write http:// in place of https://"},
		{"an address that is taken", listen(taken), "another program listens at " + taken + " already"},
		{"a port that is none", listen("127.0.0.1:99999"), "99999 is no port; give one from 0 to 65535"},
		{"an address without a port", listen("nowhere"), `"nowhere" is no address to listen at or to call; write HOST:PORT, such as 127.0.0.1:4566`},
		{"a socket that is not there", dial("unix", socket), "there is no socket " + socket},
		{"an address of another machine", op("listen", "tcp", syscall.EADDRNOTAVAIL), "this machine has no address 10.0.0.1:80 to listen at"},
		{"a port of root", op("listen", "tcp", syscall.EACCES), "you may not listen at 10.0.0.1:80: ports below 1024 are for root"},
		{"a socket of another", &net.OpError{Op: "dial", Net: "unix", Addr: &net.UnixAddr{Name: "/s"}, Err: syscall.EACCES}, "you may not use the socket /s"},
		{"no way", op("dial", "tcp", syscall.ENETUNREACH), "this machine's network does not lead there"},
		{"no answer", op("dial", "tcp", syscall.ETIMEDOUT), "no answer came in time"},
		{"a connection that breaks", op("read", "tcp", syscall.ECONNRESET), "the connection was broken off"},
		{"no answer at all", &url.Error{Op: "Get", URL: "http://x/", Err: io.EOF}, "the connection was closed before an answer came"},
		{"no host", &net.DNSError{Err: "no such host", Name: "x.invalid", Server: "10.0.0.53:53", IsNotFound: true}, "this machine's name servers know no host x.invalid"},
		{"no name server", &net.DNSError{Err: "server misbehaving", Name: "x.invalid"}, "this machine's name servers do not tell where x.invalid is"},
		{"no room", &fs.PathError{Op: "write", Path: "x.html", Err: syscall.ENOSPC}, "the disk has no room for x.html; make some, or write elsewhere"},
		{"no room for what is printed", &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}, "the disk has no room for the output; make some, or write elsewhere"},
		{"a call that is refused", fmt.Errorf("read it: %w", sdk(&smithy.GenericAPIError{Code: "AccessDenied", Message: "User: bob is not authorized."})), "read it: User: bob is not authorized (AccessDenied of SQS SendMessage)"},
		{"a call that is not answered", sdk(fmt.Errorf("request send failed, %w", dial("tcp", address))), "SQS SendMessage is not answered: nothing listens there"},
		{"a call without a key", sdk(errors.New("get identity: get credentials: failed to refresh cached credentials")), "SQS SendMessage is called with an access key, and none is found: give one in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, by AWS_PROFILE, or by a role; after aws sso login where that has expired"},
		{"a call of which there is nothing to say", sdk(errors.New("odd")), "operation error SQS: SendMessage, odd"},
		{"a certificate of nobody known", get(trusted.URL), "nobody whom this machine trusts has issued its certificate"},
		{"a certificate that is too old", &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, "its certificate has expired, or is not valid yet by this machine's clock"},
		{"no TLS", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "what listens there speaks no TLS; write http:// in place of https://"},
		{"other words", errors.New("as it was"), "as it was"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err == nil {
				t.Fatal("there is no error")
			}
			if got := cause.Of(tt.err); got.Error() != tt.want || !errors.Is(got, tt.err) {
				t.Errorf("%v is said as %q, want %q", tt.err, got, tt.want)
			}
		})
	}
	if err := cause.Of(nil); err != nil {
		t.Errorf("no error is said as %v", err)
	}
}
