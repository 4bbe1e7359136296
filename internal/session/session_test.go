package session

import (
	"errors"
	"testing"
	"time"

	"flyball/internal/state"
	"flyball/internal/store"
)

// A stopped clock is moved by tests.
type stopped struct{ now time.Time }

func (s *stopped) wall() time.Time { return s.now }

func open(t *testing.T) (*Sessions, *stopped, func() *Sessions) {
	t.Helper()
	kept, err := store.OpenSQLite(t.TempDir() + "/state.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	clock := &stopped{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	again := func() *Sessions {
		s, err := Open(state.New(kept), clock.wall)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return again(), clock, again
}

// signIn makes a session for a key.
func signIn(t *testing.T, s *Sessions, key string) (cookie string) {
	t.Helper()
	token, _, err := s.Token(key)
	if err != nil {
		t.Fatal(err)
	}
	cookie, _, err = s.Redeem(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

func TestATokenIsGoodOnceAndForMinutes(t *testing.T) {
	s, clock, _ := open(t)
	token, _, err := s.Token("AKIA")
	if err != nil {
		t.Fatal(err)
	}
	cookie, made, err := s.Redeem(t.Context(), token)
	if err != nil || made.AccessKey != "AKIA" {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, _, err := s.Redeem(t.Context(), token); !errors.Is(err, ErrSpent) {
		t.Errorf("a token was redeemed twice: %v", err)
	}
	if found, ok := s.Find(t.Context(), cookie); !ok || found.AccessKey != "AKIA" {
		t.Errorf("the session is %+v, %v", found, ok)
	}
	late, _, _ := s.Token("AKIA")
	clock.now = clock.now.Add(TokenLasts)
	for name, token := range map[string]string{"an expired token": late, "none": "", "the cookie": cookie, "another": "GUESS"} {
		if _, _, err := s.Redeem(t.Context(), token); !errors.Is(err, ErrSpent) {
			t.Errorf("%s was redeemed: %v", name, err)
		}
	}
}

func TestASessionEndsByItselfAndByHand(t *testing.T) {
	s, clock, _ := open(t)
	one, other := signIn(t, s, "AKIA"), signIn(t, s, "AKIB")
	if err := s.End(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Find(t.Context(), one); ok {
		t.Error("a session goes on that was ended")
	}
	clock.now = clock.now.Add(Lasts - time.Second)
	if _, ok := s.Find(t.Context(), other); !ok {
		t.Error("a session ended too early, or with another")
	}
	clock.now = clock.now.Add(time.Second)
	if _, ok := s.Find(t.Context(), other); ok {
		t.Error("a session goes on that has expired")
	}
}

func TestSessionsOutlastTheServerAndTokensDoNot(t *testing.T) {
	s, _, again := open(t)
	cookie := signIn(t, s, "AKIA")
	token, _, _ := s.Token("AKIA")
	s = again()
	if _, ok := s.Find(t.Context(), cookie); !ok {
		t.Error("a session ended with the server")
	}
	if _, _, err := s.Redeem(t.Context(), token); !errors.Is(err, ErrSpent) {
		t.Errorf("a token outlasted the server: %v", err)
	}
}

func TestTokensAndSessionsAreBounded(t *testing.T) {
	s, clock, _ := open(t)
	for range mostTokens {
		if _, _, err := s.Token("AKIA"); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Token("AKIA"); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more token: %v", err)
	}
	clock.now = clock.now.Add(TokenLasts)
	if _, _, err := s.Token("AKIA"); err != nil {
		t.Errorf("those that have expired count: %v", err)
	}
}
