package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxSkew is how far a client's clock may be off, and how long a signature in
	// a header is good for.
	maxSkew = 5 * time.Minute
	// maxExpires bounds how long a presigned URL is good for: a week.
	maxExpires = 604_800 * time.Second
)

// A Verifier verifies signatures. Its zero value is ready, and its methods may be
// called concurrently.
type Verifier struct {
	keys keys
}

// A Check is a request with a known access key whose signature is still to be
// verified.
type Check struct {
	verifier *Verifier
	claim    Claim
	request  canonical
	secret   string
	signed   time.Time
}

// Begin checks what can be checked of a signed request before its body is there.
// The time is that of the wall clock.
func (v *Verifier) Begin(r *http.Request, c Claim, credential Credential, now time.Time) (*Check, error) {
	q := parameters(r.URL.RawQuery)
	if err := credential.admits(token(r, q, c), now); err != nil {
		return nil, err
	}
	if c.Algorithm != algorithm {
		return nil, incomplete("Unsupported AWS 'algorithm': '%s'.", excerpt(c.Algorithm))
	}
	if c.Region == "" {
		return nil, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term")
	}
	signed, err := c.time(r, q)
	if err != nil {
		return nil, err
	}
	if err := c.current(signed, q, now); err != nil {
		return nil, err
	}
	names, err := signedHeaders(c.Headers)
	if err != nil {
		return nil, err
	}
	if name := unsigned(r, names); name != "" {
		return nil, notSigned(name)
	}
	return &Check{
		verifier: v, claim: c, secret: credential.Secret, signed: signed,
		request: canonical{r: r, query: q, headers: names},
	}, nil
}

// admits refuses a credential that is not or no longer good, or that came with
// another session token than its own.
func (c *Credential) admits(token string, now time.Time) error {
	if !c.Active || subtle.ConstantTimeCompare([]byte(token), []byte(c.SessionToken)) != 1 {
		return ErrInvalidToken
	}
	if !c.Expires.IsZero() && !now.Before(c.Expires) {
		return ErrExpiredToken
	}
	return nil
}

// token is the session token that came with a request, where its signature is.
func token(r *http.Request, q query, c Claim) string {
	if t := r.Header.Get("X-Amz-Security-Token"); t != "" || !c.Presigned {
		return t
	}
	return q.get("X-Amz-Security-Token")
}

// time is when a request says that it was signed.
func (c *Claim) time(r *http.Request, q query) (time.Time, error) {
	if c.Presigned {
		date := q.get("X-Amz-Date")
		if date == "" {
			return time.Time{}, incompleteQuery("X-Amz-Date")
		}
		return parseBasic(date)
	}
	if date := r.Header.Get("X-Amz-Date"); date != "" {
		return parseBasic(date)
	}
	date := r.Header.Get("Date")
	if date == "" {
		return time.Time{}, incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if t, err := http.ParseTime(date); err == nil {
		return t.UTC(), nil
	}
	return parseBasic(date)
}

func parseBasic(date string) (time.Time, error) {
	t, err := time.Parse(basicFormat, date)
	if err != nil || basic(t) != date {
		return t, incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", excerpt(date))
	}
	return t, nil
}

// current refuses what was signed for another day than its scope says, too long ago
// or for a time to come. A presigned URL may say how long it is good for.
func (c *Claim) current(signed time.Time, q query, now time.Time) error {
	if at := basic(signed); c.Date != at[:8] {
		return wrongScope("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			excerpt(c.Date), at[:8], at)
	}
	valid := maxSkew
	if c.Presigned {
		var err error
		if valid, err = expires(q.get("X-Amz-Expires")); err != nil {
			return err
		}
	}
	switch {
	case now.Sub(signed) > valid:
		return expired(signed, now, valid)
	case signed.Sub(now) > maxSkew:
		return notYetCurrent(signed, now)
	}
	return nil
}

// expires is how long a presigned URL is good for. One that does not say it, as the
// SDK for Go makes them, is good as long as a header.
func expires(seconds string) (time.Duration, error) {
	if seconds == "" {
		return maxSkew, nil
	}
	n, err := strconv.ParseUint(seconds, 10, 32)
	valid := time.Duration(n) * time.Second
	if err != nil || n < 1 || valid > maxExpires {
		return 0, incomplete("X-Amz-Expires must be a number of seconds between 1 and %d, not '%s'.", maxExpires/time.Second, excerpt(seconds))
	}
	return valid, nil
}

func notSigned(name string) error {
	who := "'" + excerpt(name) + "'"
	if name == "Host" {
		who = "'Host' or ':authority'"
	}
	return &Error{Reason: Mismatch, Message: who + " must be a 'SignedHeader' in the AWS Authorization."}
}

// Finish verifies the signature of a request with its body, as it was sent.
func (c *Check) Finish(body []byte) error {
	sum := sha256.Sum256(body)
	c.request.payload = hex.EncodeToString(sum[:])
	if err := c.sameBody(); err != nil {
		return err
	}
	from := derivedFrom{secret: c.secret, date: c.claim.Date, region: c.claim.Region, service: c.claim.Service}
	key, kept := c.verifier.keys.find(from)
	for _, f := range forms {
		if hmac.Equal([]byte(c.sign(key, f)), []byte(c.claim.Signature)) {
			if !kept {
				c.verifier.keys.keep(from, key)
			}
			return nil
		}
	}
	return mismatch(c.detail())
}

// sameBody refuses a body that is not the one that the header says.
func (c *Check) sameBody() error {
	said := c.request.r.Header.Get("X-Amz-Content-Sha256")
	if said == "UNSIGNED-PAYLOAD" || strings.HasPrefix(said, "STREAMING-") {
		return &Error{Reason: Mismatch, Message: "The body of the request must be signed: x-amz-content-sha256 '" + excerpt(said) + "' is for Amazon S3."}
	}
	if said != "" && said != c.request.payload {
		return mismatch("The header x-amz-content-sha256 is " + excerpt(said) + ", and the hash of the body is " + c.request.payload)
	}
	return nil
}

// sign is the signature that the request should have.
func (c *Check) sign(key []byte, f form) string {
	var room [1024]byte
	return hex.EncodeToString(mac(key, c.stringToSign(c.request.append(room[:0], f))))
}

func (c *Check) stringToSign(request []byte) string {
	sum := sha256.Sum256(request)
	return algorithm + "\n" + basic(c.signed) + "\n" +
		c.claim.Date + "/" + c.claim.Region + "/" + c.claim.Service + "/" + terminator + "\n" +
		hex.EncodeToString(sum[:])
}

// detail is what AWS tells those who sign wrong.
func (c *Check) detail() string {
	request := c.request.append(nil, forms[0])
	return "The Canonical String for this request should have been\n'" + string(request) +
		"'\n\nThe String-to-Sign should have been\n'" + c.stringToSign(request) + "'\n"
}
