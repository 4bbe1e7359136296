// Package session knows who has signed in to the console. A token, which is good once and for
// minutes, becomes a session, which a browser's cookie names: it acts as the access key that
// the token was made for.
package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"flyball/internal/state"
)

// kindSession is a session, by the hash of its cookie: who reads the store can be nobody by it.
var kindSession = state.Kind{Name: "console.session", Version: 1}

// How long tokens and sessions are good for, on the wall clock, and how many there are at most.
const (
	TokenLasts   = 5 * time.Minute
	Lasts        = 12 * time.Hour
	mostTokens   = 1000
	mostSessions = 1000
)

// A Session is one sign-in.
type Session struct {
	AccessKey string    // that it acts as; empty: of whoever needs none
	Expires   time.Time // on the wall clock
}

// Sessions are those of a server. Sessions outlast the server; tokens do not.
type Sessions struct {
	state *state.State
	wall  func() time.Time

	mu     sync.Mutex
	tokens map[string]Session // by their hashes

	rows *state.Table[Session] // guarded by the state's lock
}

// Open loads the sessions of earlier lives.
func Open(s *state.State, wall func() time.Time) (*Sessions, error) {
	rows, err := state.NewTable[Session](s, kindSession)
	return &Sessions{state: s, wall: wall, tokens: map[string]Session{}, rows: rows}, err
}

// ErrTooMany is the refusal of another token or session.
var ErrTooMany = errors.New("too many sign-ins are under way; wait some minutes")

// ErrSpent is the refusal of a token that was used before, has expired, or never was one.
var ErrSpent = errors.New("this sign-in link was used before or has expired; flyball console prints a new one")

// Token makes a token for an access key, and says until when it is good.
func (s *Sessions) Token(accessKey string) (token string, expires time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.wall()
	for hash, t := range s.tokens {
		if !now.Before(t.Expires) {
			delete(s.tokens, hash)
		}
	}
	if len(s.tokens) >= mostTokens {
		return "", time.Time{}, ErrTooMany
	}
	token, expires = rand.Text(), now.Add(TokenLasts)
	s.tokens[hashOf(token)] = Session{AccessKey: accessKey, Expires: expires}
	return token, expires, nil
}

// Redeem makes a session of a token, which is then spent, and returns what the cookie holds.
func (s *Sessions) Redeem(ctx context.Context, token string) (cookie string, session Session, err error) {
	session, ok := s.take(token)
	if !ok {
		return "", Session{}, ErrSpent
	}
	cookie = rand.Text()
	session.Expires = s.wall().Add(Lasts)
	err = s.state.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		s.sweep(tx)
		if s.rows.Len() >= mostSessions {
			return ErrTooMany
		}
		s.rows.Put(tx, hashOf(cookie), session)
		return nil
	})
	return cookie, session, err
}

// take spends a token.
func (s *Sessions) take(token string) (Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hash := hashOf(token)
	session, ok := s.tokens[hash]
	delete(s.tokens, hash)
	return session, ok && s.wall().Before(session.Expires)
}

// sweep removes the sessions that have expired.
func (s *Sessions) sweep(tx *state.Tx) {
	now := s.wall()
	for _, hash := range s.rows.Keys("") {
		if row, _ := s.rows.Get(hash); !now.Before(row.Expires) {
			s.rows.Delete(tx, hash)
		}
	}
}

// Find is the session that a cookie names, if it is one that has not ended.
func (s *Sessions) Find(ctx context.Context, cookie string) (session Session, ok bool) {
	s.state.View(ctx, func() { session, ok = s.rows.Get(hashOf(cookie)) })
	return session, ok && s.wall().Before(session.Expires)
}

// End ends the session that a cookie names.
func (s *Sessions) End(ctx context.Context, cookie string) error {
	return s.state.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		s.rows.Delete(tx, hashOf(cookie))
		return nil
	})
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
