// Package accesskey makes access keys, which name the account that they belong to.
// As AWS's own do, they carry the account in their characters, so that no table of
// all keys of all accounts is needed to find it. They also carry a mark of their own:
// one that exists no more is still told from a key of somewhere else.
package accesskey

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
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
	sumBits  = 12
)

// New makes an access key of an account, which has 12 digits, and its secret. It is
// not one of those that are taken.
func New(kind, account string, taken func(id string) bool) (id, secret string) {
	for id = newID(kind, account); taken(id); {
		id = newID(kind, account)
	}
	return id, Secret()
}

func newID(kind, account string) string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // it never fails
	number, _ := strconv.ParseUint(account, 10, 40)
	head := marked | number<<reserved | uint64(b[5]&0x7f)
	binary.BigEndian.PutUint32(b[:4], uint32(head>>16))
	binary.BigEndian.PutUint16(b[4:6], uint16(head))
	tail := binary.BigEndian.Uint32(b[6:]) >> sumBits << sumBits
	binary.BigEndian.PutUint32(b[6:], tail)
	binary.BigEndian.PutUint32(b[6:], tail|sum(kind, b))
	return kind + base32.StdEncoding.EncodeToString(b[:])
}

// sum is what the last bits of a key are, by those before them.
func sum(kind string, b [10]byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte("flyball "+kind)), crc32.IEEETable, b[:]) >> (32 - sumBits)
}

// Secret makes a secret access key.
func Secret() string {
	var b [30]byte
	_, _ = rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// Account is the account in an access key, of AWS's or of ours. It says nothing of
// whether there is such a key.
func Account(id string) (account string, ok bool) {
	_, b, ok := split(id)
	if !ok {
		return "", false
	}
	head := uint64(binary.BigEndian.Uint32(b[:4]))<<16 | uint64(binary.BigEndian.Uint16(b[4:6]))
	number := head &^ marked >> reserved
	if head&marked == 0 || number > 999_999_999_999 {
		return "", false
	}
	return fmt.Sprintf("%012d", number), true
}

// Ours tells keys that New has made from all others: of AWS's own, one in 4,096 is
// taken for ours.
func Ours(id string) bool {
	kind, b, ok := split(id)
	if !ok {
		return false
	}
	tail := binary.BigEndian.Uint32(b[6:])
	binary.BigEndian.PutUint32(b[6:], tail>>sumBits<<sumBits)
	return tail == tail>>sumBits<<sumBits|sum(kind, b)
}

// split parts an access key into its kind and what its characters stand for.
func split(id string) (kind string, b [10]byte, ok bool) {
	if len(id) != length {
		return "", b, false
	}
	kind = id[:len(User)]
	if kind != User && kind != Session {
		return "", b, false
	}
	_, err := base32.StdEncoding.Decode(b[:], []byte(id[len(kind):]))
	return kind, b, err == nil
}

// NewID makes the unique identifier of an IAM resource, such as a role's, which
// begins with AROA.
func NewID(kind string) string {
	var b [11]byte
	_, _ = rand.Read(b[:])
	return kind + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])[:17]
}
