// Package cause says in plain words why the system, or the network, did not do what it was asked:
// Go and the system say it in words for programmers, such as dial tcp 127.0.0.1:4566: connect:
// connection refused.
package cause

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
)

// Of returns an error in plain words, or the error itself, if there are none for it. What others
// have said around it stays.
func Of(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, say := range []func(error) (part error, said string){operation, request, certificate, network, lookup, full} {
		if part, said := say(err); said != "" {
			text = strings.Replace(text, part.Error(), said, 1)
		}
	}
	if text == err.Error() {
		return err
	}
	return plain{text, err}
}

// A plain error is another one in plain words.
type plain struct {
	text string
	error
}

func (p plain) Error() string { return p.text }

// Unwrap returns the error in its own words.
func (p plain) Unwrap() error { return p.error }

// operation is of a call of AWS's SDK, whose error is that of each of its layers: the service's own
// message, where there is one.
func operation(err error) (error, string) {
	call, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return nil, ""
	}
	what := call.ServiceID + " " + call.OperationName
	if refused, ok := errors.AsType[smithy.APIError](call); ok && refused.ErrorMessage() != "" {
		return call, fmt.Sprintf("%s (%s of %s)", strings.TrimSuffix(refused.ErrorMessage(), "."), refused.ErrorCode(), what)
	}
	if strings.Contains(call.Error(), "get credentials: ") { // which has no type
		return call, what + " is called with an access key, and none is found: give one in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, by AWS_PROFILE, or by a role; after aws sso login where that has expired"
	}
	for _, say := range []func(error) (error, string){request, certificate, network, lookup} {
		if _, said := say(call.Err); said != "" {
			return call, fmt.Sprintf("%s is not answered: %s", what, said)
		}
	}
	return nil, ""
}

// certificate is of who answers and is not trusted, or speaks no TLS.
func certificate(err error) (error, string) {
	if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return plain, "what listens there speaks no TLS; write http:// in place of https://"
	}
	wrong, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok {
		return nil, ""
	}
	if other, ok := errors.AsType[x509.HostnameError](wrong); ok {
		return wrong, fmt.Sprintf("its certificate is not for %s; call it by a name that the certificate has", other.Host)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](wrong); ok && invalid.Reason == x509.Expired {
		return wrong, "its certificate has expired, or is not valid yet by this machine's clock"
	}
	if errors.As(wrong, new(x509.UnknownAuthorityError)) {
		return wrong, "nobody whom this machine trusts has issued its certificate"
	}
	return nil, ""
}

// request is of a call of HTTP, whose error begins with the address, as who has typed it knows.
func request(err error) (error, string) {
	call, ok := errors.AsType[*url.Error](err)
	switch {
	case !ok:
		return nil, ""
	case errors.Is(call, http.ErrSchemeMismatch):
		return call, "what listens there speaks no TLS; write http:// in place of https://"
	case call.Timeout():
		return call, "no answer came in time"
	case errors.Is(call, io.EOF), errors.Is(call, io.ErrUnexpectedEOF):
		return call, "the connection was closed before an answer came"
	}
	return call, Of(call.Err).Error()
}

// network is of an address that was called, or listened at.
func network(err error) (error, string) {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok {
		return nil, ""
	}
	at := ""
	if op.Addr != nil {
		at = op.Addr.String()
	}
	switch wrong, ok := errors.AsType[*net.AddrError](op); {
	case ok && wrong.Err == "invalid port":
		return op, wrong.Addr + " is no port; give one from 0 to 65535"
	case ok:
		return op, fmt.Sprintf("%q is no address to listen at or to call; write HOST:PORT, such as 127.0.0.1:4566", wrong.Addr)
	}
	if _, said := lookup(op); said != "" {
		return op, said
	}
	switch unix := op.Net == "unix"; {
	case errors.Is(op, syscall.ECONNREFUSED):
		return op, "nothing listens there"
	case errors.Is(op, syscall.EADDRINUSE):
		return op, fmt.Sprintf("another program listens at %s already", at)
	case errors.Is(op, syscall.EADDRNOTAVAIL) && op.Op == "listen":
		return op, fmt.Sprintf("this machine has no address %s to listen at", at)
	case errors.Is(op, fs.ErrPermission) && op.Op == "listen":
		return op, fmt.Sprintf("you may not listen at %s: ports below 1024 are for root", at)
	case errors.Is(op, fs.ErrPermission) && unix:
		return op, fmt.Sprintf("you may not use the socket %s", at)
	case errors.Is(op, fs.ErrNotExist) && unix:
		return op, fmt.Sprintf("there is no socket %s", at)
	case errors.Is(op, syscall.ENETUNREACH), errors.Is(op, syscall.EHOSTUNREACH):
		return op, "this machine's network does not lead there"
	case op.Timeout():
		return op, "no answer came in time"
	case errors.Is(op, syscall.ECONNRESET), errors.Is(op, syscall.EPIPE):
		return op, "the connection was broken off"
	}
	return nil, ""
}

// lookup is of a host that has no address.
func lookup(err error) (error, string) {
	host, ok := errors.AsType[*net.DNSError](err)
	switch {
	case !ok:
		return nil, ""
	case host.IsNotFound:
		return host, fmt.Sprintf("this machine's name servers know no host %s", host.Name)
	}
	return host, fmt.Sprintf("this machine's name servers do not tell where %s is", host.Name)
}

// full is of what cannot be written since there is no room.
func full(err error) (error, string) {
	wrong, ok := errors.AsType[*fs.PathError](err)
	if !ok || !errors.Is(wrong, syscall.ENOSPC) && !errors.Is(wrong, syscall.EDQUOT) {
		return nil, ""
	}
	what := wrong.Path
	if what == os.Stdout.Name() {
		what = "the output"
	}
	return wrong, fmt.Sprintf("the disk has no room for %s; make some, or write elsewhere", what)
}
