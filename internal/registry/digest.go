package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
)

// A Digest names content by its SHA-256 sum, as sha256: and 64 hexadecimal digits in
// lower case. Amazon ECR knows no other algorithm.
type Digest string

// algorithm begins every digest.
const algorithm = "sha256:"

// ErrDigest is returned for a text that is no digest.
var ErrDigest = errors.New("a digest is sha256: and 64 hexadecimal digits")

// ParseDigest reads a digest.
func ParseDigest(text string) (Digest, error) {
	sum, ok := strings.CutPrefix(text, algorithm)
	if !ok || len(sum) != hex.EncodedLen(sha256.Size) || strings.Trim(sum, "0123456789abcdef") != "" {
		return "", ErrDigest
	}
	return Digest(text), nil
}

// DigestOf is the digest of content.
func DigestOf(content []byte) Digest {
	h := sha256.New()
	h.Write(content)
	return digestOf(h)
}

// digestOf is the digest of what a hash has seen.
func digestOf(h hash.Hash) Digest { return Digest(algorithm + hex.EncodeToString(h.Sum(nil))) }

// sum are the digits of the digest.
func (d Digest) sum() string { return string(d[len(algorithm):]) }
