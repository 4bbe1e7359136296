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
		id, secret := accesskey.New(kind, account, func(string) bool { return false })
		if got, ok := accesskey.Account(id); !ok || got != account {
			t.Errorf("%s names %q, want %s", id, got, account)
		}
		if !accesskey.Ours(id) {
			t.Errorf("%s is not known as ours", id)
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

func TestKeysOfAWSAreNotOurs(t *testing.T) {
	for _, id := range []string{"", "test", "123456789012", "AKIAIOSFODNN7EXAMPLE", "AKIAQYLPMN5HHHFPZAM2", "ASIAY34FZKBOKMUTVV7A", "ASIA7777777777777777"} {
		if accesskey.Ours(id) {
			t.Errorf("%q is taken for ours", id)
		}
	}
}

func TestAKeyIsNotMadeTwice(t *testing.T) {
	var refused []string
	id, _ := accesskey.New(accesskey.User, "123456789012", func(id string) bool {
		refused = append(refused, id)
		return len(refused) == 1
	})
	if len(refused) != 2 || id != refused[1] || id == refused[0] {
		t.Errorf("%s is made where %v were looked for", id, refused)
	}
}

func TestIdentifiersHaveTheirForm(t *testing.T) {
	if id := accesskey.NewID("AROA"); !regexp.MustCompile(`^AROA[A-Z2-7]{17}$`).MatchString(id) {
		t.Errorf("got %s", id)
	}
}
