package signature

import (
	"fmt"
	"strings"
	"time"
)

// A Reason says why a request is refused.
type Reason uint8

// The reasons, each of which AWS has an error code for.
const (
	MissingToken  Reason = iota + 1 // the request is not signed
	Incomplete                      // it lacks what a signature needs, or that has no form
	InvalidToken                    // nobody has the access key, or its session token is another
	ExpiredToken                    // the credential was temporary
	WrongScope                      // signed for another region, service or date
	Expired                         // signed too long ago
	NotYetCurrent                   // signed for a time to come
	Mismatch                        // the signature is not that of the request
)

// An Error is why a request is refused.
type Error struct {
	Reason  Reason
	Message string // for the client
	// Detail is what should have been signed, if that is what differs. It is for
	// those who look for the mistake in a client.
	Detail string
}

func (e *Error) Error() string { return e.Message }

// The refusals that say no more than their reason.
var (
	ErrMissingToken = &Error{Reason: MissingToken, Message: "Request is missing Authentication Token"}
	ErrInvalidToken = &Error{Reason: InvalidToken, Message: "The security token included in the request is invalid."}
	ErrExpiredToken = &Error{Reason: ExpiredToken, Message: "The security token included in the request is expired"}
)

// WrongService refuses what was signed for another service than the one that is
// called.
func WrongService(called string) *Error {
	return wrongScope("Credential should be scoped to correct service: '%s'.", called)
}

// WrongRegion refuses what was signed for no region.
func WrongRegion(region string) *Error {
	return wrongScope("Credential should be scoped to a valid region, not '%s'.", excerpt(region))
}

func wrongScope(format string, args ...any) *Error {
	return &Error{Reason: WrongScope, Message: fmt.Sprintf(format, args...)}
}

func incomplete(format string, args ...any) *Error {
	return &Error{Reason: Incomplete, Message: fmt.Sprintf(format, args...)}
}

func mismatch(detail string) *Error {
	return &Error{
		Reason:  Mismatch,
		Message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
		Detail:  detail,
	}
}

func expired(signed, now time.Time, valid time.Duration) *Error {
	return &Error{Reason: Expired, Message: fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s)",
		basic(signed), basic(now.Add(-valid)), basic(now), inWords(valid))}
}

func notYetCurrent(signed, now time.Time) *Error {
	return &Error{Reason: NotYetCurrent, Message: fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %s)",
		basic(signed), basic(now.Add(maxSkew)), basic(now), inWords(maxSkew))}
}

func basic(t time.Time) string { return t.UTC().Format(basicFormat) }

// inWords is a duration as AWS writes the five minutes: "5 min."
func inWords(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min.", d/time.Minute)
	}
	return fmt.Sprintf("%d sec.", d/time.Second)
}

// excerpt is what a client sent as an answer can tell it: printable and short.
func excerpt(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
