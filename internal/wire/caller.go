package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"flyball/internal/principal"
	"flyball/internal/signature"
)

// identify finds the scope of the call, and who stands behind its access key. What
// is wrong with the signature of a known key is said here, as far as it can be said
// without the body.
//
// The Authorization header alone keeps web pages out: a browser does not send it to
// another origin without asking first, and it is never told yes. A signed URL can
// stand in any page, and a browser may open it without a word of where it stood: so
// its signature has to be that of a known key, which no page has.
func (x *exchange) identify() *fault {
	var err error
	x.caller, err = x.h.identify(&x.h.verifier, x.r, x.h.unsigned && !fromBrowser(x.r), x.h.wall())
	if err != nil {
		return x.refused(err)
	}
	return nil
}

// A caller is who makes a request.
type caller struct {
	scope     Scope
	principal *principal.Principal // whom the access key stands for; nil if it is not known
	check     *signature.Check     // of a known key's signature, until it is done
}

// errUnverified is the refusal of a signed URL that anybody could have written.
var errUnverified = &signature.Error{
	Reason: signature.InvalidToken,
	Message: signature.ErrInvalidToken.Message + " A signed URL can stand in any web page, so its access key has to be one that this server has issued " +
		"(aws iam create-access-key); with any other key, sign in the Authorization header.",
}

// identify finds who makes a request, whose signature is still to be verified with
// the body. Requests that are not signed are let in where they may be.
func (o *Options) identify(v *signature.Verifier, r *http.Request, unsigned bool, now time.Time) (c caller, err error) {
	claim, err := signature.Parse(r)
	switch {
	case errors.Is(err, signature.ErrMissingToken) && unsigned:
		c.scope = Scope{Account: o.Account(""), Region: o.Region}
		return c, nil
	case err != nil:
		return c, err
	}
	c.scope = Scope{Region: claim.Region, AccessKey: claim.AccessKey, Service: claim.Service}
	if c.scope.Region == "" {
		c.scope.Region = o.Region
	} else if !isRegion(c.scope.Region) {
		return c, signature.WrongRegion(claim.Region)
	}
	return c, c.find(o, v, r, claim, now)
}

// wall is the time of the wall clock.
func (o *Options) wall() time.Time {
	if o.Wall == nil {
		return time.Now()
	}
	return o.Wall()
}

func fromBrowser(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Mode") != "" || r.Header.Get("Referer") != ""
}

func (x *exchange) signed() bool { return x.scope.AccessKey != "" }

// find finds what stands behind the access key, and the account. A key that is not
// known is one of an administrator, if it is admitted at all.
func (c *caller) find(o *Options, v *signature.Verifier, r *http.Request, claim signature.Claim, now time.Time) (err error) {
	var credential signature.Credential
	known := false
	if o.Credentials != nil {
		credential, known = o.Credentials(r.Context(), claim.AccessKey)
	}
	if !known {
		c.scope.Account = o.Account(claim.AccessKey)
		err := o.admit(r.Context(), true)
		if err == nil && claim.Presigned {
			err = errUnverified
		}
		return err
	}
	p := credential.Principal // apart, so that only known keys cost an allocation
	c.scope.Account, c.principal = p.Account, &p
	c.check, err = v.Begin(r, claim, credential, now)
	return err
}

// admit says why a request without a known access key is refused.
func (o *Options) admit(ctx context.Context, signed bool) error {
	if o.Admit != nil {
		if refusal := o.Admit(ctx, signed); refusal != nil {
			return refusal
		}
	}
	return nil
}

// verify verifies the signature of a known key. That of another is not known.
func (c *caller) verify(body []byte) error {
	if c.check == nil {
		return nil
	}
	if err := c.check.Finish(body); err != nil {
		return err
	}
	c.check = nil
	return nil
}

// inScope refuses operations that have to be signed and are not, and those that were
// signed for another service.
func (x *exchange) inScope() *fault {
	switch {
	case !x.signed() && !x.op.unsigned:
		return x.refused(signature.ErrMissingToken)
	case x.principal != nil && x.scope.Service != x.service.name:
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
		limit = x.service.bodyLimit(x.name)
	}
	body, f := x.receive(limit)
	if f != nil {
		return x.inWords(f)
	}
	if err := x.verify(body.Bytes()); err != nil {
		keep(body)
		return x.refused(err)
	}
	if streams {
		x.body, x.r.Body = buffers.Get().(*bytes.Buffer), io.NopCloser(body)
		return nil
	}
	x.body, f = x.unpacked(body)
	return f
}

// inWords gives the fault of a body that is too large the service's own words.
func (x *exchange) inWords(f *fault) *fault {
	if x.service != nil && f.status == http.StatusRequestEntityTooLarge {
		return x.service.tooLarge(x.name)
	}
	return f
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
