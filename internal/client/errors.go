package client

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/smithy-go"

	"flyball/internal/cause"
)

// An Unreachable server does not answer.
type Unreachable struct {
	Endpoint string // none is AWS
	Flag     string // that names another
	Err      error
}

// Error says how to have one that does.
func (e *Unreachable) Error() string {
	if e.Endpoint == "" {
		return fmt.Sprintf("AWS does not answer: %v; look whether there is such a region, and whether this machine's network lets calls out", cause.Of(e.Err))
	}
	return fmt.Sprintf("no server answers at %s: %v; start one with flyball serve, or name another with %s", e.Endpoint, cause.Of(e.Err), cmp.Or(e.Flag, "--endpoint"))
}

// Unwrap returns why.
func (e *Unreachable) Unwrap() error { return e.Err }

// A Foreign server is none of Flyball's.
type Foreign struct {
	Endpoint string
	Flag     string // that names another
}

// Error says which address to give.
func (e *Foreign) Error() string {
	return fmt.Sprintf("what answers at %s is no Flyball server, or one of another version; give %s the address that flyball serve has printed", e.Endpoint, cmp.Or(e.Flag, "--endpoint"))
}

// A Refused call is one that the server understood and did not carry out.
type Refused struct {
	Operation string // such as ECS DescribeServices
	Err       smithy.APIError
}

// Error is the server's message, with its code and the call, and what to do where it does not
// tell.
func (e *Refused) Error() string {
	text := fmt.Sprintf("%s (%s of %s)", e.Err.ErrorMessage(), e.Err.ErrorCode(), e.Operation)
	if next := remedies[e.Err.ErrorCode()]; next != "" {
		text += "; " + next
	}
	return text
}

// What helps against refusals of who calls, and of how often.
const (
	otherKey = "give another access key, in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or by AWS_PROFILE"
	signIn   = "sign in again, such as with aws sso login, or give a new AWS_SESSION_TOKEN with its access key"
	askOwner = "call with another access key, or have whoever keeps the account permit it"
	lessOnce = "wait a minute, and call again"
)

var remedies = map[string]string{
	"ExpiredToken": signIn, "ExpiredTokenException": signIn, "RequestExpired": signIn,
	"AuthFailure": otherKey, "IncompleteSignature": otherKey, "InvalidClientTokenId": otherKey, "InvalidSignatureException": otherKey,
	"MissingAuthenticationToken": otherKey, "SignatureDoesNotMatch": otherKey, "UnrecognizedClientException": otherKey,
	"AccessDenied": askOwner, "AccessDeniedException": askOwner, "UnauthorizedOperation": askOwner,
	"Throttling": lessOnce, "ThrottlingException": lessOnce, "TooManyRequestsException": lessOnce, "RequestLimitExceeded": lessOnce,
}

// Unwrap returns the server's error.
func (e *Refused) Unwrap() error { return e.Err }

// CheckEndpoint refuses an endpoint that is no address of a server. None is AWS.
func (c *Config) CheckEndpoint() error {
	if c.Endpoint == "" {
		return nil
	}
	if at, err := url.Parse(c.Endpoint); err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return fmt.Errorf("%q is not the URL of a server, such as http://127.0.0.1:4566", c.Endpoint)
	}
	return nil
}

// A Rejected request is one to the server's own paths that it answered with an error.
type Rejected struct {
	Status int // of HTTP
	Text   string
}

// Error is the server's text, and what to do where it does not tell.
func (e *Rejected) Error() string {
	switch {
	case e.Status != http.StatusForbidden:
		return e.Text
	case strings.Contains(e.Text, "not authorized"):
		return e.Text + "; " + askOwner
	case strings.Contains(e.Text, "security token"), strings.Contains(e.Text, "signature"):
		return strings.TrimSuffix(e.Text, ".") + "; " + otherKey
	}
	return e.Text
}
