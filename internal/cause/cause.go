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
	for _, say := range []func(error) (said string, part error){operation, request, certificate, network, lookup, full} {
		if said, part := say(err); said != "" {
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
func operation(err error) (said string, part error) {
	call, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return "", nil
	}
	what := call.ServiceID + " " + call.OperationName
	if refused, ok := errors.AsType[smithy.APIError](call); ok && refused.ErrorMessage() != "" {
		return fmt.Sprintf("%s (%s of %s)", strings.TrimSuffix(refused.ErrorMessage(), "."), refused.ErrorCode(), what), call
	}
	if strings.Contains(call.Error(), "get credentials: ") { // which has no type
		return what + " is called with an access key, and none is found: give one in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, by AWS_PROFILE, or by a role; after aws sso login where that has expired", call
	}
	for _, say := range []func(error) (string, error){request, certificate, network, lookup} {
		if said, _ := say(call.Err); said != "" {
			return fmt.Sprintf("%s is not answered: %s", what, said), call
		}
	}
	return "", nil
}

// certificate is of who answers and is not trusted, or speaks no TLS.
func certificate(err error) (said string, part error) {
	if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "what listens there speaks no TLS; write http:// in place of https://", plain
	}
	wrong, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok {
		return "", nil
	}
	if other, ok := errors.AsType[x509.HostnameError](wrong); ok {
		return fmt.Sprintf("its certificate is not for %s; call it by a name that the certificate has", other.Host), wrong
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](wrong); ok && invalid.Reason == x509.Expired {
		return "its certificate has expired, or is not valid yet by this machine's clock", wrong
	}
	if errors.As(wrong, new(x509.UnknownAuthorityError)) {
		return "nobody whom this machine trusts has issued its certificate", wrong
	}
	return "", nil
}

// request is of a call of HTTP, whose error begins with the address, as who has typed it knows.
func request(err error) (said string, part error) {
	call, ok := errors.AsType[*url.Error](err)
	switch {
	case !ok:
		return "", nil
	case errors.Is(call, http.ErrSchemeMismatch):
		return "what listens there speaks no TLS; write http:// in place of https://", call
	case call.Timeout():
		return "no answer came in time", call
	case errors.Is(call, io.EOF), errors.Is(call, io.ErrUnexpectedEOF):
		return "the connection was closed before an answer came", call
	}
	return Of(call.Err).Error(), call
}

// network is of an address that was called, or listened at.
func network(err error) (said string, part error) {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok {
		return "", nil
	}
	at := ""
	if op.Addr != nil {
		at = op.Addr.String()
	}
	switch wrong, ok := errors.AsType[*net.AddrError](op); {
	case ok && wrong.Err == "invalid port":
		return wrong.Addr + " is no port; give one from 0 to 65535", op
	case ok:
		return fmt.Sprintf("%q is no address to listen at or to call; write HOST:PORT, such as 127.0.0.1:4566", wrong.Addr), op
	}
	if said, _ := lookup(op); said != "" {
		return said, op
	}
	switch unix := op.Net == "unix"; {
	case errors.Is(op, syscall.ECONNREFUSED):
		return "nothing listens there", op
	case errors.Is(op, syscall.EADDRINUSE):
		return fmt.Sprintf("another program listens at %s already", at), op
	case errors.Is(op, syscall.EADDRNOTAVAIL) && op.Op == "listen":
		return fmt.Sprintf("this machine has no address %s to listen at", at), op
	case errors.Is(op, fs.ErrPermission) && op.Op == "listen":
		return fmt.Sprintf("you may not listen at %s: ports below 1024 are for root", at), op
	case errors.Is(op, fs.ErrPermission) && unix:
		return fmt.Sprintf("you may not use the socket %s", at), op
	case errors.Is(op, fs.ErrNotExist) && unix:
		return fmt.Sprintf("there is no socket %s", at), op
	case errors.Is(op, syscall.ENETUNREACH), errors.Is(op, syscall.EHOSTUNREACH):
		return "this machine's network does not lead there", op
	case op.Timeout():
		return "no answer came in time", op
	case errors.Is(op, syscall.ECONNRESET), errors.Is(op, syscall.EPIPE):
		return "the connection was broken off", op
	}
	return "", nil
}

// lookup is of a host that has no address.
func lookup(err error) (said string, part error) {
	host, ok := errors.AsType[*net.DNSError](err)
	switch {
	case !ok:
		return "", nil
	case host.IsNotFound:
		return fmt.Sprintf("this machine's name servers know no host %s", host.Name), host
	}
	return fmt.Sprintf("this machine's name servers do not tell where %s is", host.Name), host
}

// full is of what cannot be written since there is no room.
func full(err error) (said string, part error) {
	wrong, ok := errors.AsType[*fs.PathError](err)
	if !ok || !errors.Is(wrong, syscall.ENOSPC) && !errors.Is(wrong, syscall.EDQUOT) {
		return "", nil
	}
	what := wrong.Path
	if what == os.Stdout.Name() {
		what = "the output"
	}
	return fmt.Sprintf("the disk has no room for %s; make some, or write elsewhere", what), wrong
}
