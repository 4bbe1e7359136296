package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
)

// mostKeys bounds how many derived keys are kept, at about 300 bytes each. A server
// sees few: one for each credential, region and service of a day.
const mostKeys = 1024

// derivedFrom is what a key is derived from.
type derivedFrom struct{ secret, date, region, service string }

// key derives the key that signs for a day, a region and a service.
func (d derivedFrom) key() []byte {
	k := mac([]byte("AWS4"+d.secret), d.date)
	k = mac(k, d.region)
	k = mac(k, d.service)
	return mac(k, terminator)
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// keys are derived keys that have verified a signature. Those that have not are not
// kept, so that only holders of a secret can fill the place.
type keys struct {
	mu   sync.RWMutex
	kept map[derivedFrom][]byte
}

// find is a derived key, and whether it was kept.
func (k *keys) find(d derivedFrom) (key []byte, kept bool) {
	k.mu.RLock()
	key, kept = k.kept[d]
	k.mu.RUnlock()
	if kept {
		return key, true
	}
	return d.key(), false
}

// keep keeps a key. When there is no room left all are forgotten, at the price of
// deriving those in use once more.
func (k *keys) keep(d derivedFrom, key []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil || len(k.kept) >= mostKeys {
		k.kept = map[derivedFrom][]byte{}
	}
	k.kept[d] = key
}
