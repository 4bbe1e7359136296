package accesskey_test

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"flyball/internal/accesskey"
)

func TestAKeyNamesItsAccount(t *testing.T) {
	form := regexp.MustCompile(`^A[KS]IA[A-Z2-7]{16}$`)
	rapid.Check(t, func(t *rapid.T) {
		account := rapid.StringMatching(`[0-9]{12}`).Draw(t, "account")
		kind := rapid.SampledFrom([]string{accesskey.User, accesskey.Session}).Draw(t, "kind")
		id, secret := accesskey.New(kind, account)
		if got, ok := accesskey.Account(id); !ok || got != account {
			t.Errorf("%s names %q, want %s", id, got, account)
		}
		if got, ok := accesskey.Made(id); !ok || got != account {
			t.Errorf("%s was made for %q, want %s", id, got, account)
		}
		if !form.MatchString(id) || len(secret) != 40 {
			t.Errorf("got key %s and a secret of %d characters", id, len(secret))
		}
	})
}

func TestOtherTextsNameNoAccount(t *testing.T) {
	for _, id := range []string{"", "test", "123456789012", "AKIAIOSFODNN7EXAMPLE", "AKIA", "AKIA1111111111111111", "AROAQ3EGRIFDTDWIUPHM2", "ASIA7777777777777777"} {
		if account, ok := accesskey.Account(id); ok {
			t.Errorf("%q names %s", id, account)
		}
	}
}

func TestKeysOfAWSAreNotMadeHere(t *testing.T) {
	const id = "AKIAQYLPMN5HHHFPZAM2" // of an example in AWS's documentation
	if account, ok := accesskey.Account(id); !ok || account != "052310077262" {
		t.Errorf("%s names %q", id, account)
	}
	if _, ok := accesskey.Made(id); ok {
		t.Errorf("%s counts as made here", id)
	}
}

func TestIdentifiersHaveTheirForm(t *testing.T) {
	if id := accesskey.NewID("AROA"); !regexp.MustCompile(`^AROA[A-Z2-7]{17}$`).MatchString(id) {
		t.Errorf("got %s", id)
	}
}
