package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// User is the name that goes with every password ("Private registry authentication"
// of the Amazon ECR user guide).
const User = "AWS"

// PasswordLife is how long a password is good for, in real time.
const PasswordLife = 12 * time.Hour

// What can be wrong with a password.
var (
	ErrPassword = errors.New("the password is not one of this registry")
	ErrExpired  = errors.New("the password has expired")
)

// A Grant is what a password says: for whom it was made.
type Grant struct {
	AccessKey string `json:"key,omitempty"`
	Account   string `json:"account"` // of the access key
	Region    string `json:"region"`
	// Pull, in place of an access key, is the only repository that may be read, and
	// nothing else done.
	Pull    *Place    `json:"pull,omitempty"`
	Expires time.Time `json:"expires"`
}

// Passwords makes and reads passwords, which carry what they say and are signed. Its
// value is the secret key.
type Passwords []byte

// Issue makes the password of a grant.
func (p Passwords) Issue(g Grant) string {
	claim, _ := json.Marshal(g) // of plain fields, which cannot fail
	text := base64.RawURLEncoding.EncodeToString(claim)
	return text + "." + base64.RawURLEncoding.EncodeToString(p.sign(text))
}

func (p Passwords) sign(text string) []byte {
	h := hmac.New(sha256.New, p)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// Read is the grant of a password that was issued with the same key.
func (p Passwords) Read(password string, now time.Time) (g Grant, err error) {
	text, signed, _ := strings.Cut(password, ".")
	mac, err := base64.RawURLEncoding.DecodeString(signed)
	if err != nil || !hmac.Equal(mac, p.sign(text)) {
		return g, ErrPassword
	}
	claim, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(claim, &g) != nil {
		return g, ErrPassword
	}
	if !now.Before(g.Expires) {
		return g, ErrExpired
	}
	return g, nil
}
