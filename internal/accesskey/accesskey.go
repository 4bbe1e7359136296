// Package accesskey makes access keys, which name the account that they belong to.
// As AWS's own do, they carry the account in their characters, so that no table of
// all keys of all accounts is needed to find it.
package accesskey

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// The kinds of access keys ("Unique identifiers" of the IAM user guide).
const (
	User    = "AKIA" // of a user, until it is deleted
	Session = "ASIA" // of temporary credentials, which come with a session token
)

const (
	length   = 20 // of an access key
	marked   = 1 << 47
	reserved = 7 // random bits below the account
)

// New makes an access key of an account, which has 12 digits, and its secret.
func New(kind, account string) (id, secret string) {
	var b [10]byte
	_, _ = rand.Read(b[:]) // it never fails
	number, _ := strconv.ParseUint(account, 10, 40)
	head := marked | number<<reserved | uint64(b[5]&0x7f)
	binary.BigEndian.PutUint32(b[:4], uint32(head>>16))
	binary.BigEndian.PutUint16(b[4:6], uint16(head))
	return kind + base32.StdEncoding.EncodeToString(b[:]), Secret()
}

// Secret makes a secret access key.
func Secret() string {
	var b [30]byte
	_, _ = rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// Account is the account in an access key. It says nothing of whether there is
// such a key.
func Account(id string) (account string, ok bool) {
	rest, isUser := strings.CutPrefix(id, User)
	if !isUser {
		rest, ok = strings.CutPrefix(id, Session)
	}
	if !isUser && !ok || len(id) != length {
		return "", false
	}
	b, err := base32.StdEncoding.DecodeString(rest)
	if err != nil {
		return "", false
	}
	head := uint64(binary.BigEndian.Uint32(b[:4]))<<16 | uint64(binary.BigEndian.Uint16(b[4:6]))
	number := head &^ marked >> reserved
	if head&marked == 0 || number > 999_999_999_999 {
		return "", false
	}
	return fmt.Sprintf("%012d", number), true
}

// NewID makes the unique identifier of an IAM resource, such as a role's, which
// begins with AROA.
func NewID(kind string) string {
	var b [11]byte
	_, _ = rand.Read(b[:])
	return kind + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])[:17]
}
