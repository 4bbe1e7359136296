package registry_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"flyball/internal/registry"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func TestAPasswordSaysForWhomItWasMade(t *testing.T) {
	p := registry.Passwords("key")
	want := registry.Grant{AccessKey: "AKIA", Account: "123456789012", Region: "us-east-1", Expires: now.Add(registry.PasswordLife)}
	got, err := p.Read(p.Issue(want), now.Add(registry.PasswordLife-1))
	if err != nil || got.AccessKey != want.AccessKey || got.Account != want.Account || got.Region != want.Region || got.Pull != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := p.Read(p.Issue(want), want.Expires); !errors.Is(err, registry.ErrExpired) {
		t.Errorf("after its time: %v", err)
	}
}

func TestAPasswordCannotBeForged(t *testing.T) {
	p := registry.Passwords("key")
	good := p.Issue(registry.Grant{AccessKey: "AKIA", Expires: now.Add(time.Hour)})
	claim, mac, _ := strings.Cut(good, ".")
	other := base64.RawURLEncoding.EncodeToString([]byte(`{"key":"root","expires":"2099-01-01T00:00:00Z"}`))
	for name, password := range map[string]string{
		"another key":      registry.Passwords("other").Issue(registry.Grant{Expires: now.Add(time.Hour)}),
		"another claim":    other + "." + mac,
		"no signature":     claim + ".",
		"no dot":           claim,
		"a part of one":    claim + "." + mac[:len(mac)-4],
		"more than one":    good + ".x",
		"nothing":          "",
		"a dot":            ".",
		"what is not text": "\xff\x00.\xff",
	} {
		if _, err := p.Read(password, now); !errors.Is(err, registry.ErrPassword) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzPasswordsRead(f *testing.F) {
	p := registry.Passwords("key")
	f.Add(p.Issue(registry.Grant{AccessKey: "AKIA", Expires: now.Add(time.Hour)}))
	f.Add(".")
	f.Fuzz(func(t *testing.T, password string) {
		if g, err := p.Read(password, now); err == nil && p.Issue(g) != password {
			t.Errorf("%q was read as %+v, whose password is another", password, g)
		}
	})
}
