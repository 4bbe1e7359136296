// Package accesskey makes access keys, which name the account that they belong to.
// As AWS's own do, they carry the account in their characters, so that no table of
// all keys of all accounts is needed to find it.
package accesskey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
)

// The kinds of access keys ("Unique identifiers" of the IAM user guide).
const (
	User    = "AKIA" // of a user, until it is deleted
	Session = "ASIA" // of temporary credentials, which come with a session token
)

// After its kind, a key is 80 bits in base32: a mark, the account in 40 bits, 23
// random ones, and 16 that tell the keys made here from those that AWS made.
const (
	length   = 20
	mark     = 1 << 47
	reserved = 7 // random bits below the account, in the first 48
)

// New makes an access key of an account, which has 12 digits, and its secret. Keys
// that are made are not always different: who keeps them looks.
func New(kind, account string) (id, secret string) {
	var b [10]byte
	_, _ = rand.Read(b[:8]) // it never fails
	number, _ := strconv.ParseUint(account, 10, 40)
	head := mark | number<<reserved | uint64(b[5]&0x7f)
	binary.BigEndian.PutUint32(b[:4], uint32(head>>16))
	binary.BigEndian.PutUint16(b[4:6], uint16(head))
	sum := check(kind, b)
	copy(b[8:], sum[:])
	return kind + base32.StdEncoding.EncodeToString(b[:]), Secret()
}

// check is how a key made here ends.
func check(kind string, b [10]byte) [2]byte {
	sum := sha256.Sum256(append([]byte("flyball "+kind), b[:8]...))
	return [2]byte(sum[:2])
}

// Secret makes a secret access key.
func Secret() string {
	var b [30]byte
	_, _ = rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// Account is the account in an access key, whoever made it. It says nothing of
// whether there is such a key.
func Account(id string) (account string, ok bool) {
	_, b, ok := parse(id)
	if !ok {
		return "", false
	}
	head := uint64(binary.BigEndian.Uint32(b[:4]))<<16 | uint64(binary.BigEndian.Uint16(b[4:6]))
	number := head &^ mark >> reserved
	if head&mark == 0 || number > 999_999_999_999 {
		return "", false
	}
	return fmt.Sprintf("%012d", number), true
}

// Made is the account in an access key that New made: perhaps of a server that has
// ended, or before the key was deleted.
func Made(id string) (account string, ok bool) {
	kind, b, ok := parse(id)
	if !ok || check(kind, b) != [2]byte(b[8:]) {
		return "", false
	}
	return Account(id)
}

func parse(id string) (kind string, b [10]byte, ok bool) {
	if len(id) != length || id[:4] != User && id[:4] != Session {
		return "", b, false
	}
	n, err := base32.StdEncoding.Decode(b[:], []byte(id[4:]))
	return id[:4], b, err == nil && n == len(b)
}

// NewID makes the unique identifier of an IAM resource, such as a role's, which
// begins with AROA.
func NewID(kind string) string {
	var b [11]byte
	_, _ = rand.Read(b[:])
	return kind + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])[:17]
}
