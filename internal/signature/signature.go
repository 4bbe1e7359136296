// Package signature verifies AWS Signature Version 4, in headers and in presigned
// URLs, as "AWS Signature Version 4 for API requests" of the IAM user guide has it.
//
//	claim, err := signature.Parse(r)                       // what the request says of its signature
//	credential, known := ...                               // what stands behind claim.AccessKey
//	check, err := verifier.Begin(r, claim, credential, now) // what can be refused without the body
//	err = check.Finish(body)                               // whether the signature is right
//
// Errors are of type *Error, with a Reason and a sentence of AWS's.
//
// The rules are those of every service but Amazon S3: the path is encoded once more
// on top of how it was sent, and the body is always part of what is signed. S3's
// UNSIGNED-PAYLOAD and its streaming forms are refused. Signature Version 4a is
// parsed and not verified: Begin refuses it.
package signature

import (
	"time"

	"flyball/internal/principal"
)

// A Credential is what stands behind an access key.
type Credential struct {
	Secret       string
	SessionToken string    // has to come with the key; empty for keys of users
	Expires      time.Time // on the wall clock; zero never
	Active       bool      // else the key is refused as if there were none
	Principal    principal.Principal
}

// algorithm is the one that is verified.
const algorithm = "AWS4-HMAC-SHA256"

// terminator ends credential scopes.
const terminator = "aws4_request"

// basicFormat is how dates are written in what is signed: ISO 8601's basic format.
const basicFormat = "20060102T150405Z"
