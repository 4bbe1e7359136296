package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"flyball/internal/signature"
)

// identify finds the scope of the call, and who stands behind its access key. What
// is wrong with the signature of a known key is said here, as far as it can be said
// without the body.
//
// The Authorization header alone keeps web pages out: a browser does not send it to
// another origin without asking first, and it is never told yes. A signed URL can
// stand in any page, so that one is refused when a browser opens it.
func (x *exchange) identify() *fault {
	claim, err := signature.Parse(x.r)
	switch {
	case errors.Is(err, signature.ErrMissingToken) && x.h.unsigned && !fromBrowser(x.r):
		x.scope = Scope{Account: x.h.Account(""), Region: x.h.Region}
		return nil
	case err != nil:
		return x.refused(err)
	case claim.Presigned && fromBrowser(x.r):
		return forbidden("Signed URLs are refused from browsers.")
	}
	x.scope = Scope{Region: claim.Region, AccessKey: claim.AccessKey, Service: claim.Service}
	if x.scope.Region == "" {
		x.scope.Region = x.h.Region
	} else if !isRegion(x.scope.Region) {
		return x.refused(signature.WrongRegion(claim.Region))
	}
	return x.findCaller(claim)
}

func fromBrowser(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") != "" || r.Header.Get("Referer") != ""
}

func (x *exchange) signed() bool { return x.scope.AccessKey != "" }

// findCaller finds what stands behind the access key, and the account. A key that is
// not known is one of an administrator, unless keys have to be known.
func (x *exchange) findCaller(claim signature.Claim) *fault {
	var credential signature.Credential
	known := false
	if x.h.Credentials != nil {
		credential, known = x.h.Credentials(x.r.Context(), claim.AccessKey)
	}
	if !known {
		x.scope.Account = x.h.Account(claim.AccessKey)
		if x.h.RequireKnown {
			return x.refused(signature.ErrInvalidToken)
		}
		return nil
	}
	caller := credential.Principal // apart, so that only known keys cost an allocation
	x.scope.Account, x.caller = caller.Account, &caller
	var err error
	if x.check, err = x.h.verifier.Begin(x.r, claim, credential, x.start); err != nil {
		return x.refused(err)
	}
	return nil
}

// inScope refuses operations that have to be signed and are not, and those that were
// signed for another service.
func (x *exchange) inScope() *fault {
	switch {
	case !x.signed() && !x.op.unsigned:
		return x.refused(signature.ErrMissingToken)
	case x.caller != nil && x.scope.Service != x.service.name:
		return x.refused(signature.WrongService(x.service.name))
	}
	return nil
}

// readBody reads the body, bounded as the service wants it once it is known, and
// verifies the signature before anything in it is looked at. The body of an operation
// that streams it is left for the operation, unless it has to be verified.
func (x *exchange) readBody() *fault {
	streams := x.op != nil && x.op.inPlan.streams()
	if streams && x.check == nil {
		x.body = buffers.Get().(*bytes.Buffer)
		return nil
	}
	limit := int64(defaultMaxBody)
	if x.service != nil {
		limit = x.service.bodyLimit()
	}
	body, f := receive(x.r, limit)
	if f != nil {
		return f
	}
	if f := x.verify(body.Bytes()); f != nil {
		keep(body)
		return f
	}
	if streams {
		x.body, x.r.Body = buffers.Get().(*bytes.Buffer), io.NopCloser(body)
		return nil
	}
	x.body, f = unpacked(x.r, body)
	return f
}

// verify verifies the signature of a known key. That of another is not known.
func (x *exchange) verify(body []byte) *fault {
	if x.check == nil {
		return nil
	}
	if err := x.check.Finish(body); err != nil {
		return x.refused(err)
	}
	x.check = nil
	return nil
}

// signedFor is the service that the call was signed for, which gives a refusal its
// words before the service that is called is known.
func (x *exchange) signedFor() *service {
	for _, s := range x.h.services {
		if s.name == x.scope.Service && s.speaks(x.proto.id()) {
			return s
		}
	}
	return nil
}

// refusals are the codes of what is wrong with a signature ("Common error types" of
// each API reference), in JSON and CBOR and in awsQuery.
var refusals = map[signature.Reason]struct{ code, query string }{
	signature.MissingToken:  {"MissingAuthenticationTokenException", "MissingAuthenticationToken"},
	signature.Incomplete:    {"IncompleteSignatureException", "IncompleteSignature"},
	signature.InvalidToken:  {"UnrecognizedClientException", "InvalidClientTokenId"},
	signature.ExpiredToken:  {"ExpiredTokenException", "ExpiredToken"},
	signature.WrongScope:    {"InvalidSignatureException", "SignatureDoesNotMatch"},
	signature.Expired:       {"InvalidSignatureException", "SignatureDoesNotMatch"},
	signature.NotYetCurrent: {"InvalidSignatureException", "SignatureDoesNotMatch"},
	signature.Mismatch:      {"InvalidSignatureException", "SignatureDoesNotMatch"},
}

// refused is the fault of a call whose signature is not taken. What should have been
// signed is told to the log alone.
func (x *exchange) refused(err error) *fault {
	e, ok := errors.AsType[*signature.Error](err)
	if !ok {
		return internalFailure()
	}
	if x.service == nil {
		x.service = x.signedFor()
	}
	if e.Detail != "" {
		x.h.Log.Debug("signature refused", "request", x.id, "key", x.scope.AccessKey, "detail", e.Detail)
	}
	f := &fault{code: refusals[e.Reason].code, query: refusals[e.Reason].query, status: http.StatusForbidden, message: e.Message}
	// Services that speak awsJson1_1 have one status for all that a client does wrong.
	if e.Reason == signature.Incomplete || x.proto.id() == AWSJSON11 && e.Reason != signature.MissingToken {
		f.status = http.StatusBadRequest
	}
	if f.ec2Code() == "AuthFailure" && x.proto.id() == EC2Query {
		f.status = http.StatusUnauthorized
	}
	return f
}
